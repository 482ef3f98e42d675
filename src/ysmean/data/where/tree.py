"""A constraint as a tree: what `text` and `structured` parse to, and `mask` evaluates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from ysmean.errors import WhereError

KEYWORDS = ("and", "or", "not", "in", "is", "null")
BARE = re.compile(r"[^\W\d][\w.:-]*")
MAX_DEPTH = 50
MAX_CLAUSES = 500
MAX_VALUES = 100_000
SHOWN = 60  # characters of a text on either side of a mark


class Place(Protocol):
    """Where something was written, so that an error can point at it."""

    def fault(self, message: str) -> WhereError:
        """Return the error that names the place."""


@dataclass(frozen=True)
class TextPlace:
    """A place in a text."""

    text: str
    start: int

    def fault(self, message: str) -> WhereError:
        """Return an error with a mark under the place; of a long text only what is around it."""
        first, last = max(0, self.start - SHOWN), self.start + SHOWN
        line = self.text[first:last]
        if first:
            line = "…" + line[1:]
        if last < len(self.text):
            line += "…"
        line = re.sub(r"\s", " ", line)  # a line break would part the mark from its place
        return WhereError(f"where: {line}\n       {' ' * (self.start - first)}^ {message}")


@dataclass(frozen=True)
class Number:
    """A number as it was written: on text and categories, 007 means "007", not "7"."""

    text: str

    def __str__(self) -> str:
        """Return it as it was written."""
        return self.text


Value = Number | str


@dataclass(frozen=True)
class Clause:
    """What is asked of one feature.

    Attributes:
        feature: its name.
        place: where it was written; None for one that was not.
    """

    feature: str
    place: Place | None = field(default=None, compare=False, repr=False, kw_only=True)

    def fault(self, message: str) -> WhereError:
        """Return an error that points at the clause."""
        return (self.place or TextPlace(str(self), 0)).fault(message)


@dataclass(frozen=True)
class Comparison(Clause):
    """A feature compared with a value.

    Attributes:
        operator: one of = != < <= > >=.
        value: what it is compared with.
    """

    operator: str
    value: Value

    def __str__(self) -> str:
        """Return text that parses to an equal comparison."""
        return f"{_name(self.feature)} {self.operator} {_written(self.value)}"


@dataclass(frozen=True)
class Membership(Clause):
    """A feature and several values.

    Attributes:
        values: at least one.
        operator: one of in, not in, contains all.
    """

    values: tuple[Value, ...]
    operator: str = "in"

    def __str__(self) -> str:
        """Return text that parses to an equal membership."""
        return f"{_name(self.feature)} {self.operator} ({', '.join(map(_written, self.values))})"


@dataclass(frozen=True)
class IsNull(Clause):
    """A feature that has no value, or with `negated` one that has any."""

    negated: bool = False

    def __str__(self) -> str:
        """Return text that parses to an equal clause."""
        return f"{_name(self.feature)} is {'not ' * self.negated}null"


@dataclass(frozen=True)
class Not:
    """The opposite of a part."""

    part: Where

    def __str__(self) -> str:
        """Return text that parses to an equal negation."""
        return f"not {_within(self.part)}"


@dataclass(frozen=True)
class And:
    """Parts that must all be true, at least two."""

    parts: tuple[Where, ...]

    def __str__(self) -> str:
        """Return text that parses to equal parts."""
        return " and ".join(map(_within, self.parts))


@dataclass(frozen=True)
class Or:
    """Parts of which one must be true, at least two."""

    parts: tuple[Where, ...]

    def __str__(self) -> str:
        """Return text that parses to equal parts."""
        return " or ".join(map(_within, self.parts))


Where = Comparison | Membership | IsNull | Not | And | Or


def conjuncts(where: Where) -> tuple[Where, ...]:
    """Return the parts that must all be true: those of an `And`, or the constraint itself."""
    return where.parts if isinstance(where, And) else (where,)


def joined(kind: type[And] | type[Or], parts: list[Where]) -> Where:
    """Return parts as one constraint; a single part as it is."""
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _within(part: Where) -> str:
    """Return a part in parentheses where its own words would run into those around it."""
    return f"({part})" if isinstance(part, And | Or) else str(part)


def _name(feature: str) -> str:
    plain = BARE.fullmatch(feature) and feature.lower() not in KEYWORDS
    return feature if plain else _quoted(feature, "`")


def _written(value: Value) -> str:
    return str(value) if isinstance(value, Number) else _quoted(value, "'")


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote
