"""The tour: requests to a recommender of the simulated service that show what a mean can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from ysmean import show
from ysmean.answer import Recommendation, Recommendations
from ysmean.data.requests import Request
from ysmean.data.simulate import Simulation
from ysmean.data.simulate.titles import END
from ysmean.evaluation.page.words import listed
from ysmean.recommender import Recommender

TONIGHT = END + 20 * 3600.0  # the evening after the last simulated day
FAITHFUL = (40, 60)  # views of the viewer whom the tour follows


@dataclass(frozen=True)
class Tour:
    """Answers to requests that show what a hybrid is good for.

    Attributes:
        console: where to print.
        service: the simulated one.
        recommender: trained on it.
    """

    console: Console
    service: Simulation
    recommender: Recommender

    @cached_property
    def viewer(self) -> str:
        """Of viewers with many views, though not all, the one whom more content changes most."""
        counts = self.service.events.frame.get_column("user_id").value_counts().sort("user_id")
        many = counts.filter(pl.col("count").is_between(*FAITHFUL))
        ids = (many if len(many) else counts).get_column("user_id").to_list()[:50]
        plain, doubled = (
            self.recommender.recommend_many(
                [Request(user_id=user, k=6, at=TONIGHT, scale=scale) for user in ids]
            )
            for scale in ({}, {"content": 2.0})
        )
        changed = [
            sum(a.item_id != b.item_id for a, b in zip(before, after, strict=False))
            for before, after in zip(plain, doubled, strict=True)
        ]
        return str(ids[changed.index(max(changed))])

    def faithful(self) -> None:
        """Show an answer with shares."""
        heading(self.console, "2", f"A faithful viewer, {self.viewer}")
        past = self.service.events.frame.filter(pl.col("user_id") == self.viewer).tail(4)
        seen = past.join(self.service.items.frame, on="item_id", maintain_order="left")
        say(self.console, f"Watched last: {'; '.join(seen.get_column('title'))}.")
        answer = self.recommender.recommend(self.viewer, k=6, at=TONIGHT, why=True)
        first, plain = answer.items[0], [replace(item, why=None) for item in answer]
        show.answer(self.console, replace(answer, items=plain))
        say(
            self.console,
            "A score is a probability. The percentages say which network gave which part of it; "
            "they are exact, because a mean is a sum.",
        )
        say(self.console, f"Why {first.title or first.item_id}? {first.why}")

    def doubled(self) -> None:
        """Show what counting a network twice moves, and why."""
        heading(self.console, "3", "The same, content counted twice")
        ask = self.recommender.recommend
        before = ask(self.viewer, k=len(self.service.items), at=TONIGHT)
        places = {item.item_id: place for place, item in enumerate(before, 1)}
        after = ask(self.viewer, k=6, at=TONIGHT, scale={"content": 2})

        def moved(item: Recommendation) -> list[str]:
            was = before.items[places[item.item_id] - 1]
            now = [item.item_id for item in after].index(item.item_id) + 1
            place = places[item.item_id]
            sign = "=" if place == now else "up" if place > now else "down"
            part = f"{was.contributions['content']:.0%} -> {item.contributions['content']:.0%}"
            return [sign if sign == "=" else f"{sign} from {place}", part]

        self._list(after, ["genres"], ["moved", "content's part"], moved)
        say(
            self.console,
            "What resembles the titles watched rises. Nothing was trained again: proportions "
            "belong to the request.",
        )

    def newcomer(self) -> None:
        """Show an answer to somebody unknown with stated preferences."""
        heading(self.console, "4", "Somebody new, who likes westerns, rather from 2010 on")
        stated = {"genres": {"Western": 1.0}, "year": {">= 2010": 0.5}}
        found = self.recommender.recommend(k=5, at=TONIGHT, preferences=stated)
        self._list(found, ["genres", "year"])
        say(self.console, f"Without a history, {listed(found.abstained)} have nothing to say.")

    def premieres(self) -> None:
        """Show where titles rank that nobody has watched."""
        heading(self.console, "5", "Titles that premiere tonight: nobody has watched them")
        everything = self.recommender.recommend(self.viewer, k=len(self.service.items), at=TONIGHT)
        places = {item.item_id: str(place) for place, item in enumerate(everything, 1)}
        rule = f"item_id in ({', '.join(self.service.new)})"
        found = self.recommender.recommend(self.viewer, k=4, at=TONIGHT, where=rule)
        self._list(found, ["genres"], ["rank"], lambda item: [places[item.item_id]])
        say(
            self.console,
            f"These are their ranks for {self.viewer} among {len(everything)} titles, by what they "
            f"are. Networks that know behaviour alone ({listed(found.abstained)}) take no part.",
        )

    def constrained(self) -> None:
        """Show an answer under hard constraints."""
        rule = "kind = film and minutes <= 120 and language != English"
        heading(self.console, "6", f"A rule for {self.viewer}: {rule}")
        found = self.recommender.recommend(self.viewer, k=4, at=TONIGHT, where=rule)
        self._list(found, ["minutes", "language"])

    def mistaken(self, suspicious: Mapping[str, Any]) -> None:
        """Show the titles that are watched otherwise than they are described.

        Args:
            suspicious: of a report, `suspicious_items`.
        """
        heading(self.console, "7", "Titles that are watched otherwise than they are described")
        first, wrong = suspicious["items"][:5], set(self.service.wrong)
        if not first:
            say(self.console, "The features predict nothing of how titles are watched.")
            return
        table = grid("", "title", "views", "disagreement", "in truth")
        for place, item in enumerate(first, 1):
            truth = "another's metadata" if item["item_id"] in wrong else "right"
            score = f"{item['disagreement']:+.1f}"
            title = show.elided(item["title"] or "")
            table.add_row(str(place), title, f"{item['events']:,}", score, truth)
        self.console.print(table)
        say(
            self.console,
            f"{len(wrong)} titles have the metadata of another one. What is watched around a title "
            "tells which to look at first; the networks that know behaviour alone recommend them "
            "rightly all the same.",
        )

    def _list(
        self,
        found: Recommendations,
        features: list[str],
        columns: Sequence[str] = ("score", "most from"),
        cells: Callable[[Recommendation], list[str]] | None = None,
    ) -> None:
        """Print titles with some of their features, then what `cells` says of each."""
        catalogue = self.recommender.parts.catalogue
        table = grid("", "title", *features, *columns)
        for place, item in enumerate(found, 1):
            row = catalogue.frame.row(int(catalogue.known_classes([item.item_id])[0]), named=True)
            told = (cells or _reasons)(item)
            said = [show.elided(_words(row[name])) for name in features]
            table.add_row(str(place), show.elided(item.title or ""), *said, *told)
        self.console.print(table)


def grid(*columns: str) -> Table:
    """Return a table whose titles and lists give way where the line is short."""
    table = show.bare_table()
    numbers = ("NDCG@10", "HR@10", "NLL", "score", "rank", "minutes", "content's part", "views")
    for name in columns:
        right = name in numbers
        table.add_column(
            name, justify="right" if right else "left", no_wrap=name not in ("title", "genres")
        )
    return table


def _reasons(item: Recommendation) -> list[str]:
    name, share = max(item.contributions.items(), key=lambda pair: pair[1])
    return [f"{item.score:.4f}", f"{name} {share:.0%}"]


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def heading(console: Console, number: str, text: str) -> None:
    """Print the title of a stop."""
    console.print()
    console.print(f"{number}  {text}".strip(), style="bold cyan", highlight=False)


def say(console: Console, text: str) -> None:
    """Print a paragraph."""
    console.print(text, highlight=False)
