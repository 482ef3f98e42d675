"""From a constraint as plain data, such as parsed JSON, to its tree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from numbers import Real
from typing import Any

from ysmean.data.where.tree import (
    MAX_CLAUSES,
    MAX_DEPTH,
    MAX_VALUES,
    And,
    Comparison,
    IsNull,
    Membership,
    Not,
    Number,
    Or,
    Value,
    Where,
    joined,
)
from ysmean.errors import WhereError, nearest

FORMS = "{'and': [...]}, {'or': [...]}, {'not': {...}} or {'feature': ..., 'op': ..., 'value': ...}"
KINDS: Mapping[str, type[And] | type[Or]] = {"and": And, "or": Or}
ONE = ("=", "==", "!=", "<", "<=", ">", ">=")
MANY = ("in", "not in", "contains all")
NONE = ("is null", "is not null")


@dataclass(frozen=True)
class Path:
    """A place in plain data, such as `where.and[1].value`."""

    text: str = "where"

    def fault(self, message: str) -> WhereError:
        """Return an error that names the place."""
        return WhereError(f"{self.text}: {message}")

    def __getitem__(self, step: str | int) -> Path:
        """Return the place one step further in."""
        return Path(f"{self.text}[{step}]" if isinstance(step, int) else f"{self.text}.{step}")


def parse_structured(data: Any) -> Where:
    """Parse a constraint given as mappings and lists.

    Raises:
        WhereError: names the path in the data, and says what was expected there.
    """
    return _Reader().where(data, Path())


@dataclass
class _Reader:
    """One reading of plain data; counts what it has met."""

    clauses: Iterator[int] = field(default_factory=lambda: iter(range(MAX_CLAUSES)))
    values: Iterator[int] = field(default_factory=lambda: iter(range(MAX_VALUES)))

    def where(self, data: Any, path: Path, depth: int = 1) -> Where:
        if depth > MAX_DEPTH:
            raise WhereError(
                f"where is nested more than {MAX_DEPTH} deep; write it with fewer levels."
            )
        if not isinstance(data, Mapping):
            raise path.fault(f"received {_short(data)}; expected {FORMS}.")
        word = next((w for w in ("and", "or", "not") if w in data), None)
        if word is None:
            return self._clause(data, path)
        _only(data, (word,), path)
        if word == "not":
            return Not(self.where(data[word], path[word], depth + 1))
        parts = _listed(data[word], path[word], "constraints")
        inner = [self.where(p, path[word][n], depth + 1) for n, p in enumerate(parts)]
        return joined(KINDS[word], inner)

    def _clause(self, data: Mapping[str, Any], path: Path) -> Comparison | Membership | IsNull:
        if next(self.clauses, None) is None:
            raise path.fault(f"more than {MAX_CLAUSES} clauses; 'in' asks for many values at once.")
        _only(data, ("feature", "op", "value"), path, hints=("and", "or", "not"))
        for key in ("feature", "op"):
            if not isinstance(data.get(key), str) or not data[key]:
                raise path[key].fault(f"received {_short(data.get(key))}; expected text.")
        feature, operator = data["feature"], data["op"]
        if operator in NONE:
            if data.get("value") is not None:
                raise path["value"].fault(f"{operator!r} takes no value; leave it out.")
            return IsNull(feature, operator == "is not null", place=path)
        if operator in ONE:
            sign = operator.replace("==", "=")
            value = self._value(data.get("value"), path["value"])
            return Comparison(feature, sign, value, place=path)
        if operator in MANY:
            listed = _listed(data.get("value"), path["value"], "values")
            values = tuple(self._value(v, path["value"][n]) for n, v in enumerate(listed))
            return Membership(feature, values, operator, place=path)
        hint = nearest(operator, (*ONE, *MANY, *NONE))
        raise path["op"].fault(f"unknown operator {operator!r}.{hint}")

    def _value(self, value: Any, path: Path) -> Value:
        if next(self.values, None) is None:
            raise path.fault(f"more than {MAX_VALUES:,} values; ask for fewer at once.")
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, date):  # datetimes are dates
            return value.isoformat()
        if isinstance(value, Real) and _finite(value):
            return Number(str(value))
        hint = "; nothing is compared with null, use 'is null'" if value is None else ""
        raise path.fault(f"received {_short(value)}; expected text or a finite number{hint}.")


def _only(
    data: Mapping[str, Any], known: tuple[str, ...], path: Path, hints: tuple[str, ...] = ()
) -> None:
    for key in data:
        if key not in known:
            raise path.fault(f"unknown key {_short(key)}." + nearest(str(key), (*known, *hints)))


def _listed(data: Any, path: Path, what: str) -> list[Any] | tuple[Any, ...]:
    if not isinstance(data, list | tuple) or not data:
        raise path.fault(f"received {_short(data)}; expected a list of one or more {what}.")
    return data


def _finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # digits without end, or nesting without end
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}…"
