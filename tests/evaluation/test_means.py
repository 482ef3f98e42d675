"""Every row of an evaluation is the mean that a plain computation gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from strategies import proportions_for, streams
from ysmean.data.histories import COHORTS
from ysmean.evaluation.means import answer, means
from ysmean.mean.topk import top_k_of_mean


def fitted(s, consensus, seed):
    """Draw proportions, with the exponents of a consensus or without one."""
    p = proportions_for(s, seed)
    if not consensus:
        return p
    rng = np.random.default_rng(seed)
    networks, count = len(s.heads), len(COHORTS)
    return type(p)(
        (*p.names, "consensus"),
        rng.dirichlet(np.ones(networks + 1), size=(2, count)),
        p.temperatures,
        p.cold_odds,
        rng.uniform(0.1, 1.5, (2, count, networks)),
        p.weights,
    )


def naive_product(s, exponents, left):
    """Exponents (B, K, 2) where only some networks are left: as sharp as before."""
    found = np.zeros((s.allowed.shape[0], len(s.heads), 2))
    for b, _, segment in np.ndindex(len(found), 1, 2):
        answering = s.answering[b, :, segment]
        here = answering & left
        if here.sum() >= 2:
            a = exponents[b, :, segment]
            found[b, here, segment] = a[here] * a[answering].sum() / a[here].sum()
    return found


def naive_rows(s, p, cohorts):
    """Yield the name and the mean (B, N) of every row, then those without each member."""
    members, networks = len(p.names), len(s.heads)
    weights, everything = p.weights[:, cohorts], np.ones(networks, bool)

    def mean(v, left=everything):
        if p.exponents is None:
            return reference.mean(s, v, p.cold_odds)[0]
        a = np.moveaxis(p.exponents[:, cohorts], 0, 2)
        own = reference.consensus(s, naive_product(s, a, left))
        return reference.mean(s, v, p.cold_odds, own)[0]

    def alike(v):
        return np.broadcast_to(v, weights.shape)

    for name, one in zip(p.names, np.eye(members), strict=True):
        yield name, mean(alike(one))
    yield "mean-equal", mean(alike(np.arange(members) < networks))
    if p.exponents is not None:
        yield "mean-pure", reference.mean(s, p.pure_weights[:, cohorts], p.cold_odds)[0]
    yield "mean", mean(weights)
    for m in range(members):
        yield m, mean(weights * (np.arange(members) != m), everything & (np.arange(networks) != m))


def agrees(rank, scores, target):
    """Whether a rank is right, but for scores that single precision cannot tell apart."""
    score = scores[target]
    above = scores > score * (1 + 1e-3) + 1e-12
    level = scores >= score * (1 - 1e-3) - 1e-12
    return above.sum() < rank <= max(level.sum(), 1)


@given(streams(), st.booleans(), st.integers(0, 99))
def test_rows_with_and_without_each_member_are_the_naive_means(s, consensus, seed):
    p = fitted(s, consensus, seed)
    rng = np.random.default_rng(seed)
    batch, size = s.allowed.shape
    cohorts = rng.integers(len(COHORTS), size=batch)
    targets = rng.integers(size, size=batch).astype(np.int32)
    found = answer(p, s, cohorts, targets)
    rows = list(naive_rows(s, p, cohorts))
    assert [name for name, _ in rows[: -len(p.names)]] == [*p.names, *means(p)]
    for row, (name, scores) in enumerate(rows):
        for b, target in enumerate(targets):
            if isinstance(name, int):
                rank = found.without[name, b]
            else:
                rank = found.standing.ranks[row, b]
                probability = found.standing.probabilities[row, b]
                assert probability == pytest.approx(scores[b, target], rel=1e-3, abs=1e-9)
                top = found.standing.top_scores[row, b]
                expected = np.sort(scores[b])[::-1][: len(top)]
                np.testing.assert_allclose(top[: len(expected)], expected, rtol=1e-3, atol=1e-9)
            if scores[b, target] > 1e-30:
                assert agrees(rank, scores[b], target)
            elif not s.allowed.tile(0, size)[b, target]:
                assert rank == 0


@given(streams(), st.integers(0, 99))
def test_the_fitted_mean_is_the_one_that_requests_are_answered_with(s, seed):
    p = fitted(s, True, seed)
    batch, size = s.allowed.shape
    cohorts = np.random.default_rng(seed).integers(len(COHORTS), size=batch)
    joined = p.join(s, cohorts)
    weights = p.resolve(cohorts, joined.answering, joined.normalizers[2])
    top = top_k_of_mean(joined, weights, size)
    for target in range(size):
        found = answer(p, s, cohorts, np.full(batch, target, np.int32))
        np.testing.assert_allclose(found.weights, weights.sum(2), atol=1e-12)
        for b in range(batch):
            assert (found.standing.ranks[-1, b] > 0) == (target in top.classes[b])
