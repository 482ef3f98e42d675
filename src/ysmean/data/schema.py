"""The types of features: inferred, printed, and fixed where the guess is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

import polars as pl

from ysmean.errors import DataError, nearest

TEXT_NAMES = {"title", "name", "description", "synopsis", "summary", "text", "overview", "plot"}
IGNORE = "ignore"
NEARLY_ALL = 0.95  # of the values, for text to be taken for times


class FeatureType(StrEnum):
    """What a feature's values are."""

    TEXT = "text"
    CATEGORY = "category"
    CATEGORIES = "categories"
    NUMBER = "number"
    DATETIME = "datetime"
    VECTOR = "vector"


def normalise_features(
    frame: pl.DataFrame,
    source: str,
    types: Mapping[str, str] | None = None,
    reserved: Collection[str] = (),
) -> tuple[pl.DataFrame, dict[str, FeatureType], list[str]]:
    """Cast every feature to the canonical form of its type.

    Text and categories become String, lists of categories List(String), numbers and datetimes
    Float64 (seconds since the epoch), vectors List(Float32).

    Args:
        frame: a table.
        source: its name for messages.
        types: types by column that replace the inferred ones; `"ignore"` drops a column.
        reserved: columns that are no features and stay as they are.

    Returns:
        The table, the type of each feature, and one note a feature.

    Raises:
        DataError: names the column, and the row where a value does not fit the type.
    """
    chosen = dict(types or {})
    for column, kind in chosen.items():
        if column not in frame.columns or column in reserved:
            features = [c for c in frame.columns if c not in reserved]
            raise DataError(f"{source} has no feature {column!r}." + nearest(column, features))
        if kind not in [*FeatureType, IGNORE]:
            known = [str(t) for t in FeatureType] + [IGNORE]
            raise DataError(f"Unknown type {kind!r} for {column}." + nearest(kind, known))
    schema: dict[str, FeatureType] = {}
    notes: list[str] = []
    for column in frame.columns:
        if column in reserved:
            continue
        if chosen.get(column) == IGNORE:
            frame = frame.drop(column)
            notes.append(f"{source}: {column} ignored")
            continue
        series = frame.get_column(column)
        if column == "title" and chosen.get(column, "text") != "text":
            raise DataError(f"{source}: title is shown to people and must be text; rename it.")
        kind = FeatureType(chosen[column]) if column in chosen else infer_type(series)
        if column not in chosen and kind is FeatureType.DATETIME:
            series = _readable_times(series, source, notes)
        series = _cast(series, kind, source)
        schema[column] = kind
        frame = frame.with_columns(series)
        empty = series.null_count()
        notes.append(
            f"{source}: {column} read as {kind}" + (f" ({empty:,} empty)" if empty else "")
        )
    return frame, schema, notes


def infer_type(series: pl.Series) -> FeatureType:
    """Guess what a column holds from its dtype and its values."""
    dtype = series.dtype
    if isinstance(dtype, pl.List | pl.Array):
        return FeatureType.VECTOR if dtype.inner.is_numeric() else FeatureType.CATEGORIES
    if series.name == "title":
        return FeatureType.TEXT  # shown to people, whatever it looks like
    if dtype.is_numeric():
        return FeatureType.NUMBER
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return FeatureType.DATETIME
    return _infer_text(series) if dtype == pl.String else FeatureType.CATEGORY


def _infer_text(series: pl.Series) -> FeatureType:
    if series.name.lower() in TEXT_NAMES:
        return FeatureType.TEXT
    values = series.drop_nulls()
    if not len(values):
        return FeatureType.CATEGORY
    if _iso_times(values).is_not_null().sum() >= NEARLY_ALL * len(values):
        return FeatureType.DATETIME
    if values.str.contains("|", literal=True).sum() >= 0.1 * len(values):
        return FeatureType.CATEGORIES
    words = values.str.count_matches(r"\S+").mean()
    wordy = isinstance(words, float) and words >= 3
    return (
        FeatureType.TEXT
        if wordy and values.n_unique() > 0.5 * len(values)
        else FeatureType.CATEGORY
    )


def to_seconds(series: pl.Series, source: str, *, required: bool = False) -> pl.Series:
    """Return times as Float64 seconds since the epoch; naive ones are UTC.

    Raises:
        DataError: names the row of a value that is no time.
    """
    if series.dtype.is_numeric():
        seconds = series.cast(pl.Float64)
        series = series if required else seconds.fill_nan(None)  # NaN is what pandas calls empty
        seconds = seconds.set(~seconds.is_finite().fill_null(True), None)
    elif series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime):
        seconds = series.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    elif series.dtype == pl.String:
        series = _strings(series)
        numbers = series.str.strip_chars().cast(pl.Float64, strict=False)
        seconds = numbers.fill_null(_iso_times(series).dt.epoch("us") / 1e6)
    elif series.dtype == pl.Null:
        seconds = series.cast(pl.Float64)
    else:
        raise DataError(
            f"{source}: column {series.name!r} is {series.dtype}; expected times: numbers of "
            "seconds since the epoch, datetimes or ISO 8601 text."
        )
    bad = seconds.is_null() if required else seconds.is_null() & series.is_not_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{source}, row {row + 1}: {series.name} is {series[row]!r}; expected seconds since "
            "the epoch or a time like 2026-11-24T20:00:00."
        )
    return seconds.rename(series.name)


def _iso_times(values: pl.Series) -> pl.Series:
    text = values.str.strip_chars().str.replace(" ", "T", literal=True)
    full = pl.when(text.str.len_chars() == 10).then(text + "T00:00:00").otherwise(text)
    frame = pl.DataFrame({"t": text}).select(full.alias("t"))
    zoned = pl.col("t").str.replace("Z$", "+00:00")
    parsed = frame.select(
        pl.coalesce(
            zoned.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us")
            .dt.convert_time_zone("UTC")
            .dt.replace_time_zone(None),
            zoned.str.to_datetime("%Y-%m-%dT%H:%M%:z", strict=False, time_unit="us")
            .dt.convert_time_zone("UTC")
            .dt.replace_time_zone(None),
            pl.col("t").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us"),
            pl.col("t").str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="us"),
        )
    )
    return parsed.to_series()


def _cast(series: pl.Series, kind: FeatureType, source: str) -> pl.Series:
    try:
        match kind:
            case FeatureType.TEXT | FeatureType.CATEGORY:
                return _strings(series)
            case FeatureType.CATEGORIES:
                return _lists(series)
            case FeatureType.NUMBER:
                return _numbers(series, source)
            case FeatureType.DATETIME:
                return to_seconds(series, source)
            case FeatureType.VECTOR:
                return _vectors(series, source)
    except pl.exceptions.PolarsError as error:
        text = str(error).strip().split("\n")[0]
        raise DataError(
            f"{source}: column {series.name!r} cannot be read as {kind}: {text}. Give it another "
            f"type, or 'ignore'."
        ) from error


def _readable_times(series: pl.Series, source: str, notes: list[str]) -> pl.Series:
    """Empty the few values that are no times in a column that was taken for times."""
    if series.dtype != pl.String:
        return series
    odd = _iso_times(series).is_null() & series.is_not_null()
    if odd.any():
        notes.append(f"{source}: {series.name} has {odd.sum():,} values that are no times, emptied")
    return series.set(odd, None)


def _numbers(series: pl.Series, source: str) -> pl.Series:
    if series.dtype == pl.String:
        series = _strings(series)
    numbers = series.cast(pl.Float64, strict=False)
    bad = numbers.is_null() & series.is_not_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{source}, row {row + 1}: {series.name} is {series[row]!r}; expected a number. "
            "Correct the value or give the column another type."
        )
    return numbers.set(~numbers.is_finite().fill_null(True), None)


def _strings(series: pl.Series) -> pl.Series:
    text = series.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _lists(series: pl.Series) -> pl.Series:
    if series.dtype == pl.String:
        series = series.str.split("|")
    elif not isinstance(series.dtype, pl.List | pl.Array):
        series = series.cast(pl.String).reshape((-1, 1))
    lists = series.cast(pl.List(pl.String))
    cleaned = lists.list.eval(pl.element().str.strip_chars().replace("", None).drop_nulls())
    return cleaned.set(cleaned.list.len() == 0, None).rename(series.name)


def _vectors(series: pl.Series, source: str) -> pl.Series:
    vectors = series.cast(pl.List(pl.Float32))
    vectors = vectors.set(vectors.list.len() == 0, None)
    lengths = vectors.list.len()
    first = int(vectors.is_not_null().arg_max() or 0)
    wrong = (lengths != lengths[first]).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"{source}, row {row + 1}: {series.name} has {lengths[row]} numbers; row {first + 1} "
            f"has {lengths[first]}. Vectors must have one length."
        )
    finite = vectors.list.eval(pl.element().is_finite().fill_null(False)).list.all()
    if not finite.all():
        row = int((~finite).fill_null(False).arg_max() or 0)
        raise DataError(
            f"{source}, row {row + 1}: {series.name} holds an empty, NaN or infinite number; "
            "expected finite ones. Correct it or leave the whole vector empty."
        )
    return vectors
