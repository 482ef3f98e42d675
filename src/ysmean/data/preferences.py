"""What a request likes and dislikes, as rows of attributes with strengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.catalogue import Catalogue
from ysmean.errors import DataError, RequestError

Preferences = Mapping[str, str | Sequence[str] | Mapping[str, float]]
FloatArray = npt.NDArray[np.float32]


def encode_preferences(
    stated: Sequence[Preferences], catalogue: Catalogue
) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """Turn stated preferences into arrays.

    Args:
        stated: for each of B requests, by feature: liked values, or strengths by value from -1
            (dislikes it) to 1 (likes it). A strength of 0 says nothing.
        catalogue: the items, for the values that they have.

    Returns:
        int32 (B, P), attribute row + 1 of each preference, 0 = none; float32 (B, P), strengths,
        0 where there is none.

    Raises:
        RequestError: for a feature or a value that no item has, or a strength out of range.
    """
    found = [_rows(preferences, catalogue) for preferences in stated]
    width = max([1, *map(len, found)])
    tokens = np.zeros((len(found), width), np.int32)
    strengths = np.zeros((len(found), width), np.float32)
    for number, rows in enumerate(found):
        for place, (row, strength) in enumerate(rows.items()):
            tokens[number, place], strengths[number, place] = row + 1, strength
    return tokens, strengths


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


def _rows(preferences: Preferences, catalogue: Catalogue) -> dict[int, float]:
    """Return the strength of each preference by attribute row."""
    if not isinstance(preferences, Mapping):
        raise RequestError(
            f"preferences={preferences!r}; expected values by feature, such as "
            "{'genres': ['Comedy']} or {'genres': {'Comedy': 0.5, 'Horror': -1}}.",
            "preferences",
        )
    found: dict[int, float] = {}
    for feature, values in preferences.items():
        listed = values.items() if isinstance(values, Mapping) else _liked(feature, values)
        for value, strength in listed:
            _check(feature, value, strength)
            try:
                row = catalogue.attributes.row(feature, _text(value))
            except DataError as error:
                raise RequestError(str(error), "preferences") from None
            found[row] = float(strength)
    return {row: strength for row, strength in found.items() if strength}


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
