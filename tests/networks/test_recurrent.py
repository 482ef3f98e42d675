"""Recurrent: the recurrence itself, what it sees, and that it learns order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import worlds
import ysmean as ym
from ysmean.networks import recurrent
from ysmean.networks.recurrent import GatedRecurrence, doubled, recurrence

LONG = ym.Fitting(batch=128, max_steps=400, max_epochs=99, patience=20, learning_rate=5e-3)
SMALL = {"width": 16, "history": 8, "blocks": 1, "dropout": 0.1}


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
    for found in (recurrence(kept, added, length), doubled(kept, added, length)):
        got = ops.convert_to_numpy(found)
        np.testing.assert_allclose(got, naive(kept, added), rtol=1e-5, atol=1e-6)


def test_the_layer_equals_the_formula_and_skips_places_without_an_item():
    rng = np.random.default_rng(0)
    both = rng.normal(size=(1, 5, 6)).astype(np.float32)
    tokens = np.array([[0, 2, 0, 1, 3]], np.int32)
    got = ops.convert_to_numpy(GatedRecurrence(5)(both, tokens))[0]
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
    got = ops.convert_to_numpy(GatedRecurrence(6)(both, tokens))
    candidates = both[..., 4:]
    least = np.minimum(candidates.min(1, keepdims=True), 0)
    most = np.maximum(candidates.max(1, keepdims=True), 0)
    assert (got >= least - 1e-5).all() and (got <= most + 1e-5).all()


def test_it_learns_what_only_the_item_before_the_last_can_tell():
    rows = {f"u{u}": [f"s{u % 2}", "x", f"e{u % 2}"] * 2 for u in range(60)}
    network, data = worlds.fit_spec(ym.Recurrent(**SMALL, fitting=LONG), worlds.table(rows))
    p = worlds.probabilities(
        network, data, [ym.Request(history=["s0", "x"]), ym.Request(history=["s1", "x"])]
    )
    e0, e1 = data.catalogue.classes(["e0", "e1"])
    assert p[0, e0] > 0.9 and p[1, e1] > 0.9
