"""Exponents are fitted to the optimum of a likelihood that a general optimiser agrees on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

import reference
from ysmean.mean.exponents import LEAST, fit_exponents, moments
from ysmean.mean.held import Centred, hold
from ysmean.training.consensus import in_product


def world(seed, n=60, size=12, networks=3, truth=(0.8, 0.4, 0.0)):
    """Return a stream of random networks, and targets drawn from their product."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (networks, n, size))
    allowed = rng.random((n, size)) < 0.8
    allowed[:, 0] = True
    s = reference.stream(z, allowed, tile_size=5)
    a = np.tile(np.array(truth)[None, :, None], (n, 1, 2))
    p = reference.consensus(s, a)
    targets = np.array([rng.choice(size, p=row / row.sum()) for row in p])
    return s, targets.astype(np.int32)


def evaluator(s, targets, problems, count):
    held = hold(s)[0]
    centred = Centred.of(held)

    def evaluate(a):
        taking_part = in_product(a[problems], centred.answering)
        return moments(centred, taking_part, held.columns(targets), problems, count)

    return evaluate


def log_likelihood(s, targets, a):
    p = reference.log2_consensus(s, np.tile(a[None, :, None], (len(targets), 1, 2)))
    return p[np.arange(len(targets)), targets].sum() * np.log(2)


@given(st.integers(0, 500))
@settings(max_examples=15)
def test_newton_reaches_the_optimum_that_a_general_optimiser_finds(seed):
    s, targets = world(seed)
    centre, precision = np.full((1, 3), 0.3), 0.5 * np.eye(3)[None]
    problems = np.zeros(len(targets), np.int64)

    def loss(a):
        off = a - centre[0]
        return -log_likelihood(s, targets, a) + off @ precision[0] @ off / 2

    best = minimize(loss, centre[0], bounds=[(LEAST, None)] * 3, method="L-BFGS-B").fun
    found, _ = fit_exponents(evaluator(s, targets, problems, 1), centre, precision)
    assert (found >= LEAST - 1e-12).all()
    assert loss(found[0]) <= best + 1e-3


def test_the_moments_are_the_derivatives_of_the_likelihood():
    s, targets = world(3)
    a, step = np.array([0.7, 0.3, 0.2]), 1e-4
    problems = np.zeros(len(targets), np.int64)
    evaluate = evaluator(s, targets, problems, 1)
    found = evaluate(a[None])
    assert found.likelihood[0] == pytest.approx(log_likelihood(s, targets, a), rel=1e-5)
    for k, one in enumerate(np.eye(3)):
        up, down = (log_likelihood(s, targets, a + sign * step * one) for sign in (1, -1))
        assert found.gradient[0, k] == pytest.approx((up - down) / (2 * step), rel=1e-3, abs=1e-2)
        slopes = [evaluate((a + sign * 1e-2 * one)[None]).gradient[0] for sign in (1, -1)]
        np.testing.assert_allclose(
            -found.curvature[0, k], (slopes[0] - slopes[1]) / 2e-2, rtol=1e-2, atol=0.1
        )


def test_exponents_that_made_the_data_are_recovered():
    s, targets = world(0, n=4000)
    evaluate = evaluator(s, targets, np.zeros(len(targets), np.int64), 1)
    found, _ = fit_exponents(evaluate, np.full((1, 3), 1 / 3), np.eye(3)[None])
    np.testing.assert_allclose(found[0], [0.8, 0.4, 0.0], atol=0.05)


def test_problems_are_fitted_apart_and_those_without_questions_stay_at_the_prior():
    s, targets = world(1, n=200)
    problems = (np.arange(200) % 2).astype(np.int64)
    centre, precision = np.full((3, 3), 0.25), np.tile(np.eye(3), (3, 1, 1))
    together, found = fit_exponents(evaluator(s, targets, problems, 3), centre, precision)
    np.testing.assert_allclose(together[2], centre[2])
    assert list(found.counts) == [100, 100, 0]
    for p in range(2):
        alone, _ = fit_exponents(
            evaluator(s, targets, np.where(problems == p, 0, 1), 2), centre[:2], precision[:2]
        )
        np.testing.assert_allclose(together[p], alone[0], atol=1e-2)
