"""Hard constraints on item features: `year >= 1990 and genres in ('Comedy', 'Drama')`.

where      := clause ("and" clause)*
clause     := feature operator value | feature "in" "(" value ("," value)* ")"
operator   := "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
feature    := a word, or any text in `backquotes` (doubled inside)
value      := a number, a word, or any text in 'quotes' or "quotes" (doubled inside)
"""

from __future__ import annotations

import math
import operator as op
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.errors import WhereError, nearest

TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:-]))
  | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
  | (?P<backquoted>`(?:[^`]|``)+`)
  | (?P<word>\w[\w.:-]*)
  | (?P<operator><=|>=|==|!=|=|<|>)
  | (?P<mark>[(),])
)""",
    re.VERBOSE,
)
KEYWORDS = ("and", "in")
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": op.eq,
    "!=": op.ne,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}


class Token(NamedTuple):
    """A piece of the text: its kind, what it says and where it begins."""

    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Number:
    """A number as it was written: on text and categories, 007 means "007", not "7"."""

    text: str

    def __str__(self) -> str:
        """Return it as it was written."""
        return self.text


Value = Number | str


@dataclass(frozen=True)
class Comparison:
    """A feature compared with a value.

    Attributes:
        feature: its name.
        operator: one of = != < <= > >=.
        value: what it is compared with.
        place: where it begins in the text.
    """

    feature: str
    operator: str
    value: Value
    place: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """Return text that parses to an equal comparison."""
        return f"{_quoted(self.feature, '`')} {self.operator} {_written(self.value)}"


@dataclass(frozen=True)
class Membership:
    """A feature that has one of several values.

    Attributes:
        feature: its name.
        values: at least one.
        place: where it begins in the text.
    """

    feature: str
    values: tuple[Value, ...]
    place: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """Return text that parses to an equal membership."""
        return f"{_quoted(self.feature, '`')} in ({', '.join(map(_written, self.values))})"


@dataclass(frozen=True)
class And:
    """Clauses that must all hold.

    Attributes:
        clauses: at least one.
        text: as it was written, for messages.
    """

    clauses: tuple[Comparison | Membership, ...]
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Return text that parses to the same clauses."""
        return " and ".join(map(str, self.clauses))


Where = And


def parse_where(text: str) -> Where:
    """Parse a constraint.

    Raises:
        WhereError: marks the place in the text, and says what was expected there.
    """
    return _Parser(text).where()


def where_mask(
    where: Where, frame: pl.DataFrame, schema: Mapping[str, FeatureType]
) -> npt.NDArray[np.bool_]:
    """Return which rows fulfil a constraint, bool (N,); a null value never does.

    On a feature with several categories, `=` asks whether it contains the value, `!=` whether it
    does not, and `in` whether it contains any.

    Raises:
        WhereError: for an unknown feature, or a value that does not fit its type.
    """
    mask = np.ones(len(frame), bool)
    for clause in where.clauses:
        mask &= _holds(clause, where.text or str(where), frame, schema)
    return mask


def _tokens(text: str) -> list[Token]:
    tokens, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            place = len(text) - len(text[place:].lstrip())
            unclosed = text[place] in "'\"`"
            _fault(text, place, "this quote is never closed" if unclosed else "not understood")
        kind = match.lastgroup
        tokens.append(Token(kind, match[kind], match.start(kind)))
        place = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [*_tokens(text), Token("end", "", len(text))]
        self.next = 0

    def _take(self) -> Token:
        token = self.tokens[self.next]
        self.next = min(self.next + 1, len(self.tokens) - 1)  # the end stays the end
        return token

    def where(self) -> Where:
        clauses = [self._clause()]
        while (token := self._take()).kind != "end":
            if token.text.lower() != "and":
                _fault(self.text, token.place, "expected 'and' or the end")
            clauses.append(self._clause())
        return And(tuple(clauses), self.text)

    def _clause(self) -> Comparison | Membership:
        feature, operator = self._take(), self._take()
        if feature.kind == "backquoted":
            name = _unquoted(feature.text)
        elif feature.kind == "word" and feature.text.lower() not in KEYWORDS:
            name = feature.text
        else:
            _fault(self.text, feature.place, "expected the name of a feature")
        if operator.kind == "operator":
            sign = "=" if operator.text == "==" else operator.text
            return Comparison(name, sign, self._value(), feature.place)
        if operator.text.lower() != "in":
            _fault(self.text, operator.place, "expected = != < <= > >= or 'in'")
        return Membership(name, self._values(), feature.place)

    def _values(self) -> tuple[Value, ...]:
        self._mark("(")
        values = [self._value()]
        while self._mark(",", ")") == ",":
            values.append(self._value())
        return tuple(values)

    def _value(self) -> Value:
        token = self._take()
        if token.kind == "number" and math.isfinite(float(token.text)):
            return Number(token.text)
        if token.kind == "quoted":
            return _unquoted(token.text)
        if token.kind == "word" and token.text.lower() not in KEYWORDS:
            return token.text
        _fault(self.text, token.place, "expected a number or a quoted value")

    def _mark(self, *marks: str) -> str:
        token = self._take()
        if token.kind != "mark" or token.text not in marks:
            _fault(self.text, token.place, f"expected {' or '.join(map(repr, marks))}")
        return token.text


def _fault(text: str, place: int, message: str) -> NoReturn:
    """Raise a `WhereError` with a mark under the place."""
    line = re.sub(r"\s", " ", text)  # a line break would part the mark from its place
    raise WhereError(f"where: {line}\n       {' ' * place}^ {message}")


def _holds(
    clause: Comparison | Membership,
    text: str,
    frame: pl.DataFrame,
    schema: Mapping[str, FeatureType],
) -> npt.NDArray[np.bool_]:
    types = dict(schema)
    if "item_id" in frame.columns:
        types["item_id"] = FeatureType.CATEGORY
    if clause.feature not in types:
        hint = nearest(clause.feature, types)
        _fault(text, clause.place, f"no feature {clause.feature!r}.{hint}")
    values = _fitting(clause, types[clause.feature], text)
    column = frame.get_column(clause.feature)
    sign = clause.operator if isinstance(clause, Comparison) else "in"
    if types[clause.feature] is FeatureType.CATEGORIES:
        any_of = column.list.set_intersection(pl.Series(values).implode()).list.len() > 0
        result = ~any_of if sign == "!=" else any_of
    else:
        result = column.is_in(values) if sign == "in" else OPERATORS[sign](column, values[0])
    return (result & column.is_not_null()).fill_null(False).to_numpy()


def _fitting(
    clause: Comparison | Membership, kind: FeatureType, text: str
) -> list[float] | list[str]:
    """Return the clause's values in the form that a feature of this type has."""
    name = clause.feature
    values = (clause.value,) if isinstance(clause, Comparison) else clause.values
    if kind is FeatureType.VECTOR:
        _fault(text, clause.place, f"{name} is a vector; it cannot be compared")
    if kind in (FeatureType.NUMBER, FeatureType.DATETIME):
        return [_number(v, kind, clause, text) for v in values]
    if isinstance(clause, Comparison) and clause.operator not in ("=", "!="):
        _fault(text, clause.place, f"{name} is {kind}, which has no order; use = != or in")
    return [str(v) for v in values]


def _number(value: Value, kind: FeatureType, clause: Comparison | Membership, text: str) -> float:
    if isinstance(value, Number):
        if kind is FeatureType.DATETIME and re.fullmatch(r"\d{4}|(?:19|20)\d{6}", value.text):
            _fault(text, clause.place, f"{clause.feature} is a time; write '2026-01-31' or seconds")
        return float(value.text)
    expected = "a number"
    if kind is FeatureType.DATETIME:
        expected = "a time like '2026-11-24'"
        with suppress(ValueError):
            time = datetime.fromisoformat(value)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    _fault(text, clause.place, f"{clause.feature} is a {kind}; expected {expected}, not {value!r}")


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


def _written(value: Value) -> str:
    return str(value) if isinstance(value, Number) else _quoted(value, "'")
