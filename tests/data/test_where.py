"""Constraints hold where a reader thinks they do."""

import re
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wheres
from ysmean.data.schema import FeatureType
from ysmean.data.where import And, IsNull, Membership, Not, Or, conjuncts, parse_where, where_mask
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


def mask(where):
    return where_mask(parse_where(where), FRAME, SCHEMA).tolist()


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
        ("genres Not In (Comedy, Western)", [False, True, False]),
        ("genres contains all (Drama, Comedy)", [True, False, False]),
        ("not genres contains all (Drama, Comedy)", [False, True, False]),
        ("genres contains all (Drama)", [True, True, False]),
        ("year not in (1990)", [False, True, False]),
        ("released > 2020-01-01", [False, True, False]),
        ("released = '2020-01-01T01:00:00+01:00'", [True, False, False]),
        (f"released <= {NEW_YEAR}", [True, False, False]),
        ("item_id = 1234567", [False, True, False]),
        ("item_id in (007, c)", [True, False, True]),
        ("item_id not in (007, c)", [False, True, False]),
        ("item_id = 7", [False, False, False]),
        ("year = 1990 or genres = Drama and year = 2000", [True, True, False]),
        ("(year = 1990 or genres = Drama) and year = 2000", [False, True, False]),
        ("not year = 1990 and genres = Drama", [False, True, False]),
        ("not (year = 1990 and genres = Drama)", [False, True, False]),
        ("NOT NOT year = 1990", [True, False, False]),
        ("year is null", [False, False, True]),
        ("year IS NOT NULL", [True, True, False]),
        ("not genres is null", [True, True, False]),
        ("taste is not null and item_id is null", [False, False, False]),
        ("year < 1995 or year is null", [True, False, True]),
    ],
)
def test_a_constraint_holds_where_a_reader_expects_it(text, expected):
    assert mask(text) == expected


@pytest.mark.parametrize(
    "clause",
    ["year = 1990", "year in (1990)", "genres = Drama", "genres != x", "genres contains all (x)"],
)
def test_what_has_no_value_fulfils_neither_a_clause_nor_its_negation(clause):
    assert not mask(clause)[2] and not mask(f"not {clause}")[2]
    assert not mask(f"{clause} or not {clause}")[2]
    assert mask(f"{clause} or not {clause} or year is null")[2]


@pytest.mark.parametrize("operator", ["=", "!="])
def test_true_and_false_fit_features_that_were_boolean(operator):
    frame = pl.DataFrame({"dubbed": ["true", "false", None]})
    where = parse_where(f"dubbed {operator} true")
    found = where_mask(where, frame, {"dubbed": FeatureType.CATEGORY}).tolist()
    assert found == [operator == "=", operator == "!=", False]


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("year = 1 and yaer = 2", "yaer = 2", "no feature 'yaer'. Did you mean 'year'?"),
        ("year = 1 or not (yaer is null)", "yaer is null)", "no feature 'yaer'."),
        ("language < 'a'", "language < 'a'", "language is category, which has no order"),
        ("year = old", "year = old", "year is a number; expected a number, not 'old'"),
        ("released > soon", "released > soon", "expected a time like '2026-11-24', not 'soon'"),
        ("released > 2020", "released > 2020", "released is a time; write '2026-01-31'"),
        ("taste = 1", "taste = 1", "taste is a vector; it cannot be compared"),
        ("language contains all (a)", "language contains all (a)", "has one value at most"),
    ],
)
def test_an_error_of_the_data_marks_the_clause(text, marked, message):
    with pytest.raises(WhereError, match=re.escape(message)) as caught:
        mask(text)
    shown, mark = str(caught.value).split("\n")
    assert shown[mark.index("^") :] == marked


def test_an_error_of_the_data_names_the_path_in_plain_data():
    clause = {"feature": "year", "op": ">", "value": "old"}
    with pytest.raises(WhereError, match=r"^where\.or\[1\]\.not: year is a number; expected"):
        mask({"or": [{"feature": "year", "op": "is null"}, {"not": clause}]})


def test_a_clause_that_was_never_written_is_shown_as_it_would_be():
    with pytest.raises(WhereError, match=r"yaer is null\n *\^ no feature 'yaer'"):
        where_mask(IsNull("yaer"), FRAME, SCHEMA)


def test_what_must_all_be_true_are_the_parts_of_the_outermost_and():
    parts = parse_where("year = 1 and (year = 2 or year = 3) and not (year = 4 and year = 5)")
    assert [str(p) for p in conjuncts(parts)] == [
        "year = 1",
        "year = 2 or year = 3",
        "not (year = 4 and year = 5)",
    ]
    assert [str(p) for p in conjuncts(parse_where("year = 1 or year = 2"))] == [
        "year = 1 or year = 2"
    ]


COMPARE = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def truth(row, where):
    """Return True, False or, for unknown, None: one row at a time, the slow and obvious way."""
    if isinstance(where, Not):
        inner = truth(row, where.part)
        return None if inner is None else not inner
    if isinstance(where, And | Or):
        decisive = isinstance(where, Or)
        found = [truth(row, part) for part in where.parts]
        return decisive if decisive in found else None if None in found else not decisive
    have = row[where.feature]
    if isinstance(where, IsNull):
        return (have is not None) == where.negated
    if have is None:
        return None
    wanted = where.values if isinstance(where, Membership) else (where.value,)
    plain = [float(str(v)) if where.feature == "year" else str(v) for v in wanted]
    if where.operator == "contains all":
        return all(v in have for v in plain)
    if where.feature == "genres":
        return any(v in have for v in plain) != (where.operator in ("!=", "not in"))
    if isinstance(where, Membership):
        return (have in plain) == (where.operator == "in")
    return COMPARE[where.operator](have, plain[0])


@given(st.lists(wheres.rows, min_size=1, max_size=8), wheres.fitting)
def test_the_mask_is_what_a_row_by_row_evaluation_finds_true(table, where):
    types = {"year": pl.Float64, "language": pl.String, "genres": pl.List(pl.String)}
    found = where_mask(where, pl.DataFrame(table, schema=types), SCHEMA)
    assert found.tolist() == [truth(row, where) is True for row in table]
