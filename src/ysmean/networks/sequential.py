"""Sequential: a causal transformer over the history, trained on every position of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

import keras
import numpy as np
from keras import layers, ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError
from ysmean.networks.dot import DotNetwork, answers_to_history, named_weights, set_named_weights
from ysmean.networks.elapsed import GapEmbedding, Spans, TimeBias, count
from ysmean.networks.initial import Initial
from ysmean.networks.item_embedding import ItemEmbedding
from ysmean.networks.network import (
    BoolArray,
    Fitting,
    Learner,
    State,
    TrainingData,
    keras_inputs,
)
from ysmean.networks.next_item import NextItemLoss, with_loss
from ysmean.networks.sequences import SequenceLearner, crops, length_for, passes
from ysmean.networks.towers import covered
from ysmean.networks.transformer import Known, Last, trunk
from ysmean.networks.unseen import unseen


@dataclass(frozen=True)
class Sequential:
    """A causal transformer whose item embeddings are its item vectors.

    With `features` the embeddings follow from what items are, too, and it covers new items.

    Attributes:
        history: how many recent items it sees at most; fewer where histories are short.
        width: of embeddings and states.
        blocks: of attention and feed-forward layers.
        heads: of each attention; they divide the width.
        dropout: share of embeddings and of each layer's output dropped in training.
        features: whether items are what they are, too, not just themselves. It then learns
            nothing from the events of the items that stand in for new ones.
        own_dropout: with features, share of the items' own embeddings left out in training.
        time: whether it sees the time between events, and up to the request, where events have it.
        fitting: how it is trained; a step takes crops of histories with about `batch` events, and
            there are fewer passes where items have few events each.
    """

    kind: ClassVar[str] = "sequential"
    history: int = 128
    width: int = 64
    blocks: int = 2
    heads: int = 2
    dropout: float = 0.3
    features: bool = False
    own_dropout: float = 0.2
    time: bool = True
    fitting: Fitting = field(
        default_factory=lambda: Fitting(
            batch=2048,
            learning_rate=2e-3,
            weight_decay=0.4,
            max_steps=8000,
            max_epochs=32,
            patience=4,
        )
    )

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        if min(self.history, self.width, self.blocks, self.heads) < 1:
            raise ConfigError("Sequential: history, width, blocks and heads must be at least 1.")
        if self.width % self.heads:
            raise ConfigError(
                f"Sequential got width={self.width}, heads={self.heads}; expected a width that is "
                "a multiple of heads."
            )
        for name in ("dropout", "own_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"Sequential got {name}={getattr(self, name)}; expected 0 <= {name} < 1."
                )

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        if self.features and not (catalogue.has_features & catalogue.warm).any():
            return "no item with events has features"
        return None

    def build(
        self, size: int, history: int, seed: int | None, spans: Spans | None = None
    ) -> keras.Model:
        """Return the model, tokens (B, any) -> states (B, history, width).

        Args:
            size: of the catalogue.
            history: how many tokens it sees.
            seed: of the initial weights; None for a model that is given its weights.
            spans: the largest times; given, the model takes gaps (B, any) too.
        """
        initial = Initial(seed)
        inputs = keras_inputs(["tokens"] if spans is None else ["tokens", "gaps"])
        if spans is None:
            tokens = Known(history, size, name="known")(inputs["tokens"])
        else:
            known = Known(history, size, spans.gap, name="known")
            tokens, moments = known(inputs["tokens"], inputs["gaps"])
        items = (
            initial.embedding(size + 1, self.width, "embedding")
            if seed is None
            else ItemEmbedding(size, self.width, initial)
        )
        x = items(tokens)
        x = layers.Rescaling(self.width**0.5, name="scale")(x)
        if spans is not None:
            gap = GapEmbedding(self.width, count(spans.gap), name="gap")(moments)
            x = layers.Add(name="timed")([x, gap])
        x = initial.dropout(self.dropout, "dropout")(x)
        biases = [
            TimeBias(self.heads, count(spans.seen), name=f"block_{number}_time")(moments)
            for number in range(self.blocks)
            if spans is not None
        ]
        x = trunk(x, tokens, self.blocks, self.heads, self.dropout, initial, biases)
        return keras.Model(inputs, x, name="sequential")

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        learnable = known = data.catalogue.warm
        history = length_for(data.histories, self.history)
        spans = Spans.of(data.histories, history) if self.time else None
        states = self.build(len(known), history, seed, spans)
        items = states.get_layer("embedding")
        if self.features:
            features = data.features
            learnable, known = data.learnable, data.learnable | covered(features)
            items.see(features, learnable, self.own_dropout, Initial(seed + 1))
        states.get_layer("known").learn(known)
        loss = NextItemLoss(items, learnable, unseen(data.histories), name="loss")

        def finish() -> SequentialNetwork:
            served = self.build(len(known), history, None, spans)
            table = np.asarray(ops.convert_to_numpy(items.table()))
            set_named_weights(served, {**named_weights(states), "embedding/embeddings": table})
            return SequentialNetwork(self, served, known, spans)

        return SequenceLearner(
            model=with_loss(states, loss),
            inputs=lambda *_: {},
            learnable=learnable,
            finish=finish,
            settings=replace(
                self.fitting,
                batch=crops(data.histories, history, self.fitting.batch),
                max_epochs=min(self.fitting.max_epochs, passes(data.histories)),
            ),
            history=history,
            timed=spans is not None,
        )


class SequentialNetwork(DotNetwork):
    """A trained `Sequential`: the last state is the query, embeddings are the item vectors."""

    name = "sequential"

    def __init__(
        self,
        spec: Sequential,
        states: keras.Model,
        coverage: BoolArray,
        spans: Spans | None = None,
    ) -> None:
        """Take a trained model of `spec.build`, the items it may answer with and its spans."""
        self.spec, self.coverage, self.spans = spec, coverage, spans
        self.knows_cold = spec.features
        self.takes = tuple(states.input)
        self.encoder = keras.Model(
            states.input, Last(name="last")(states.output), name="sequential_encoder"
        )
        vectors = named_weights(states)["embedding/embeddings"][1:]
        missing = len(coverage) - len(vectors)  # items added after training: never covered
        self.item_vectors = np.pad(vectors, ((0, missing), (0, 0)))
        self.item_bias = np.zeros(len(coverage), np.float32)
        self.history = states.output.shape[1]

    def answers(self, batch: Batch) -> BoolArray:
        """Answer requests with a recent item that was trained on."""
        return answers_to_history(batch, self.coverage, self.history)

    def state(self) -> State:
        """Return the weights."""
        spans = None if self.spans is None else asdict(self.spans)
        return State({"history": self.history, "spans": spans}, named_weights(self.encoder))

    @classmethod
    def from_state(cls, spec: Sequential, state: State, catalogue: Catalogue) -> SequentialNetwork:
        """Rebuild the model and give it its weights."""
        known = state.arrays["known/known"][1:] > 0.5
        stored = state.settings.get("spans")  # none where time was not learned
        spans = Spans(**stored) if stored else None
        states = spec.build(len(known), state.settings["history"], None, spans)
        set_named_weights(states, state.arrays)
        coverage = np.zeros(len(catalogue), bool)
        coverage[: len(known)] = known
        return cls(spec, states, coverage, spans)
