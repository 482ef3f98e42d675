"""Constraints as plain data: the same as in text, and a mistake is named by its path."""

import json
import re
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given

import wheres
from ysmean.data.where import And, Comparison, IsNull, Membership, Not, Number, Or, parse_where
from ysmean.data.where.tree import MAX_CLAUSES, MAX_DEPTH
from ysmean.errors import WhereError

YEAR = {"feature": "year", "op": ">=", "value": 1990}


def plain(where):
    """Return a constraint as JSON would hold it, numbers as text that reads the same."""
    if isinstance(where, Not):
        return {"not": plain(where.part)}
    if isinstance(where, And | Or):
        return {type(where).__name__.lower(): [plain(part) for part in where.parts]}
    if isinstance(where, IsNull):
        return {"feature": where.feature, "op": "is not null" if where.negated else "is null"}
    if isinstance(where, Comparison):
        value = Written.of(where.value)
    else:
        assert isinstance(where, Membership)
        value = [Written.of(v) for v in where.values]
    return {"feature": where.feature, "op": where.operator, "value": value}


class Written(float):
    """A float that prints as it was written."""

    @classmethod
    def of(cls, value):
        if not isinstance(value, Number):
            return value
        number = cls(value.text)
        number.text = value.text
        return number

    def __str__(self):
        return self.text


@given(wheres.anything)
def test_plain_data_and_text_give_equal_constraints(where):
    assert parse_where(plain(where)) == where == parse_where(str(where))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (YEAR, "year >= 1990"),
        ({"feature": "year", "op": "==", "value": 2.5}, "year = 2.5"),
        ({"feature": "year", "op": "=", "value": np.int64(3)}, "year = 3"),
        ({"feature": "dubbed", "op": "=", "value": True}, "dubbed = true"),
        ({"feature": "out", "op": "<", "value": date(2020, 1, 2)}, "out < 2020-01-02"),
        (
            {"feature": "out", "op": "<", "value": datetime(2020, 1, 2, tzinfo=UTC)},
            "out < '2020-01-02T00:00:00+00:00'",
        ),
        ({"and": [YEAR]}, "year >= 1990"),
        (
            {"or": [YEAR, {"not": {"feature": "a", "op": "in", "value": ["x", 7]}}]},
            "year >= 1990 or not a in (x, 7)",
        ),
        ({"feature": "a", "op": "not in", "value": ("x",)}, "a not in (x)"),
        ({"feature": "a", "op": "is not null"}, "a is not null"),
        ({"feature": "a", "op": "is null", "value": None}, "a is null"),
        ({"feature": "and", "op": "contains all", "value": ["x", "y"]}, "`and` contains all (x,y)"),
    ],
)
def test_plain_data_means_what_the_text_says(data, text):
    assert parse_where(data) == parse_where(text)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            [YEAR],
            "where: received [{'feature': 'year', 'op': '>=', 'value': 1990}]; expected {",
        ),
        ({}, "where.feature: received None; expected text."),
        ({"and": []}, "where.and: received []; expected a list of one or more constraints."),
        ({"and": YEAR}, "where.and: received {'feature'"),
        ({"and": [YEAR, {"or": [3]}]}, "where.and[1].or[0]: received 3; expected {'and'"),
        ({"adn": [YEAR]}, "where: unknown key 'adn'. Did you mean 'and'?"),
        ({"not": [YEAR]}, "where.not: received [{"),
        ({"not": YEAR, "and": [YEAR]}, "where: unknown key 'not'."),
        ({**YEAR, "operator": ">"}, "where: unknown key 'operator'. Did you mean"),
        ({**YEAR, "op": "=>"}, "where.op: unknown operator '=>'. Did you mean"),
        ({**YEAR, "feature": 3}, "where.feature: received 3; expected text."),
        (
            {**YEAR, "value": None},
            "where.value: received None; expected text or a finite number; ",
        ),
        ({**YEAR, "value": [1]}, "where.value: received [1]; expected text or a finite number."),
        ({**YEAR, "value": float("nan")}, "where.value: received nan; expected text or a finite"),
        (
            {**YEAR, "value": 10**5000},
            "where.value: received a value of type int; expected text or a finite",
        ),
        (
            {**YEAR, "op": "in"},
            "where.value: received 1990; expected a list of one or more",
        ),
        ({**YEAR, "op": "in", "value": ["a", {}]}, "where.value[1]: received {}; expected text"),
        ({**YEAR, "op": "is null"}, "where.value: 'is null' takes no value; leave it out."),
        ({"or": [YEAR] * (MAX_CLAUSES + 1)}, f"where.or[{MAX_CLAUSES}]: more than {MAX_CLAUSES}"),
        ({**YEAR, "op": "in", "value": [1] * 100_001}, "where.value[100000]: more than 100,000"),
    ],
)
def test_a_mistake_is_named_by_its_path(data, message):
    with pytest.raises(WhereError, match="^" + re.escape(message)):
        parse_where(data)


def nested(levels):
    where = YEAR
    for _ in range(levels):
        where = {"not": where}
    return where


def test_nesting_without_end_is_refused():
    loop = {}
    loop["and"] = [loop]
    for deep in (nested(10_000), loop):
        with pytest.raises(WhereError, match=f"nested more than {MAX_DEPTH} deep"):
            parse_where(deep)
    assert parse_where(nested(MAX_DEPTH - 1))


def test_plain_data_is_what_json_gives():
    text = '{"and": [{"feature": "year", "op": ">=", "value": 1990}, {"not": {"feature": "genres", '
    text += '"op": "in", "value": ["Crime", "Horror"]}}]}'
    same = "year >= 1990 and not genres in (Crime, Horror)"
    assert parse_where(json.loads(text)) == parse_where(same)
