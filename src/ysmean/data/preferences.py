"""What a request likes and dislikes: values of items or bounds of numbers, with strengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.catalogue import Catalogue
from ysmean.errors import DataError, RequestError, nearest

Preferences = Mapping[str, str | Sequence[str] | Mapping[str, float]]
FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
Wish = tuple[int, int, int]  # token, low, high


@dataclass(frozen=True)
class Stated:
    """Preferences of B requests, as of `Batch`: tokens, lows, highs and strengths, each (B, P)."""

    tokens: IntArray
    lows: IntArray
    highs: IntArray
    strengths: FloatArray


def encode_preferences(stated: Sequence[Preferences], catalogue: Catalogue) -> Stated:
    """Turn stated preferences into arrays.

    Args:
        stated: for each of B requests, by feature: liked values, or strengths by value from -1
            (dislikes it) to 1 (likes it). A strength of 0 says nothing. Values of numbers and times
            are bounds, such as `>= 1990 and < 2000`.
        catalogue: the items, for the values that they have.

    Raises:
        RequestError: for a feature or a value that no item has, or a strength out of range.
    """
    found = [_rows(preferences, catalogue) for preferences in stated]
    width = max([1, *map(len, found)])
    wishes = np.zeros((3, len(found), width), np.int32)
    strengths = np.zeros((len(found), width), np.float32)
    for number, rows in enumerate(found):
        for place, (wish, strength) in enumerate(rows.items()):
            wishes[:, number, place], strengths[number, place] = wish, strength
    return Stated(wishes[0], wishes[1], wishes[2], strengths)


def bounded(strengths: FloatArray) -> FloatArray:
    """Return strengths (B, P), scaled down where a request's together are longer than 1.

    So n full preferences count 1 / sqrt(n) each, a faint one does not weaken a strong one, and
    one alone counts as strongly as it is stated.
    """
    length = np.sqrt((strengths**2).sum(1, keepdims=True))
    return np.asarray(strengths / np.maximum(length, 1.0))


def heed(strengths: FloatArray) -> npt.NDArray[np.float64]:
    """Return how strong a request's preferences are together, float64 (B,), from 0 to 1."""
    return np.asarray(np.sqrt((bounded(strengths).astype(np.float64) ** 2).sum(1)))


def _rows(preferences: Preferences, catalogue: Catalogue) -> dict[Wish, float]:
    """Return the strength of each preference."""
    if not isinstance(preferences, Mapping):
        raise RequestError(
            f"preferences={preferences!r}; expected values by feature, such as "
            "{'genres': ['Comedy']} or {'genres': {'Comedy': 0.5, 'Horror': -1}}.",
            "preferences",
        )
    found: dict[Wish, float] = {}
    for feature, values in preferences.items():
        listed = values.items() if isinstance(values, Mapping) else _liked(feature, values)
        for value, strength in listed:
            _check(feature, value, strength)
            try:
                found[_wish(feature, _text(value), catalogue)] = float(strength)
            except DataError as error:
                raise RequestError(str(error), "preferences") from None
    return {wish: strength for wish, strength in found.items() if strength}


def _wish(feature: str, text: str, catalogue: Catalogue) -> Wish:
    numbers = list(catalogue.ordered.kinds)
    if feature in numbers:
        return -numbers.index(feature) - 1, *catalogue.ordered.span(feature, text)
    known = {name for name, _ in catalogue.attributes.rows} | set(numbers)
    if feature not in known:
        raise DataError(
            f"Preference on {feature!r}: no item has such a feature with categories, numbers or "
            "times." + nearest(feature, known)
        )
    return catalogue.attributes.row(feature, text) + 1, 0, 0


def _liked(feature: str, values: Any) -> list[tuple[Any, float]]:
    if isinstance(values, str | bool | int | float):
        return [(values, 1.0)]
    if not isinstance(values, Iterable):
        raise RequestError(
            f"Preferences on {feature} are {values!r}; expected values, or strengths by value.",
            "preferences",
        )
    return [(value, 1.0) for value in values]


def _text(value: Any) -> str:
    """Return a value as items hold it; true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(feature: str, value: Any, strength: Any) -> None:
    number = isinstance(strength, Real) and not isinstance(strength, bool)
    if not (number and -1 <= strength <= 1):
        raise RequestError(
            f"Preference {feature} = {value!r} has the strength {strength!r}; expected a number "
            "from -1 (dislike) to 1 (like).",
            "preferences",
        )
