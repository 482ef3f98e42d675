"""Parse the values of command-line options such as `content=2,popularity=0`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ysmean.errors import RequestError

SIGN = re.compile(r"(>=|<=|==|=|>|<)")


def pairs(texts: Iterable[str], option: str, example: str) -> list[tuple[str, str]]:
    """Split NAME=VALUE pairs, separated by commas or given repeatedly.

    Raises:
        RequestError: for a part without `=`.
    """
    found = []
    for part in (p for text in texts for p in text.split(",") if p.strip()):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise RequestError(f"{option} {part!r}; expected NAME=VALUE, such as {example}.")
        found.append((name.strip(), value.strip()))
    return found


def numbers(texts: Iterable[str], option: str, example: str) -> dict[str, float]:
    """Return NAME=NUMBER pairs.

    Raises:
        RequestError: for a value that is no number.
    """
    values = {}
    for name, text in pairs(texts, option, example):
        try:
            values[name] = float(text)
        except ValueError:
            raise RequestError(
                f"{option} {name}={text}; expected a number, as in {example}."
            ) from None
    return values


def counts(texts: Iterable[str], option: str, example: str) -> dict[str, int]:
    """Return NAME=COUNT pairs.

    Raises:
        RequestError: for a value that is no whole number.
    """
    found = {}
    for name, text in pairs(texts, option, example):
        try:
            found[name] = int(text)
        except ValueError:
            raise RequestError(
                f"{option} {name}={text}; expected a whole number, as in {example}."
            ) from None
    return found


def weights(text: str) -> str | dict[str, float]:
    """Return `fitted`, `equal` or numbers by network."""
    return numbers([text], "--weights", "content=1,popularity=1") if "=" in text else text


def preferences(liked: Iterable[str], disliked: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return strengths by feature and value of `[STRENGTH:]FEATURE=VALUE`, given repeatedly.

    A value may hold commas and colons. `year>=2010` is the value `>=2010`, `year=>=1990 and <2000`
    two bounds together. Dislikes become negative strengths.

    Raises:
        RequestError: for text of another form, or a value that is both liked and disliked.
    """
    found: dict[str, dict[str, float]] = {}
    for option, sign, texts in (("--prefer", 1.0, liked), ("--dislike", -1.0, disliked)):
        for text in texts:
            feature, value, strength = _preference(text, option)
            of_feature = found.setdefault(feature, {})
            if of_feature.setdefault(value, sign * strength) != sign * strength:
                raise RequestError(f"{option} {text!r} says another thing than before; say one.")
    return found


def _preference(text: str, option: str) -> tuple[str, str, float]:
    left, sign, value = (*SIGN.split(text, 1), "", "")[:3]
    if sign != "=":  # a bound of a number
        value = (sign + value) if value.strip() else ""
    number, _, feature = left.partition(":")
    strength = _number(number)
    if strength is None or not feature:  # without a strength; a colon is the feature's own
        feature, strength = left, 1.0
    if not feature.strip() or not value.strip():
        raise RequestError(
            f"{option} {text!r}; expected FEATURE=VALUE, such as genres=Comedy, a bound, such as "
            "year>=2010, or with a strength 0.5:genres=Comedy."
        )
    if not 0 < strength <= 1:
        raise RequestError(f"{option} {text!r}; expected a strength above 0 and at most 1.")
    return feature.strip(), value.strip(), strength


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def where(text: str | None) -> str | dict[str, Any] | None:
    """Return a constraint: text, or what JSON text holds; None stays None.

    Raises:
        RequestError: for text that begins like JSON and is none.
    """
    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        data: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"--where begins like JSON but is none: {error}.") from None
    return data


def ids(text: str | None) -> list[str] | None:
    """Split item ids separated by commas; None stays None."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
