"""What holds for any mix of members, masks, scales and abstentions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from strategies import proportions_for, streams
from ysmean.mean.held import hold
from ysmean.mean.ranks import log_probabilities, standing
from ysmean.mean.topk import largest, top_k_of_mean


def resolve(s, p, scale=None, stated=None):
    cohorts = np.zeros(s.allowed.shape[0], np.int64)
    return p.resolve(cohorts, s.answering, s.normalizers[2], scale, stated)


def whole(s, weights):
    """Return the mean over all classes (B, N) by asking for everything."""
    top = top_k_of_mean(s, weights, s.allowed.shape[1])
    y = np.zeros(s.allowed.shape)
    for b, count in enumerate(top.counts):
        y[b, top.classes[b, :count]] = top.scores[b, :count]
    return y


@given(streams(), st.integers(0, 99))
def test_the_mean_sums_to_one_over_the_allowed_set_or_is_empty(s, seed):
    y = whole(s, resolve(s, proportions_for(s, seed)))
    answered = s.answering.any((1, 2))
    assert y.sum(1) == pytest.approx(answered.astype(float), abs=1e-5)
    assert not y[~s.allowed.tile(0, y.shape[1])].any()


@given(streams(), st.integers(0, 99))
def test_the_mean_equals_the_naive_one(s, seed):
    p = proportions_for(s, seed)
    v = np.repeat(p.weights[:, :1], s.allowed.shape[0], axis=1)
    expected, _ = reference.mean(s, v, p.cold_odds)
    np.testing.assert_allclose(whole(s, resolve(s, p)), expected, rtol=3e-5, atol=1e-8)


@given(streams(extreme=True))
def test_nothing_is_ever_nan_or_infinite(s):
    p = proportions_for(s)
    top = top_k_of_mean(s, resolve(s, p), 5)
    assert np.isfinite(top.scores).all() and np.isfinite(top.parts).all()


@given(streams(), st.integers(1, 40))
def test_top_k_is_the_naive_sort_of_its_own_scores(s, k):
    weights = resolve(s, proportions_for(s))
    scores = np.full(s.allowed.shape, -1.0)
    everything = top_k_of_mean(s, weights, s.allowed.shape[1])
    for b, count in enumerate(everything.counts):
        scores[b, everything.classes[b, :count]] = everything.scores[b, :count]
    top = top_k_of_mean(s, weights, k)
    for b, count in enumerate(top.counts):
        assert list(top.classes[b, :count]) == reference.best(scores[b], k)
        assert (top.classes[b, count:] == -1).all()


@given(streams())
def test_a_request_alone_equals_itself_in_a_batch(s):
    from dataclasses import replace

    weights = resolve(s, proportions_for(s))
    together = whole(s, weights)
    allowed = s.allowed.tile(0, s.allowed.shape[1])
    for b in range(len(allowed)):
        heads = [
            reference.head(h.scores(0, allowed.shape[1])[[b]], h.answers[[b]], h.coverage, h.prior)
            for h in s.heads
        ]
        alone = replace(
            s, heads=heads, allowed=reference.allowed_sets(allowed[[b]]), tile_size=None, _kept=[]
        )
        np.testing.assert_allclose(whole(alone, weights[[b]])[0], together[b], rtol=1e-5, atol=1e-9)


@given(streams(), st.integers(0, 3))
def test_a_network_scaled_by_1e12_equals_that_network_alone_where_it_answers(s, k):
    k = min(k, len(s.heads) - 1)
    p = proportions_for(s)
    scale = np.where(np.arange(len(s.heads)) == k, 1e12, 1.0)
    scaled, alone = resolve(s, p, scale), np.eye(len(s.heads))[k]
    expected = resolve(s, p, stated=alone)
    for segment in range(2):
        speaks = s.answering[:, k, segment]
        for weights in scaled[speaks][:, :, segment]:
            np.testing.assert_allclose(weights / weights.sum(), alone, atol=1e-9)
    answers_everywhere = (s.answering[:, k] | ~s.answering.any(1)).all(1)
    np.testing.assert_allclose(
        whole(s, scaled)[answers_everywhere], whole(s, expected)[answers_everywhere], atol=1e-6
    )


@given(streams(), st.integers(0, 3))
def test_absolute_weights_naming_one_network_equal_it_everywhere(s, k):
    k = min(k, len(s.heads) - 1)
    p = proportions_for(s)
    only = np.zeros((2, s.allowed.shape[0], len(s.heads)))
    only[:, :, k] = 1.0
    expected, _ = reference.mean(s, only, p.cold_odds)
    y = whole(s, resolve(s, p, stated=np.eye(len(s.heads))[k]))
    np.testing.assert_allclose(y, expected, rtol=3e-5, atol=1e-8)


@given(streams())
def test_equal_weights_are_the_plain_mean_of_the_conditional_softmaxes_by_segment(s):
    p = proportions_for(s)
    y = whole(s, resolve(s, p, stated=np.ones(len(s.heads))))
    size = s.allowed.shape[1]
    allowed = s.allowed.tile(0, size)
    for b in range(len(y)):
        omegas, means = [], []
        for segment, inside in enumerate((~s.cold, s.cold)):
            softmaxes = [
                reference.conditional(
                    (h.scores(0, size)[b] + (h.prior if segment == 0 else 0)) / t[segment],
                    allowed[b] & inside & h.coverage,
                )
                for h, t in zip(s.heads, s.temperatures, strict=True)
                if h.answers[b]
            ]
            answering = [q for q in softmaxes if q.any()]
            if answering:
                means.append(np.mean(answering, axis=0))
                omegas.append([1.0, p.cold_odds][segment] * (allowed[b] & inside).sum())
        total = sum(omegas)
        expected = sum((o / total * m for o, m in zip(omegas, means, strict=True)), np.zeros(size))
        np.testing.assert_allclose(y[b], expected, rtol=1e-4, atol=1e-8)


@given(streams(), st.permutations(range(4)))
def test_the_order_of_networks_is_irrelevant(s, order):
    from dataclasses import replace

    order = [k for k in order if k < len(s.heads)]
    p = proportions_for(s)
    shuffled = replace(
        s, heads=[s.heads[k] for k in order], temperatures=s.temperatures[order], _kept=[]
    )
    q = replace(p, weights=p.weights[:, :, order], temperatures=p.temperatures[order])
    y = whole(shuffled, resolve(shuffled, q))
    np.testing.assert_allclose(y, whole(s, resolve(s, p)), rtol=1e-5, atol=1e-8)


@given(streams(), st.floats(1e-6, 1e6))
def test_weights_are_free_of_scale(s, factor):
    p = proportions_for(s)
    stated = np.random.default_rng(1).random(len(s.heads)) + 0.01
    a, b = resolve(s, p, stated=stated), resolve(s, p, stated=stated * factor)
    np.testing.assert_allclose(a, b, atol=1e-9)


@given(streams())
def test_parts_add_up_to_the_score(s):
    top = top_k_of_mean(s, resolve(s, proportions_for(s)), 5)
    np.testing.assert_allclose(top.parts.sum(2), top.scores, rtol=1e-5, atol=1e-9)


@given(streams())
def test_a_scale_of_zero_removes_a_network(s):
    scale = np.ones(len(s.heads))
    scale[0] = 0.0
    assert not resolve(s, proportions_for(s), scale)[:, 0].any()


@given(streams(), st.integers(0, 2**32 - 1))
def test_ranks_and_probabilities_are_those_of_the_whole_mean(s, seed):
    p = proportions_for(s)
    weights = resolve(s, p)
    targets = np.random.default_rng(seed).integers(0, s.allowed.shape[1], s.allowed.shape[0])
    found = standing(hold(s), weights[None], targets.astype(np.int32), k=3)
    top = top_k_of_mean(s, weights, s.allowed.shape[1])
    for b, target in enumerate(targets):
        ranked = list(top.classes[b, : top.counts[b]])
        assert found.ranks[0, b] == (ranked.index(target) + 1 if target in ranked else 0)
        if target in ranked:
            score = top.scores[b, ranked.index(target)]
            assert found.probabilities[0, b] == pytest.approx(score, rel=1e-5, abs=1e-12)
        head = [c for c in found.top_classes[0, b] if c >= 0]
        assert head == ranked[: len(head)] and len(head) == min(3, len(ranked))


@given(streams(), st.integers(0, 2**32 - 1))
def test_target_log_probabilities_are_the_members_conditional_ones(s, seed):
    size = s.allowed.shape[1]
    targets = np.random.default_rng(seed).integers(0, size, s.allowed.shape[0]).astype(np.int32)
    logs = log_probabilities(s, targets[:, None])[:, 0]
    allowed = s.allowed.tile(0, size)
    for b, target in enumerate(targets):
        segment = int(s.cold[target])
        inside = allowed[b] & (s.cold == s.cold[target])
        for k, h in enumerate(s.heads):
            z = (h.scores(0, size)[b] + (0 if segment else h.prior)) / s.temperatures[k, segment]
            p = reference.conditional(z, inside & h.coverage)[target] if h.answers[b] else 0.0
            if p > 1e-30:
                assert logs[b, k] == pytest.approx(np.log(p), rel=1e-4, abs=1e-4)
            elif p == 0:
                assert logs[b, k] == -np.inf or logs[b, k] < -60


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0]), min_size=1, max_size=12),
    st.integers(1, 14),
)
def test_largest_takes_the_lowest_columns_among_equals(scores, k):
    row = np.array([scores], np.float32)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    assert list(largest(row, k)[0]) == sorted(order[:k])
