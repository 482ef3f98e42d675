"""Tiles: one segment each, and probabilities given A whatever lies outside of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ysmean.mean.tile import Tile, conditional, log_sum_exp


def tile_of(z, allowed):
    return Tile(np.arange(z.shape[1]), 0, allowed, [z], np.isfinite(z).any(0)[None] * np.float32(1))


@given(st.integers(0, 2**32 - 1))
def test_the_tiles_part_the_classes_by_segment_and_hold_their_own_logits(seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 3, (2, 3, 17))
    cold = rng.random(17) < rng.choice([0, 0.3, 1])
    size = int(rng.integers(1, 20))
    s = reference.stream(z, rng.random((3, 17)) < 0.8, cold=cold, tile_size=size)
    classes = np.concatenate([tile.classes for tile in s.tiles()])
    np.testing.assert_array_equal(np.sort(classes), np.arange(17))
    for tile in s.tiles():
        assert (cold[tile.classes] == bool(tile.segment)).all()
        assert tile.allowed.shape == tile.logits[0].shape == (3, len(tile.classes))
        for k in range(2):
            np.testing.assert_allclose(tile.logits[k], z[k][:, tile.classes], rtol=1e-6)


@pytest.mark.parametrize("outside", [0.0, 300.0, -300.0])
def test_what_lies_outside_of_a_changes_no_probability_inside(outside):
    z = np.array([[1.0, 2.0, outside, 3.0, -np.inf]], np.float32)
    allowed = np.array([[True, True, False, False, True]])
    normalizers = np.full((1, 1, 2), np.log(np.exp(1.0) + np.exp(2.0)))
    p = conditional(tile_of(z, allowed), 0, normalizers)
    np.testing.assert_allclose(p[0, :2], np.exp([1.0, 2.0] - normalizers[0, 0, 0]), rtol=1e-6)
    assert not p[0, 2:].any()


def test_a_tile_without_any_class_of_a_says_nothing_however_low_the_others_are():
    z = np.array([[5.0, 6.0]], np.float32)
    normalizers = np.full((1, 1, 2), -1e6)
    p = conditional(tile_of(z, np.zeros((1, 2), bool)), 0, normalizers)
    assert not p.any()


def test_a_log_sum_is_exact_far_from_zero_and_minus_infinity_of_nothing():
    z = np.array([[1000.0, 1000.0], [-1000.0, -np.inf], [-np.inf, -np.inf]], np.float32)
    np.testing.assert_allclose(log_sum_exp(z), [1000 + np.log(2), -1000, -np.inf])


@given(st.integers(0, 2**32 - 1))
def test_classes_are_found_in_the_tile_that_holds_them(seed):
    rng = np.random.default_rng(seed)
    cold = rng.random(17) < 0.4
    s = reference.stream(np.zeros((1, 2, 17)), np.ones((2, 17), bool), cold=cold, tile_size=5)
    asked = rng.integers(-1, 17, (2, 4)).astype(np.int32)
    found = np.full(asked.shape, -1)
    for tile in s.tiles():
        b, n, column = tile.find(asked)
        assert (found[b, n] == -1).all()
        found[b, n] = tile.classes[column]
    np.testing.assert_array_equal(found, asked)
