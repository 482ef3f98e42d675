"""Sequential: a causal transformer over the history, trained on every position of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError
from ysmean.networks.dot import DotNetwork, answers_to_history, named_weights, set_named_weights
from ysmean.networks.elapsed import GapEmbedding, Spans, TimeBias, count
from ysmean.networks.initial import Initial
from ysmean.networks.loss import HIDDEN, fused_cross_entropy
from ysmean.networks.network import (
    BoolArray,
    Fitting,
    Learner,
    State,
    TrainingData,
    keras_inputs,
)
from ysmean.networks.sequences import SequenceLearner, crops, length_for
from ysmean.networks.transformer import Known, Last, block
from ysmean.networks.unseen import unseen


@dataclass(frozen=True)
class Sequential:
    """A causal transformer whose item embeddings are its item vectors.

    Attributes:
        history: how many recent items it sees at most; fewer where histories are short.
        width: of embeddings and states.
        blocks: of attention and feed-forward layers.
        heads: of each attention; they divide the width.
        dropout: share of embeddings and of each layer's output dropped in training.
        time: whether it sees the time between events, and up to the request, where events have it.
        fitting: how it is trained; a step takes crops of histories with about `batch` events.
    """

    kind: ClassVar[str] = "sequential"
    history: int = 128
    width: int = 64
    blocks: int = 2
    heads: int = 2
    dropout: float = 0.2
    time: bool = True
    fitting: Fitting = field(
        default_factory=lambda: Fitting(
            batch=2048, max_steps=4000, max_epochs=16, learning_rate=2e-3, weight_decay=0.4
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
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"Sequential got dropout={self.dropout}; expected 0 <= dropout < 1.")

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        return None

    def build(
        self, size: int, history: int, seed: int | None, spans: Spans | None = None
    ) -> keras.Model:
        """Return the model, tokens (B, any) -> states (B, history, width).

        Args:
            size: of the catalogue.
            history: how many tokens it sees.
            seed: of the initial weights; zeros for None.
            spans: the largest times; given, the model takes gaps (B, any) too.
        """
        initial = Initial(seed)
        inputs = keras_inputs(["tokens"] if spans is None else ["tokens", "gaps"])
        if spans is None:
            tokens = Known(history, size, name="known")(inputs["tokens"])
        else:
            known = Known(history, size, spans.gap, name="known")
            tokens, moments = known(inputs["tokens"], inputs["gaps"])
        x = initial.embedding(size + 1, self.width, "embedding")(tokens)
        x = layers.Rescaling(self.width**0.5, name="scale")(x)
        if spans is not None:
            gap = GapEmbedding(self.width, count(spans.gap), name="gap")(moments)
            x = layers.Add(name="timed")([x, gap])
        x = initial.dropout(self.dropout, "dropout")(x)
        for number in range(self.blocks):
            bias = None
            if spans is not None:
                bias = TimeBias(self.heads, count(spans.seen), name=f"block_{number}_time")(moments)
            x = block(x, tokens, number, self.heads, self.dropout, initial, bias)
        x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
        return keras.Model(inputs, x, name="sequential")

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        warm = data.catalogue.warm
        history = length_for(data.histories, self.history)
        batch = crops(data.histories, history, self.fitting.batch)
        spans = Spans.of(data.histories, history) if self.time else None
        states = self.build(len(warm), history, seed, spans)
        states.get_layer("known").learn(warm)
        asked = {
            "targets": keras.Input((None,), dtype="int32", name="targets"),
            "weights": keras.Input((None,), dtype="float32", name="weights"),
        }
        loss = NextItemLoss(
            states.get_layer("embedding"), warm, unseen(data.histories), name="loss"
        )
        known = states.get_layer("known").output
        out = loss(states.output, known if spans is None else known[0], **asked)
        model = keras.Model({**states.input, **asked}, out)
        return SequenceLearner(
            model=model,
            inputs=lambda *_: {},
            learnable=warm,
            finish=lambda: SequentialNetwork(self, states, warm, spans),
            settings=replace(self.fitting, batch=batch),
            history=history,
            timed=spans is not None,
        )


class NextItemLoss(layers.Layer):
    """Adds the cross-entropy of the next item, after every place that is asked for.

    States (B, T, d), tokens (B, T), targets (B, S) and weights (B, S) of the last S places ->
    states.
    """

    def __init__(
        self, embedding: layers.Embedding, learnable: BoolArray, unseen: bool, **kwargs: Any
    ) -> None:
        """Make the layer.

        Args:
            embedding: its rows 1..N are the item vectors.
            learnable: bool (N,), classes that are trained on.
            unseen: whether the softmax leaves out the items of the history, as answers do. Else
                a network spends much of what it learns on not repeating them.
            kwargs: of every layer.
        """
        super().__init__(**kwargs)
        self.embedding, self.unseen = embedding, unseen
        self.learnable = None if learnable.all() else learnable

    def call(self, states: Any, tokens: Any, targets: Any, weights: Any) -> Any:
        """Add the loss."""
        asked = states[:, states.shape[1] - ops.shape(targets)[1] :]
        without = None
        if self.unseen:
            without, repeated = self._seen(asked, tokens, targets)
            weights = ops.where(repeated, 0.0, weights)
            without = ops.reshape(without, (-1,))
        nats = fused_cross_entropy(
            ops.reshape(asked, (-1, states.shape[-1])),
            self.embedding.embeddings[1:],
            ops.reshape(targets, (-1,)),
            ops.reshape(weights, (-1,)),
            mask=self.learnable,
            without=without,
        )
        self.add_loss(nats)
        return states

    def _seen(self, asked: Any, tokens: Any, targets: Any) -> tuple[Any, Any]:
        """Return log sum exp(logit) of the items up to each place, and whether the target is one.

        Both are (B, S).
        """
        place = ops.arange(tokens.shape[1])
        same = tokens[:, :, None] == tokens[:, None]  # (B, T, T)
        again = ops.any(same & (place[:, None] > place[None]), axis=2)  # counted once
        upto = place[-ops.shape(targets)[1] :, None] >= place[None]  # (S, T)
        seen = upto & ((tokens > 0) & ~again)[:, None]  # (B, S, T)
        logits = ops.matmul(asked, ops.transpose(self.embedding(tokens), (0, 2, 1)))
        without = ops.logsumexp(ops.where(seen, logits, HIDDEN), axis=2)
        return without, ops.any(seen & (targets[:, :, None] + 1 == tokens[:, None]), axis=2)

    def compute_output_shape(self, states_shape: Any, *_: Any, **__: Any) -> Any:
        """Return (B, T, d)."""
        return states_shape


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
