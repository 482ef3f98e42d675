"""Colour and mark of every row, the same everywhere on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ysmean.evaluation.page.html import Html, el
from ysmean.evaluation.page.marks import MARKS, key

COLOURS = 8  # n0..n7 in page.css
ALSO = {
    "mean": "fitted mean",
    "mean-equal": "plain mean",
    "mean-pure": "mean without consensus",
}


@dataclass(frozen=True)
class Look:
    """How rows look.

    Attributes:
        networks: names of the members of the mean, in order: the networks, and the consensus.
        means: names of the rows that are means, in order.
    """

    networks: tuple[str, ...]
    means: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Look:
        """Return the look of a report's rows."""
        names = [row["name"] for row in data["rows"] if row["cohort"] == "all"]
        found = [name for name in names if name not in ALSO]
        return cls(tuple(found), tuple(name for name in names if name in ALSO))

    def class_(self, name: str) -> str:
        """Return the class of a row's colour."""
        if name in self.networks:
            return f"n{self.networks.index(name) % COLOURS}"
        return "mean" if name == "mean" else "plain"

    def mark(self, name: str) -> str:
        """Return the mark of a row; networks come back to the first mark after the last."""
        if name in self.networks:
            return MARKS[self.networks.index(name) % len(MARKS)]
        return "circle" if name == "mean" else "ring"

    def named(self, name: str) -> Html:
        """Return a row's name with its mark, for tables."""
        return el("span", key(self.mark(name), self.class_(name)), label(name), class_="name")

    def legend(self, means: bool = True) -> Html:
        """Return the legend of the page."""
        rows = [*self.networks, *(self.means if means else ())]
        entries = [
            el("li", key(self.mark(row), self.class_(row), line=True), label(row)) for row in rows
        ]
        return el("ul", *entries, class_="legend", aria_label="Colours and marks")


def label(name: str) -> str:
    """Return what a row is called on the page."""
    return ALSO.get(name, name)
