"""Items: what can be recommended, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ysmean.data.readers import Source
from ysmean.data.schema import FeatureType
from ysmean.data.tables import read_features

AVAILABILITY = ("available_from", "available_until")


@dataclass(frozen=True)
class Items:
    """A table of items.

    Attributes:
        frame: `item_id` (String, unique), the features, and `available_from` and
            `available_until` (Float64 seconds since the epoch) where given.
        schema: the type of each feature.
        notes: what was found while reading.
    """

    frame: pl.DataFrame
    schema: Mapping[str, FeatureType]
    notes: tuple[str, ...] = ()

    @classmethod
    def from_frame(
        cls,
        source: Source,
        columns: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
    ) -> Items:
        """Read items from a file or a dataframe; see `read_items`."""
        return cls(*read_features(source, "item_id", columns, types, AVAILABILITY))

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.frame)


def read_items(
    source: Source,
    columns: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
) -> Items:
    """Read what items are.

    Args:
        source: a file or a dataframe with `item_id` and features of any kind; `title` is shown
            to people, `available_from` and `available_until` bound when an item may be shown.
        columns: our names -> the table's, such as `{"item_id": "movie"}`.
        types: types of features that replace the inferred ones: text, category, categories,
            number, datetime, vector, or ignore.

    Raises:
        DataError: names file, column and row.
    """
    return Items.from_frame(source, columns, types)
