"""Users: who is asked for, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ysmean.data.readers import Source
from ysmean.data.schema import FeatureType
from ysmean.data.tables import read_features


@dataclass(frozen=True)
class Users:
    """A table of users.

    Attributes:
        frame: `user_id` (String, unique) and the features.
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
    ) -> Users:
        """Read users from a file or a dataframe; see `read_users`."""
        return cls(*read_features(source, "user_id", columns, types))

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.frame)


def read_users(
    source: Source,
    columns: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
) -> Users:
    """Read what is known of users.

    Args:
        source: a file or a dataframe with `user_id` and features of any kind.
        columns: our names -> the table's.
        types: types of features that replace the inferred ones.

    Raises:
        DataError: names file, column and row.
    """
    return Users.from_frame(source, columns, types)
