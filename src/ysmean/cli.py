"""The command line. It only translates: every answer comes from the library."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ysmean.errors import RequestError, YsMeanError

if TYPE_CHECKING:
    from rich.console import Console

    from ysmean.config import Config

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

EventsFile = Annotated[
    Path, typer.Option("--events", help="user_id, item_id and, if known, timestamp")
]
ItemsFile = Annotated[Path | None, typer.Option("--items", help="item_id and features")]
UsersFile = Annotated[Path | None, typer.Option("--users", help="user_id and features")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of settings")]
Seed = Annotated[int, typer.Option(min=0, help="the same seed gives the same model")]
Preset = Annotated[str, typer.Option(help="fast, default or best: how long networks are trained")]
Columns = Annotated[list[str] | None, typer.Option(help="our names to the files': user_id=uid,...")]
Unknown = Annotated[str, typer.Option(help="keep or drop events on items the items file lacks")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]
Model = Annotated[Path, typer.Argument(help="a folder written by ysmean train")]


@app.command(short_help="Train networks and proportions; save them.")
def train(
    events: EventsFile,
    out: Annotated[Path, typer.Option(help="folder of the model; it gets a new version")],
    items: ItemsFile = None,
    users: UsersFile = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    preset: Preset = "default",
    columns: Columns = None,
    unknown_items: Unknown = "keep",
) -> None:
    """Train all networks and the proportions of their mean, and save them as a model."""
    from ysmean.bundle import check_writable
    from ysmean.training.progress import default_progress
    from ysmean.training.train import train as train_

    check_writable(out)  # better said before hours of training
    tables, settings = _read(events, items, users, config, columns)
    recommender = train_(
        *tables,
        networks=settings.specs(),
        seed=seed,
        preset=preset,
        unknown_items=unknown_items,
        consensus=settings.consensus,
        progress=default_progress(),
    )
    place = recommender.save(out)
    _talk(f"saved {place}")
    _talk(f"ask it: ysmean recommend {out} --user {recommender.parts.histories.user_ids[0]}")


@app.command(short_help="Measure every network and their mean.")
def evaluate(
    events: EventsFile,
    out: Annotated[Path, typer.Option(help="folder of the report")],
    items: ItemsFile = None,
    users: UsersFile = None,
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
) -> None:
    """Train on a part of the events, and measure every network and the mean on the rest."""
    from ysmean import show
    from ysmean.data.tables import check_folder
    from ysmean.evaluation.evaluate import evaluate as evaluate_
    from ysmean.training.progress import default_progress

    check_folder(out)
    tables, settings = _read(events, items, users, config, columns)
    report = evaluate_(
        *tables,
        split=split,
        networks=settings.specs(),
        candidates=candidates,
        seen=seen,
        seed=seed,
        preset=preset,
        unknown_items=unknown_items,
        consensus=settings.consensus,
        progress=default_progress(),
    )
    report.data["command"] = shlex.join(["ysmean", *sys.argv[1:]])
    report.save(out)
    show.report(_console(), report)
    _talk(f"saved {out / 'report.html'}, {out / 'report.json'} and {out / 'requests.parquet'}")


@app.command(short_help="Compare two rows, or two reports, in words.")
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
            f"Received {len(reports)} reports and {len(rows)} rows; expected two reports and one "
            "--row (mean by default), or one report and two."
        )
    show.comparison(_console(), compare_(sides[0], sides[1]), sides[0].name, sides[1].name)


@app.command(short_help="Answer one request, with shares.")
def recommend(
    model: Model,
    user: Annotated[str | None, typer.Option(help="whose history and features count")] = None,
    history: Annotated[str | None, typer.Option(help="item ids instead, oldest first")] = None,
    k: Annotated[int | None, typer.Option("-k", help="how many items; 10 by default")] = None,
    scale: Annotated[list[str] | None, typer.Option(help="content=2: content counts twice")] = None,
    weights: Annotated[str, typer.Option(help="fitted, equal, or content=1,...")] = "fitted",
    prefer: Annotated[list[str] | None, typer.Option(help="genres=Comedy; may be repeated")] = None,
    where: Annotated[str | None, typer.Option(help="hard constraint: 'year >= 1990'")] = None,
    exclude: Annotated[str | None, typer.Option(help="item ids never to return")] = None,
    seen: Annotated[str, typer.Option(help="exclude or allow items of the history")] = "exclude",
    context: Annotated[list[str] | None, typer.Option(help="hour=20,weekday=5")] = None,
    at: Annotated[str | None, typer.Option(help="time of the request; now by default")] = None,
    json_: Json = False,
) -> None:
    """Answer one request, with every network's share of every score."""
    from ysmean import options, show
    from ysmean.recommender import Recommender

    answer = Recommender.load(model).recommend(
        user,
        options.ids(history),
        k=k,
        scale=options.numbers(scale or (), "--scale", "content=2"),
        weights=options.weights(weights),
        preferences=options.preferences(prefer or ()),
        where=where,
        exclude=options.ids(exclude) or (),
        seen=seen,
        context=options.numbers(context or (), "--context", "hour=20"),
        at=at,
    )
    if json_:
        print(json.dumps(answer.to_json(), allow_nan=False))
    else:
        who = (
            f"user {user}" if user is not None else "a given history" if history else "somebody new"
        )
        show.answer(_console(), answer, f"for {who} (history: {answer.cohort} items)")


@app.command(short_help="Show what goes with an item.")
def similar(
    model: Model,
    item: Annotated[str, typer.Argument(help="the id of an item")],
    k: Annotated[int | None, typer.Option("-k", help="how many items; 10 by default")] = None,
    json_: Json = False,
) -> None:
    """Show what goes with an item: by the mean, with shares, and by each network alone."""
    from ysmean import show
    from ysmean.recommender import Recommender

    recommender = Recommender.load(model)
    together = recommender.similar(item, k)
    networks = recommender.parts.networks
    names = [n for n in together.weights if n in networks and networks[n].from_history]
    alone = {name: recommender.similar(item, k, name) for name in names}
    if json_:
        items = {name: answer.to_json()["items"] for name, answer in alone.items()}
        document = {"item_id": item, **together.to_json(), "networks": items}
        print(json.dumps(document, allow_nan=False))
    else:
        title = recommender.parts.catalogue.titles(
            recommender.parts.catalogue.known_classes([item])
        )[0]
        show.answer(_console(), together, f"goes with {item} {title or ''}".strip())
        show.lists(_console(), alone)


@app.command(short_help="Show what a model is made of.")
def inspect(
    model: Model,
    json_: Json = False,
    plot: Annotated[Path | None, typer.Option(help="draw the model to a picture")] = None,
) -> None:
    """Show what a model is made of: data, networks, proportions."""
    from ysmean import show
    from ysmean.recommender import Recommender

    recommender = Recommender.load(model)
    parts = recommender.parts
    if json_:
        data = {
            "model": parts.model_id,
            "catalogue": len(parts.catalogue),
            "cold": int((~parts.catalogue.warm).sum()),
            "users": len(parts.histories),
            "events": len(parts.histories.classes),
            "networks": list(parts.networks),
            "proportions": parts.proportions.table(),
            "exponents": parts.proportions.exponents_table(),
            "cold_odds": parts.proportions.cold_odds,
            **parts.manifest,
        }
        print(json.dumps(data, allow_nan=False))
    else:
        show.model(_console(), parts)
    if plot is not None:
        from ysmean.plot import draw_model

        draw_model(parts, plot)
        _talk(f"drew {plot}")


@app.command(short_help="Turn a MovieLens folder into three tables.")
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
        _talk(f"wrote {path}")


@app.command(short_help="Take a tour on a made-up service.")
def demo(
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="keep data, report and model in this folder")
    ] = None,
) -> None:
    """Train on a made-up streaming service, and take a tour of what the mean can do."""
    from ysmean.demo import run

    run(_console(80), seed, out)


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
        _talk(f"error:{gap}{text}")
        sys.exit(2)
    except KeyboardInterrupt:
        _talk("interrupted; nothing was written")
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        _talk(
            f"unexpected {type(error).__name__}: {error}\nRun it again with --debug to see where."
        )
        sys.exit(1)


def _read(
    events: Path,
    items: Path | None,
    users: Path | None,
    config: Path | None,
    columns: list[str] | None,
) -> tuple[tuple[Any, Any, Any], Config]:
    """Read the three files; print what was found in them."""
    from ysmean import options
    from ysmean.config import load_config

    settings = load_config(config)
    settings.specs()  # a bad setting is better said before reading
    names = dict(options.pairs(columns or (), "--columns", "user_id=uid"))
    tables = settings.read(events, items, users, names)
    for table in tables:
        for note in table.notes if table is not None else ():
            _talk(note)
    return tables, settings


def _console(width: int = 100) -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width)


def _talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
