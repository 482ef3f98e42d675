"""The section of sample answers: histories, targets, and the first items with their shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ysmean.evaluation.page import words
from ysmean.evaluation.page.html import Html, el, join, table
from ysmean.evaluation.page.look import Look
from ysmean.evaluation.page.marks import stacked
from ysmean.evaluation.page.results import Data

Sample = Mapping[str, Any]


def examples(data: Data, look: Look) -> list[Html]:
    """Return the sample answers."""
    return [
        el(
            "p",
            f"{len(data['samples'])} test requests drawn by seed over the cohorts, not chosen for "
            "their success, with the first items of the fitted mean. The bars show each network's "
            "exact share of an item's probability.",
        ),
        *[_sample(sample, look) for sample in data["samples"]],
    ]


def _sample(sample: Sample, look: Look) -> Html:
    target, length = sample["target"], sample["length"]
    rank = f"rank {sample['rank']:,}" if sample["rank"] else "without a rank"
    places = [
        [
            place,
            _item(item, hit=item["item_id"] == target["item_id"]),
            words.probability(item["score"]),
            _shares(item["shares"], look),
        ]
        for place, item in enumerate(sample["items"], 1)
    ]
    silent = sample["abstained"]
    return el(
        "article",
        el("h3", f"User {sample['user_id']}, ", el("span", _history_length(length))),
        _history(sample),
        el(
            "p",
            "Then took ",
            el("b", _title(target)),
            " (a cold item)" if target["cold"] else None,
            f": {rank} in the fitted mean, probability {words.probability(sample['probability'])}.",
            f" Nothing to say: {words.listed(silent)}." if silent else None,
        ),
        table(["", "Item", "Probability", "Shares"], places, "First items of the fitted mean")
        if places
        else el("p", "No item is allowed.", class_="note"),
        class_="sample",
    )


def _history_length(length: int) -> str:
    return "no history" if not length else f"{length:,} item{'s' if length > 1 else ''} before"


def _history(sample: Sample) -> Html | None:
    shown = [el("li", _title(item)) for item in sample["history"]]
    if not shown:
        return None
    earlier = sample["length"] - len(shown)
    before = [el("li", f"{earlier:,} more", class_="more")] if earlier else []
    return el("ol", before, shown, class_="history", aria_label="The last items of the history")


def _item(item: Mapping[str, Any], hit: bool) -> Html:
    if not hit:
        return join(_title(item))
    return join(el("b", _title(item)), el("span", "taken", class_="hit"))


def _title(item: Mapping[str, Any]) -> str:
    return str(item["title"] or item["item_id"])


def _shares(shares: Mapping[str, float], look: Look) -> Html:
    said = ", ".join(f"{name} {words.percent(share)}" for name, share in shares.items())
    parts = [(name, look.class_(name), share) for name, share in shares.items()]
    return stacked(said, parts, size=(240, 18), written=False)
