"""What several commands need: arguments, and where they write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

Columns = Annotated[list[str] | None, typer.Option(help="our names to the files': user_id=uid,...")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]
Model = Annotated[Path, typer.Argument(help="a folder written by ysmean train")]
Seed = Annotated[int, typer.Option(min=0, help="the same seed gives the same model")]


def console(width: int = 100) -> Console:
    """Return the console of standard output, `width` wide where that is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width)


def talk(text: str) -> None:
    """Print to standard error."""
    print(text, file=sys.stderr, flush=True)
