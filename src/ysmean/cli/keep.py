"""Commands that keep a model's catalogue up to date: add-items, withdraw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ysmean.cli.common import Columns, Model, talk


def add_items(
    model: Model,
    items: Annotated[Path, typer.Option("--items", help="item_id and features")],
    columns: Columns = None,
) -> None:
    """Make items recommendable at once, and describe known ones anew, in a new version.

    Nothing is trained: networks that know items by what they are know the new ones, too.
    """
    from ysmean import options
    from ysmean.recommender import Recommender

    recommender = Recommender.load(model)
    names = dict(options.pairs(columns or (), "--columns", "item_id=movie"))
    kept = recommender.add_items(items, names)
    for note in kept.notes:
        talk(note)
    place = recommender.save(model)
    talk(f"added {kept.added:,} items and updated {kept.updated:,}; saved {place}")


def withdraw(
    model: Model,
    items: Annotated[list[str], typer.Argument(help="ids of items never to be returned again")],
) -> None:
    """Never recommend some items again, in a new version; add-items brings them back."""
    from ysmean.recommender import Recommender

    recommender = Recommender.load(model)
    kept = recommender.withdraw(items)
    place = recommender.save(model)
    talk(f"withdrew {kept.withdrawn:,} items; saved {place}")
