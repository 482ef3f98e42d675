"""Recurrent: the recurrence itself, what it sees, and that it learns order."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import worlds
import ysmean as ym
from ysmean.networks import recurrent
from ysmean.networks.recurrent import GatedRecurrence, recurrence

LONG = ym.Fitting(batch=128, max_steps=400, max_epochs=99, patience=20, learning_rate=5e-3)
SMALL = {"width": 16, "history": 8, "blocks": 1, "dropout": 0.1}


def begun(events, **settings):
    _, training, held_out = worlds.material(events)
    learner = ym.Recurrent(**{**SMALL, **settings}).begin(training, 0)
    return learner, training.histories, held_out


def states(learner, tokens):
    """Return the states of an untrained model, (B, T, d)."""
    layer = learner.model.get_layer("norm")
    model = keras.Model(learner.model.input["tokens"], layer.output)
    return ops.convert_to_numpy(model(np.asarray(tokens, np.int32)))


def naive(kept, added):
    h, states = np.zeros_like(added[:, 0]), []
    for t in range(added.shape[1]):
        h = kept[:, t] * h + added[:, t]
        states.append(h)
    return np.stack(states, axis=1)


@pytest.mark.parametrize("as_tree", [True, False])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_the_recurrence_equals_a_loop_over_places(as_tree, length, monkeypatch):
    monkeypatch.setattr(recurrent, "as_tree", lambda: as_tree)
    rng = np.random.default_rng(length)
    kept = rng.random((3, length, 4), np.float32)
    added = rng.normal(size=(3, length, 4)).astype(np.float32)
    got = ops.convert_to_numpy(recurrence(kept, added))
    np.testing.assert_allclose(got, naive(kept, added), rtol=1e-5, atol=1e-6)


def test_the_layer_equals_the_formula_and_skips_places_without_an_item():
    rng = np.random.default_rng(0)
    both = rng.normal(size=(1, 5, 6)).astype(np.float32)
    tokens = np.array([[0, 2, 0, 1, 3]], np.int32)
    got = ops.convert_to_numpy(GatedRecurrence()(both, tokens))[0]
    h = np.zeros(3)
    for t in range(5):
        if tokens[0, t]:
            z = 1 / (1 + np.exp(-both[0, t, :3]))
            h = (1 - z) * h + z * both[0, t, 3:]
        np.testing.assert_allclose(got[t], h, rtol=1e-5, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_states_stay_between_the_candidates_and_zero(seed):
    rng = np.random.default_rng(seed)
    both = (5 * rng.normal(size=(2, 6, 8))).astype(np.float32)
    tokens = rng.integers(0, 3, (2, 6)).astype(np.int32)
    got = ops.convert_to_numpy(GatedRecurrence()(both, tokens))
    candidates = both[..., 4:]
    least = np.minimum(candidates.min(1, keepdims=True), 0)
    most = np.maximum(candidates.max(1, keepdims=True), 0)
    assert (got >= least - 1e-5).all() and (got <= most + 1e-5).all()


def test_no_state_depends_on_what_comes_after_it():
    learner, *_ = begun(worlds.markov_chain())
    tokens = np.array([[0, 0, 3, 1, 4, 1, 5, 9]])
    changed = tokens.copy()
    changed[0, 6:] = [2, 6]
    a, b = states(learner, tokens), states(learner, changed)
    np.testing.assert_allclose(a[:, :6], b[:, :6], atol=1e-6)
    assert np.abs(a[:, 6:] - b[:, 6:]).min(1).max() > 1e-3


def test_the_request_sees_all_of_its_history():
    learner, *_ = begun(worlds.markov_chain())
    whole = states(learner, [[1, 2, 3, 4, 5, 6, 7, 8]])[:, -1]
    for place in range(8):
        tokens = np.array([[1, 2, 3, 4, 5, 6, 7, 8]])
        tokens[0, place] = 9
        assert np.abs(states(learner, tokens)[:, -1] - whole).max() > 1e-5


def test_it_learns_what_only_the_item_before_the_last_can_tell():
    rows = {f"u{u}": [f"s{u % 2}", "x", f"e{u % 2}"] * 2 for u in range(60)}
    network, data = worlds.fit_spec(ym.Recurrent(**SMALL, fitting=LONG), worlds.table(rows))
    p = worlds.probabilities(
        network, data, [ym.Request(history=["s0", "x"]), ym.Request(history=["s1", "x"])]
    )
    e0, e1 = data.catalogue.classes(["e0", "e1"])
    assert p[0, e0] > 0.9 and p[1, e1] > 0.9
