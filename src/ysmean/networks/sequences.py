"""Training on whole histories: a loss at every position of a crop of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.histories import Histories
from ysmean.networks.learner import Learner

COVERED = 0.95  # share of the histories that fit whole; more would be padding for the others
CROPS = 128  # a step on average; short histories gain more from many steps than from large ones
STEPS = 40  # of a pass at least; a few hundred histories would else make a handful of steps
FEWEST = 1 / 16  # of the users: fewer are no group of their own, which would be compiled apart
TIMELESS = 0.1  # share of crops without times: so are histories that a request states


@dataclass(frozen=True)
class SequenceLearner(Learner):
    """A learner whose examples are histories; its model adds its own loss.

    The model takes tokens (B, T), and targets (B, S) and weights (B, S) of the last S places;
    if it is timed, gaps (B, T) too.

    Attributes:
        history: T at most.
        timed: whether the model sees the time between events.
    """

    history: int = 1
    timed: bool = False

    def loss(self) -> None:
        """Return None: the model adds its own."""
        return None

    def examples(self, histories: Histories) -> npt.NDArray[np.int64]:
        """Return the rows of users with two events or more."""
        return np.flatnonzero(histories.lengths > 1)

    def groups(self, histories: Histories) -> list[tuple[npt.NDArray[np.int64], int]]:
        """Return users in groups of like length, so that short histories are not mostly padding.

        A step takes about as many events of each group. A few users make no group: their steps
        would count as much as those of many.
        """
        users = self.examples(histories)
        if not len(users):
            return []
        events = np.minimum(histories.lengths[users] - 1, self.history)
        groups, shorter = [], 0
        for width in self.widths:
            inside, longer = (events > shorter) & (events <= width), events > width
            if inside.mean() >= FEWEST and (longer.mean() >= FEWEST or not longer.any()):
                size = self.settings.batch * events.mean() / events[inside].mean()
                groups.append((users[inside], max(1, round(size))))
                shorter = width
        return groups

    @property
    def widths(self) -> list[int]:
        """How many places batches have: a quarter of the history, a half, or all of it."""
        return sorted({-(-self.history // part) for part in (4, 2, 1)})

    def batch(
        self,
        histories: Histories,
        chosen: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[dict[str, Any], None, None]:
        """Return a crop of each chosen user's history: items, and the ones after them."""
        starts, lengths = histories.offsets[chosen], histories.lengths[chosen]
        spare = np.maximum(lengths - self.history - 1, 0)
        ends = starts + lengths - rng.integers(0, spare + 1)
        longest = min(int(lengths.max()) - 1, self.history)
        places = next(width for width in self.widths if width >= longest)  # T
        window = histories.windows(starts, ends, places + 1)  # (B, T + 1)
        place = np.maximum(ends[:, None] + np.arange(-places, 0), 0)
        weights = np.where(window[:, :-1] > 0, histories.weights[place], 0)
        targets = np.maximum(window[:, 1:] - 1, 0)
        inputs = {"tokens": window[:, :-1], "targets": targets, "weights": weights}
        if self.timed and histories.times is not None:
            gaps = histories.gaps(starts, ends - 1, histories.times[ends - 1], places)
            inputs["gaps"] = np.where(rng.random((len(gaps), 1)) < TIMELESS, -1, gaps)
        return inputs, None, None

    def ask(self, questions: Questions) -> tuple[dict[str, Any], None]:
        """Return questions about what follows the last place."""
        batch = questions.batch(self.history)
        return {
            "tokens": batch.tokens,
            **({"gaps": batch.gaps} if self.timed else {}),
            "targets": questions.targets[:, None],
            "weights": np.ones((len(questions), 1), np.float32),
        }, None


def length_for(histories: Histories, most: int) -> int:
    """Return the length that holds 95% of the histories whole, a multiple of 8 up to `most`."""
    lengths = histories.lengths[histories.lengths > 1]
    long = int(np.quantile(lengths, COVERED)) if len(lengths) else 1
    return min(most, -(-long // 8) * 8)


def passes(histories: Histories) -> int:
    """Return how many passes over the histories they bear: four times sqrt(events of an item).

    At least 8. Where items have few events each, a network soon knows those by heart.
    """
    return max(8, round(4 * math.sqrt(events_an_item(histories))))


def events_an_item(histories: Histories) -> float:
    """Return how many events the items that have any have on average; 0 for none."""
    return len(histories.classes) / max(1, len(np.unique(histories.classes)))


def crops(histories: Histories, history: int, events: int, most: int = CROPS) -> int:
    """Return how many crops of at most `history` + 1 events have about `events` to learn from.

    That is on average over all histories: at most `most`, and fewer where there are few, so that a
    pass takes at least 40 steps.
    """
    lengths = histories.lengths[histories.lengths > 1]
    mean = float(np.minimum(lengths - 1, history).mean()) if len(lengths) else 1.0
    return max(1, min(round(events / mean), most, len(lengths) // STEPS))
