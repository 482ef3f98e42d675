"""A made-up streaming service, seeded, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.data.simulate.titles import FloatArray, IntArray, make_titles
from ysmean.data.simulate.truth import Situation, Truth
from ysmean.data.simulate.viewers import make_times, make_viewers
from ysmean.data.users import Users

WRONG = 0.03


@dataclass(frozen=True)
class Simulation:
    """A simulated service.

    Attributes:
        events: views over a year, with timestamps.
        items: titles with kind, synopsis, cast, director, minutes, genres, language, maturity,
            year and the times between which they are available.
        users: viewers with age group and region.
        truth: what the views were drawn from.
    """

    events: Events
    items: Items
    users: Users
    truth: Truth

    @property
    def new(self) -> list[str]:
        """Ids of the titles that arrive when the year ends: nobody has watched them."""
        arrives = self.truth.titles.since >= self.truth.titles.since.max()
        return self._ids(np.flatnonzero(arrives))

    @property
    def wrong(self) -> list[str]:
        """Ids of the titles whose metadata is another title's."""
        return self._ids(np.flatnonzero(self.truth.titles.wrong))

    def situation(self, rows: IntArray) -> Situation:
        """Return what was known right before views.

        Args:
            rows: int (B,), numbers of rows of `events.frame`.

        Returns:
            With N titles in the order of `items.frame`.
        """
        users, classes, times = self._views
        place = np.empty(len(users), np.int64)
        order = np.lexsort((np.arange(len(users)), times, users))
        place[order] = np.arange(len(users))
        first = np.searchsorted(users[order], users[rows])
        seen = np.zeros((len(rows), len(self.items)), bool)
        for line, (start, here) in enumerate(zip(first, place[rows], strict=True)):
            seen[line, classes[order[start:here]]] = True
        begun = place[rows] > first
        before = order[np.maximum(place[rows] - 1, 0)]
        return Situation(
            users[rows],
            seen,
            np.where(begun, classes[before], -1),
            np.where(begun, times[rows] - times[before], np.inf),
            times[rows],
        )

    @cached_property
    def _views(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Users, classes and times of the rows of `events.frame`."""
        frame = self.events.frame
        numbers = [
            frame.get_column(name).cast(pl.Enum(table.frame.get_column(name))).to_physical()
            for name, table in (("user_id", self.users), ("item_id", self.items))
        ]
        users, classes = (n.to_numpy().astype(np.int64) for n in numbers)
        return users, classes, frame.get_column("timestamp").to_numpy()

    def _ids(self, classes: IntArray) -> list[str]:
        return self.items.frame.get_column("item_id")[classes].to_list()


def simulate(
    seed: int = 0,
    users: int = 3000,
    items: int = 1000,
    events: int = 100_000,
    new_items: int = 30,
) -> Simulation:
    """Simulate a small streaming service for a year.

    Titles are films and series that are watched in order; they arrive, are in fashion for some
    weeks, and some leave. Viewers have an age group, a region, a taste of their own that drifts,
    and hours at which they watch; some join late. Three titles in a hundred carry the metadata of
    another one. `Truth` says what each view is drawn from.

    Args:
        seed: the same one gives the same service.
        users: viewers.
        items: titles, new ones included.
        events: views, about.
        new_items: titles that arrive when the year ends, so that nobody has watched them.

    Raises:
        DataError: for more items than there are names, or as many new ones.
    """
    rng = np.random.default_rng(seed)
    titles = make_titles(rng, items, new_items, WRONG)
    truth = Truth(titles, make_viewers(rng, users))
    who, when = make_times(rng, truth.viewers, events)
    views = _watch(rng, truth, who, when)
    log = pl.DataFrame({"user": who, "item": views, "timestamp": when}).filter(pl.col("item") >= 0)
    log = log.sort("timestamp", "user", maintain_order=True)
    log = log.select(
        truth.viewers.frame.get_column("user_id").gather(log.get_column("user")),
        titles.frame.get_column("item_id").gather(log.get_column("item")),
        "timestamp",
    )
    return Simulation(
        Events.from_frame(log),
        Items.from_frame(titles.frame),
        Users.from_frame(truth.viewers.frame),
        truth,
    )


def _watch(rng: np.random.Generator, truth: Truth, who: IntArray, when: FloatArray) -> IntArray:
    """Draw every view from the truth, all viewers' first ones, then their second ones, ...

    Returns:
        int (E,), classes; -1 where nothing was on offer.
    """
    users = len(truth.viewers.frame)
    starts = np.searchsorted(who, np.arange(users + 1))
    counts = np.diff(starts)
    seen = np.zeros((users, len(truth.titles.appeal)), bool)
    last, before = np.full(users, -1), np.full(users, -np.inf)
    views = np.full(len(who), -1)
    for step in range(counts.max()):
        asked = np.flatnonzero(counts > step)
        rows = starts[asked] + step
        now = Situation(asked, seen[asked], last[asked], when[rows] - before[asked], when[rows])
        heap = np.cumsum(truth.next_view(now), axis=1)
        drawn = (heap <= rng.random((len(asked), 1)) * heap[:, -1:]).sum(1)
        found = heap[:, -1] > 0
        views[rows[found]] = last[asked[found]] = drawn[found]
        seen[asked[found], drawn[found]] = True
        before[asked[found]] = when[rows[found]]
    return views
