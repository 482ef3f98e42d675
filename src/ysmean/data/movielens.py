"""Turn the original MovieLens folders into events, items and users.

Known are ml-1m (`ratings.dat`, `movies.dat`, `users.dat`), ml-100k (`u.data`, `u.item`, `u.genre`,
`u.user`) and ml-latest or ml-20m/25m/32m (`ratings.csv`, `movies.csv`); see their own READMEs for
the terms of use.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ysmean.errors import DataError

AGES = {1: "under 18", 18: "18-24", 25: "25-34", 35: "35-44", 45: "45-49", 50: "50-55", 56: "56+"}
OCCUPATIONS = (
    *("other", "educator", "artist", "clerical", "student", "customer service", "doctor"),
    *("executive", "farmer", "homemaker", "K-12 student", "lawyer", "programmer", "retired"),
    *("sales", "scientist", "self-employed", "engineer", "craftsman", "unemployed", "writer"),
)
NO_GENRES = "(no genres listed)"


@dataclass(frozen=True)
class MovieLens:
    """The tables of a MovieLens folder.

    Attributes:
        events: user_id, item_id, timestamp, rating, in the order of the file.
        items: item_id, title, year, genres.
        users: user_id and demographics, where the data set has them.
    """

    events: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame | None

    def write(self, folder: Path) -> list[Path]:
        """Write events.parquet, items.parquet and users.parquet; each whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in ("events", "items", "users"):
            frame = getattr(self, name)
            if frame is not None:
                draft, path = folder / f".{name}.parquet", folder / f"{name}.parquet"
                frame.write_parquet(draft)
                os.replace(draft, path)
                written.append(path)
        return written


def read_movielens(folder: Path) -> MovieLens:
    """Read a folder as it comes out of the archive.

    Raises:
        DataError: if it is none of the known ones, or a file of it cannot be read.
    """
    kinds = {"ratings.dat": _dat, "u.data": _u, "ratings.csv": _csv}
    for file, read in kinds.items():
        if (folder / file).is_file():
            try:
                return read(folder)
            except (OSError, pl.exceptions.PolarsError) as error:
                text = str(error).strip().split("\n")[0]
                raise DataError(f"{folder} cannot be read as MovieLens: {text}") from error
    raise DataError(f"{folder} is no MovieLens folder; expected one with {', '.join(kinds)} in it.")


def _dat(folder: Path) -> MovieLens:
    ratings = _split(folder / "ratings.dat", "::", ["user_id", "item_id", "rating", "timestamp"])
    movies = _split(folder / "movies.dat", "::", ["item_id", "title", "genres"])
    users = _split(
        folder / "users.dat", "::", ["user_id", "gender", "age_group", "occupation", "zip"]
    )
    age = pl.col("age_group").cast(pl.Int32).replace_strict(AGES, default=None)
    names = dict(enumerate(OCCUPATIONS))
    job = pl.col("occupation").cast(pl.Int32).replace_strict(names, default=None)
    genres = pl.col("genres").str.split("|")
    return MovieLens(
        _events(ratings), _titled(movies.with_columns(genres)), users.with_columns(age, job)
    )


def _u(folder: Path) -> MovieLens:
    ratings = _split(folder / "u.data", "\t", ["user_id", "item_id", "rating", "timestamp"])
    names = _split(folder / "u.genre", "|", ["genre", "number"]).drop_nulls("number")["genre"]
    flags = [f"_{n}" for n in range(len(names))]
    movies = _split(
        folder / "u.item", "|", ["item_id", "title", "released", "video", "url", *flags]
    )
    listed = pl.concat_list(
        pl.when(pl.col(flag) == "1").then(pl.lit(name))
        for flag, name in zip(flags, names, strict=True)
    )
    movies = movies.select("item_id", "title", listed.list.drop_nulls().alias("genres"))
    users = _split(folder / "u.user", "|", ["user_id", "age", "gender", "occupation", "zip"])
    return MovieLens(_events(ratings), _titled(movies), users.with_columns(pl.col("age").cast(int)))


def _csv(folder: Path) -> MovieLens:
    names = {"userId": "user_id", "movieId": "item_id"}
    ratings = pl.read_csv(folder / "ratings.csv", infer_schema=False).rename(names)
    movies = pl.read_csv(folder / "movies.csv", infer_schema=False).rename({"movieId": "item_id"})
    genres = pl.col("genres").replace(NO_GENRES, None).str.split("|")
    return MovieLens(_events(ratings), _titled(movies.with_columns(genres)), None)


def _events(ratings: pl.DataFrame) -> pl.DataFrame:
    return ratings.select(
        "user_id",
        "item_id",
        pl.col("timestamp").cast(pl.Int64),
        pl.col("rating").cast(pl.Float32),
    )


def _titled(movies: pl.DataFrame) -> pl.DataFrame:
    """Cut the year off the titles: "Matrix, The (1999)" is "Matrix, The" of 1999."""
    year = pl.col("title").str.extract(r"\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$").cast(pl.Int32)
    title = pl.col("title").str.replace(r"\s*\(\d{4}(?:[-\u2013]\d{0,4})?\)\s*$", "")
    return movies.select("item_id", title.str.strip_chars(), year.alias("year"), "genres")


def _split(path: Path, separator: str, columns: list[str]) -> pl.DataFrame:
    """Read a file of lines split by a separator of any length, in Latin-1 as MovieLens is."""
    lines = [line for line in path.read_text("latin-1").splitlines() if line.strip()]
    parts = pl.Series(lines, dtype=pl.String).str.split(separator)
    wrong = parts.list.len() != len(columns)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"{path.name}, line {row + 1}: {parts[row].len()} parts; expected {len(columns)} "
            f"separated by {separator!r}: {', '.join(columns)}."
        )
    return pl.DataFrame({name: parts.list.get(n) for n, name in enumerate(columns)})
