"""Items: what can be recommended, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ysmean.data.readers import Source
from ysmean.data.relations import Relations
from ysmean.data.schema import FeatureType
from ysmean.data.tables import read_features
from ysmean.errors import DataError

AVAILABILITY = ("available_from", "available_until")
MAX_RELATIONS = 100  # each becomes a feature


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

    def with_relations(self, relations: Relations) -> Items:
        """Return the items with one more feature for each type of relation that they have.

        The feature is called as the relation, and its values are the tails: categories, which
        networks, `where` and preferences use like any other.

        Args:
            relations: those of other heads than these items are left out.

        Raises:
            DataError: for a relation that is called like a column of the items, or too many.
        """
        own = relations.frame.filter(pl.col("head").is_in(self.frame["item_id"].implode()))
        frame, notes = self.frame, [*self.notes, *relations.notes]
        kinds = own.get_column("relation").unique(maintain_order=True).to_list()
        if len(kinds) > MAX_RELATIONS:
            raise DataError(
                f"{relations.name}: items have {len(kinds):,} types of relations; at most "
                f"{MAX_RELATIONS} become features. Leave some out, or check which column is which."
            )
        for kind in kinds:
            if kind in (*frame.columns, *AVAILABILITY, "title"):
                raise DataError(
                    f"{relations.name}: a relation is called {kind!r}, and so is a column of the "
                    "items. Rename one of them."
                )
            values = own.filter(pl.col("relation") == kind).group_by("head", maintain_order=True)
            lists = values.agg(pl.col("tail").alias(kind))
            frame = frame.join(
                lists, left_on="item_id", right_on="head", how="left", maintain_order="left"
            )
            notes.append(f"{relations.name}: {kind} read as categories of {len(lists):,} items")
        if others := len(relations) - len(own):
            notes.append(f"{relations.name}: {others:,} relations of what is no item left out")
        schema = {**self.schema, **dict.fromkeys(kinds, FeatureType.CATEGORIES)}
        return Items(frame, schema, tuple(notes))


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
