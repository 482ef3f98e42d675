"""The contract of every network: a batch of requests in, a softmax over the catalogue out.

A *spec* (such as `Collaborative(history=5)`) is a frozen set of settings. `spec.begin` gives
either a fitted network (closed forms) or a `Learner`, which `training/fit.py` trains. A fitted
network gives a `Head` for a batch: scores that can be streamed over tiles of classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import keras
import numpy as np
import numpy.typing as npt

from ysmean.data.batch import INPUTS, Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.features import FeatureEncoder
from ysmean.data.fields import UserFields
from ysmean.data.histories import Histories
from ysmean.networks.causes import Causes
from ysmean.networks.growth import Changed
from ysmean.networks.softmax import MaskedSoftmax

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingData:
    """What a network may learn from.

    Attributes:
        catalogue: N items, `warm` by the training events alone.
        histories: the training events.
        fields: the vocabulary of users' features.
        user_fields: int32 (U, F), the users' tokens.
        pseudo_cold: bool (N,), warm items that stand in for cold ones when proportions are
            fitted: how new items are scored must not be learned from their events.
        seed: of what features become.
    """

    catalogue: Catalogue
    histories: Histories
    fields: UserFields
    user_fields: npt.NDArray[np.int32]
    pseudo_cold: BoolArray
    seed: int = 0

    @cached_property
    def encoder(self) -> FeatureEncoder:
        """Turns what items are into numbers."""
        return FeatureEncoder.fit(self.catalogue.frame, self.catalogue.schema, self.seed)

    @cached_property
    def features(self) -> FloatArray:
        """What the items are, float32 (N, f)."""
        return self.encoder(self.catalogue.frame)

    def wide(self, classes: npt.NDArray[np.integer]) -> FloatArray:
        """Return the wide features of some items, float32 (n, F); for all, they may be large."""
        return self.encoder(self.catalogue.frame[classes.tolist()], wide=True)

    @property
    def learnable(self) -> BoolArray:
        """Bool (N,): warm items that item towers may learn from."""
        return self.catalogue.warm & ~self.pseudo_cold


@dataclass(frozen=True)
class Head:
    """One network's answer to a batch, before the softmax.

    Attributes:
        scores: (lo, hi) -> float32 (B, hi - lo), logits of classes lo..hi-1.
        answers: bool (B,), whether the network has anything to say about a request.
        coverage: bool (N,), classes it can score.
        prior: float32 (N,) added to the scores of warm classes: what items' own events tell.
            It is left out in the cold segment, where there are none.
    """

    scores: Callable[[int, int], FloatArray]
    answers: BoolArray
    coverage: BoolArray
    prior: FloatArray | None = None


@dataclass(frozen=True)
class State:
    """All that a fitted network remembers, as plain data.

    Attributes:
        settings: JSON-serialisable.
        arrays: named NumPy arrays.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)


class Network(ABC):
    """A fitted network.

    Attributes:
        knows_cold: whether it can score items without events.
        from_history: whether its answers follow from the items of the history.
        left_out: types of causes that are told by leaving out one at a time: `"item"` of the
            history, feature of the `"user"`, `"context"`. `causes` tells those that are exact.
        takes: the batch's arrays that it needs.
        coverage: bool (N,), classes it can score.
        prior: float32 (N,) added to the scores of warm classes, or None.
    """

    knows_cold: bool = False
    from_history: ClassVar[bool] = True
    left_out: ClassVar[tuple[str, ...]] = ("item",)
    takes: tuple[str, ...] = ("tokens",)
    coverage: BoolArray
    prior: FloatArray | None = None

    @abstractmethod
    def answers(self, batch: Batch) -> BoolArray:
        """Return which requests the network has something to say about, bool (B,)."""

    @abstractmethod
    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return a function of a tile of classes that gives its logits, float32 (B, tile)."""

    @abstractmethod
    def keras_scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return the logits (B, N) as a Keras tensor of the batch's arrays."""

    @abstractmethod
    def state(self) -> State:
        """Return what `from_state` needs to rebuild the network."""

    @classmethod
    @abstractmethod
    def from_state(cls, spec: Any, state: State, catalogue: Catalogue) -> Self:
        """Rebuild a network from its spec and its state."""

    @abstractmethod
    def with_items(self, catalogue: Catalogue, changed: Changed) -> Self:
        """Return the network for a catalogue whose last items came after training, or went.

        Nothing is trained, and this network stays as it is.

        Args:
            catalogue: has the same items in the same places, but for the last ones.
            changed: those that are new to this network, or described anew.
        """

    def head(self, batch: Batch) -> Head:
        """Return the network's answer to a batch, ready to be streamed."""
        return Head(self.scores(batch), self.answers(batch), self.coverage, self.prior)

    def head_as_new(self, batch: Batch, new: BoolArray) -> Head:
        """Return the answer that the network would give if some items had no events.

        That is what networks are asked when the proportions of new items are fitted.

        Args:
            batch: B requests.
            new: bool (N,), items from whose events nothing was learned of how new ones are scored.
        """
        head = self.head(batch)
        if self.knows_cold:
            return head
        return replace(head, coverage=head.coverage & ~new)

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> list[Causes]:
        """Return what counted for the scores of some classes, where they are sums over causes.

        Args:
            batch: B requests that the network answers.
            classes: int32 (B, n), in its coverage; below 0 for none.
        """
        return []

    def scorer(self, name: str) -> keras.Model:
        """Return the arrays the network takes -> logits (B, N), as a Keras model of that name."""
        inputs = keras_inputs(self.takes)
        return keras.Model(inputs, self.keras_scores(inputs), name=name)

    def as_keras(self) -> keras.Model:
        """Return the network as a Keras model that ends in a softmax over its coverage.

        The model takes the batch's arrays that the network needs, and `allowed`, bool (B, N).
        """
        inputs = keras_inputs(self.takes)
        allowed = keras.Input((len(self.coverage),), dtype="bool", name="allowed")
        scores = self.scorer("scores")(inputs)
        softmax = MaskedSoftmax(self.coverage, self.prior, name="softmax")
        return keras.Model({**inputs, "allowed": allowed}, softmax(scores, allowed))


def keras_inputs(names: Iterable[str]) -> dict[str, Any]:
    """Return one Keras input (B, any) for each array of a batch."""
    return {name: keras.Input((None,), dtype=INPUTS[name], name=name) for name in names}
