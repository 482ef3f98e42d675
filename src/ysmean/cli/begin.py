"""Commands to begin with: convert, demo."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ysmean.cli.common import Seed, console, talk
from ysmean.cli.memory import keep_memory
from ysmean.cli.serve import check_installed, check_port, start
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
    serve: Annotated[bool, typer.Option("--serve", help="then serve it, with the studio")] = False,
    open_: Annotated[
        bool, typer.Option("--open", help="serve it, and open the studio in a browser")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="to serve at; 0 takes a free one")
    ] = 8000,
) -> None:
    """Train on a made-up streaming service, and take a tour of what the mean can do."""
    keep_memory()
    from ysmean.demo import run

    if serve or open_:
        check_installed()  # better said before minutes of training
        check_port(port)
    report = run(console(80), seed, out)
    if not (serve or open_):
        return
    from ysmean.recommender import Recommender
    from ysmean.service.keys import NO_KEYS

    def told(url: str) -> None:
        talk(f"The studio: {url} (Ctrl-C ends it)")
        if open_:
            webbrowser.open(url)

    with tempfile.TemporaryDirectory(prefix="ysmean-demo-") as beside:
        model = Path(beside) / "model" if out is None else out / "model"
        if out is None:
            Recommender(report.parts).save(model)
        start(model, NO_KEYS, "127.0.0.1", port, 0.0, told=told)
