"""What the tables of items and of users have in common: an id and typed features."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from ysmean.data.readers import Source, read_frame
from ysmean.data.schema import FeatureType, normalise_features, to_seconds
from ysmean.errors import DataError


def read_features(
    source: Source,
    id_column: str,
    columns: Mapping[str, str] | None,
    types: Mapping[str, str] | None,
    times: tuple[str, ...] = (),
) -> tuple[pl.DataFrame, dict[str, FeatureType], tuple[str, ...]]:
    """Read a table with one row an id.

    Args:
        source: as of `read_frame`.
        id_column: `item_id` or `user_id`; unique and never null.
        columns: our names -> the table's.
        types: types of features that replace the inferred ones.
        times: columns that are times and no features.

    Returns:
        The table, the types of its features, and notes.

    Raises:
        DataError: names file, column and row.
    """
    frame, name = read_frame(source, columns, (id_column,))
    ids = id_strings(frame.get_column(id_column), name)
    twice = ids.is_duplicated()
    if twice.any():
        first = ids[int(twice.arg_max() or 0)]
        rows = (ids == first).arg_true().to_list()
        raise DataError(
            f"{name}: {id_column} {first!r} is in rows {rows[0] + 1} and {rows[1] + 1}; "
            "each id needs exactly one row. Remove or merge the others."
        )
    frame = frame.with_columns(ids)
    for column in times:
        if column in frame.columns:
            frame = frame.with_columns(to_seconds(frame.get_column(column), name))
    frame, schema, notes = normalise_features(frame, name, types, {id_column, *times})
    return frame, schema, tuple(notes)


def id_strings(ids: pl.Series, source: str) -> pl.Series:
    """Return ids as strings.

    Raises:
        DataError: names the row of a null or empty id, or a dtype that cannot be an id.
    """
    if ids.dtype.is_float():
        ids = ids.fill_nan(None)  # NaN is what pandas calls empty
        whole = ids.cast(pl.Int64, strict=False)  # and it turns integers with gaps into floats
        odd = ids.is_not_null() & (whole.is_null() | (whole.cast(pl.Float64) != ids))
        if odd.any():
            row = int(odd.arg_max() or 0)
            raise DataError(
                f"{source}, row {row + 1}: {ids.name} is {ids[row]!r}; "
                "ids must be text or integers."
            )
        ids = whole
    if isinstance(ids.dtype, pl.List | pl.Struct | pl.Array):
        raise DataError(f"{source}: {ids.name} is {ids.dtype}; ids must be text or integers.")
    text = ids.cast(pl.String)
    bad = text.is_null() | (text == "").fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{source}, row {row + 1}: {ids.name} is empty; every row needs one. "
            f"{int(bad.sum()):,} rows lack it."
        )
    return text


def check_folder(folder: Path) -> None:
    """Refuse a place where no folder can be made or written to.

    Raises:
        DataError: names the file, or the folder without permission, that is in the way.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise DataError(
            f"{there} is a file; expected a folder. Nothing was written. Choose another place."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(
            f"{there} may not be written to. Nothing was written. Choose another place."
        )
