"""Parse the values of command-line options such as `content=2,popularity=0`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ysmean.errors import RequestError


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


def weights(text: str) -> str | dict[str, float]:
    """Return `fitted`, `equal` or numbers by network."""
    return numbers([text], "--weights", "content=1,popularity=1") if "=" in text else text


def preferences(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return FEATURE=VALUE pairs, given repeatedly; a value may hold commas."""
    liked: dict[str, list[str]] = {}
    for text in texts:
        feature, equals, value = text.partition("=")
        if not equals or not feature.strip() or not value.strip():
            raise RequestError(f"--prefer {text!r}; expected FEATURE=VALUE, such as genres=Comedy.")
        liked.setdefault(feature.strip(), []).append(value.strip())
    return liked


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
