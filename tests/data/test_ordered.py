"""Bounds on numbers and times mean the ranks of the items within them."""

import operator

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.ordered import Ordered
from ysmean.data.schema import FeatureType
from ysmean.errors import DataError

SIGNS = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
    "": operator.eq,
}
numbers = st.sampled_from([-2.5, -1.0, 0.0, 0.1, 3.0, 1e9])


def ordered(values, kind=FeatureType.NUMBER):
    frame = pl.DataFrame({"item_id": [str(n) for n in range(len(values))], "x": values})
    return Ordered.of(frame.cast({"x": pl.Float64}), {"x": kind})


def within(found, low, high):
    return (found.ranks[:, 0] >= low) & (found.ranks[:, 0] <= high)


@given(
    st.lists(st.none() | numbers, min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from(list(SIGNS)), numbers), min_size=1, max_size=2),
)
def test_a_span_holds_the_items_within_all_bounds(values, bounds):
    found = ordered(values)
    expected = [v is not None and all(SIGNS[s](v, x) for s, x in bounds) for v in values]
    text = " and ".join(f"{sign} {number!r}" for sign, number in bounds)
    if not any(expected):
        with pytest.raises(DataError, match="No item has x"):
            found.span("x", text)
        return
    low, high = found.span("x", text)
    assert within(found, low, high).tolist() == expected
    named = found.named(int(found.keys(*np.array([[-1], [low], [high]], np.int32))[0]))
    assert named.startswith("x ")
    assert found.span("x", named[2:]) == (low, high)  # the words mean the same again


def test_keys_tell_features_and_spans_apart_and_leave_others_alone():
    frame = pl.DataFrame({"item_id": ["a", "b"], "x": [1.0, 2.0], "y": [5.0, 5.0]})
    found = Ordered.of(frame, {"x": FeatureType.NUMBER, "y": FeatureType.NUMBER})
    stated = np.array([[-1, -1, -2, 7, 0]], np.int32)
    lows, highs = np.array([[1, 2, 1, 0, 0]], np.int32), np.array([[1, 2, 1, 0, 0]], np.int32)
    keys = found.keys(stated, lows, highs)[0].tolist()
    assert keys[3:] == [7, 0]
    assert [found.named(key) for key in keys[:3]] == ["x = 1", "x = 2", "y = 5"]


def test_times_are_told_as_people_write_them():
    days = [0.0, 86400.0, 86400.0 * 2 + 3600]
    found = ordered(days, FeatureType.DATETIME)
    assert found.span("x", ">= 1970-01-02") == (2, 3)
    assert found.span("x", "< 1970-01-02T00:00:01") == (1, 2)
    assert found.named(int(found.keys(*np.array([[-1], [2], [3]], np.int32))[0])) == (
        "x >= 1970-01-02"
    )
    with pytest.raises(DataError, match="the values go from 1970-01-01 to 1970-01-03T01:00:00"):
        found.span("x", "> 2030-01-01")


@pytest.mark.parametrize("text", ["", ">=", "soon", "=> 3", "nan", ">= 3 or 4", "2020"])
def test_what_are_no_bounds_is_refused(text):
    kind = FeatureType.DATETIME if text == "2020" else FeatureType.NUMBER
    with pytest.raises(DataError, match=r"expected a (number|time like 2026-01-31), after one of"):
        ordered([1.0], kind).span("x", text)


def test_without_values_nothing_is_within_bounds():
    with pytest.raises(DataError, match="No item has x > 3; no item has a value"):
        ordered([None]).span("x", "> 3")
