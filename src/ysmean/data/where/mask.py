"""Which rows of a table fulfil a constraint."""

from __future__ import annotations

import operator as op
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.data.where.tree import And, Comparison, IsNull, Membership, Not, Number, Value, Where
from ysmean.errors import nearest

BoolArray = npt.NDArray[np.bool_]
COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": op.eq,
    "!=": op.ne,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}
FEW = 8  # values that are faster compared one by one than looked up
DAY = re.compile(r"\d{4}|(?:19|20)\d{6}")


def where_mask(where: Where, frame: pl.DataFrame, schema: Mapping[str, FeatureType]) -> BoolArray:
    """Return which rows fulfil a constraint, bool (N,).

    A clause on a null value is unknown, and so is its negation (Kleene's logic, as in SQL): such
    a row fulfils neither `year = 1990` nor `not year = 1990`, but it does `year is null`.

    On a feature with several categories, `=` asks whether it contains the value, `!=` whether it
    does not, `in` whether it contains any, `not in` none, and `contains all` every value.

    Raises:
        WhereError: for an unknown feature, or a value that does not fit its type.
    """
    types = dict(schema)
    if "item_id" in frame.columns:
        types["item_id"] = FeatureType.CATEGORY
    return _true(where, False, frame, types)


def _true(
    where: Where, negated: bool, frame: pl.DataFrame, types: Mapping[str, FeatureType]
) -> BoolArray:
    """Return of which rows a constraint, or its negation, is true.

    Kleene's logic keeps De Morgan's laws, so a negation can sink to the clauses, where what is
    unknown is in neither mask.
    """
    if isinstance(where, Not):
        return _true(where.part, not negated, frame, types)
    if isinstance(where, IsNull):
        column = frame.get_column(_known(where, types))
        wanted = column.is_null() if where.negated == negated else column.is_not_null()
        return wanted.to_numpy()
    if isinstance(where, Comparison | Membership):
        found, known = _clause(where, frame, types)
        return np.asarray((found != negated) & known)
    masks = (_true(part, negated, frame, types) for part in where.parts)
    combine = np.logical_and if isinstance(where, And) != negated else np.logical_or
    mask = next(masks).copy()
    for other in masks:
        combine(mask, other, out=mask)
    return mask


def _known(clause: Comparison | Membership | IsNull, types: Mapping[str, FeatureType]) -> str:
    if clause.feature not in types:
        raise clause.fault(f"no feature {clause.feature!r}.{nearest(clause.feature, types)}")
    return clause.feature


def _clause(
    clause: Comparison | Membership, frame: pl.DataFrame, types: Mapping[str, FeatureType]
) -> tuple[BoolArray, BoolArray]:
    """Return where a clause holds, whatever it says of nulls, and where there are values."""
    kind = types[_known(clause, types)]
    column = frame.get_column(clause.feature)
    values = _fitting(clause, kind)
    known = column.is_not_null().to_numpy()
    if kind is FeatureType.CATEGORIES:
        found = _lists(column, values, every=clause.operator == "contains all")
        opposite = clause.operator in ("!=", "not in")
    elif isinstance(clause, Membership):
        found, opposite = _among(column, values), clause.operator == "not in"
    else:
        compared = COMPARE[clause.operator](column, values[0])
        found, opposite = compared.fill_null(False).to_numpy(), False
    return found != opposite, known


def _among(column: pl.Series, values: Sequence[float] | Sequence[str]) -> BoolArray:
    """Return which elements are one of some values, false for nulls."""
    if len(values) > FEW:
        return column.is_in(pl.Series(values).implode()).fill_null(False).to_numpy()
    found = np.zeros(len(column), bool)
    for value in values:
        found |= (column == value).fill_null(False).to_numpy()
    return found


def _lists(column: pl.Series, values: Sequence[Any], *, every: bool) -> BoolArray:
    """Return which lists hold any of some values, or every one; false for nulls."""
    lengths = column.list.len().fill_null(0).to_numpy()
    ends = np.cumsum(lengths, dtype=np.int64)
    flat = column.explode(empty_as_null=False, keep_nulls=False)

    def hold(some: Sequence[Any]) -> BoolArray:
        count = np.zeros(len(flat) + 1, np.int32)  # of hits before each element
        np.cumsum(_among(flat, some), out=count[1:])
        return np.asarray(count[ends] > count[ends - lengths])

    if every:
        return np.asarray(np.logical_and.reduce([hold([value]) for value in values]))
    return hold(values)


def _fitting(clause: Comparison | Membership, kind: FeatureType) -> list[float] | list[str]:
    """Return the clause's values in the form that a feature of this type has."""
    name = clause.feature
    values = (clause.value,) if isinstance(clause, Comparison) else clause.values
    if kind is FeatureType.VECTOR:
        raise clause.fault(f"{name} is a vector; it cannot be compared")
    if clause.operator == "contains all" and kind is not FeatureType.CATEGORIES:
        raise clause.fault(f"{name} is {kind} and has one value at most; use = or in")
    if kind in (FeatureType.NUMBER, FeatureType.DATETIME):
        return [_number(v, kind, clause) for v in values]
    if clause.operator in ("<", "<=", ">", ">="):
        raise clause.fault(f"{name} is {kind}, which has no order; use = != or in")
    return [str(v) for v in values]


def _number(value: Value, kind: FeatureType, clause: Comparison | Membership) -> float:
    if isinstance(value, Number):
        if kind is FeatureType.DATETIME and DAY.fullmatch(value.text):
            raise clause.fault(f"{clause.feature} is a time; write '2026-01-31' or seconds")
        return float(value.text)
    expected = "a number"
    if kind is FeatureType.DATETIME:
        expected = "a time like '2026-11-24'"
        with suppress(ValueError):
            time = datetime.fromisoformat(value)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    raise clause.fault(f"{clause.feature} is a {kind}; expected {expected}, not {value!r}")
