"""Commands that ask a model: recommend, similar, inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ysmean.cli.common import Json, Model, console, talk


def recommend(
    model: Model,
    user: Annotated[str | None, typer.Option(help="whose history and features count")] = None,
    history: Annotated[str | None, typer.Option(help="item ids instead, oldest first")] = None,
    k: Annotated[int | None, typer.Option("-k", help="how many items; 10 by default")] = None,
    scale: Annotated[list[str] | None, typer.Option(help="content=2: content counts twice")] = None,
    weights: Annotated[str, typer.Option(help="fitted, equal, or content=1,...")] = "fitted",
    prefer: Annotated[
        list[str] | None, typer.Option(help="genres=Comedy, 0.5:genres=War, year>=2010")
    ] = None,
    dislike: Annotated[
        list[str] | None, typer.Option(help="genres=Horror; may be repeated")
    ] = None,
    where: Annotated[str | None, typer.Option(help="rule: 'year >= 1990', or JSON")] = None,
    exclude: Annotated[str | None, typer.Option(help="item ids never to return")] = None,
    seen: Annotated[str, typer.Option(help="exclude or allow items of the history")] = "exclude",
    context: Annotated[list[str] | None, typer.Option(help="hour=20,weekday=5")] = None,
    at: Annotated[str | None, typer.Option(help="time of the request; now by default")] = None,
    why: Annotated[bool, typer.Option("--why", help="say what counted for each item")] = False,
    diversity: Annotated[
        float, typer.Option(help="0 = the best items, 1 = as unlike each other as can be")
    ] = 0.0,
    cap: Annotated[
        list[str] | None, typer.Option(help="genres=3: at most 3 items of a genre")
    ] = None,
    json_: Json = False,
) -> None:
    """Answer one request, with every network's share of every score."""
    from ysmean import options, show
    from ysmean.recommender import Recommender

    recommender = Recommender.load(model)
    answer = recommender.recommend(
        user,
        options.ids(history),
        k=k,
        scale=options.numbers(scale or (), "--scale", "content=2"),
        weights=options.weights(weights),
        preferences=options.preferences(prefer or (), dislike or ()),
        where=options.where(where),
        exclude=options.ids(exclude) or (),
        seen=seen,
        context=options.numbers(context or (), "--context", "hour=20"),
        at=at,
        why=why,
        diversity=diversity,
        caps=options.counts(cap or (), "--cap", "genres=3"),
    )
    if json_:
        print(json.dumps(answer.to_json(), allow_nan=False))
    else:
        who = (
            f"user {user}" if user is not None else "a given history" if history else "somebody new"
        )
        if user is not None and user not in recommender.parts.histories.index:
            who += ", whom the model does not know"
        items = "item" if answer.cohort == "1" else "items"
        show.answer(console(), answer, f"for {who} (history: {answer.cohort} {items})")


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
        show.answer(console(), together, f"goes with {item} {title or ''}".strip())
        show.lists(console(), alone)


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
        print(json.dumps(parts.facts(), allow_nan=False))
    else:
        show.model(console(), parts)
    if plot is not None:
        from ysmean.plot import draw_model

        draw_model(parts, plot)
        talk(f"drew {plot}")
