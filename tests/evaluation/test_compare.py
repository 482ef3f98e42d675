import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean import metrics
from ysmean.errors import DataError
from ysmean.evaluation.compare import Side, compare


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    chain = worlds.markov_chain(users=60, length=5)
    for name, specs in {"good": [ym.Transition(window=1)], "poor": []}.items():
        ym.evaluate(chain, networks=[*specs, ym.Popularity()]).save(folder / name)
    other = worlds.markov_chain(users=60, length=5, seed=9)
    ym.evaluate(other, networks=[ym.Popularity()]).save(folder / "other")
    ym.evaluate(chain, networks=[ym.Popularity()], seen="allow").save(folder / "allow")
    return folder


def test_two_rows_of_one_report_are_compared_in_words(reports):
    sides = [Side.read(reports / "good", row) for row in ("transition", "popularity")]
    found = compare(*sides)
    first = found[0]
    assert (first.metric, first.cohort, first.requests) == ("ndcg@10", "all", 60)
    assert first.difference.mean == pytest.approx(first.a - first.b)
    assert first.difference.p_value < 0.001
    text = first.sentence("transition", "popularity")
    assert "is above popularity" in text and "p < 0.001" in text


def test_a_row_is_no_different_from_itself(reports):
    side = Side.read(reports / "good", "mean")
    for c in compare(side, side):
        assert c.difference.p_value == 1 and "no different from" in c.sentence("a", "b")


def test_one_row_of_two_reports_is_compared(reports):
    found = compare(*(Side.read(reports / name, "mean") for name in ("poor", "good")))
    assert "is below" in found[0].sentence("poor", "good")


def test_reports_of_other_requests_are_refused(reports):
    good, other, allow = (Side.read(reports / n, "mean") for n in ("good", "other", "allow"))
    with pytest.raises(DataError, match="asked different requests"):
        compare(good, other)
    with pytest.raises(DataError, match="differ in seen: 'exclude' and 'allow'"):
        compare(good, allow)


def test_a_folder_without_a_report_and_an_unknown_row_are_refused(reports):
    with pytest.raises(DataError, match="is no report"):
        Side.read(reports, "mean")
    with pytest.raises(DataError, match="Did you mean 'transition'"):
        Side.read(reports / "good", "transitions")


def test_the_paired_bootstrap_agrees_with_the_normal_approximation():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.1, 1, 2000), rng.normal(0, 1, 2000)
    d = metrics.paired_bootstrap(a, b)
    error = (a - b).std() / np.sqrt(2000)
    assert d.low == pytest.approx((a - b).mean() - 1.96 * error, abs=0.1 * error)
    assert d.high == pytest.approx((a - b).mean() + 1.96 * error, abs=0.1 * error)


def test_the_p_value_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(1)
    p = [
        metrics.paired_bootstrap(rng.normal(size=60), rng.normal(size=60), resamples=400).p_value
        for _ in range(200)
    ]
    assert 0.02 <= np.mean(np.array(p) < 0.1) <= 0.2
