"""Content-based: learns from what items are, so that a new item can be recommended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.features import encode_features
from ysmean.errors import ConfigError
from ysmean.networks.dot import (
    Recent,
    answers_to_history,
    named_weights,
    set_named_weights,
)
from ysmean.networks.initial import Initial
from ysmean.networks.network import (
    BoolArray,
    Fitting,
    Learner,
    State,
    TrainingData,
)
from ysmean.networks.towers import (
    FeatureEmbedding,
    ItemSide,
    TowerNetwork,
    TowerScores,
    covered,
)
from ysmean.networks.unseen import hiding_seen


@dataclass(frozen=True)
class Content:
    """Two towers over features: pooled content of the history against content of the item.

    One part of the logits is learned freely, by a hidden layer on each side; the other one
    compares history and item in one linear embedding of the features, in which similar items are
    close before anything is learned.

    Attributes:
        history: how many recent items are pooled, with learned weights by recency.
        width: of each part of item vectors and queries.
        hidden: width of the hidden layers.
        dropout: share of the pooled content dropped in training.
        feature_dropout: share of the items' features dropped in training; the network then leans
            on what items have in common, which is all that is known of new ones.
        fitting: how it is trained.
    """

    kind: ClassVar[str] = "content"
    history: int = 20
    width: int = 64
    hidden: int = 128
    dropout: float = 0.1
    feature_dropout: float = 0.3
    fitting: Fitting = field(default_factory=lambda: Fitting(batch=1024, max_steps=4000))

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        if min(self.history, self.width, self.hidden) < 1:
            raise ConfigError("Content: history, width and hidden must be at least 1.")
        for name in ("dropout", "feature_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"Content got {name}={getattr(self, name)}; expected 0 <= {name} < 1."
                )

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        known = (catalogue.has_features & catalogue.warm).any()
        return None if known else "no item with events has features"

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        features = encode_features(data.catalogue.frame, data.catalogue.schema, seed)
        initial = Initial(seed)
        past = FeatureEmbedding(features, self.width, initial)
        encoder = _encoder(self, len(features), past, initial)
        tower = TowerScores(
            features,
            data,
            self.hidden,
            self.width,
            initial,
            shared=past,
            dropout=self.feature_dropout,
        )
        histories = data.histories
        logits = keras.Model(encoder.input, tower(encoder.output), name="content")
        model = hiding_seen(logits, histories)

        def inputs(
            positions: npt.NDArray[np.int64], rng: np.random.Generator | None
        ) -> dict[str, Any]:
            starts = histories.offsets[histories.users[positions]]
            return {"tokens": histories.windows(starts, positions, self.history)}

        def finish() -> ContentNetwork:
            frozen = _frozen_encoder(self, len(features))
            weights = named_weights(encoder)
            table = np.asarray(ops.convert_to_numpy(past.table()))
            set_named_weights(frozen, {**weights, "past/embeddings": table})
            return ContentNetwork(self, frozen, tower.frozen())

        return Learner(model, inputs, data.learnable & covered(features), finish, self.fitting)


class ContentNetwork(TowerNetwork):
    """A trained `Content`: vectors of all items, cold ones included, and the request's encoder."""

    name = "content"

    def __init__(self, spec: Content, encoder: keras.Model, items: ItemSide) -> None:
        """Keep what `Content.begin` made."""
        super().__init__(encoder, items)
        self.spec = spec

    def answers(self, batch: Batch) -> BoolArray:
        """Answer requests with a recent item that has features."""
        return answers_to_history(batch, self.coverage, self.spec.history)

    def state(self) -> State:
        """Return vectors and weights."""
        return State({}, self.arrays())

    @classmethod
    def from_state(cls, spec: Content, state: State, catalogue: Catalogue) -> ContentNetwork:
        """Rebuild the encoder and the vectors."""
        encoder = _frozen_encoder(spec, len(state.arrays["item_bias"]))
        return cls(spec, encoder, cls.restored(encoder, state.arrays))


@keras.saving.register_keras_serializable(package="ysmean")
class RecencyPool(keras.layers.Layer):
    """Two weighted means over a history (B, T, d) -> (B, 2 d), weights learned by recency."""

    def __init__(self, history: int, **kwargs: Any) -> None:
        """Make the layer for histories of T = `history`."""
        super().__init__(**kwargs)
        self.history = history
        slopes = np.arange(history)[None, :] * np.array([[0.5], [0.1]])
        self.weights_by_age = self.add_weight(
            shape=(2, history), initializer="zeros", name="weights_by_age"
        )
        self.weights_by_age.assign(slopes.astype(np.float32))

    def call(self, embedded: Any, tokens: Any) -> Any:
        """Pool the embedded items; padding (token 0) weighs nothing."""
        known = ops.cast(tokens > 0, "float32")[:, None, :]  # (B, 1, T)
        age = self.weights_by_age - ops.max(self.weights_by_age, axis=1, keepdims=True)
        weights = ops.exp(age)[None] * known  # (B, 2, T)
        weights = weights / ops.maximum(ops.sum(weights, axis=2, keepdims=True), 1e-9)
        pooled = ops.matmul(weights, embedded)  # (B, 2, d)
        return ops.reshape(pooled, (-1, 2 * embedded.shape[-1]))

    def compute_output_shape(self, embedded_shape: Any, tokens_shape: Any) -> tuple[Any, int]:
        """Return (B, 2 d)."""
        return embedded_shape[0], 2 * embedded_shape[-1]

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "history": self.history}


@keras.saving.register_keras_serializable(package="ysmean")
def mean_of_two(shape: tuple[int, int], dtype: Any = None) -> Any:
    """Return a kernel (2 d, d) that takes two vectors side by side to their mean."""
    half = np.eye(shape[1], dtype=np.float32) / 2
    return ops.convert_to_tensor(np.concatenate([half, half]), dtype=dtype)


def _encoder(spec: Content, size: int, past: Any, initial: Initial) -> keras.Model:
    """Return tokens (B, T) -> query (B, 2 d); `past` embeds the tokens of the history."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    recent = Recent(spec.history, size, name="recent")(tokens)
    pooled = RecencyPool(spec.history, name="pool")(past(recent), recent)
    pooled = initial.dropout(spec.dropout, "dropout")(pooled)
    mixed = initial.dense(spec.hidden, "mix", "gelu")(pooled)
    query = initial.dense(spec.width, "query")(mixed)
    alike = keras.layers.Dense(
        spec.width, use_bias=False, kernel_initializer=mean_of_two, name="alike"
    )(pooled)
    query = keras.layers.Concatenate(name="both")([query, alike])
    return keras.Model({"tokens": tokens}, query, name="content_encoder")


def _frozen_encoder(spec: Content, size: int) -> keras.Model:
    """Return the encoder with its table of the history's items computed once."""
    initial = Initial(None)
    table = initial.embedding(size + 1, spec.width, "past")
    table.trainable = False
    return _encoder(spec, size, table, initial)
