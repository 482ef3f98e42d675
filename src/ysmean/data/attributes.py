"""Which items carry which categorical value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.errors import DataError, nearest


@dataclass(frozen=True)
class Attributes:
    """Which items carry which categorical value, as one sparse row of classes a value.

    Attributes:
        rows: the row of each (feature, value).
        offsets: int64 (V + 1,); row `r` holds `classes[offsets[r]:offsets[r + 1]]`.
        classes: int32, class indices in ascending order within a row.
    """

    rows: Mapping[tuple[str, str], int]
    offsets: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, frame: pl.DataFrame, schema: Mapping[str, FeatureType]) -> Attributes:
        """Collect the values of the category and categories features of a frame."""
        long = [
            _values(frame, name, listed=kind is FeatureType.CATEGORIES)
            for name, kind in schema.items()
            if kind in (FeatureType.CATEGORY, FeatureType.CATEGORIES)
        ]
        if not long:
            return cls({}, np.zeros(1, np.int64), np.empty(0, np.int32))
        table = pl.concat(long).sort("feature", "value", "class")
        groups = table.group_by("feature", "value", maintain_order=True).len()
        keys = zip(groups["feature"].to_list(), groups["value"].to_list(), strict=True)
        return cls(
            {key: row for row, key in enumerate(keys)},
            np.concatenate([[0], groups["len"].to_numpy().cumsum()]).astype(np.int64),
            table["class"].to_numpy(),
        )

    @cached_property
    def values(self) -> list[tuple[str, str]]:
        """The (feature, value) of each row."""
        return list(self.rows)

    @cached_property
    def _by_class(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Classes in ascending order, and a row that each carries."""
        order = np.argsort(self.classes, kind="stable")
        rows = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        return self.classes[order], rows[order]

    def rows_of(self, class_: int) -> list[int]:
        """Return the rows of the values that an item carries."""
        classes, rows = self._by_class
        first, last = np.searchsorted(classes, [class_, class_ + 1])
        carried: list[int] = rows[first:last].tolist()
        return carried

    def carried(
        self, classes: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.bool_], list[tuple[str, str]]]:
        """Return what some items carry.

        Args:
            classes: int32 (n,).

        Returns:
            bool (n, V), whether an item has a value, and the (feature, value) of the V columns:
            those that any of the items has.
        """
        rows = [self.rows_of(class_) for class_ in classes.tolist()]
        used = sorted({row for carried in rows for row in carried})
        column = {row: number for number, row in enumerate(used)}
        carries = np.zeros((len(rows), len(used)), bool)
        for place, carried in enumerate(rows):
            carries[place, [column[row] for row in carried]] = True
        return carries, [self.values[row] for row in used]

    def row(self, feature: str, value: str) -> int:
        """Return the row of a stated preference.

        Raises:
            DataError: names the nearest feature or value that items do have.
        """
        if (feature, value) in self.rows:
            return self.rows[feature, value]
        features = {f for f, _ in self.rows}
        if feature not in features:
            raise DataError(
                f"Preference on {feature!r}: no item has such a categorical feature."
                + nearest(feature, features)
            )
        values = [v for f, v in self.rows if f == feature]
        raise DataError(f"No item has {feature} = {value!r}." + nearest(value, values))


def _values(frame: pl.DataFrame, name: str, *, listed: bool) -> pl.DataFrame:
    """Return one row for each (class, value) of a categorical feature."""
    long = frame.select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("class"),
        pl.lit(name).alias("feature"),
        pl.col(name).alias("value"),
    )
    return (long.explode("value") if listed else long).drop_nulls("value").unique()
