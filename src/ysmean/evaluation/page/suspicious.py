"""The section on items whose metadata disagrees with behaviour."""

from __future__ import annotations

from ysmean.evaluation.page import words
from ysmean.evaluation.page.html import Html, el, join, table
from ysmean.evaluation.page.results import Data


def suspicious(data: Data) -> list[Html]:
    """Return the most suspicious items, and how well shuffled ones are found."""
    found = data["suspicious_items"]
    said = el("p", words.disagreeing(data))
    if not found["checked"]:
        return [said]
    rows = [
        [
            join(item["title"], " ", el("small", item["item_id"]))
            if item["title"]
            else item["item_id"],
            f"{item['events']:,}",
            words.decimal(item["disagreement"], 2, sign=True),
        ]
        for item in found["items"]
    ]
    head = ["Item", "Events in training", "Disagreement"]
    parts = [
        said,
        el(
            "p",
            "Each item's behaviour, what is taken around it, is predicted from its features by "
            "what the other items teach. Disagreement is how far its own prediction lies from its "
            "behaviour beside the predictions of all items, in standard deviations: right metadata "
            "is well below 0, that of any other item would be at 0. The features explain "
            f"{words.percent(found['explained'])} of the variance of behaviour.",
        ),
        table(head, rows, "Items to be looked at first"),
    ]
    if found["shuffled"] is not None and found["shuffled"]["precision"]:
        parts.append(_precision(found["shuffled"]))
    return parts


def _precision(shuffled: Data) -> Html:
    rows = [
        [f"the first {int(size):,}", words.percent(share)]
        for size, share in shuffled["precision"].items()
    ]
    rows.append(["all that were checked", words.percent(shuffled["share"])])
    return table(["Of", "shuffled"], rows, "Items known to be shuffled", "narrow")
