"""From the text of a constraint to its tree."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from ysmean.data.where.tree import (
    KEYWORDS,
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
    TextPlace,
    Value,
    Where,
    joined,
)
from ysmean.errors import WhereError

TOKEN = re.compile(
    r"""
    (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:-]))
  | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
  | (?P<backquoted>`(?:[^`]|``)+`)
  | (?P<word>\w[\w.:-]*)
  | (?P<operator><=|>=|==|!=|=|<|>)
  | (?P<mark>[(),])
""",
    re.VERBOSE,
)
VISIBLE = re.compile(r"\S")
MAX_LENGTH = 1_000_000
OPERATORS = "= != < <= > >=, 'in', 'not in', 'contains all' or 'is null'"


class Token(NamedTuple):
    """A piece of the text: its kind, what it says and where it begins."""

    kind: str
    text: str
    start: int

    def says(self, word: str) -> bool:
        """Return whether it is this word, in any case."""
        return self.kind == "word" and self.text.lower() == word


def parse_text(text: str) -> Where:
    """Parse the text of a constraint.

    Raises:
        WhereError: marks the place in the text, and says what was expected there.
    """
    if len(text) > MAX_LENGTH:
        raise WhereError(
            f"where has {len(text):,} characters; at most {MAX_LENGTH:,} are read. Ask for less."
        )
    return _Parser(text).where()


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    place = 0
    while found := VISIBLE.search(text, place):
        match = TOKEN.match(text, found.start())
        if match is None or match.lastgroup is None:
            unclosed = found[0] in "'\"`"
            said = "this quote is never closed" if unclosed else "not understood"
            raise TextPlace(text, found.start()).fault(said)
        tokens.append(Token(match.lastgroup, match[0], match.start()))
        place = match.end()
    return tokens


class _Parser:
    """Recursive descent, one method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [*_tokens(text), Token("end", "", len(text))]
        self.next = 0
        self.depth = self.clauses = self.values = 0

    def where(self) -> Where:
        found = self._any()
        if self._token.kind != "end":
            raise self._fault("expected 'and', 'or' or the end")
        return found

    def _any(self) -> Where:
        return self._joined("or", Or, self._all)

    def _all(self) -> Where:
        return self._joined("and", And, self._one)

    def _joined(self, word: str, kind: type[And] | type[Or], part: Callable[[], Where]) -> Where:
        parts = [part()]
        while self._skip(word):
            parts.append(part())
        return joined(kind, parts)

    def _one(self) -> Where:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._fault(f"nested more than {MAX_DEPTH} deep; write it with fewer levels")
        found: Where
        if self._skip("not"):
            found = Not(self._one())
        elif self._skip("("):
            found = self._any()
            if not self._skip(")"):
                raise self._fault("expected 'and', 'or' or ')'")
        else:
            found = self._clause()
        self.depth -= 1
        return found

    def _clause(self) -> Comparison | Membership | IsNull:
        place = TextPlace(self.text, self._token.start)
        self.clauses += 1
        if self.clauses > MAX_CLAUSES:
            raise place.fault(f"more than {MAX_CLAUSES} clauses; 'in' asks for many values at once")
        name = self._feature()
        if self._token.kind == "operator":
            sign = self._take().text.replace("==", "=")
            return Comparison(name, sign, self._value(), place=place)
        if self._skip("in"):
            return Membership(name, self._values(), place=place)
        if self._skip("not"):
            self._expect("in")
            return Membership(name, self._values(), "not in", place=place)
        if self._skip("contains"):
            self._expect("all")
            return Membership(name, self._values(), "contains all", place=place)
        if self._skip("is"):
            negated = self._skip("not")
            self._expect("null")
            return IsNull(name, negated, place=place)
        raise self._fault(f"expected {OPERATORS}")

    def _feature(self) -> str:
        token = self._token
        if token.kind == "backquoted":
            return _unquoted(self._take().text)
        if token.kind == "word" and token.text.lower() not in KEYWORDS:
            return self._take().text
        raise self._fault("expected the name of a feature")

    def _values(self) -> tuple[Value, ...]:
        self._expect("(")
        values = [self._value()]
        while self._skip(","):
            values.append(self._value())
        if not self._skip(")"):
            raise self._fault("expected ',' or ')'")
        return tuple(values)

    def _value(self) -> Value:
        token = self._token
        self.values += 1
        if self.values > MAX_VALUES:
            raise self._fault(f"more than {MAX_VALUES:,} values; ask for fewer at once")
        if token.kind == "number" and math.isfinite(float(token.text)):
            return Number(self._take().text)
        if token.kind == "quoted":
            return _unquoted(self._take().text)
        if token.kind == "word" and token.text.lower() not in KEYWORDS:
            return self._take().text
        if token.says("null"):
            raise self._fault("nothing is compared with null; write 'is null' or 'is not null'")
        raise self._fault("expected a number or a quoted value")

    @property
    def _token(self) -> Token:
        return self.tokens[self.next]

    def _take(self) -> Token:
        self.next += 1
        return self.tokens[self.next - 1]

    def _skip(self, text: str) -> bool:
        """Take the next token if it is this word or mark."""
        found = self._token.says(text) or (self._token.kind == "mark" and self._token.text == text)
        self.next += found
        return found

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._fault(f"expected {text!r}")

    def _fault(self, message: str) -> WhereError:
        return TextPlace(self.text, self._token.start).fault(message)


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])
