"""Training on whole histories: a loss at every position of a crop of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.histories import Histories
from ysmean.networks.network import Learner


@dataclass(frozen=True)
class SequenceLearner(Learner):
    """A learner whose examples are histories; its model adds its own loss.

    The model takes tokens (B, T), and targets (B, S) and weights (B, S) of the last S places.

    Attributes:
        history: T.
    """

    history: int = 1

    def loss(self) -> None:
        """Return None: the model adds its own."""
        return None

    def examples(self, histories: Histories) -> npt.NDArray[np.int64]:
        """Return the rows of users with two events or more."""
        return np.flatnonzero(histories.lengths > 1)

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
        window = histories.windows(starts, ends, self.history + 1)  # (B, T + 1)
        place = np.maximum(ends[:, None] + np.arange(-self.history, 0), 0)
        weights = np.where(window[:, :-1] > 0, histories.weights[place], 0)
        targets = np.maximum(window[:, 1:] - 1, 0)
        return {"tokens": window[:, :-1], "targets": targets, "weights": weights}, None, None

    def ask(self, questions: Questions) -> tuple[dict[str, Any], None]:
        """Return questions about what follows the last place."""
        return {
            "tokens": questions.batch(self.history).tokens,
            "targets": questions.targets[:, None],
            "weights": np.ones((len(questions), 1), np.float32),
        }, None
