"""Values that a constraint names and no item has: most often they are misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.data.where.tree import And, Comparison, Membership, Not, Or, Where

COMPARED = 2000  # values at most that a strange one is compared with


def strange_value(
    where: Where, frame: pl.DataFrame, schema: Mapping[str, FeatureType]
) -> str | None:
    """Return words for the first value that no item has, and the nearest one that some have.

    Args:
        where: fits the schema.
        frame: of items, a column by feature.
        schema: types by feature; only those of categories can be misspelt.

    Returns:
        For example `"no item has genres 'Comdy' (did you mean 'Comedy'?)"`; None without any.
    """
    for clause in _clauses(where):
        kind = schema.get(clause.feature)  # ids are no feature
        if kind not in (FeatureType.CATEGORY, FeatureType.CATEGORIES):
            continue
        column = frame.get_column(clause.feature)
        known = set((column.explode() if kind is FeatureType.CATEGORIES else column).drop_nulls())
        values = (clause.value,) if isinstance(clause, Comparison) else clause.values
        for value in map(str, values):
            if value not in known:
                few = sorted(known) if len(known) <= COMPARED else []
                close = difflib.get_close_matches(value, few, n=1)
                hint = f" (did you mean {close[0]!r}?)" if close else ""
                return f"no item has {clause.feature} {value!r}{hint}"
    return None


def _clauses(where: Where) -> Iterator[Comparison | Membership]:
    if isinstance(where, Comparison | Membership):
        yield where
    elif isinstance(where, Not):
        yield from _clauses(where.part)
    elif isinstance(where, And | Or):
        for part in where.parts:
            yield from _clauses(part)
