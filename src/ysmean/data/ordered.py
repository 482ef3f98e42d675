"""Where items stand in the order of each feature that has one: numbers and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.data.times import seconds
from ysmean.data.where.mask import DAY
from ysmean.errors import DataError, RequestError

BOUND = re.compile(r"\s*(>=|<=|==|=|>|<)?\s*(\S.*?)\s*", re.DOTALL)
JOINT = re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Ordered:
    """Ranks of items by number and datetime features, so that bounds are exact in any float.

    Attributes:
        kinds: `NUMBER` or `DATETIME` of each of F features, in order.
        values: by feature, float64, its distinct values in ascending order.
        ranks: int32 (N, F), from 1 the place of an item's value among those; 0 where it has none.
    """

    kinds: Mapping[str, FeatureType]
    values: tuple[npt.NDArray[np.float64], ...]
    ranks: npt.NDArray[np.int32]

    @classmethod
    def of(cls, frame: pl.DataFrame, schema: Mapping[str, FeatureType]) -> Ordered:
        """Rank the items of a frame."""
        able = (FeatureType.NUMBER, FeatureType.DATETIME)
        kinds = {name: kind for name, kind in schema.items() if kind in able}
        ranks = np.zeros((len(frame), len(kinds)), np.int32)
        values = []
        for f, name in enumerate(kinds):
            column = frame.get_column(name).cast(pl.Float64).to_numpy()
            known = np.isfinite(column)
            distinct, places = np.unique(column[known], return_inverse=True)
            ranks[known, f] = places + 1
            values.append(distinct)
        return cls(kinds, tuple(values), ranks)

    def span(self, feature: str, text: str) -> tuple[int, int]:
        """Return the first and the last rank within bounds such as `>= 1990 and < 2000`.

        Raises:
            DataError: for bounds that are none, or that no item is within.
        """
        values = self.values[list(self.kinds).index(feature)]
        first, last = 0, len(values)
        for part in JOINT.split(text):
            sign, number = self._bound(feature, part)
            left, right = (int(np.searchsorted(values, number, side=s)) for s in ("left", "right"))
            if sign in ("=", "==", ">", ">="):
                first = max(first, right if sign == ">" else left)
            if sign in ("=", "==", "<", "<="):
                last = min(last, left if sign == "<" else right)
        if first >= last:
            known = "no item has a value"
            if len(values):
                span = f"from {self._said(feature, 1)} to {self._said(feature, len(values))}"
                known = f"the values go {span}"
            raise DataError(f"No item has {feature} {text.strip()}; {known}.")
        return first + 1, last

    def keys(
        self,
        stated: npt.NDArray[np.int32],
        lows: npt.NDArray[np.int32],
        highs: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.int64]:
        """Return one number for each preference, all (B, P) as of `Batch`: below 0 for bounds."""
        size, features = len(self.ranks) + 1, len(self.kinds)
        packed = (highs.astype(np.int64) * size + lows) * features - stated
        return np.where(stated < 0, -packed, stated)

    def named(self, key: int) -> str:
        """Return the bounds that a key below 0 stands for: `year >= 2010`."""
        span, number = divmod(-key - 1, len(self.kinds))
        high, low = divmod(span, len(self.ranks) + 1)
        feature, top = list(self.kinds)[number], len(self.values[number])
        ends = [self._said(feature, rank) for rank in (low, high)]
        if low == high:
            return f"{feature} = {ends[0]}"
        if high == top:
            return f"{feature} >= {ends[0]}"
        if low == 1:
            return f"{feature} <= {ends[1]}"
        return f"{feature} >= {ends[0]} and <= {ends[1]}"

    def _bound(self, feature: str, text: str) -> tuple[str, float]:
        match = BOUND.fullmatch(text)
        number = None if match is None else self._number(match[2], self.kinds[feature])
        if match is None or number is None:
            what = "a time like 2026-01-31"
            what = what if self.kinds[feature] is FeatureType.DATETIME else "a number"
            raise DataError(
                f"Preference on {feature!r} is {text!r}; expected {what}, after one of "
                ">= > <= < = where not just that one is meant, such as '>= 1990 and < 2000'."
            )
        return match[1] or "=", number

    def _number(self, text: str, kind: FeatureType) -> float | None:
        """Return a number or a time in seconds; None for what is neither."""
        if kind is FeatureType.DATETIME and DAY.fullmatch(text):
            return None  # a year or a day, not seconds
        try:
            number = seconds(text) if kind is FeatureType.DATETIME else float(text)
        except (ValueError, RequestError):
            return None
        return number if np.isfinite(number) else None

    def _said(self, feature: str, rank: int) -> str:
        value = float(self.values[list(self.kinds).index(feature)][rank - 1])
        if self.kinds[feature] is FeatureType.NUMBER:
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return (
            datetime.fromtimestamp(value, UTC)
            .replace(tzinfo=None)
            .isoformat()
            .removesuffix("T00:00:00")
        )
