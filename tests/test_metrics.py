from __future__ import annotations

import math
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean import metrics
from ysmean.errors import ConfigError, DataError
from ysmean.metrics import bootstrap

RANKS = st.lists(st.integers(0, 60), min_size=1, max_size=40)
K = st.integers(1, 50)
VALUES = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=1, max_size=40)


def test_a_target_at_rank_three_gains_half() -> None:
    assert metrics.ndcg([3], 10).tolist() == [0.5]  # 1 / log2(4)


def test_a_hand_computed_table() -> None:
    ranks = np.array([1, 2, 3, 10, 11, 0], np.int32)
    gains = [1, 1 / math.log2(3), 0.5, 1 / math.log2(11), 0, 0]
    np.testing.assert_allclose(metrics.ndcg(ranks, 10), gains, rtol=1e-15)
    assert metrics.hit_rate(ranks, 10).tolist() == [1, 1, 1, 1, 0, 0]
    reciprocals = [1, 1 / 2, 1 / 3, 1 / 10, 1 / 11, 0]
    np.testing.assert_allclose(metrics.reciprocal_rank(ranks), reciprocals, rtol=1e-15)


# ranx stands on numba, which warns about its own casts and compiles for longer than it computes.
@pytest.mark.filterwarnings("ignore:unsafe cast from uint64 to int64")
def test_ranx_measures_the_same_on_random_rankings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    import ranx

    rng = np.random.default_rng(3)
    items = 30
    orders = [rng.permutation(items) for _ in range(200)]
    targets = rng.integers(items, size=200)
    qrels = ranx.Qrels({f"q{q}": {f"i{target}": 1} for q, target in enumerate(targets)})
    run = ranx.Run(
        {
            f"q{q}": {f"i{item}": float(items - place) for place, item in enumerate(order)}
            for q, order in enumerate(orders)
        }
    )
    theirs = ranx.evaluate(
        qrels, run, ["ndcg@10", "hit_rate@10", "hit_rate@1", "mrr"], return_mean=False
    )
    ranks = np.array(
        [order.tolist().index(target) + 1 for order, target in zip(orders, targets, strict=True)]
    )
    by_query = [int(name[1:]) for name in run.run]
    for name, ours in (
        ("ndcg@10", metrics.ndcg(ranks, 10)),
        ("hit_rate@10", metrics.hit_rate(ranks, 10)),
        ("hit_rate@1", metrics.hit_rate(ranks, 1)),
        ("mrr", metrics.reciprocal_rank(ranks)),
    ):
        np.testing.assert_allclose(ours[by_query], theirs[name], rtol=1e-12, err_msg=name)


@given(RANKS, K)
def test_gain_never_exceeds_a_hit_and_a_hit_never_exceeds_one(ranks: list[int], k: int) -> None:
    gain, hit = metrics.ndcg(ranks, k), metrics.hit_rate(ranks, k)
    assert (gain >= 0).all()
    assert (gain <= hit).all()
    assert (hit <= 1).all()


@given(RANKS, K)
def test_a_longer_list_never_measures_less(ranks: list[int], k: int) -> None:
    assert (metrics.ndcg(ranks, k + 1) >= metrics.ndcg(ranks, k)).all()
    assert (metrics.hit_rate(ranks, k + 1) >= metrics.hit_rate(ranks, k)).all()


@given(RANKS)
def test_a_list_of_one_measures_the_same_in_three_ways(ranks: list[int]) -> None:
    hit = metrics.hit_rate(ranks, 1)
    assert metrics.ndcg(ranks, 1).tolist() == hit.tolist()
    assert (metrics.reciprocal_rank(ranks) == 1).tolist() == (hit == 1).tolist()


@given(st.integers(1, 1000), K)
def test_a_better_rank_never_measures_less(rank: int, k: int) -> None:
    for measured in (
        metrics.ndcg([rank, rank + 1], k),
        metrics.hit_rate([rank, rank + 1], k),
        metrics.reciprocal_rank([rank, rank + 1]),
    ):
        assert measured[0] >= measured[1]


def test_an_unranked_target_counts_zero_everywhere() -> None:
    assert metrics.ndcg([0], 10)[0] == 0
    assert metrics.hit_rate([0], 10)[0] == 0
    assert metrics.reciprocal_rank([0])[0] == 0


def test_no_requests_give_no_values() -> None:
    assert metrics.ndcg(np.zeros(0, np.int64), 10).shape == (0,)
    assert metrics.reciprocal_rank([]).shape == (0,)


def test_the_likelihood_is_over_targets_with_a_probability() -> None:
    assert metrics.mean_nll([0.5, 0.0, 0.25]) == pytest.approx(1.5 * math.log(2))


def test_without_any_probability_there_is_no_likelihood() -> None:
    assert metrics.mean_nll([0.0, 0.0]) is None
    assert metrics.mean_nll([]) is None


def test_coverage_counts_each_item_once_and_padding_never() -> None:
    assert metrics.coverage([[0, 1], [1, 3], [-1, -1]], 4) == 0.75
    assert metrics.coverage([[-1, -1]], 4) == 0


@given(st.lists(st.lists(st.integers(-1, 9), min_size=3, max_size=3), min_size=1))
def test_coverage_is_a_share_and_more_lists_never_cover_less(lists: list[list[int]]) -> None:
    shares = [metrics.coverage(lists[:n], 10) for n in range(1, len(lists) + 1)]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] <= 1


@given(VALUES, st.integers(0, 5))
def test_the_interval_holds_the_mean_and_stays_within_the_values(
    values: list[float], seed: int
) -> None:
    lo, hi = metrics.bootstrap_interval(values, seed=seed)
    slack = 1e-9 * max(1.0, np.abs(values).max())
    assert min(values) - slack <= lo <= np.mean(values) + slack
    assert np.mean(values) - slack <= hi <= max(values) + slack


@given(VALUES, st.floats(0.1, 0.8))
def test_a_higher_level_gives_an_interval_around_the_lower_one(
    values: list[float], level: float
) -> None:
    narrow = metrics.bootstrap_interval(values, level=level)
    wide = metrics.bootstrap_interval(values, level=level + 0.1)
    slack = 1e-9
    assert wide[0] <= narrow[0] + slack
    assert wide[1] >= narrow[1] - slack


def test_the_interval_is_as_wide_as_the_normal_one_on_many_values() -> None:
    values = np.random.default_rng(0).normal(2.0, 3.0, 4000)
    lo, hi = metrics.bootstrap_interval(values, resamples=4000)
    error = values.std() / math.sqrt(4000)
    assert lo == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert hi == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    values = np.random.default_rng(0).random(50)
    assert metrics.bootstrap_interval(values, 1) == metrics.bootstrap_interval(values, 1)
    assert metrics.bootstrap_interval(values, 1) != metrics.bootstrap_interval(values, 2)


def test_chunks_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(30)
    whole = metrics.bootstrap_interval(values)
    monkeypatch.setattr(bootstrap, "DRAWS_AT_ONCE", 7)
    assert metrics.bootstrap_interval(values) == whole


def test_an_interval_over_six_thousand_requests_takes_no_time() -> None:
    values = np.random.default_rng(0).random(6040)
    began = time.perf_counter()
    metrics.bootstrap_interval(values)
    assert time.perf_counter() - began < 1.0  # 0.06 s on two cores; the room is for busy machines


def test_a_calibrated_forecast_has_no_error() -> None:
    confidence = np.repeat([0.2, 0.5, 0.8], 10)
    correct = np.concatenate([np.arange(10) < ten * 10 for ten in (0.2, 0.5, 0.8)])
    assert metrics.expected_calibration_error(confidence, correct, bins=3) == pytest.approx(0)


def test_a_hand_computed_calibration_error() -> None:
    # Bins {0.1, 0.3} and {0.6, 0.8}: |0.2 - 0| and |0.7 - 0.5|, half the requests each.
    error = metrics.expected_calibration_error([0.6, 0.1, 0.8, 0.3], [1, 0, 0, 0], bins=2)
    assert error == pytest.approx(0.2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_a_calibration_error_lies_between_the_overall_gap_and_one(
    answers: list[tuple[float, bool]],
) -> None:
    confidence, correct = np.array(answers, float).T
    error = metrics.expected_calibration_error(confidence, correct)
    assert abs(confidence.mean() - correct.mean()) - 1e-12 <= error <= 1 + 1e-12


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ([-1, 2], "ranks has -1; expected 1 for the best, 0 for not ranked"),
        ([0.5], "ranks has the type float64; expected whole numbers"),
        ([[1, 2]], r"ranks has the shape \(1, 2\); expected \(n,\)"),
    ],
)
def test_ranks_that_cannot_be_are_refused(ranks: npt.ArrayLike, message: str) -> None:
    with pytest.raises(DataError, match=message):
        metrics.ndcg(ranks, 10)


def test_probabilities_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match=r"probabilities runs from -0\.1 to 0\.5; expected 0 to 1"):
        metrics.mean_nll([-0.1, 0.5])
    with pytest.raises(DataError, match=r"probabilities\[1\] is nan; expected finite numbers"):
        metrics.mean_nll([0.1, math.nan])
    with pytest.raises(DataError, match="confidence has 2 values and correct 1"):
        metrics.expected_calibration_error([0.1, 0.2], [1])


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="k=0; expected the length of a list"):
        metrics.ndcg([1], 0)
    with pytest.raises(ConfigError, match="catalogue=0; expected the number of items"):
        metrics.coverage([[0]], 0)
    with pytest.raises(DataError, match="names 3 classes; expected at most the 2 items"):
        metrics.coverage([[0, 1, 2]], 2)
    with pytest.raises(ConfigError, match="resamples=0"):
        metrics.bootstrap_interval([1.0], resamples=0)
    with pytest.raises(ConfigError, match="level=95; expected a share between 0 and 1"):
        metrics.bootstrap_interval([1.0], level=95)
    with pytest.raises(ConfigError, match="bins=0"):
        metrics.expected_calibration_error([0.1], [1], bins=0)
    with pytest.raises(DataError, match="values is empty"):
        metrics.bootstrap_interval([])


def test_reliability_sorts_requests_into_bins_of_equal_mass():
    found = metrics.reliability([0.4, 0.1, 0.3, 0.2], [1, 0, 1, 0], bins=2)
    assert found.stated.tolist() == pytest.approx([0.15, 0.35])
    assert found.observed.tolist() == [0, 1] and found.counts.tolist() == [2, 2]
    assert found.error == pytest.approx((2 * 0.15 + 2 * 0.65) / 4)


def test_percentiles_count_smaller_values_and_half_of_equal_ones():
    found = metrics.percentiles([5, 0, 5, 1])
    assert found.tolist() == [0.75, 0.125, 0.75, 0.375]
    assert found.mean() == 0.5
    assert len(metrics.percentiles([])) == 0


def test_perfect_calibration_stays_below_its_limit_19_times_in_20():
    rng = np.random.default_rng(1)
    confidence = rng.random(400) ** 3
    limit = metrics.calibration_error_limit(confidence, draws=400)
    below = [
        metrics.expected_calibration_error(confidence, rng.random(400) < confidence) <= limit
        for _ in range(400)
    ]
    assert 0.91 < np.mean(below) < 0.985
    too_sure = [
        metrics.expected_calibration_error(confidence, rng.random(400) < confidence / 2) <= limit
        for _ in range(20)
    ]
    assert not any(too_sure)
    assert limit == metrics.calibration_error_limit(rng.permutation(confidence), draws=400)
    with pytest.raises(DataError, match="confidence is empty"):
        metrics.calibration_error_limit([])


def test_holm_corrects_a_hand_computed_table():
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert metrics.holm([0.6, 0.9]).tolist() == [1.0, 1.0]
    assert metrics.holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrected_p_values_keep_their_order_and_never_fall(p_values):
    p, corrected = np.array(p_values), metrics.holm(p_values)
    assert (corrected >= p).all() and (corrected <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
    assert corrected.min() == pytest.approx(min(1.0, len(p) * p.min()))
