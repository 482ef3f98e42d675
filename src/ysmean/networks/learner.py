"""A neural network on its way: its settings of training, and what each step is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.histories import Histories
from ysmean.networks.network import BoolArray, Network
from ysmean.networks.unseen import SEEN, seen_tokens


@dataclass(frozen=True)
class Learner:
    """A neural network on its way: what `training/fit.py` needs to train it.

    Its examples are events, each asked as the next item after those before it. `SequenceLearner`
    takes whole histories instead.

    Attributes:
        model: dict of arrays -> logits (B, N); classes that must not be learned are masked. Where
            it takes `seen` (see `unseen`), it is given the items of the history to be hidden.
        inputs: flat event positions (B,) -> the model's input arrays.
        learnable: bool (N,), classes that may be targets.
        finish: turns the trained model into the network.
        settings: how to train.
        needs_history: whether events without any before them teach nothing.
    """

    model: keras.Model
    inputs: Callable[[npt.NDArray[np.int64], np.random.Generator | None], dict[str, Any]]
    learnable: BoolArray
    finish: Callable[[], Network]
    settings: Fitting
    needs_history: bool = True

    def loss(self) -> Any:
        """Return the Keras loss of targets and outputs; None for a model that adds its own."""
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def examples(self, histories: Histories) -> npt.NDArray[np.int64]:
        """Return what a pass over the data goes through: flat positions of possible targets."""
        usable = self.learnable[histories.classes]
        if self.needs_history:
            usable[histories.offsets[:-1][histories.lengths > 0]] = False
        return np.flatnonzero(usable)

    def groups(self, histories: Histories) -> list[tuple[npt.NDArray[np.int64], int]]:
        """Return the examples of a pass in groups of like length, and how many a step takes."""
        return [(self.examples(histories), self.settings.batch)]

    def batch(
        self,
        histories: Histories,
        chosen: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[dict[str, Any], Any, Any]:
        """Return a step's inputs, targets and weights for chosen examples (B,)."""
        weights = histories.weights[chosen]
        inputs, targets = self.inputs(chosen, rng), histories.classes[chosen]
        if "seen" in self.model.input:
            starts = histories.offsets[histories.users[chosen]]
            inputs["seen"] = seen_tokens(histories.windows(starts, chosen, SEEN), targets)
        return inputs, targets, weights / weights.mean()

    def ask(self, questions: Questions) -> tuple[dict[str, Any], Any]:
        """Return inputs and targets of held-out questions."""
        names = self.inputs(np.zeros(1, np.int64), None)
        batch = questions.batch(SEEN)
        inputs = {name: batch.arrays()[name] for name in names}
        if "seen" in self.model.input:
            inputs["seen"] = seen_tokens(batch.tokens, questions.targets)
        return inputs, questions.targets


@dataclass(frozen=True)
class Fitting:
    """How a neural network is trained: AdamW with warm-up and cosine decay, or an early end.

    Attributes:
        batch: requests a step.
        learning_rate: at its peak.
        weight_decay: by how many factors of e the whole budget shrinks a weight that has no
            gradient (decoupled, all weights). A share of the run, not of a step, means the same on
            data of any size (Wang and Aitchison, 2024).
        max_steps: the budget; training also ends after `patience` evaluations without gain.
        max_epochs: passes over the training events at most.
        evaluate_every: steps between evaluations on held-out events; 0 = once an epoch.
        patience: evaluations without a better held-out likelihood, after which training goes back
            to the best weights, anneals from there and ends.
    """

    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    max_steps: int = 6000
    max_epochs: int = 12
    evaluate_every: int = 0
    patience: int = 2
