"""Types of features are guessed well, can be fixed, and give canonical columns."""

from datetime import date, datetime, time

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.schema import FeatureType, infer_type, normalise_features
from ysmean.errors import DataError

DTYPES = {
    FeatureType.TEXT: pl.String,
    FeatureType.CATEGORY: pl.String,
    FeatureType.CATEGORIES: pl.List(pl.String),
    FeatureType.NUMBER: pl.Float64,
    FeatureType.DATETIME: pl.Float64,
    FeatureType.VECTOR: pl.List(pl.Float32),
}
WORDY = [f"a long story about {n}" for n in range(9)]
EXAMPLES = [
    ("x", [1, 2, None], "number"),
    ("x", [1.5, 2.0], "number"),
    ("x", [True, False], "category"),
    ("x", [date(2020, 1, 1)], "datetime"),
    ("x", [datetime(2020, 1, 1, 10)], "datetime"),
    ("x", [time(10, 30)], "category"),
    ("x", [[1.0, 2.0], [3.0, 4.0]], "vector"),
    ("x", [["a", "b"], []], "categories"),
    ("x", ["2020-01-01", "2020-01-02T10:00:00Z"], "datetime"),
    ("x", ["2020-01-01"] * 99 + ["unknown"], "datetime"),
    ("x", ["2020-01-01"] * 5 + ["unknown"] * 5, "category"),
    ("x", ["a|b"] + ["c"] * 9, "categories"),
    ("x", ["a|b"] + ["c"] * 10, "category"),
    ("x", WORDY, "text"),
    ("x", WORDY[:1] * 9, "category"),
    ("x", ["red", "blue"], "category"),
    ("x", [None, None], "category"),
    ("title", ["Heat", "Heat"], "text"),
    ("title", [300, 1917], "text"),
    ("Synopsis", ["short"], "text"),
]


@pytest.mark.parametrize(("name", "values", "expected"), EXAMPLES)
def test_a_type_is_guessed_and_its_column_canonical(name, values, expected):
    series = pl.Series(name, values)
    assert infer_type(series) == expected
    frame, schema, _ = normalise_features(series.to_frame(), "items.csv")
    assert schema == {name: FeatureType(expected)}
    assert frame[name].dtype == DTYPES[schema[name]]


def test_notes_say_what_each_column_was_read_as_and_what_is_empty():
    columns = {"year": [1.0, float("nan"), float("inf"), None], "when": ["2020-01-01"] * 3 + [None]}
    _, _, notes = normalise_features(pl.DataFrame(columns), "items.csv")
    assert notes == [
        "items.csv: year read as number (3 empty)",
        "items.csv: when read as datetime (1 empty)",
    ]


def test_the_few_values_that_are_no_times_are_emptied_and_counted():
    frame = pl.DataFrame({"when": ["1970-01-02"] * 99 + ["unknown"]})
    frame, _, notes = normalise_features(frame, "items.csv")
    assert frame["when"].to_list() == [86400.0] * 99 + [None]
    assert notes[0] == "items.csv: when has 1 values that are no times, emptied"


def test_lists_in_text_are_split_and_cleaned():
    frame, _, _ = normalise_features(pl.DataFrame({"genres": ["a | b||", "c", "", None]}), "t")
    assert frame["genres"].to_list() == [["a", "b"], ["c"], None, None]


def test_a_fixed_type_replaces_the_guess_and_ignore_drops_the_column():
    frame = pl.DataFrame({"zip": [12, 34], "year": ["1990", " "], "junk": [1, 2]})
    types = {"zip": "category", "year": "number", "junk": "ignore"}
    frame, schema, notes = normalise_features(frame, "t", types)
    assert frame.to_dict(as_series=False) == {"zip": ["12", "34"], "year": [1990.0, None]}
    assert schema == {"zip": FeatureType.CATEGORY, "year": FeatureType.NUMBER}
    assert notes[-1] == "t: junk ignored"


def test_reserved_columns_are_no_features():
    frame, schema, _ = normalise_features(pl.DataFrame({"item_id": [1]}), "t", None, {"item_id"})
    assert schema == {}
    assert frame["item_id"].dtype == pl.Int64


@pytest.mark.parametrize(
    ("values", "types", "message"),
    [
        ([1], {"yeer": "number"}, r"items\.csv has no feature 'yeer'.*Did you mean 'year'"),
        ([1], {"year": "numbr"}, r"Unknown type 'numbr' for year.*Did you mean 'number'"),
        (["1", "x"], {"year": "number"}, r"items\.csv, row 2: year is 'x'; expected a number"),
        (["2020-01-01", "x"], {"year": "datetime"}, r"items\.csv, row 2: year is 'x'"),
        ([None, [1.0, 2.0], [1.0]], {}, r"row 3: year has 1 numbers; row 2 has 2"),
        ([[1.0], [float("nan")]], {}, r"row 2: year holds an empty, NaN or infinite number"),
        ([[1.0, None], [1.0, 2.0]], {}, r"row 1: year holds an empty, NaN or infinite number"),
        (["a"], {"year": "vector"}, r"items\.csv: column 'year' cannot be read as vector"),
    ],
)
def test_what_does_not_fit_is_refused_by_column_and_row(values, types, message):
    with pytest.raises(DataError, match=message):
        normalise_features(pl.DataFrame({"year": values}, strict=False), "items.csv", types)


@given(st.lists(st.none() | st.floats(width=64), min_size=1, max_size=20))
def test_a_number_column_holds_its_finite_values_and_nothing_else(values):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    found = normalise_features(frame, "t")[0]["x"].to_list()
    assert found == [v if v is not None and np.isfinite(v) else None for v in values]
