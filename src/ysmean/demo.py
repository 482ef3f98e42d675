"""The demo: train on the simulated service, and ask a few things."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ysmean import show
from ysmean.bundle import check_writable
from ysmean.data.simulate import simulate
from ysmean.recommender import Recommender
from ysmean.training.progress import default_progress
from ysmean.training.train import train


def run(console: Console, seed: int, out: Path | None) -> Recommender:
    """Train, then print answers with shares.

    Args:
        console: where to print.
        seed: of the simulation and of training.
        out: folder to keep the model in, or None.
    """
    if out is not None:
        check_writable(out)
    service = simulate(seed)
    console.print(
        f"A made-up streaming service: {len(service.events):,} views by {len(service.users):,} "
        f"viewers of {len(service.items):,} titles.",
        highlight=False,
    )
    recommender = train(
        service.events, service.items, service.users, seed=seed, progress=default_progress()
    )
    show.proportions(console, recommender.parts.proportions.table())
    viewer = str(service.events.frame.get_column("user_id").value_counts(sort=True)["user_id"][0])
    asked = (
        (f"A faithful viewer, {viewer}", {"user_id": viewer}),
        ("The same, content counted twice", {"user_id": viewer, "scale": {"content": 2}}),
        (
            "The same, recent comedies only",
            {"user_id": viewer, "where": "genres = Comedy and year >= 2000"},
        ),
        ("Somebody new who likes westerns", {"preferences": {"genres": ["Western"]}}),
        (
            "Titles that nobody has watched yet, for the same viewer",
            {"user_id": viewer, "where": _cold(recommender)},
        ),
    )
    for title, request in asked:
        console.print()
        show.answer(console, recommender.recommend(k=5, **request), title)
    console.print()
    if out is not None:
        recommender.save(out)
        console.print(f"Saved. Try: ysmean recommend {out} --user {viewer}", highlight=False)
    console.print(
        "With your own data: ysmean train --events events.csv --items items.csv --out model",
        highlight=False,
    )
    return recommender


def _cold(recommender: Recommender) -> str:
    catalogue = recommender.parts.catalogue
    cold = [i for i, warm in zip(catalogue.item_ids, catalogue.warm, strict=True) if not warm]
    return f"item_id in ({', '.join(cold)})"
