"""The rate of learning: what it is at each step, and how an early end anneals."""

import math

import pytest

from ysmean.networks.learner import Fitting
from ysmean.training.rate import COOLING, Rate

SETTINGS = Fitting(learning_rate=0.01, weight_decay=0.5)


def test_it_warms_up_to_the_peak_and_follows_a_cosine_down_to_two_percent():
    rate = Rate(SETTINGS, 1000)
    assert rate(50) == pytest.approx(0.01) and rate(1) < 0.001
    assert rate(525) == pytest.approx(0.01 * 0.51)  # half way
    assert rate(1000) == pytest.approx(0.01 * 0.02)
    rates = [rate(step) for step in range(50, 1001)]
    assert rates == sorted(rates, reverse=True) and rate.last == 1000


def test_decay_over_all_steps_is_what_the_setting_says():
    for total in (100, 5000):
        rate = Rate(SETTINGS, total)
        left = math.prod(1 - rate(step) * rate.decay for step in range(1, total + 1))
        assert left == pytest.approx(math.exp(-0.5), rel=0.03)


def test_an_early_end_anneals_from_the_rate_of_the_best_step():
    rate = Rate(SETTINGS, 1000)
    at_best = rate(200)
    rate.cool(300, best=200)
    assert rate.last == 300 + round(COOLING * 200) and rate.cooling
    assert rate(301) == pytest.approx(at_best)
    rates = [rate(step) for step in range(301, rate.last + 1)]
    assert rates == sorted(rates, reverse=True)
    assert 0.01 * 0.02 <= rates[-1] < 0.05 * at_best


def test_an_early_end_never_takes_more_than_the_budget():
    rate = Rate(SETTINGS, 1000)
    rate.cool(990, best=900)
    assert rate.last == 1000 and rate(1000) > 0
