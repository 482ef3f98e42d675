"""Check what a request says of variety: its diversity and its caps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ysmean.data.schema import FeatureType
from ysmean.errors import RequestError, nearest

CATEGORICAL = (FeatureType.CATEGORY, FeatureType.CATEGORIES)


def check_variety(diversity: Any, caps: Any, schema: Mapping[str, FeatureType]) -> None:
    """Refuse a diversity or caps without a meaning.

    Args:
        diversity: expected is a number from 0 to 1.
        caps: expected are whole numbers from 1 by categorical feature.
        schema: the types of the items' features.

    Raises:
        RequestError: says which of them is wrong and what was expected.
    """
    able = [name for name, kind in schema.items() if kind in CATEGORICAL]
    number = isinstance(diversity, int | float) and not isinstance(diversity, bool)
    if not (number and 0 <= diversity <= 1):
        raise RequestError(f"diversity={diversity!r}; expected a number from 0 to 1.", "diversity")
    if diversity > 0 and not able:
        raise RequestError(
            "diversity compares items by their categories, but no feature of theirs is one. Leave "
            "it out, or train on items with a category.",
            "diversity",
        )
    if not isinstance(caps, Mapping):
        raise RequestError(
            f"caps={caps!r}; expected numbers by feature, such as {{'genres': 3}}.", "caps"
        )
    for feature, most in caps.items():
        if feature not in able:
            kind = schema.get(feature)
            what = f" {feature} is {kind}." if kind else nearest(str(feature), able)
            raise RequestError(
                f"caps on {feature!r}; expected a categorical feature.{what}", "caps"
            )
        whole = isinstance(most, int | np.integer) and not isinstance(most, bool)
        if not (whole and most >= 1):
            raise RequestError(
                f"caps on {feature!r} is {most!r}; expected a whole number from 1.", "caps"
            )
