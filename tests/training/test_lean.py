"""Weights lean to one member where held-out events rank better and are as likely."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.training import lean

FLOOR = 0.01


def asked(gains, logs):
    """Return what four hundred questions gain by five means, with noise that all of them share."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (400, 1))
    own = rng.normal(0, 0.01, (400, 5))
    return lean.Asked(np.asarray(gains) + noise + own, np.asarray(logs) + 5 * noise + own)


EVERY = np.ones(400, bool)
BETTER = [0.3, 0.31, 0.32, 0.34, 0.33]


def test_the_lean_that_ranks_best_is_chosen():
    assert asked(BETTER, [-7.0] * 5).choose(EVERY) == 3


def test_a_lean_that_makes_events_less_likely_is_not():
    assert asked(BETTER, [-7.0, -7.0, -7.0, -7.1, -7.1]).choose(EVERY) == 2
    assert asked(BETTER, [-7.0, -7.1, -7.1, -7.1, -7.1]).choose(EVERY) == 0


def test_where_chance_could_tell_them_apart_as_well_nothing_leans():
    assert asked([0.3, 0.3, 0.3, 0.3, 0.3 + 1e-5], [-7.0] * 5).choose(EVERY) == 0
    assert asked(BETTER, [-7.0] * 5).choose(np.arange(400) < 99) == 0


def test_questions_without_an_answer_do_not_count():
    told = asked(BETTER, [-7.0] * 5)
    told.gains[:150], told.logs[:150] = 0.0, -np.inf
    assert told.choose(EVERY) == 3
    told.logs[150:320] = np.nan
    assert told.choose(EVERY) == 0  # 80 are too few


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_weights_that_lean_still_sum_to_one_above_the_floor(values):
    members = len(values)
    weights = FLOOR + (1 - FLOOR * members) * np.array(values) / sum(values)
    found = lean.leaning(weights, FLOOR)
    assert found.shape == (1 + members * len(lean.LEANS), members)
    np.testing.assert_array_equal(found[0], weights)
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found >= FLOOR - 1e-12).all()
    for member, rows in enumerate(np.split(found[1:], members)):
        assert (np.diff([weights[member], *rows[:, member]]) >= -1e-12).all()
        assert rows[-1, member] == pytest.approx(1 - FLOOR * (members - 1))


@pytest.mark.parametrize("abstains", [None, 1, 2])
def test_a_question_is_ranked_as_the_mean_of_each_lean_ranks_it(abstains):
    rng = np.random.default_rng(4)
    z = rng.normal(0, 2, (2, 7)).astype(np.float32)
    z[:, 3] = -np.inf  # not allowed
    own = z.sum(0)
    if abstains is not None:
        (z[1] if abstains == 1 else own)[:] = -np.inf
    weights = rng.dirichlet(np.ones(3), 4)
    gains, logs = lean.ask(z, own, weights, 5)
    for w, gain, log in zip(weights, gains, logs, strict=True):
        members = [m.astype(np.float64) for m in (*z, own)]
        mean, total = np.zeros(7), 0.0
        for share, member in zip(w, members, strict=True):
            if np.isfinite(member).any():
                mean += share * np.exp(member) / np.exp(member).sum()
                total += share
        mean /= total
        assert log == pytest.approx(np.log(mean[5]), rel=1e-5)
        assert gain == pytest.approx(1 / np.log2(1 + 1 + (mean > mean[5]).sum()))


def test_of_equal_items_those_before_the_target_stand_before_it():
    z = np.zeros((1, 4), np.float32)
    gains, _ = lean.ask(z, z[0], np.array([[0.5, 0.5]]), 2)
    assert gains[0] == pytest.approx(1 / np.log2(4))
