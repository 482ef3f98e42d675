"""Kept encodings: the same as made anew, at most so many, and none for what is shown otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

import worlds
import ysmean as ym
from ysmean.data.batch import MAX_HISTORY
from ysmean.networks import dot
from ysmean.networks.dot import SHORT
from ysmean.networks.encodings import Encodings


def squares(shown):
    """Encode a row as the squares of its numbers."""
    return np.concatenate([*shown.values()], axis=1).astype(np.float32) ** 2


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 2)), min_size=1, max_size=6)


@given(st.lists(rows, max_size=8), st.integers(0, 5))
def test_what_is_kept_equals_what_is_made_whatever_was_asked_before(batches, size):
    encodings = Encodings(size)
    for batch in batches:
        numbers = np.array(batch, np.int32)
        shown = {"tokens": numbers[:, :1], "gaps": numbers[:, 1:]}
        np.testing.assert_array_equal(encodings(shown, squares), numbers.astype(np.float32) ** 2)
        assert len(encodings) <= size


def test_only_what_is_not_kept_is_encoded_and_the_longest_unasked_is_forgotten():
    counts = []
    encodings = Encodings(2, lambda kept, made: counts.append((kept, made)))
    for batch in ([1, 2], [1], [3], [1, 2]):  # 3 displaces 2
        encodings({"tokens": np.array(batch, np.int32)[:, None]}, squares)
    assert counts == [(0, 2), (1, 0), (0, 1), (1, 1)]


def test_a_kept_encoding_does_not_hold_its_batch():
    encodings, shown = Encodings(1), {"tokens": np.arange(64, dtype=np.int32)[:, None]}
    encodings(shown, squares)
    (kept,) = encodings._kept.values()
    assert kept.base is None


QUICK = ym.Fitting(batch=64, max_steps=2)
SPECS = [
    ym.Recurrent(width=8, blocks=1, fitting=QUICK),
    ym.Sequential(width=8, blocks=1, fitting=QUICK),
    ym.Content(width=8, hidden=8, blocks=1, fitting=QUICK),
]


@pytest.fixture(scope="module", params=SPECS, ids=lambda spec: spec.kind)
def fitted(request):
    s = ym.simulate(seed=1, users=30, items=300, events=3000)
    return worlds.fit_spec(request.param, s.events, s.items, s.users)


def asked(data, length):
    """Ask for the last events of the longest histories, `length` events of which are shown."""
    offsets = data.histories.offsets
    ends = offsets[1:][np.diff(offsets) > 70] - 1
    assert len(ends) > 2
    return data.questions(ends).cut(length).batch()


@pytest.mark.parametrize("length", [0, 1, SHORT - 1, SHORT, SHORT + 1, 70])
def test_short_histories_are_encoded_as_if_they_were_padded(fitted, length, monkeypatch):
    network, data = fitted
    assert network.history > SHORT
    batch = asked(data, length)
    short = network.queries(batch)
    monkeypatch.setattr(dot, "SHORT", MAX_HISTORY)
    np.testing.assert_allclose(short, network.queries(batch), rtol=1e-4, atol=1e-5)


def test_a_gap_beyond_the_longest_one_is_shown_as_that_and_encoded_the_same(fitted):
    network, data = fitted
    if "gaps" not in network.takes:
        return
    batch = asked(data, 9)
    late = replace(batch, gaps=batch.gaps + (np.arange(batch.gaps.shape[1]) >= 127) * 2**28)
    later = replace(late, gaps=np.where(late.gaps > 2**27, late.gaps + 60, late.gaps))
    assert (late.gaps != later.gaps).any()
    for a, b in zip(network.shown(late).values(), network.shown(later).values(), strict=True):
        np.testing.assert_array_equal(a, b)
    arrays = {name: late.arrays()[name] for name in network.encoder.input}
    whole = ops.convert_to_numpy(network.encoder(arrays, training=False))
    np.testing.assert_allclose(network.queries(late), whole, rtol=1e-4, atol=1e-5)


def test_an_event_changes_what_is_shown(fitted):
    network, data = fitted
    encodings = Encodings(100)
    for length in (3, 4):
        batch = asked(data, length)
        kept = encodings(network.shown(batch), network._encode)
        np.testing.assert_allclose(kept, network.queries(batch), rtol=1e-5, atol=1e-6)
