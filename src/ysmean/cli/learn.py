"""Commands that learn from data: train, evaluate, compare."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ysmean.cli.common import Columns, Seed, console, talk
from ysmean.cli.memory import keep_memory
from ysmean.errors import RequestError

if TYPE_CHECKING:
    from ysmean.config import Config

EventsFile = Annotated[
    list[str],
    typer.Option(
        "--events",
        help="user_id, item_id and, if known, timestamp; may be repeated, with a model and with "
        "store:URL, whose later events are added",
    ),
]
ItemsFile = Annotated[Path | None, typer.Option("--items", help="item_id and features")]
RelationsFile = Annotated[
    Path | None, typer.Option("--relations", help="head (an item_id), relation and tail")
]
UsersFile = Annotated[Path | None, typer.Option("--users", help="user_id and features")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of settings")]
Preset = Annotated[str, typer.Option(help="fast, default or best: how long networks are trained")]
Unknown = Annotated[str, typer.Option(help="keep or drop events on items the items file lacks")]


def train(
    events: EventsFile,
    out: Annotated[Path, typer.Option(help="folder of the model; it gets a new version")],
    items: ItemsFile = None,
    users: UsersFile = None,
    relations: RelationsFile = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    preset: Preset = "default",
    columns: Columns = None,
    unknown_items: Unknown = "keep",
) -> None:
    """Train all networks and the proportions of their mean, and save them as a model."""
    keep_memory()
    from ysmean.bundle import check_writable
    from ysmean.training.progress import default_progress
    from ysmean.training.train import train as train_

    check_writable(out)  # better said before hours of training
    tables, settings = _read(events, items, users, relations, config, columns)
    recommender = train_(
        *tables,
        networks=settings.specs(preset),
        seed=seed,
        preset=preset,
        unknown_items=unknown_items,
        consensus=settings.consensus,
        progress=default_progress(),
    )
    place = recommender.save(out)
    talk(f"saved {place}")
    talk(f"ask it: ysmean recommend {out} --user {recommender.parts.histories.user_ids[0]}")


def evaluate(
    events: EventsFile,
    out: Annotated[Path, typer.Option(help="folder of the report")],
    items: ItemsFile = None,
    users: UsersFile = None,
    relations: RelationsFile = None,
    split: Annotated[
        str, typer.Option(help="leave-last-out, time:DATE, cold-users:0.1 or cold-items:0.2")
    ] = "leave-last-out",
    config: ConfigFile = None,
    seed: Seed = 0,
    preset: Preset = "default",
    columns: Columns = None,
    unknown_items: Unknown = "keep",
    candidates: Annotated[str, typer.Option(help="all items, or those with events")] = "all",
    seen: Annotated[str, typer.Option(help="exclude or allow items of the history")] = "exclude",
    corrupt: Annotated[
        float, typer.Option(help="0.3: shuffle the features of 30% of the items first")
    ] = 0.0,
) -> None:
    """Train on a part of the events, and measure every network and the mean on the rest."""
    keep_memory()
    from ysmean import show
    from ysmean.data.tables import check_folder
    from ysmean.evaluation.evaluate import evaluate as evaluate_
    from ysmean.training.progress import default_progress

    check_folder(out)
    tables, settings = _read(events, items, users, relations, config, columns)
    report = evaluate_(
        *tables,
        split=split,
        networks=settings.specs(preset),
        candidates=candidates,
        seen=seen,
        seed=seed,
        preset=preset,
        unknown_items=unknown_items,
        consensus=settings.consensus,
        corrupt=corrupt,
        progress=default_progress(),
    )
    report.data["command"] = shlex.join(["ysmean", *sys.argv[1:]])
    report.save(out)
    show.report(console(), report)
    talk(f"saved {out / 'report.html'}, {out / 'report.json'} and {out / 'requests.parquet'}")


def compare(
    reports: Annotated[list[Path], typer.Argument(help="one or two folders of ysmean evaluate")],
    row: Annotated[list[str] | None, typer.Option(help="two rows of one report")] = None,
) -> None:
    """Compare two rows of one report, or one row of two reports: paired bootstrap, in words."""
    from ysmean import show
    from ysmean.evaluation.compare import Side
    from ysmean.evaluation.compare import compare as compare_

    rows = row or ["mean"]
    if len(reports) == 2 and len(rows) == 1:
        sides = [Side.read(r, rows[0], f"{rows[0]} of {r}") for r in reports]
    elif len(reports) == 1 and len(rows) == 2:
        sides = [Side.read(reports[0], name) for name in rows]
    else:
        raise RequestError(
            f"Reports: {len(reports)}, --row: {len(row or [])}. Expected two reports and one --row "
            "(mean by default), or one report and two."
        )
    show.comparison(console(), compare_(sides[0], sides[1]), sides[0].name, sides[1].name)


def _read(
    events: list[str],
    items: Path | None,
    users: Path | None,
    relations: Path | None,
    config: Path | None,
    columns: list[str] | None,
) -> tuple[tuple[Any, Any, Any], Config]:
    """Read the files; print what was found in them."""
    from ysmean import options
    from ysmean.config import load_config

    settings = load_config(config)
    settings.specs()  # a bad setting is better said before reading
    names = dict(options.pairs(columns or (), "--columns", "user_id=uid"))
    tables = settings.read(events, items, users, names, relations)
    for table in tables:
        for note in table.notes if table is not None else ():
            talk(note)
    return tables, settings
