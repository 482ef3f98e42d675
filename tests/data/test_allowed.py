"""Allowed sets: every tile, and every single target, agrees with sets of Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.allowed import AllowedSets

NAN = float("nan")
moments = st.sampled_from([NAN, 1.0, 2.0, 3.0])


@st.composite
def made(draw):
    """Draw allowed sets (B, N) of every ingredient."""
    batch, size = draw(st.integers(1, 5)), draw(st.integers(1, 9))

    def listed(strategy, length):
        return draw(st.lists(strategy, min_size=length, max_size=length))

    masks = tuple(np.array(listed(st.booleans(), size)) for _ in range(draw(st.integers(0, 2))))
    pairs = draw(st.lists(st.tuples(st.integers(0, batch - 1), st.integers(0, size - 1))))
    bounds = [draw(st.none() | st.just(listed(moments, size))) for _ in range(2)]
    return AllowedSets(
        np.array(listed(st.booleans(), size)),
        np.array(listed(st.integers(-1, len(masks) - 1), batch)),
        masks,
        np.array([row for row, _ in pairs], np.int64),
        np.array([c for _, c in pairs], np.int32),
        np.array(listed(moments, batch)),
        *(None if b is None else np.array(b) for b in bounds),
    )


def naive(sets):
    """Decide every request and class by itself."""
    left_out = set(zip(sets.rows.tolist(), sets.classes.tolist(), strict=True))

    def allows(row, c):
        mask, at = int(sets.mask_of[row]), float(sets.at[row])
        early = sets.available_from is not None and at < sets.available_from[c]
        late = sets.available_until is not None and at >= sets.available_until[c]
        masked = mask >= 0 and not sets.masks[mask][c]
        return bool(sets.base[c]) and not (masked or early or late or (row, c) in left_out)

    batch, size = sets.shape
    return [[allows(row, c) for c in range(size)] for row in range(batch)]


@given(made(), st.data())
def test_a_tile_holds_what_deciding_every_class_by_itself_finds(sets, data):
    size = sets.shape[1]
    lo = data.draw(st.integers(0, size))
    hi = data.draw(st.integers(lo, size))
    assert sets.tile(lo, hi).tolist() == [row[lo:hi] for row in naive(sets)]


@given(made(), st.data())
def test_contains_agrees_with_the_tile_at_every_target(sets, data):
    batch, size = sets.shape
    targets = data.draw(st.lists(st.integers(0, size - 1), min_size=batch, max_size=batch))
    found = sets.contains(np.array(targets, np.int32)).tolist()
    assert found == sets.tile(0, size)[np.arange(batch), targets].tolist()
    assert found == [row[c] for row, c in zip(naive(sets), targets, strict=True)]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (9.0, [False, True, True]),
        (10.0, [True, True, True]),
        (19.9, [True, True, True]),
        (20.0, [True, False, True]),
        (NAN, [True, True, True]),
    ],
)
def test_an_item_is_available_from_its_first_moment_until_just_before_its_last(at, expected):
    sets = AllowedSets(
        base=np.ones(3, bool),
        mask_of=np.array([-1]),
        masks=(),
        rows=np.empty(0, np.int64),
        classes=np.empty(0, np.int32),
        at=np.array([at]),
        available_from=np.array([10.0, NAN, NAN]),
        available_until=np.array([NAN, 20.0, NAN]),
    )
    assert sets.tile(0, 3).tolist() == [expected]


def test_asking_changes_nothing():
    base, mask = np.ones(3, bool), np.array([True, False, True])
    left_out = np.array([0, 0]), np.array([2, 0], np.int32)
    sets = AllowedSets(base, np.array([0, -1]), (mask,), *left_out, np.full(2, NAN))
    for _ in range(2):
        assert sets.tile(0, 3).tolist() == [[False, False, False], [True, True, True]]
        assert sets.contains(np.array([0, 0])).tolist() == [False, True]
    assert base.all() and mask.tolist() == [True, False, True]


@given(made(), st.lists(st.integers(0, 9), max_size=7))
def test_the_sets_of_named_requests_are_their_rows_as_often_as_they_are_named(sets, rows):
    batch, size = sets.shape
    chosen = np.array(rows, np.int64) % batch
    some = sets[chosen]
    assert some.shape == (len(rows), size)
    np.testing.assert_array_equal(some.tile(0, size), sets.tile(0, size)[chosen])
