"""Answers, reports and models as tables for people; plain when piped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ysmean.answer import Recommendations
from ysmean.evaluation.compare import Comparison
from ysmean.evaluation.page import words
from ysmean.evaluation.report import Report
from ysmean.parts import Parts

SHORT = {
    "collaborative": "collab",
    "transition": "trans",
    "knowledge": "knowl",
    "popularity": "popul",
    "sequential": "seq",
    "recurrent": "recur",
    "consensus": "cons",
}
EXPONENTS = "exponents of the consensus by history length"


def answer(console: Console, recommendations: Recommendations, title: str = "") -> None:
    """Print the items of an answer, with every network's share in percent."""
    r = recommendations
    # One blank between columns: a hybrid has many, and titles want the room.
    table = bare_table(title or None, gap=1)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("item", no_wrap=True)
    table.add_column("title")
    table.add_column("score", justify="right", no_wrap=True)
    for name in r.weights:
        table.add_column(SHORT.get(name, name), justify="right", no_wrap=True)
    for place, item in enumerate(r.items, 1):
        shares = [f"{100 * item.shares[name]:.0f}%" for name in r.weights]
        score = f"{item.score:.4f}"
        table.add_row(str(place), item.item_id, elided(item.title or ""), score, *shares)
    console.print(table)
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in r.weights.items())
    console.print(f"weights: {weights}", highlight=False)
    _evidence(console, r)
    for place, item in enumerate(r.items, 1):
        if item.why is not None:
            console.print(f"{place:>2} {item.why}", highlight=False)
    for line in _remarks(r):
        console.print(line, highlight=False)


def _evidence(console: Console, r: Recommendations) -> None:
    """Print what each network adds within the consensus, where it has a share."""
    said = [(place, item.evidence) for place, item in enumerate(r.items, 1) if item.evidence]
    if not said:
        return
    names = [name for name in r.weights if name in said[0][1]]
    table = bare_table("within the consensus: bits for or against an item, by network")
    for column in ("", *names):
        table.add_column(SHORT.get(column, column), justify="right", no_wrap=True)
    for place, bits in said:
        table.add_row(str(place), *[f"{bits[name]:+.1f}" for name in names])
    console.print(table)


def bare_table(title: str | None = None, gap: int = 2) -> Table:
    """Return a table without lines, `gap` blanks between its columns."""
    left, right = gap // 2, gap - gap // 2
    padding = (0, right, 0, left)
    return Table(title=title, title_justify="left", box=None, padding=padding, pad_edge=False)


def elided(text: str) -> Text:
    """Return text that ends in an ellipsis where a table has no room for it."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _remarks(r: Recommendations) -> Iterable[str]:
    if r.abstained:
        yield f"nothing to say about this request: {', '.join(r.abstained)}"
    if r.last_resort:
        yield "only popularity could answer"
    if r.unknown_items:
        yield f"unknown items, skipped: {', '.join(r.unknown_items)}"
    if r.shortfall:
        yield str(r.shortfall)
    elif not r.items:
        yield "no item is allowed: loosen the constraints, or allow seen items"


def lists(console: Console, answers: Mapping[str, Recommendations]) -> None:
    """Print the items of several answers side by side."""
    table = bare_table()
    for name in answers:
        table.add_column(f"{name} alone", ratio=1, no_wrap=True, overflow="ellipsis")
    columns = [[item.title or item.item_id for item in answer] for answer in answers.values()]
    for row in zip_longest(*columns, fillvalue=""):
        table.add_row(*row)
    console.print()
    console.print(table)


def report(console: Console, found: Report) -> None:
    """Print the rows of a report: over all requests, and NDCG by cohort; then the proportions."""
    data = found.data
    console.print(
        f"{data['split']}: {data['requests']:,} requests over {data['catalogue']:,} items"
        + (f"; {data['outside']:,} targets outside the allowed set" if data["outside"] else ""),
        highlight=False,
    )
    table = bare_table()
    table.add_column("")
    for name in ("ndcg@10", "95% interval", "hr@10", "mrr", "nll", "cover", "answered"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.rows():
        lo, hi = row["ci95"]["ndcg@10"]
        table.add_row(
            row["name"],
            f"{row['ndcg@10']:.4f}",
            f"{lo:.4f}-{hi:.4f}",
            f"{row['hr@10']:.4f}",
            f"{row['mrr']:.4f}",
            "" if row["nll"] is None else f"{row['nll']:.3f}",
            f"{100 * row['coverage@10']:.0f}%",
            f"{100 * row['answered']:.0f}%",
        )
    console.print(table)
    by_cohort(console, found)
    proportions(console, data["proportions"]["table"])
    proportions(console, data["proportions"]["exponents"], EXPONENTS)
    metadata(console, data)


def metadata(console: Console, data: Mapping[str, Any], most: int = 5) -> None:
    """Print which items' metadata disagrees most with behaviour, and what was shuffled."""
    if data["corrupt"]["items"]:
        console.print(words.corrupted(data), highlight=False)
    found = data["suspicious_items"]
    if not found["checked"]:
        return
    console.print(words.disagreeing(data), highlight=False)
    first = [
        f"{i['title']} ({i['item_id']})" if i["title"] else i["item_id"] for i in found["items"]
    ]
    console.print(f"Look first at {words.listed(first[:most])}.", highlight=False)


def by_cohort(console: Console, found: Report) -> None:
    """Print NDCG@10 of every row in every cohort that was asked."""
    asked = {row["cohort"]: row["requests"] for row in found.data["rows"] if row["requests"]}
    cohorts = [cohort for cohort in asked if cohort != "all"]
    table = bare_table("ndcg@10 by cohort (requests)")
    table.add_column("")
    for cohort in cohorts:
        table.add_column(f"{cohort} ({asked[cohort]:,})", justify="right", no_wrap=True)
    for name in [row["name"] for row in found.rows()]:
        table.add_row(name, *[f"{found.row(name, c)['ndcg@10']:.4f}" for c in cohorts])
    console.print(table)


def proportions(
    console: Console, rows: list[dict[str, Any]], title: str = "fitted weights by history length"
) -> None:
    """Print numbers by segment, history length and member; nothing where there are none."""
    if not rows:
        return
    table = bare_table(title)
    names = [key for key in rows[0] if key not in ("segment", "cohort")]
    table.add_column("items")
    table.add_column("history")
    for name in names:
        table.add_column(SHORT.get(name, name), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["segment"], row["cohort"], *[f"{row[name]:.2f}" for name in names])
    console.print(table)


def comparison(console: Console, found: list[Comparison], name_a: str, name_b: str) -> None:
    """Print comparisons in words, cohort by cohort."""
    cohort = None
    for c in found:
        if c.cohort != cohort:
            cohort = c.cohort
            console.print(f"cohort {cohort}", style="bold")
        console.print("  " + c.sentence(name_a, name_b), highlight=False, soft_wrap=True)


def model(console: Console, parts: Parts) -> None:
    """Print what a model is made of."""
    m = parts.manifest
    catalogue = parts.catalogue
    lines: Mapping[str, str] = {
        "model": parts.model_id,
        "created": f"{m['created']} with seed {m['seed']}, preset {m['preset']}",
        "made by": f"ysmean {m['ysmean']}, keras {m['keras']} on {m['backend']}",
        "catalogue": f"{len(catalogue):,} items, {int((~catalogue.warm).sum()):,} of them cold"
        + (f", {catalogue.added:,} added after training" if catalogue.added else "")
        + (f", {len(catalogue.withdrawn):,} withdrawn" if len(catalogue.withdrawn) else ""),
        "features": ", ".join(f"{n} ({t})" for n, t in catalogue.schema.items()) or "none",
        "users": f"{len(parts.histories):,} with {len(parts.histories.classes):,} events",
        "held out": f"{m['held_out']:,} events, for stopping and proportions",
        "cold odds": f"{parts.proportions.cold_odds:.3f}",
    }
    for name, text in lines.items():
        console.print(f"{name:<10} {text}", highlight=False, soft_wrap=True)
    networks = bare_table()
    for column in ("network", "numbers", "steps", "seconds", "temperature", "held-out nll"):
        networks.add_column(column, justify="left" if column == "network" else "right")
    losses = m["held_out_nll"]
    for k, name in enumerate(parts.networks):
        log = m["training"][name]
        size = sum(array.size for array in parts.states[name].arrays.values())
        networks.add_row(
            name,
            f"{size:,}",
            f"{log['best_step']:,}" if "best_step" in log else "closed form",
            f"{log['seconds']:.1f}",
            f"{parts.proportions.temperatures[k, 0]:.2f}",
            _number(losses.get(name)),
        )
    for name in (*parts.proportions.names[len(parts.networks) :], "mean"):
        networks.add_row(name, "", "", "", "", _number(losses.get(name)))
    console.print(networks)
    proportions(console, parts.proportions.table())
    proportions(console, parts.proportions.exponents_table(), EXPONENTS)
    for note in m["notes"]:
        console.print(f"- {note}", highlight=False, soft_wrap=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
