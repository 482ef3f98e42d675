"""Read a table from a file or any dataframe, with our column names."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ysmean.errors import DataError, nearest

CSV = {".csv": ",", ".tsv": "\t"}
LINES = (".ndjson", ".jsonl")
SUFFIXES = (*CSV, ".parquet", ".pq", *LINES, ".arrow", ".feather", ".ipc")
IDS = ("user_id", "item_id")
VERBATIM = (*IDS, "title")  # "007" is not 7, and the film "1917" is no number

Source = Any  # a path, any dataframe that narwhals understands, or a dict of columns


def read_frame(
    source: Source, columns: Mapping[str, str] | None = None, required: tuple[str, ...] = ()
) -> tuple[pl.DataFrame, str]:
    """Read a table.

    Args:
        source: a path ending in .csv, .tsv, .parquet, .ndjson or .arrow (and common variants,
            text also gzipped), any dataframe (pandas, polars, pyarrow, ...), or a dict of columns.
        columns: our name -> the table's name, such as `{"user_id": "uid"}`.
        required: names that must be there; text files keep their text, as they do that of ids.

    Returns:
        The table under our names, and what to call it in messages.

    Raises:
        DataError: names the file and what is wrong with it.
    """
    if isinstance(source, str | Path):
        name = Path(source).name
        frame = _read_file(Path(source), dict(columns or {}), required)
    else:
        name = "the table"
        frame = _from_dataframe(source)
    # One mapping may serve several files: an id that already has our name needs none.
    columns = {
        ours: theirs
        for ours, theirs in (columns or {}).items()
        if not (ours in IDS and ours in frame.columns and theirs not in frame.columns)
    }
    for ours, theirs in columns.items():
        if theirs not in frame.columns:
            raise DataError(
                f"{name} has no column {theirs!r} (mapped to {ours})."
                + nearest(theirs, frame.columns)
            )
    if len(set(columns.values())) < len(columns):
        raise DataError(f"columns = {columns} maps two names to one column; give each its own.")
    if columns:
        taken = set(columns) - set(columns.values())
        frame = frame.drop([c for c in frame.columns if c in taken])
        frame = frame.rename({theirs: ours for ours, theirs in columns.items()})
    for column in required:
        if column not in frame.columns:
            raise DataError(
                f"{name} has no column {column!r}; it has: {', '.join(frame.columns)}. "
                f"Name the right one with --columns {column}=NAME or columns={{{column!r}: NAME}}."
            )
    if not len(frame):
        raise DataError(f"{name} has no rows.")
    return frame, name


def _read_file(path: Path, columns: dict[str, str], required: tuple[str, ...]) -> pl.DataFrame:
    if not path.exists():
        raise DataError(f"File {path} does not exist.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file ending in {', '.join(SUFFIXES)}.")
    if path.stat().st_size == 0:
        raise DataError(f"File {path} is empty.")
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    suffix = suffix.lower()
    try:
        if suffix in CSV:
            return _read_csv(path, CSV[suffix], columns, (*VERBATIM, *required))
        if suffix in (".parquet", ".pq"):
            return pl.read_parquet(path, glob=False)
        if suffix in LINES:
            return pl.read_ndjson(path, infer_schema_length=None)
        if suffix in (".arrow", ".feather", ".ipc"):
            return pl.read_ipc(path)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        text = str(error).strip().split("\n")[0]
        raise DataError(
            f"File {path}{_broken_row(path, suffix)} cannot be read as {suffix[1:]}: {text}"
        ) from error
    raise DataError(
        f"File {path} ends in {path.suffix or 'nothing'}; expected one of {', '.join(SUFFIXES)}."
    )


def _broken_row(path: Path, suffix: str) -> str:
    """Return ", row N" where a text file breaks; nothing where that cannot be told."""
    if suffix not in (*CSV, *LINES):
        return ""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
            if suffix in CSV:
                rows = csv.reader(file, delimiter=CSV[suffix])
                width = len(next(rows))
                wrong = (n for n, row in enumerate(rows, 1) if len(row) > width)
            else:
                wrong = (n for n, line in enumerate(file, 1) if not _is_json(line))
            number = next(wrong, None)
    except (OSError, ValueError, StopIteration, csv.Error):
        return ""
    return "" if number is None else f", row {number}"


def _is_json(line: str) -> bool:
    try:
        json.loads(line or "null")
    except json.JSONDecodeError:
        return not line.strip()
    return True


def _read_csv(
    path: Path, separator: str, columns: dict[str, str], verbatim: tuple[str, ...]
) -> pl.DataFrame:
    texts = {columns.get(name, name) for name in verbatim} | set(verbatim)
    header = pl.read_csv(path, separator=separator, n_rows=0, infer_schema=False, glob=False)
    known = {name: pl.String for name in header.columns if name in texts}
    return pl.read_csv(
        path,
        separator=separator,
        schema_overrides=known,
        infer_schema_length=None,
        try_parse_dates=True,
        glob=False,
    )


def _from_dataframe(source: Source) -> pl.DataFrame:
    try:
        return _to_polars(source)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        text = str(error).strip().split("\n")[0]
        raise DataError(
            f"The table cannot be read: {text}. Every column needs one type, and all columns "
            "one length."
        ) from error


def _to_polars(source: Source) -> pl.DataFrame:
    import narwhals as nw

    if isinstance(source, Mapping):
        return pl.DataFrame(dict(source))
    try:
        frame = nw.from_native(source)
    except TypeError:
        raise DataError(
            f"Cannot read a table from {type(source).__name__}; expected a path, a dataframe "
            "(pandas, polars, pyarrow, ...) or a dict of columns."
        ) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    native = frame.to_native()
    return native if isinstance(native, pl.DataFrame) else frame.to_polars()
