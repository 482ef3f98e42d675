"""Collaborative: learns from behaviour, the last items taken in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError
from ysmean.networks.dot import (
    DotNetwork,
    Recent,
    answers_to_history,
    named_weights,
    set_named_weights,
)
from ysmean.networks.initial import Initial
from ysmean.networks.learner import Fitting, Learner
from ysmean.networks.network import BoolArray, State, TrainingData
from ysmean.networks.unseen import hiding_seen


@dataclass(frozen=True)
class Collaborative:
    """An MLP over the embeddings of the last items, flattened in order.

    Attributes:
        history: how many recent items it sees.
        embedding: width of an item's embedding.
        hidden: widths of the ReLU layers.
        dropout: share of embedding and last hidden units dropped in training.
        short: share of training requests whose history is cut to a random length, so that users
            with few events get a good answer too.
        fitting: how it is trained.
    """

    kind: ClassVar[str] = "collaborative"
    history: int = 5
    embedding: int = 128
    hidden: tuple[int, ...] = (256, 256)
    dropout: float = 0.2
    short: float = 0.1
    fitting: Fitting = field(default_factory=Fitting)

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if min(self.history, self.embedding, *self.hidden, len(self.hidden)) < 1:
            raise ConfigError("Collaborative: history, embedding and hidden must be at least 1.")
        if not (0 <= self.dropout < 1 and 0 <= self.short <= 1):
            raise ConfigError(
                f"Collaborative got dropout={self.dropout}, short={self.short}; expected "
                "0 <= dropout < 1 and 0 <= short <= 1."
            )

    @classmethod
    def original(cls) -> Collaborative:
        """Return the stack that Ys-Mean began with: 5 items, embeddings of 1024, 1024 twice."""
        return cls(history=5, embedding=1024, hidden=(1024, 1024), dropout=0.0, short=0.0)

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        return None

    def build(self, size: int, seed: int | None) -> keras.Model:
        """Return the model, tokens (B, T) -> logits (B, size); zero weights for no seed."""
        initial = Initial(seed)
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = Recent(self.history, size, name="recent")(tokens)
        x = initial.embedding(size + 1, self.embedding, "embedding")(x)
        x = layers.Flatten(name="flatten")(x)
        x = initial.dropout(self.dropout, "dropout_in")(x)
        for number, width in enumerate(self.hidden):
            x = initial.dense(width, f"hidden_{number}", "relu")(x)
        x = initial.dropout(self.dropout, "dropout_out")(x)
        logits = initial.dense(size, "output")(x)
        return keras.Model({"tokens": tokens}, logits, name="collaborative")

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        size = len(data.catalogue)
        model = self.build(size, seed)
        histories = data.histories

        def inputs(
            positions: npt.NDArray[np.int64], rng: np.random.Generator | None
        ) -> dict[str, Any]:
            starts = histories.offsets[histories.users[positions]]
            if rng is not None:
                shown = rng.integers(1, self.history + 1, len(positions))
                cut = rng.random(len(positions)) < self.short
                starts = np.where(cut, np.maximum(starts, positions - shown), starts)
            return {"tokens": histories.windows(starts, positions, self.history)}

        def finish() -> CollaborativeNetwork:
            # An item that was never trained on says as much as no item: token 0.
            embedding = model.get_layer("embedding")
            table = np.array(embedding.get_weights()[0])
            table[1:][~data.catalogue.warm] = table[0]
            embedding.set_weights([table])
            return CollaborativeNetwork(self, model, data.catalogue.warm)

        learned = hiding_seen(model, histories)
        return Learner(learned, inputs, data.catalogue.warm, finish, self.fitting)


class CollaborativeNetwork(DotNetwork):
    """A trained `Collaborative`: the last Dense layer's columns are the item vectors."""

    name = "collaborative"

    def __init__(self, spec: Collaborative, model: keras.Model, coverage: BoolArray) -> None:
        """Take a trained model of `spec.build` and the items it may answer with."""
        self.spec, self.model, self.coverage = spec, model, coverage
        self.encoder = keras.Model(
            model.input, model.get_layer("output").input, name="collaborative_encoder"
        )
        output = named_weights(model)
        self.size = output["output/kernel"].shape[1]
        missing = len(coverage) - self.size  # items added after training: never covered
        self.item_vectors = np.pad(output["output/kernel"].T, ((0, missing), (0, 0)))
        self.item_bias = np.pad(output["output/bias"], (0, missing))

    def answers(self, batch: Batch) -> BoolArray:
        """Answer requests with a recent item that was trained on."""
        return answers_to_history(batch, self.coverage, self.spec.history)

    def state(self) -> State:
        """Return the weights."""
        return State({}, {**named_weights(self.model), "coverage": self.coverage[: self.size]})

    @classmethod
    def from_state(
        cls, spec: Collaborative, state: State, catalogue: Catalogue
    ) -> CollaborativeNetwork:
        """Rebuild the model and give it its weights."""
        coverage = np.zeros(len(catalogue), bool)
        known = state.arrays["coverage"]
        coverage[: len(known)] = known
        model = spec.build(len(known), seed=None)
        set_named_weights(model, state.arrays)
        return cls(spec, model, coverage)
