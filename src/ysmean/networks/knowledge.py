"""Knowledge-based: knows the user and the request, so that a new user gets a good answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.fields import context_tokens
from ysmean.errors import ConfigError
from ysmean.networks.causes import Causes
from ysmean.networks.dot import set_named_weights
from ysmean.networks.growth import Changed
from ysmean.networks.initial import Initial
from ysmean.networks.learner import Fitting, Learner
from ysmean.networks.network import BoolArray, FloatArray, State, TrainingData
from ysmean.networks.towers import ItemSide, TowerNetwork, TowerScores, covered, under
from ysmean.networks.unseen import hiding_seen
from ysmean.networks.wishes import Wishes

CONTEXT_TOKENS = (24 + 1, 7 + 1)  # hours and weekdays, 0 = unknown
FEW_STEPS = 200  # enough to learn which features are popular, where nothing tells users apart


@dataclass(frozen=True)
class Knowledge:
    """User features, context and stated preferences against items' attributes.

    Attributes:
        width: of item vectors and queries.
        hidden: width of the hidden layers.
        preference: log-odds that an item gains by fulfilling the one stated preference, times
            its strength; of n full preferences each one gives 1 / sqrt(n) of it.
        anonymous: share of training requests whose user features are hidden, so that unknown
            users get a good answer too.
        fitting: how it is trained.
    """

    kind: ClassVar[str] = "knowledge"
    width: int = 32
    hidden: int = 64
    preference: float = 3.0
    anonymous: float = 0.2
    fitting: Fitting = field(
        default_factory=lambda: Fitting(batch=1024, max_steps=2000, learning_rate=2e-3)
    )

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        if min(self.width, self.hidden) < 1 or not 0 <= self.anonymous <= 1:
            raise ConfigError(
                "Knowledge: width and hidden must be at least 1 and 0 <= anonymous <= 1."
            )
        if not 0 <= self.preference < 50:
            raise ConfigError(f"Knowledge: preference={self.preference}; expected 0 <= it < 50.")

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        known = (catalogue.has_features & catalogue.warm).any()
        return None if known else "no item with events has features"

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        features = data.features
        initial = Initial(seed)
        encoder = _encoder(self, data.fields.size, data.fields.width, initial)
        tower = TowerScores(features, data, self.hidden, self.width, initial)
        histories = data.histories
        logits = keras.Model(encoder.input, tower(encoder.output), name="knowledge")
        model = hiding_seen(logits, histories)

        def inputs(
            positions: npt.NDArray[np.int64], rng: np.random.Generator | None
        ) -> dict[str, Any]:
            fields = data.user_fields[histories.users[positions]]
            if rng is not None:
                fields = fields * (rng.random((len(fields), 1)) >= self.anonymous)
            times = histories.times
            at = np.full(len(positions), np.nan) if times is None else times[positions]
            return {"user_fields": fields.astype(np.int32), "context": context_tokens(at)}

        def finish() -> KnowledgeNetwork:
            return KnowledgeNetwork(self, encoder, tower.frozen(), data.catalogue)

        settings = self.fitting
        if histories.times is None and not data.user_fields.any():
            settings = replace(settings, max_steps=min(settings.max_steps, FEW_STEPS))
        learnable = data.learnable & covered(features)
        return Learner(model, inputs, learnable, finish, settings, needs_history=False)


class KnowledgeNetwork(TowerNetwork):
    """A trained `Knowledge`: dot products plus the sum of the stated preferences' rows."""

    name = "knowledge"
    from_history = False
    left_out = ("user", "context")
    takes = ("user_fields", "context", "preferences", "lows", "highs", "strengths")

    def __init__(
        self, spec: Knowledge, encoder: keras.Model, items: ItemSide, catalogue: Catalogue
    ) -> None:
        """Keep what `Knowledge.begin` made."""
        super().__init__(encoder, items)
        self.spec, self.wishes = spec, Wishes.of(catalogue, spec.preference)

    def answers(self, batch: Batch) -> BoolArray:
        """Answer where user features, context or a preference are known."""
        known = batch.user_fields.any(1) | batch.context.any(1) | batch.preferences.any(1)
        return np.asarray(known)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return the dot products, raised where what is liked is met, lowered for dislikes."""
        learned = super().scores(batch)
        if not batch.preferences.any():
            return learned
        wished = self.wishes.scores(batch)
        return lambda lo, hi: learned(lo, hi) + wished(lo, hi)

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> list[Causes]:
        """Return what the stated preferences add to the logits."""
        return [self.wishes.causes(batch, classes)]

    def keras_scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return the same sum from Keras layers."""
        parts = [super().keras_scores(inputs), *self.wishes.keras_scores(inputs)]
        return layers.Add(name="knowledge_sum")(parts)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> KnowledgeNetwork:
        """Return a network that covers what is new by what it is."""
        items = self.items.with_items(len(catalogue), changed)
        return KnowledgeNetwork(self.spec, self.encoder, items, catalogue)

    def state(self) -> State:
        """Return vectors and weights."""
        tokens = self.encoder.get_layer("fields").input_dim
        width = self.encoder.input["user_fields"].shape[1]
        return State({"field_tokens": tokens, "field_width": width}, self.arrays())

    @classmethod
    def from_state(cls, spec: Knowledge, state: State, catalogue: Catalogue) -> KnowledgeNetwork:
        """Rebuild the encoder and the vectors; what can be preferred comes from the catalogue."""
        tokens, width = state.settings["field_tokens"], state.settings["field_width"]
        encoder = _encoder(spec, tokens, width, Initial(None))
        set_named_weights(encoder, under("encoder/", state.arrays))
        return cls(spec, encoder, ItemSide.of(state.arrays), catalogue)


@keras.saving.register_keras_serializable(package="ysmean")
class KnownSum(keras.layers.Layer):
    """Sum of embedded tokens (B, F, d) -> (B, d), unknown ones (token 0) left out."""

    def call(self, embedded: Any, tokens: Any) -> Any:
        """Return the sums."""
        return ops.sum(embedded * ops.cast(tokens > 0, "float32")[..., None], axis=1)

    def compute_output_shape(self, embedded_shape: Any, tokens_shape: Any) -> tuple[Any, int]:
        """Return (B, d)."""
        return embedded_shape[0], embedded_shape[-1]


def _encoder(spec: Knowledge, tokens: int, width: int, initial: Initial) -> keras.Model:
    """Return user fields (B, F), context (B, 2) -> query (B, d)."""
    fields = keras.Input((width,), dtype="int32", name="user_fields")
    context = keras.Input((2,), dtype="int32", name="context")
    parts = [
        KnownSum(name="field_sum")(initial.embedding(tokens, spec.hidden, "fields")(fields), fields)
    ]
    offset = Offset(CONTEXT_TOKENS[0], name="context_offset")(context)
    parts.append(
        KnownSum(name="context_sum")(
            initial.embedding(sum(CONTEXT_TOKENS), spec.hidden, "context_table")(offset), context
        )
    )
    known = layers.Add(name="known")(parts)
    hidden = initial.dense(spec.hidden, "mix", "gelu")(known)
    query = initial.dense(spec.width, "query")(layers.Concatenate(name="both")([known, hidden]))
    return keras.Model({"user_fields": fields, "context": context}, query, name="knowledge_encoder")


@keras.saving.register_keras_serializable(package="ysmean")
class Offset(keras.layers.Layer):
    """Give the second column tokens of its own: (hour, weekday) -> (hour, weekday + start)."""

    def __init__(self, start: int, **kwargs: Any) -> None:
        """Make the layer."""
        super().__init__(**kwargs)
        self.start = start

    def call(self, tokens: Any) -> Any:
        """Return tokens (B, 2)."""
        return tokens + ops.convert_to_tensor([[0, self.start]], dtype="int32")

    def compute_output_shape(self, tokens_shape: Any) -> Any:
        """Return (B, 2)."""
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "start": self.start}
