"""What is held in memory is what the streams say, segment by segment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from strategies import exponents_for, streams
from ysmean.mean.consensus import product
from ysmean.mean.held import Centred, chunk_of, combined, hold, log_probability, softmax


@given(streams())
def test_each_segment_holds_its_classes_and_silence_is_minus_infinity(s):
    allowed = s.allowed.tile(0, s.allowed.shape[1])
    for segment, held in enumerate(hold(s)):
        side = s.cold == bool(segment)
        assert held.classes.tolist() == np.flatnonzero(side).tolist()
        np.testing.assert_array_equal(held.counts, allowed[:, side].sum(1))
        for k, h in enumerate(s.heads):
            z = h.scores(0, len(side)) + (0 if segment else h.prior)
            known = allowed & h.coverage & h.answers[:, None]
            expected = np.where(known, z / s.temperatures[k, segment], -np.inf)[:, side]
            np.testing.assert_allclose(held.logits[:, k], expected, rtol=1e-5, atol=1e-6)
            assert held.answering[:, k].tolist() == known[:, side].any(1).tolist()


@given(streams())
def test_softmaxes_are_the_conditional_distributions(s):
    for held in hold(s):
        if len(held.classes):
            for z in held.logits:
                for found, row in zip(softmax(z), z, strict=True):
                    expected = reference.conditional(row, np.isfinite(row))
                    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-30)


@given(streams(), st.integers(0, 99))
def test_the_product_of_what_is_held_is_the_naive_consensus(s, seed):
    a = product(exponents_for(s, seed) + 0.1, s.answering)
    expected = reference.log2_consensus(s, a) * np.log(2)
    for segment, held in enumerate(hold(s)):
        if not len(held.classes):
            continue
        z = combined(Centred.of(held), (a * s.temperatures)[:, :, segment])
        for b, row in enumerate(z):
            for column, c in enumerate(held.classes):
                found = log_probability(row[None], column)[0]
                if expected[b, c] == -np.inf:
                    assert found == -np.inf
                else:
                    assert found == pytest.approx(expected[b, c], rel=1e-3, abs=1e-3)


def test_as_many_requests_are_held_as_memory_allows():
    assert [chunk_of(n) for n in (0, 50, 4096, 12_101, 54_542, 10**7)] == [256, 256, 256, 64, 16, 1]
