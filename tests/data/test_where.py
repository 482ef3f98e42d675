"""The constraint language means what a reader thinks it means."""

import re
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.schema import FeatureType
from ysmean.data.where import And, Comparison, Membership, Number, parse_where, where_mask
from ysmean.errors import WhereError

SCHEMA = {
    "year": FeatureType.NUMBER,
    "language": FeatureType.CATEGORY,
    "genres": FeatureType.CATEGORIES,
    "released": FeatureType.DATETIME,
    "taste": FeatureType.VECTOR,
}
NEW_YEAR = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
FRAME = pl.DataFrame(
    {
        "item_id": ["007", "1234567", "c"],
        "year": [1990.0, 2000.0, None],
        "language": ["English", "it's", None],
        "genres": [["Drama", "Comedy"], ["Drama"], None],
        "released": [NEW_YEAR, NEW_YEAR + 1, None],
        "taste": [[1.0], [2.0], [3.0]],
    }
)

names = st.text("ab `'\"=é.", min_size=1, max_size=5)
numbers = st.one_of(st.integers(-(10**9), 10**9).map(str), st.floats(-1e300, 1e300).map(repr)).map(
    Number
)
words = st.text("ab '\"`,()=\n", max_size=6)
values = numbers | words
clauses = st.builds(
    Comparison, names, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values
) | st.builds(Membership, names, st.lists(values, min_size=1, max_size=3).map(tuple))
wheres = st.builds(And, st.lists(clauses, min_size=1, max_size=4).map(tuple))


def mask(text):
    return where_mask(parse_where(text), FRAME, SCHEMA).tolist()


@given(wheres)
def test_what_a_constraint_prints_parses_to_an_equal_constraint(where):
    assert parse_where(str(where)) == where


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("year >= 2000", [False, True, False]),
        ("year == 1990", [True, False, False]),
        ("year != 1990", [False, True, False]),
        ("`year` = 1990 ", [True, False, False]),
        ("year in (1990, 2e3) AND language = English", [True, False, False]),
        ("language = 'it''s'", [False, True, False]),
        ('language = "it\'s"', [False, True, False]),
        ("genres = Comedy", [True, False, False]),
        ("genres != Comedy", [False, True, False]),
        ("genres In ('Comedy', \"Drama\")", [True, True, False]),
        ("released > 2020-01-01", [False, True, False]),
        ("released = '2020-01-01T01:00:00+01:00'", [True, False, False]),
        (f"released <= {NEW_YEAR}", [True, False, False]),
        ("item_id = 1234567", [False, True, False]),
        ("item_id in (007, c)", [True, False, True]),
        ("item_id = 7", [False, False, False]),
    ],
)
def test_a_constraint_holds_where_a_reader_expects_it(text, expected):
    assert mask(text) == expected


@pytest.mark.parametrize("operator", ["=", "!="])
def test_true_and_false_fit_features_that_were_boolean(operator):
    frame = pl.DataFrame({"dubbed": ["true", "false", None]})
    where = parse_where(f"dubbed {operator} true")
    found = where_mask(where, frame, {"dubbed": FeatureType.CATEGORY}).tolist()
    assert found == [operator == "=", operator == "!=", False]


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("year >>= 1990", ">= 1990", "expected a number or a quoted value"),
        ("year 1990", "1990", "expected = != < <= > >= or 'in'"),
        ("and = 3", "and = 3", "expected the name of a feature"),
        ("year = 1 or year = 2", "or year = 2", "expected 'and' or the end"),
        ("year = 1 and", "", "expected the name of a feature"),
        ("", "", "expected the name of a feature"),
        ("year in ()", ")", "expected a number or a quoted value"),
        ("year in (1, 2", "", "expected ',' or ')'"),
        ("year = 1e999", "1e999", "expected a number or a quoted value"),
        ("language = 'oops", "'oops", "this quote is never closed"),
        ("year = 1 and §", "§", "not understood"),
        ("year = 1 and yaer = 2", "yaer = 2", "no feature 'yaer'. Did you mean 'year'?"),
        ("language < 'a'", "language < 'a'", "language is category, which has no order"),
        ("year = old", "year = old", "year is a number; expected a number, not 'old'"),
        ("released > soon", "released > soon", "expected a time like '2026-11-24', not 'soon'"),
        ("taste = 1", "taste = 1", "taste is a vector; it cannot be compared"),
    ],
)
def test_an_error_shows_the_text_and_marks_the_place(text, marked, message):
    with pytest.raises(WhereError, match=re.escape(message)) as caught:
        mask(text)
    shown, mark = str(caught.value).split("\n")
    place = mark.index("^")
    assert shown[place:] == marked


def test_a_line_break_does_not_part_the_mark_from_its_place():
    with pytest.raises(WhereError) as caught:
        parse_where("year = 1\nand year ! 2")
    shown, mark = str(caught.value).split("\n")
    assert shown[mark.index("^")] == "!"


OPERATORS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
rows = st.fixed_dictionaries(
    {
        "year": st.none() | st.sampled_from([1.0, 2.0, 3.5]),
        "language": st.none() | st.sampled_from(["a", "b", "2"]),
        "genres": st.none() | st.lists(st.sampled_from(["a", "b", "2"]), min_size=1, max_size=3),
    }
)
year_values = st.sampled_from(["1", "2.0", "3.5"]).map(Number)
tags = st.sampled_from(["a", "b", "z"]) | st.just(Number("2"))
fitting = st.one_of(
    st.builds(Comparison, st.just("year"), st.sampled_from(list(OPERATORS)), year_values),
    st.builds(Membership, st.just("year"), st.lists(year_values, min_size=1).map(tuple)),
    st.builds(
        Comparison, st.sampled_from(["language", "genres"]), st.sampled_from(["=", "!="]), tags
    ),
    st.builds(
        Membership, st.sampled_from(["language", "genres"]), st.lists(tags, min_size=1).map(tuple)
    ),
)


def fulfils(row, clause):
    """Evaluate one clause on one row, the slow and obvious way."""
    have = row[clause.feature]
    if have is None:
        return False
    wanted = clause.values if isinstance(clause, Membership) else (clause.value,)
    plain = [float(str(v)) if clause.feature == "year" else str(v) for v in wanted]
    if clause.feature == "genres":
        found = any(v in have for v in plain)
        return not found if getattr(clause, "operator", "in") == "!=" else found
    if isinstance(clause, Membership):
        return have in plain
    return OPERATORS[clause.operator](have, plain[0])


@given(st.lists(rows, min_size=1, max_size=8), st.lists(fitting, min_size=1, max_size=3))
def test_the_mask_is_what_a_row_by_row_evaluation_finds(table, listed):
    types = {"year": pl.Float64, "language": pl.String, "genres": pl.List(pl.String)}
    found = where_mask(And(tuple(listed)), pl.DataFrame(table, schema=types), SCHEMA)
    assert found.tolist() == [all(fulfils(row, c) for c in listed) for row in table]
