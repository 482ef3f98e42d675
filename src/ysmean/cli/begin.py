"""Commands to begin with: convert, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ysmean.cli.common import Seed, console, talk
from ysmean.errors import RequestError


def convert(
    kind: Annotated[str, typer.Argument(help="movielens")],
    folder: Annotated[Path, typer.Argument(help="as it comes out of the archive")],
    out: Annotated[Path, typer.Option(help="folder for the Parquet files")],
) -> None:
    """Turn an original MovieLens folder into events, items and users."""
    from ysmean.data.movielens import read_movielens
    from ysmean.data.tables import check_folder

    if kind != "movielens":
        raise RequestError(f"Cannot convert {kind!r}; expected 'movielens'.")
    check_folder(out)
    tables = read_movielens(folder)
    for path in tables.write(out):
        talk(f"wrote {path}")


def demo(
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="keep data, report and model in this folder")
    ] = None,
) -> None:
    """Train on a made-up streaming service, and take a tour of what the mean can do."""
    from ysmean.demo import run

    run(console(80), seed, out)
