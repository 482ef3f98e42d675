"""Hard constraints on item features: `year >= 1990 and not genres in ('Crime', 'Horror')`.

As text:

where      := all ("or" all)*
all        := one ("and" one)*
one        := "not" one | "(" where ")" | clause
clause     := feature operator value | feature "is" ["not"] "null"
            | feature (["not"] "in" | "contains" "all") "(" value ("," value)* ")"
operator   := "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
feature    := a word, or any text in `backquotes` (doubled inside)
value      := a number, a word, or any text in 'quotes' or "quotes" (doubled inside)

As plain data, such as parsed JSON:

where      := {"and": [where, ...]} | {"or": [where, ...]} | {"not": where} | clause
clause     := {"feature": text, "op": operator, "value": value or list of values}

A comparison with a null value is neither true nor false but unknown, as in SQL, and so is its
negation; a row fulfils what is true of it. `mask` evaluates constraints, `tree` holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ysmean.data.where.mask import where_mask
from ysmean.data.where.structured import parse_structured
from ysmean.data.where.text import parse_text
from ysmean.data.where.tree import (
    And,
    Comparison,
    IsNull,
    Membership,
    Not,
    Number,
    Or,
    Where,
    conjuncts,
)
from ysmean.data.where.values import strange_value

__all__ = [
    "And",
    "Comparison",
    "IsNull",
    "Membership",
    "Not",
    "Number",
    "Or",
    "Where",
    "conjuncts",
    "parse_where",
    "strange_value",
    "where_mask",
]


def parse_where(where: str | Mapping[str, Any]) -> Where:
    """Parse a constraint given as text or as plain data.

    Raises:
        WhereError: marks the place in the text, or names the path in the data, and says what was
            expected there.
    """
    return parse_text(where) if isinstance(where, str) else parse_structured(where)
