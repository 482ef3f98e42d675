"""Content-based: learns from what items are, so that a new item can be recommended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError
from ysmean.networks.dot import answers_to_history, named_weights, set_named_weights
from ysmean.networks.growth import Changed, fitted_to, room
from ysmean.networks.initial import Initial
from ysmean.networks.learner import Fitting, Learner
from ysmean.networks.network import State, TrainingData, keras_inputs
from ysmean.networks.next_item import NextItemLoss, with_loss
from ysmean.networks.sequences import SequenceLearner, crops, length_for, passes
from ysmean.networks.towers import (
    FeatureEmbedding,
    ItemSide,
    TowerNetwork,
    TowerScores,
    covered,
    under,
)
from ysmean.networks.transformer import Known, attending, trunk
from ysmean.networks.unseen import unseen

TABLES = ("known/known", "past/embeddings")
CROPS = 512  # a step at most, on average: every step makes the vectors of all items anew


@dataclass(frozen=True)
class Content:
    """A causal transformer over what the history's items are, and a tower for what comes next.

    It never sees an item's number: the history's items are linear in their features, the items to
    be ranked go through a hidden layer as well. One part of the logits compares the two in the
    same linear embedding, in which similar items are close before anything is learned.

    Attributes:
        history: how many recent items it sees at most; fewer where histories are short.
        width: of each part of item vectors and queries, and of the states.
        hidden: width of the hidden layer of the items' tower.
        blocks: of attention and feed-forward layers.
        heads: of each attention; they divide the width.
        dropout: share of embeddings and of each layer's output dropped in training.
        feature_dropout: share of the ranked items' features dropped in training; the network then
            leans on what items have in common, which is all that is known of new ones.
        fitting: how it is trained; a step takes crops of histories with about `batch` events, and
            there are fewer passes where items have few events each.
    """

    kind: ClassVar[str] = "content"
    history: int = 64
    width: int = 64
    hidden: int = 256
    blocks: int = 2
    heads: int = 2
    dropout: float = 0.1
    feature_dropout: float = 0.3
    fitting: Fitting = field(
        default_factory=lambda: Fitting(
            batch=2048, max_steps=2000, max_epochs=32, learning_rate=2e-3
        )
    )

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        if min(self.history, self.width, self.hidden, self.blocks, self.heads) < 1:
            raise ConfigError(
                "Content: history, width, hidden, blocks and heads must be at least 1."
            )
        if self.width % self.heads:
            raise ConfigError(
                f"Content got width={self.width}, heads={self.heads}; expected a width that is a "
                "multiple of heads."
            )
        for name in ("dropout", "feature_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"Content got {name}={getattr(self, name)}; expected 0 <= {name} < 1."
                )

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        known = (catalogue.has_features & catalogue.warm).any()
        return None if known else "no item with events has features"

    def build(
        self, size: int, history: int, past: Any, initial: Initial, *, last: bool = False
    ) -> keras.Model:
        """Return the model, tokens (B, any) -> queries (B, T, 2 width).

        Args:
            size: of the catalogue.
            history: how many tokens it sees.
            past: embeds tokens by what the items are.
            initial: of the weights.
            last: whether only the last query is wanted, (B, 2 width).
        """
        inputs = keras_inputs(["tokens"])
        tokens = Known(history, size, name="known")(inputs["tokens"])
        x = initial.dropout(self.dropout, "dropout")(past(tokens))
        mixers = attending(tokens, history, self.blocks, self.heads, initial)
        x = trunk(x, mixers, self.dropout, initial, last=last)
        return keras.Model(inputs, initial.dense(2 * self.width, "query")(x), name="content")

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        features = data.features
        initial, known = Initial(seed), covered(features)
        history = length_for(data.histories, self.history)
        past = FeatureEmbedding(features, self.width, initial)
        queries = self.build(len(features), history, past, initial)
        queries.get_layer("known").learn(known)
        tower = TowerScores(
            features,
            data,
            self.hidden,
            self.width,
            initial,
            shared=past,
            dropout=self.feature_dropout,
        )
        learnable = data.learnable & known
        loss = NextItemLoss(tower, learnable, unseen(data.histories), name="loss")

        def finish() -> ContentNetwork:
            table = np.asarray(ops.convert_to_numpy(past.table()))
            arrays = {**named_weights(queries), "past/embeddings": table}
            return ContentNetwork(self, _encoder(self, history, arrays), tower.frozen(), history)

        return SequenceLearner(
            model=with_loss(queries, loss),
            inputs=lambda *_: {},
            learnable=learnable,
            finish=finish,
            settings=replace(
                self.fitting,
                batch=crops(data.histories, history, self.fitting.batch, CROPS),
                max_epochs=min(self.fitting.max_epochs, passes(data.histories)),
            ),
            history=history,
        )


class ContentNetwork(TowerNetwork):
    """A trained `Content`: vectors of all items, cold ones included, and the request's encoder."""

    name = "content"
    history: int

    def __init__(self, spec: Content, encoder: keras.Model, items: ItemSide, history: int) -> None:
        """Keep what `Content.begin` made."""
        super().__init__(encoder, items)
        self.spec, self.history = spec, history

    def answers(self, batch: Batch) -> Any:
        """Answer requests with a recent item that has features."""
        return answers_to_history(batch, self.coverage, self.history)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> ContentNetwork:
        """Return a network that knows new items by what they are, also in a history."""
        size, rows = len(catalogue), changed.classes + 1
        items = self.items.with_items(size, changed)
        arrays = named_weights(self.encoder)
        for name in TABLES:
            arrays[name] = fitted_to(arrays[name], size + 1).copy()
        arrays["past/embeddings"][rows] = changed.features @ items.weights["shared_kernel"]
        arrays["known/known"][rows] = covered(changed.features)
        encoder = _encoder(self.spec, self.history, arrays)
        return ContentNetwork(self.spec, encoder, items, self.history)

    def state(self) -> State:
        """Return vectors and weights."""
        return State({"history": self.history}, self.arrays())

    @classmethod
    def from_state(cls, spec: Content, state: State, catalogue: Catalogue) -> ContentNetwork:
        """Rebuild the encoder and the vectors."""
        history = state.settings["history"]
        encoder = _encoder(spec, history, under("encoder/", state.arrays))
        return cls(spec, encoder, ItemSide.of(state.arrays), history)


def _encoder(spec: Content, history: int, arrays: Mapping[str, Any]) -> keras.Model:
    """Return tokens -> the query after the last one, in which items mean what a table says.

    Args:
        spec: the settings.
        history: how many tokens it sees.
        arrays: its weights by name; those of `TABLES` have a row a token.
    """
    size = room(len(arrays["known/known"]) - 1)
    table = Initial(None).embedding(size + 1, spec.width, "past")
    table.trainable = False
    queries = spec.build(size, history, table, Initial(None), last=True)
    encoder = keras.Model(queries.input, queries.output, name="content_encoder")
    tables = {name: fitted_to(arrays[name], size + 1) for name in TABLES}
    set_named_weights(encoder, {**arrays, **tables})
    return encoder
