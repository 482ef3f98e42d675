"""The demo: train on the simulated service, then a tour of what a mean of softmaxes can do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console

from ysmean import metrics
from ysmean.bundle import check_writable
from ysmean.data.simulate import Simulation, simulate
from ysmean.evaluation.compare import Side, compare
from ysmean.evaluation.evaluate import evaluate
from ysmean.evaluation.page.words import p_value
from ysmean.evaluation.report import Report
from ysmean.networks.causal import Causal
from ysmean.networks.content import Content
from ysmean.networks.registry import Spec, default_specs
from ysmean.recommender import Recommender
from ysmean.tour import Tour, grid, heading, say
from ysmean.training.progress import default_progress

BEST = "the truth itself"
HISTORY = 64
PASSES = {"recurrent": 16, "content": 16}


def run(console: Console, seed: int, out: Path | None) -> Report:
    """Train and measure on a simulated service, then print the tour.

    Args:
        console: where to print.
        seed: of the simulation and of training.
        out: folder for data, report and model, or None to keep nothing.

    Returns:
        The report; `Recommender(report.parts)` is the model.
    """
    if out is not None:
        check_writable(out / "model")  # better said before minutes of training
    service = simulate(seed)
    say(
        console,
        f"A made-up streaming service: {len(service.users):,} viewers, {len(service.items):,} "
        f"titles, {len(service.events):,} views in a year. Every viewer's last view is the test, "
        "the one before it fits the proportions, the rest trains the networks.",
    )
    report = evaluate(
        service.events,
        service.items,
        service.users,
        networks=quick(),
        seed=seed,
        progress=default_progress(),
    )
    if out is not None:
        _keep(service, report, out)
    tour = Tour(console, service, Recommender(report.parts))
    heading(console, "1", "Which title next? Each network alone, and their mean")
    _measured(console, service, report)
    tour.faithful()
    tour.doubled()
    tour.newcomer()
    tour.premieres()
    tour.constrained()
    tour.mistaken(report.data["suspicious_items"])
    _next_steps(console, out, tour.viewer)
    return report


def quick() -> list[Spec]:
    """Return the default networks, those over long histories with less to see and fewer passes.

    A tour should take minutes, and theirs would be most of them.
    """
    return [
        replace(
            spec,
            history=HISTORY,
            fitting=replace(spec.fitting, max_epochs=PASSES[spec.kind]),
        )
        if isinstance(spec, Causal | Content)
        else spec
        for spec in default_specs()
    ]


def best_possible(service: Simulation, report: Report) -> dict[str, Any]:
    """Return the row that the truth itself would get: no network can do better on average.

    Args:
        service: what was evaluated on.
        report: of an evaluation of `service`; its requests are asked of the truth.
    """
    requests = report.requests.filter(pl.col("row") == "mean")
    rows = requests.join(
        service.events.frame.with_row_index("view"),
        on=["user_id", "item_id"],
        how="left",
        maintain_order="left",
    )
    now = service.situation(rows.get_column("view").to_numpy().astype(np.int64))
    ids = service.items.frame.get_column("item_id")
    places = rows.get_column("item_id").cast(pl.Enum(ids)).to_physical().to_numpy()
    p = service.truth.next_view(now)
    target = p[np.arange(len(p)), places][:, None]
    earlier = np.arange(p.shape[1]) < places[:, None]
    ranks = 1 + (p > target).sum(1) + ((p == target) & earlier).sum(1)
    return {
        "name": BEST,
        "ndcg@10": float(metrics.ndcg(ranks, 10).mean()),
        "hr@10": float(metrics.hit_rate(ranks, 10).mean()),
        "nll": metrics.mean_nll(target[:, 0].astype(np.float64)),
    }


def _measured(console: Console, service: Simulation, report: Report) -> None:
    """Print every row of the report, the truth's, and what the mean gains."""
    table = grid("", "NDCG@10", "95% interval", "HR@10", "NLL")
    for row in [*report.rows(), best_possible(service, report)]:
        lo, hi = row.get("ci95", {}).get("ndcg@10", (None, None))
        bold = "bold" if row["name"] == "mean" else None
        table.add_row(
            row["name"],
            f"{row['ndcg@10']:.4f}",
            "" if lo is None else f"{lo:.4f}-{hi:.4f}",
            f"{row['hr@10']:.4f}",
            f"{row['nll']:.3f}",
            style=bold,
        )
    console.print(table)
    best = str(report.best_member()["name"])
    sides = [Side.of(report.data, report.requests, n) for n in ("mean", best, "mean-equal")]
    for other in sides[1:]:
        found = compare(sides[0], other)[0]
        p = p_value(found.difference.p_value)
        name = "the plain mean" if other.name == "mean-equal" else f"its best member, {other.name}"
        gain = found.difference.mean / found.b
        say(console, f"The fitted mean is {gain:+.1%} from {name} ({p}).")
    say(console, f"What nobody can beat is {BEST}, from which the views were drawn.")


def _keep(service: Simulation, report: Report, out: Path) -> None:
    """Write data, report and model."""
    report.save(out / "report")
    for name, table in (
        ("events", service.events.frame.select("user_id", "item_id", "timestamp")),
        ("items", service.items.frame),
        ("users", service.users.frame),
    ):
        table.write_parquet(out / f"{name}.parquet")
    Recommender(report.parts).save(out / "model")


def _next_steps(console: Console, out: Path | None, viewer: str) -> None:
    heading(console, "", "Now with your own data")
    lines = [
        "ysmean train    --events events.csv --items items.csv --out model",
        "ysmean evaluate --events events.csv --items items.csv --out report",
        "ysmean recommend model --user 42 --scale content=2",
    ]
    if out is None:
        lines += [
            "ysmean demo --out demo     # keeps this tour's data, report and model",
            "ysmean demo --open         # opens the studio on it: its proportions as sliders",
        ]
    else:
        lines += [
            f"ysmean recommend {out}/model --user {viewer}",
            f"ysmean inspect {out}/model",
            f"ysmean serve {out}/model     # the studio: http://127.0.0.1:8000",
        ]
    for line in lines:
        console.print(f"  {line}", highlight=False, soft_wrap=True)
