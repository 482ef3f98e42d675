"""The consensus: a product of the networks' opinions, as one more member of the mean."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from strategies import exponents_for, streams
from ysmean.mean.consensus import Joined, contributions, product
from ysmean.mean.tile import conditional, log_sum_exp
from ysmean.mean.topk import top_k_of_mean


def join(s, a, scale=None):
    return Joined(s, product(a, s.answering, scale))


def alone(joined):
    """Return the consensus's own distribution (B, N)."""
    y = np.zeros(joined.allowed.shape)
    for tile in joined.tiles():
        last = len(tile.logits) - 1
        y[:, tile.classes] = conditional(tile, last, joined.normalizers[0])
    return y


def last_answers(joined):
    return joined.answering[:, -1].any(1)


@given(streams(), st.integers(0, 99))
def test_it_sums_to_one_over_the_allowed_set_of_each_segment_where_it_answers(s, seed):
    joined = join(s, exponents_for(s, seed))
    y = alone(joined)
    assert not y[~s.allowed.tile(0, y.shape[1])].any()
    for segment, inside in enumerate((~s.cold, s.cold)):
        expected = joined.answering[:, -1, segment].astype(float)
        assert y[:, inside].sum(1) == pytest.approx(expected, abs=1e-5)


@given(streams(), st.integers(0, 99))
def test_it_is_the_naive_product(s, seed):
    joined = join(s, exponents_for(s, seed))
    expected = reference.consensus(s, joined.product)
    np.testing.assert_allclose(alone(joined), expected, rtol=3e-4, atol=1e-7)


@given(streams(extreme=True), st.integers(0, 99))
def test_nothing_is_ever_nan_or_infinite(s, seed):
    joined = join(s, exponents_for(s, seed))
    top = top_k_of_mean(joined, np.full((s.allowed.shape[0], len(s.heads) + 1, 2), 0.2), 5)
    assert np.isfinite(top.scores).all() and np.isfinite(top.parts).all()
    assert np.isfinite(joined.evidence(top.classes)).all()


@given(streams(), st.integers(0, 99), st.permutations(range(4)))
def test_the_order_of_networks_is_irrelevant(s, seed, order):
    order = [k for k in order if k < len(s.heads)]
    shuffled = replace(
        s, heads=[s.heads[k] for k in order], temperatures=s.temperatures[order], _kept=[]
    )
    a = exponents_for(s, seed)
    np.testing.assert_allclose(
        alone(join(shuffled, a[:, order])), alone(join(s, a)), rtol=1e-3, atol=1e-7
    )


@given(streams(), st.integers(0, 3))
def test_with_exponent_one_for_one_network_and_zero_for_the_others_it_is_that_network(s, k):
    k = min(k, len(s.heads) - 1)
    s = replace(s, temperatures=np.ones_like(s.temperatures), _kept=[])
    a = np.zeros((s.allowed.shape[0], len(s.heads), 2))
    a[:, k] = 1.0
    joined = join(s, a)
    y, expected = alone(joined), np.zeros(s.allowed.shape)
    for tile in s.tiles():
        expected[:, tile.classes] = conditional(tile, k, s.normalizers[0])
    for segment, inside in enumerate((~s.cold, s.cold)):
        enough = s.answering[:, :, segment].sum(1) >= 2
        assert not y[~enough][:, inside].any()
        np.testing.assert_allclose(
            y[enough][:, inside], expected[enough][:, inside], rtol=1e-4, atol=1e-7
        )


@given(streams(), st.integers(0, 99))
def test_with_fewer_than_two_answering_networks_it_abstains(s, seed):
    joined = join(s, exponents_for(s, seed) + 0.1)
    enough = s.answering.sum(1) >= 2  # (B, 2)
    np.testing.assert_array_equal(joined.answering[:, -1], enough)
    assert not joined.product.any(1)[~enough].any()


@given(streams(), st.integers(0, 99), st.integers(0, 3))
def test_a_scale_of_zero_removes_a_network_and_keeps_the_sharpness(s, seed, k):
    k = min(k, len(s.heads) - 1)
    scale = np.where(np.arange(len(s.heads)) == k, 0.0, 1.0)
    a = exponents_for(s, seed) + 0.1
    scaled, plain = product(a, s.answering, scale), product(a, s.answering)
    assert not scaled[:, k].any()
    others = np.delete(s.answering, k, axis=1)
    left = others.sum(1) >= 2
    np.testing.assert_allclose(scaled.sum(1)[left], plain.sum(1)[left])
    assert not scaled.any(1)[~left].any()


@given(streams(), st.integers(0, 99))
def test_equal_scales_change_nothing(s, seed):
    a = exponents_for(s, seed)
    scaled = product(a, s.answering, np.full(len(s.heads), 7.0))
    np.testing.assert_allclose(scaled, product(a, s.answering))


def test_doubling_a_network_doubles_its_exponent_beside_the_others():
    a = np.array([0.6, 0.3, 0.1])[None, :, None]
    answering = np.ones((1, 3, 1), bool)
    scaled = product(a, answering, np.array([1.0, 2.0, 1.0]))[0, :, 0]
    np.testing.assert_allclose(scaled, np.array([0.6, 0.6, 0.1]) / 1.3)
    answering[0, 2] = False
    np.testing.assert_allclose(product(a, answering)[0, :, 0], [0.6, 0.3, 0.0])


@given(streams(), st.integers(0, 99))
def test_evidence_adds_up_to_its_log_probability_less_the_mean_of_it(s, seed):
    joined = join(s, exponents_for(s, seed))
    size = s.allowed.shape[1]
    every = np.tile(np.arange(size, dtype=np.int32), (s.allowed.shape[0], 1))
    bits = joined.evidence(every).sum(2)
    expected = reference.log2_consensus(s, joined.product)
    allowed = s.allowed.tile(0, size)
    for b, segment in np.ndindex(len(every), 2):
        member = allowed[b] & (s.cold == bool(segment)) & np.isfinite(expected[b])
        if member.any():
            centred = expected[b, member] - expected[b, member].mean()
            scale = max(1.0, np.abs(centred).max())
            np.testing.assert_allclose(bits[b, member], centred, atol=1e-4 * scale)


@given(streams(), st.integers(0, 99))
def test_a_request_alone_equals_itself_in_a_batch(s, seed):
    a = exponents_for(s, seed)
    together, bits = alone(join(s, a)), join(s, a).evidence(_every(s))
    allowed = s.allowed.tile(0, s.allowed.shape[1])
    for b in range(len(allowed)):
        heads = [
            reference.head(h.scores(0, allowed.shape[1])[[b]], h.answers[[b]], h.coverage, h.prior)
            for h in s.heads
        ]
        one = replace(
            s, heads=heads, allowed=reference.allowed_sets(allowed[[b]]), tile_size=None, _kept=[]
        )
        joined = join(one, a[[b]])
        np.testing.assert_allclose(alone(joined)[0], together[b], rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(joined.evidence(_every(one))[0], bits[b], rtol=1e-3, atol=1e-4)


def _every(s):
    return np.tile(np.arange(s.allowed.shape[1], dtype=np.int32), (s.allowed.shape[0], 1))


@given(streams(), st.integers(0, 99), st.integers(1, 9))
def test_tiles_do_not_matter(s, seed, size):
    a = exponents_for(s, seed)
    tiled = replace(s, tile_size=size, _kept=[])
    np.testing.assert_allclose(alone(join(tiled, a)), alone(join(s, a)), rtol=1e-3, atol=1e-7)


def test_ignorance_is_no_veto():
    z = np.array([[[2.0, 1.0, 0.0]], [[3.0, -3.0, 0.0]]])
    coverage = [np.ones(3, bool), np.array([True, True, False])]
    s = reference.stream(z, np.ones((1, 3), bool), coverage=coverage)
    y = alone(join(s, np.ones((1, 2, 2))))[0]
    np.testing.assert_allclose(y, reference.softmax(np.array([5.0, -2.0, 0.0])), rtol=1e-5)


@given(st.integers(0, 1000))
def test_contributions_sum_to_one_over_the_networks(seed):
    rng = np.random.default_rng(seed)
    shares, evidence = rng.dirichlet(np.full(4, 0.5), 6), rng.normal(0, 3, (6, 3))
    found = contributions(shares, evidence)
    assert found.sum(1) == pytest.approx(np.ones(6))
    assert (found >= shares[:, :-1] - 1e-12).all()


def test_contributions_spread_the_consensus_by_positive_evidence_alone():
    shares = np.array([0.1, 0.2, 0.1, 0.6])
    found = contributions(shares, np.array([3.0, 1.0, -2.0]))
    np.testing.assert_allclose(found, [0.1 + 0.45, 0.2 + 0.15, 0.1])
    without = contributions(shares, np.array([-3.0, -1.0, 0.0]))
    np.testing.assert_allclose(without, [0.25, 0.5, 0.25])
    lone = contributions(np.array([0.0, 0.0, 1.0]), np.array([-1.0, 0.0]))
    np.testing.assert_allclose(lone, [0.5, 0.5])


def test_the_log_normalizer_of_the_consensus_is_that_of_its_logits():
    z = np.random.default_rng(0).normal(0, 2, (3, 4, 20))
    joined = join(reference.stream(z, np.ones((4, 20), bool)), np.full((4, 3, 2), 0.4))
    (tile,) = joined.tiles()
    np.testing.assert_allclose(
        joined.normalizers[0][:, 3, 0], log_sum_exp(tile.logits[3]), rtol=1e-12
    )
