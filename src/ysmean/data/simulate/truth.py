"""The simulated service's truth: the exact distribution that each view is drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ysmean.data.simulate.titles import DAY, START, FloatArray, IntArray, Titles
from ysmean.data.simulate.viewers import Viewers, taste_columns

BoolArray = npt.NDArray[np.bool_]
Table = npt.NDArray[np.float32]

WEIGHTS = {"series": 0.14, "up_next": 0.12, "like_last": 0.3, "taste": 0.44}
SITTING = 4 * 3600  # seconds; within them series go on and the service plays on
STAYS, LEAVES = 1.8, 0.7  # how a sitting changes the weight of both
UNFINISHED = 0.15  # a series begun earlier, beside one begun with the last view
AUTOPLAY = (3.0, 2.0, 1.0)
TINY = 1e-30
FRESH, FADES = 3.0, 21  # days; a title is 4x as attractive on its first one


@dataclass(frozen=True)
class Situation:
    """B viewers about to watch.

    Attributes:
        users: int (B,).
        seen: bool (B, N), what each has watched.
        last: int (B,), the last of it, -1 = nothing yet.
        gap: float (B,), seconds since then.
        at: float (B,), seconds since the epoch.
    """

    users: IntArray
    seen: BoolArray
    last: IntArray
    gap: FloatArray
    at: FloatArray


@dataclass(frozen=True)
class Truth:
    """What decides the next view.

    A view goes on with a series, takes what plays next, resembles the last view, or follows the
    viewer's taste (`WEIGHTS`); a part that has nothing on offer gives its weight to the others.
    On offer is what is available, not yet watched, and not ahead of an unwatched earlier part.

    Attributes:
        titles: N of them.
        viewers: U of them.
    """

    titles: Titles
    viewers: Viewers

    @cached_property
    def features(self) -> Table:
        """What a taste is multiplied with (N, D)."""
        columns, titles = taste_columns(), self.titles
        out = np.zeros((len(titles.appeal), columns["maturity"].stop), np.float32)
        rows = np.arange(len(out))
        out[:, columns["genres"]] = titles.genres
        out[rows, columns["themes"].start + titles.themes] = 1
        out[:, columns["moods"]] = titles.moods
        out[rows, columns["languages"].start + titles.languages] = 1
        out[rows, columns["maturity"].start + titles.maturity] = 1
        return out

    @cached_property
    def likeness(self) -> Table:
        """How well a title follows another one (N, N), by theme, genre, language and mood."""
        titles = self.titles
        same_theme = titles.themes[:, None] == titles.themes
        same_language = titles.languages[:, None] == titles.languages
        genre = np.sqrt(titles.genres) @ np.sqrt(titles.genres).T
        mood = titles.moods @ titles.moods.T
        likeness = 3.5 * same_theme + 1.5 * genre + 0.7 * same_language + 0.3 * mood
        return np.asarray(np.exp(likeness), np.float32)

    def offered(self, now: Situation) -> BoolArray:
        """Return what can be watched (B, N)."""
        titles, at = self.titles, now.at[:, None]
        begun = (titles.previous < 0) | now.seen[:, titles.previous]
        return ~now.seen & begun & (titles.since <= at) & (at < titles.until)

    def attraction(self, now: Situation) -> Table:
        """Return how much each title draws everybody at that time (B, N)."""
        day = ((now.at - START) / DAY).astype(np.float32)
        since = ((self.titles.since - START) / DAY).astype(np.float32)
        faded = np.exp(np.minimum(since - day[:, None], 0) / np.float32(FADES))
        appeal = np.exp(self.titles.appeal).astype(np.float32)
        return np.asarray(appeal * (1 + np.float32(FRESH) * faded))

    def parts(self, now: Situation) -> Iterator[tuple[str, FloatArray, Table]]:
        """Yield each part of the mixture: name, weight (B,), unnormalised probabilities (B, N)."""
        titles, offered, rows = self.titles, self.offered(now), np.arange(len(now.users))
        draw = self.attraction(now) * offered
        begun = now.last >= 0
        held = np.where(begun & (now.gap < SITTING), STAYS, LEAVES) * begun
        goes_on = (titles.previous >= 0) & offered
        recent = np.where(titles.previous == now.last[:, None], 1, UNFINISHED).astype(np.float32)
        yield "series", WEIGHTS["series"] * held, np.multiply(goes_on, recent, dtype=np.float32)
        playing = np.zeros_like(draw)
        playing[rows[:, None], titles.up_next[now.last]] = AUTOPLAY[: titles.up_next.shape[1]]
        yield "up_next", WEIGHTS["up_next"] * held, playing * offered
        like: Table = self.likeness[now.last] * draw
        yield "like_last", np.where(begun, WEIGHTS["like_last"], 0.0), like
        own = self.viewers.own(now.users, now.at)
        shared = self.viewers.shared(now.users, now.at)
        liked: Table = self.liking(own + shared) * draw
        yield "taste", np.full(len(rows), WEIGHTS["taste"]), liked

    def liking(self, wishes: FloatArray) -> Table:
        """Return how well each title meets wishes (B, D), as odds (B, N)."""
        return np.asarray(np.exp(wishes.astype(np.float32) @ self.features.T))

    def next_view(self, now: Situation) -> Table:
        """Return the distribution of the next view (B, N); rows with nothing on offer are 0."""
        total = np.zeros(now.seen.shape, np.float32)
        for _, weight, part in self.parts(now):
            mass = part.sum(1)
            share = weight * (mass > 0) / np.maximum(mass, TINY)
            total += part * share.astype(np.float32)[:, None]
        return normalised(total)


def normalised(table: Table) -> Table:
    """Return rows that sum to 1, or to 0 where they are empty."""
    return np.asarray(table / np.maximum(table.sum(1, keepdims=True), TINY))
