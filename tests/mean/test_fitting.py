"""Proportions are fitted to the optimum, and only as far as the data goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from ysmean.mean.fitting import (
    FLOOR,
    fit_cohorts,
    fit_cold_odds,
    fit_temperatures,
    fit_weights,
)


def some_probabilities(seed, n=200, networks=3):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(networks, 0.3), n) * rng.random((n, 1)) * 0.1 + 1e-6


def log_posterior(u, p, strength, prior, floor):
    v = floor + (1 - len(u) * floor) * u
    return np.log(p @ v).sum() + strength * (prior * np.log(u)).sum()


@given(st.integers(0, 1000), st.sampled_from([0.0, 5.0, 50.0]))
def test_em_reaches_the_optimum_that_a_general_optimiser_finds(seed, strength):
    p = some_probabilities(seed)
    prior = np.full(3, 1 / 3)

    def loss(z):
        u = np.exp(z - z.max())
        return -log_posterior(u / u.sum(), p, strength, prior, FLOOR)

    best = -minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-8}).fun
    u = (fit_weights(p, prior, strength=strength) - FLOOR) / (1 - 3 * FLOOR)
    found = log_posterior(np.maximum(u, 1e-300), p, strength, prior, FLOOR)
    assert found >= best - 2e-4 * len(p)


@given(st.integers(0, 1000))
def test_weights_sum_to_one_and_stay_above_the_floor(seed):
    v = fit_weights(some_probabilities(seed))
    assert v.sum() == pytest.approx(1)
    assert (v >= FLOOR - 1e-12).all()


def test_the_better_network_gets_the_most():
    p = np.tile([0.1, 0.01, 0.001], (500, 1))
    assert fit_weights(p, strength=0) == pytest.approx([1 - 2 * FLOOR, FLOOR, FLOOR], abs=1e-3)
    assert fit_weights(p)[0] > 0.9


def test_complementary_networks_share_by_how_often_each_is_right():
    p = np.array([[0.5, 1e-6]] * 700 + [[1e-6, 0.5]] * 300)
    assert fit_weights(p, strength=0)[0] == pytest.approx(0.7, abs=0.01)


def test_the_scale_of_a_request_does_not_matter():
    p = some_probabilities(1)
    np.testing.assert_allclose(
        fit_weights(p), fit_weights(p * np.geomspace(1e-6, 1, len(p))[:, None]), atol=1e-4
    )


def test_without_requests_the_prior_stands():
    prior = np.array([0.5, 0.3, 0.2])
    expected = FLOOR + (1 - 3 * FLOOR) * prior
    np.testing.assert_allclose(fit_weights(np.zeros((0, 3)), prior), expected, atol=1e-6)


def test_a_network_that_always_abstains_gets_the_floor_alone():
    p = some_probabilities(2)
    p[:, 1] = 0
    assert fit_weights(p, strength=0)[1] == pytest.approx(FLOOR, abs=1e-3)


def test_cohorts_differ_where_data_says_so_and_follow_the_whole_otherwise():
    first, second = np.tile([0.1, 0.001], (400, 1)), np.tile([0.001, 0.1], (400, 1))
    p = np.concatenate([first, second])
    cohorts = np.repeat([0, 1], 400)
    whole = cohorts == 1
    weights = fit_cohorts(p, cohorts, whole, ~whole, count=3)
    assert weights[0, 0] > 0.8 and weights[1, 1] > 0.8
    assert weights[2, 1] > 0.8  # nobody asked: as the whole histories


def test_cut_histories_give_way_to_those_that_people_had():
    first, second = np.array([0.1, 0.001]), np.array([0.001, 0.1])
    p = np.concatenate([np.tile(first, (2000, 1)), np.tile(second, (400, 1))])
    cohorts, cut = np.zeros(2400, int), np.arange(2400) < 2000
    whole = np.zeros(2400, bool)
    assert fit_cohorts(p, cohorts, whole, cut, count=1)[0, 1] > 0.8
    alone = fit_cohorts(p[cut], cohorts[cut], whole[cut], cut[cut], count=1)
    assert alone[0, 0] > 0.8  # where there are no others they are all that is known


def drawn(logits, seed=0):
    """Return targets drawn from the softmax of logits."""
    rng = np.random.default_rng(seed)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return np.array([rng.choice(len(row), p=row) for row in p])


def log_p(logits, targets):
    top = logits.max(1, keepdims=True)
    z = logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))
    return z[np.arange(len(targets)), targets]


def test_the_temperature_of_a_network_alone_is_recovered():
    z = np.random.default_rng(0).normal(0, 2, (4000, 20))
    targets = drawn(z)
    found = fit_temperatures(lambda t: log_p(z * 2.5 / t[0], targets)[:, None], 1)
    assert found[0] == pytest.approx(2.5, rel=0.1)


def test_a_network_whose_misses_another_covers_stays_sharp():
    # The first knows two targets in three exactly and is sure of a wrong one otherwise; the
    # second knows nothing. Alone, the first has to hedge; in the mixture it does not.
    n, size = 3000, 50
    rng = np.random.default_rng(0)
    targets = rng.integers(size, size=n)
    said = np.where(rng.random(n) < 2 / 3, targets, (targets + 1) % size)
    sharp = 12.0 * (np.arange(size)[None] == said[:, None])

    def both(t):
        flat = np.full(n, -np.log(size))
        return np.stack([log_p(sharp / t[0], targets), flat], axis=1)

    alone = fit_temperatures(lambda t: both(t)[:, :1], 1)
    together = fit_temperatures(both, 2)
    assert alone[0] > 2 and together[0] < 0.7 * alone[0]


def test_a_network_that_answers_nothing_keeps_temperature_one():
    assert fit_temperatures(lambda t: np.full((5, 1), -np.inf), 1)[0] == pytest.approx(1.0)


def test_cold_odds_are_estimated_from_cold_targets():
    rng = np.random.default_rng(0)
    counts = np.stack([np.full(20_000, 900), np.full(20_000, 100)], axis=1)
    rho = 0.5
    chance = rho * 100 / (rho * 100 + 900)
    assert fit_cold_odds(rng.random(20_000) < chance, counts, 0.2) == pytest.approx(rho, rel=0.1)


def test_without_cold_targets_the_default_odds_stand():
    counts = np.array([[900, 100]] * 50)
    assert fit_cold_odds(np.zeros(50, bool), counts, 0.2) == 0.2
