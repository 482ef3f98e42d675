"""The command line. It only translates: every answer comes from the library."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ysmean import __version__
from ysmean.cli import ask, begin, keep, learn, serve
from ysmean.cli.common import talk
from ysmean.errors import YsMeanError

COMMANDS: dict[Callable[..., None], str] = {
    learn.train: "Train networks and proportions; save them.",
    learn.evaluate: "Measure every network and their mean.",
    learn.compare: "Compare two rows, or two reports, in words.",
    ask.recommend: "Answer one request, with shares.",
    ask.similar: "Show what goes with an item.",
    ask.inspect: "Show what a model is made of.",
    keep.add_items: "Make new items recommendable at once.",
    keep.withdraw: "Never recommend some items again.",
    serve.serve: "Serve a model over HTTP.",
    begin.convert: "Turn a MovieLens folder into three tables.",
    begin.demo: "Take a tour on a made-up service.",
}

app = typer.Typer(
    name="ysmean",
    help="A hybrid recommender: several networks, each a softmax over the same catalogue, "
    "and their weighted mean.",
    epilog="Add --debug to any command to see the traceback of an error.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command, help_ in COMMANDS.items():
    app.command(short_help=help_)(command)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="say it, and leave")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line: exit code 0 done, 2 bad input, 1 anything else."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app()
    except YsMeanError as error:
        if debug:
            raise
        text = str(error)
        gap = "\n" if "\n" in text else " "  # so that a mark stays under its place
        talk(f"error:{gap}{text}")
        sys.exit(2)
    except KeyboardInterrupt:
        talk("interrupted; nothing was written")
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        talk(f"unexpected {type(error).__name__}: {error}\nRun it again with --debug to see where.")
        sys.exit(1)
