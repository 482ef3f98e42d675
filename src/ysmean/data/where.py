"""Hard constraints on item features: `year >= 1990 and genres in ('Comedy', 'Drama')`.

where      := comparison ("and" comparison)*
comparison := feature operator value | feature "in" "(" value ("," value)* ")"
operator   := "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
feature    := a word, or any text in `backquotes`
value      := a number, a word, or any text in 'quotes' (doubled inside)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.errors import WhereError, nearest

Value = float | str

TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
  | (?P<backquoted>`[^`]+`)
  | (?P<word>[^\W\d][\w.:-]*)
  | (?P<operator><=|>=|==|!=|=|<|>)
  | (?P<mark>[(),])
)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of the text: its kind, what it says and where it begins."""

    kind: str
    text: str
    place: int


@dataclass(frozen=True)
class Comparison:
    """A feature compared with one value, or with several by `in`.

    Attributes:
        feature: its name.
        operator: one of = != < <= > >= in.
        values: one value; any number for `in`.
        place: where it begins in the text.
    """

    feature: str
    operator: str
    values: tuple[Value, ...]
    place: int = 0

    def __str__(self) -> str:
        """Return text that parses to an equal comparison."""
        name = f"`{self.feature}`"
        if self.operator == "in":
            return f"{name} in ({', '.join(map(_quote, self.values))})"
        return f"{name} {self.operator} {_quote(self.values[0])}"


@dataclass(frozen=True)
class Where:
    """Comparisons that must all hold.

    Attributes:
        comparisons: at least one.
        text: as it was written.
    """

    comparisons: tuple[Comparison, ...]
    text: str

    def __str__(self) -> str:
        """Return text that parses to the same comparisons."""
        return " and ".join(map(str, self.comparisons))


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
    for comparison in where.comparisons:
        mask &= _holds(comparison, where.text, frame, schema)
    return mask


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.next = 0

    def _tokens(self) -> list[Token]:
        tokens, place = [], 0
        while self.text[place:].strip():
            match = TOKEN.match(self.text, place)
            if match is None or match.lastgroup is None:
                place += len(self.text[place:]) - len(self.text[place:].lstrip())
                unclosed = self.text[place] in "'\"`"
                fault(
                    self.text, place, "this quote is never closed" if unclosed else "not understood"
                )
            assert match is not None and match.lastgroup is not None
            tokens.append(
                Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
            )
            place = match.end()
        return tokens

    def _peek(self) -> Token:
        if self.next < len(self.tokens):
            return self.tokens[self.next]
        return Token("end", "", len(self.text))

    def _take(self) -> Token:
        token = self._peek()
        self.next += 1
        return token

    def where(self) -> Where:
        comparisons = [self._comparison()]
        while self._peek().kind != "end":
            token = self._take()
            if token.text.lower() != "and":
                fault(self.text, token.place, "expected 'and' or the end")
            comparisons.append(self._comparison())
        return Where(tuple(comparisons), self.text)

    def _comparison(self) -> Comparison:
        feature = self._take()
        if feature.kind not in ("word", "backquoted"):
            fault(self.text, feature.place, "expected the name of a feature")
        operator = self._take()
        name = feature.text.strip("`")
        if operator.kind == "operator":
            sign = "=" if operator.text == "==" else operator.text
            return Comparison(name, sign, (self._value(),), feature.place)
        if operator.text.lower() != "in":
            fault(self.text, operator.place, "expected = != < <= > >= or 'in'")
        self._mark("(")
        values = [self._value()]
        while self._peek().text == "," and self._peek().kind == "mark":
            self._take()
            values.append(self._value())
        self._mark(")")
        return Comparison(name, "in", tuple(values), feature.place)

    def _value(self) -> Value:
        token = self._take()
        if token.kind == "number":
            return float(token.text)
        if token.kind == "quoted":
            quote = token.text[0]
            return token.text[1:-1].replace(quote * 2, quote)
        if token.kind == "word" and token.text.lower() not in ("and", "in"):
            return token.text
        return fault(self.text, token.place, "expected a number, a word or a quoted text")

    def _mark(self, mark: str) -> None:
        token = self._take()
        if token.kind != "mark" or token.text != mark:
            fault(self.text, token.place, f"expected '{mark}'")


def fault(text: str, place: int, message: str) -> str:
    """Raise a `WhereError` with a mark under the place."""
    raise WhereError(f"where: {text}\n       {' ' * place}^ {message}")


def _holds(
    c: Comparison, text: str, frame: pl.DataFrame, schema: Mapping[str, FeatureType]
) -> npt.NDArray[np.bool_]:
    kind = FeatureType.CATEGORY if c.feature == "item_id" else schema.get(c.feature)
    if kind is None:
        known = [*schema, "item_id"]
        fault(text, c.place, f"no feature {c.feature!r}." + nearest(c.feature, known))
    column = frame.get_column(c.feature)
    values: list[Value]
    match kind:
        case FeatureType.VECTOR:
            fault(text, c.place, f"{c.feature} is a vector; it cannot be compared")
        case FeatureType.NUMBER | FeatureType.DATETIME:
            values = [_number(v, kind, c, text) for v in c.values]
        case _:
            values = [_text(v) for v in c.values]
            if c.operator in ("<", "<=", ">", ">="):
                fault(text, c.place, f"{c.feature} is {kind}; use = != or in")
    if kind is FeatureType.CATEGORIES:
        wanted = pl.Series([str(v) for v in values])
        any_of = column.list.set_intersection(wanted.implode()).list.len() > 0
        result = ~any_of if c.operator == "!=" else any_of
    elif c.operator == "in":
        result = column.is_in(values)
    else:
        result = _compare(column, c.operator, values[0])
    return (result & column.is_not_null()).fill_null(False).to_numpy()


def _compare(column: pl.Series, operator: str, value: Value) -> pl.Series:
    match operator:
        case "=":
            return column == value
        case "!=":
            return column != value
        case "<":
            return column < value
        case "<=":
            return column <= value
        case ">":
            return column > value
        case _:
            return column >= value


def _number(value: Value, kind: FeatureType | None, c: Comparison, text: str) -> float:
    if isinstance(value, float):
        return value
    if kind is FeatureType.DATETIME:
        try:
            time = datetime.fromisoformat(value)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            fault(text, c.place, f"{c.feature} is a datetime; expected one like '2026-11-24'")
    fault(text, c.place, f"{c.feature} is a number; it cannot be compared with {value!r}")
    return float("nan")


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else value


def _quote(value: Value) -> str:
    return repr(value) if isinstance(value, float) else "'" + value.replace("'", "''") + "'"
