"""What networks have in common that read a history in order, trained on every position of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import keras
import numpy as np
from keras import layers, ops

from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError
from ysmean.networks.causal_network import COVERAGE, KERNEL, CausalNetwork, mapped_rows
from ysmean.networks.company import company
from ysmean.networks.dot import named_weights
from ysmean.networks.elapsed import GapEmbedding, Spans, count
from ysmean.networks.initial import Initial
from ysmean.networks.item_embedding import ItemEmbedding
from ysmean.networks.learner import Fitting, Learner
from ysmean.networks.network import TrainingData, keras_inputs
from ysmean.networks.next_item import NextItemLoss, with_loss
from ysmean.networks.sequences import (
    SequenceLearner,
    crops,
    events_an_item,
    length_for,
    passes,
)
from ysmean.networks.towers import covered
from ysmean.networks.transformer import Known, Mixer, trunk
from ysmean.networks.unseen import unseen

DENSE, SPARSE = 0.3, 0.5  # dropout
FEW = 50  # events an item has on average


@dataclass(frozen=True)
class Causal(ABC):
    """A network of blocks over the history in order, whose item embeddings are its item vectors.

    Each block mixes a place with those before it, which is what kinds differ in, and then goes
    through a feed-forward layer. With `features` the embeddings follow from what items are, too, so
    that rare items borrow from those like them, and new ones mean something in a history; without,
    from what they were taken with.

    Attributes:
        history: how many recent items it sees at most; fewer where histories are short.
        width: of embeddings and states.
        blocks: how many.
        dropout: share of embeddings and of each layer's output dropped in training; None for 0.3,
            or 0.5 where items are only themselves and have fewer than 50 events each.
        features: whether items are what they are, too, not just themselves, where they have
            features.
        company: how many numbers tell what an item was taken with (see `company`), where items
            are nothing but themselves; 0 for none.
        cold: whether it scores new items as well: by embeddings that a ridge regression of the
            learned ones on features tells.
        penalty: of that regression.
        own_dropout: instead of it, share of the items' own embeddings left out in training, so that
            what items are stands in for them. It then learns nothing from the events of the
            items that stand in for new ones.
        time: whether it sees the time between events, and up to the request, where events have it.
        fitting: how it is trained; a step takes crops of histories with about `batch` events, and
            there are fewer passes where items have few events each.
    """

    kind: ClassVar[str]
    mixing: ClassVar[str]
    network: ClassVar[type[CausalNetwork]]
    history: int = 128
    width: int = 64
    blocks: int = 2
    dropout: float | None = None
    features: bool = True
    company: int = 64
    cold: bool = True
    penalty: float = 1.0
    own_dropout: float = 0.0
    time: bool = True
    fitting: Fitting = field(
        default_factory=lambda: Fitting(
            batch=2048,
            learning_rate=2e-3,
            weight_decay=0.4,
            max_steps=16_000,
            max_epochs=64,
            patience=4,
        )
    )

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        kind = type(self).__name__
        if self.own_dropout and not (self.features and self.cold):
            raise ConfigError(
                f"{kind} got own_dropout={self.own_dropout:g}, features={self.features}, "
                f"cold={self.cold}; what items are stands in for them where it sees features and "
                "scores new items. Leave both on, or own_dropout out."
            )
        for name in ("history", "width", "blocks"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{kind} got {name}={getattr(self, name)}; expected at least 1.")
        if self.company < 0:
            raise ConfigError(f"{kind} got company={self.company}; expected at least 0.")
        if self.penalty <= 0:
            raise ConfigError(f"{kind} got penalty={self.penalty}; expected more than 0.")
        for name in ("dropout", "own_dropout"):
            if not 0 <= (getattr(self, name) or 0) < 1:
                raise ConfigError(
                    f"{kind} got {name}={getattr(self, name)}; expected 0 <= {name} < 1."
                )

    @abstractmethod
    def mixers(
        self, tokens: Any, history: int, moments: Any, spans: Spans | None, initial: Initial
    ) -> Sequence[Mixer]:
        """Return what mixes the places of each block.

        Args:
            tokens: int32 (B, T), 0 where there is nothing.
            history: T at most.
            moments: int32 (B, 2, T + 1), see `elapsed`; None without times.
            spans: the largest times; None without times.
            initial: of the weights.
        """

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        if not self.own_dropout or self._sees(catalogue):
            return None
        return "no item with events has features"

    def _sees(self, catalogue: Catalogue) -> bool:
        return self.features and bool((catalogue.has_features & catalogue.warm).any())

    def build(
        self,
        size: int,
        history: int,
        seed: int | None,
        spans: Spans | None = None,
        *,
        last: bool = False,
    ) -> keras.Model:
        """Return the model, tokens (B, any) -> states (B, T, width).

        Args:
            size: of the catalogue.
            history: how many tokens it sees, T at most.
            seed: of the initial weights; None for a model that is given its weights.
            spans: the largest times; given, the model takes gaps (B, any) too.
            last: whether only the last state is wanted, (B, width).
        """
        initial = Initial(seed)
        inputs = keras_inputs(["tokens"] if spans is None else ["tokens", "gaps"])
        moments = None
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
        dropout = self.dropout or 0.0  # what is not trained drops nothing
        x = initial.dropout(dropout, "dropout")(x)
        mixers = self.mixers(tokens, history, moments, spans, initial)
        x = trunk(x, mixers, dropout, initial, self.mixing, last=last)
        return keras.Model(inputs, x, name=self.kind)

    def begin(self, data: TrainingData, seed: int) -> Learner:
        """Return the model to be trained."""
        learnable = known = data.catalogue.warm
        history = length_for(data.histories, self.history)
        spans = Spans.of(data.histories, history) if self.time else None
        sees = self._sees(data.catalogue)
        usual = DENSE if sees or events_an_item(data.histories) >= FEW else SPARSE
        spec = self if self.dropout is not None else replace(self, dropout=usual)
        states = spec.build(len(known), history, seed, spans)
        items = states.get_layer("embedding")
        if sees:
            learnable = data.learnable if self.own_dropout else learnable
            known = learnable | covered(data.features)
            told = data.features
        else:
            told = company(data.histories, learnable, self.company, seed)
        if told.shape[1]:
            items.see(told, learnable, self.own_dropout, Initial(seed + 1))
        states.get_layer("known").learn(known)
        loss = NextItemLoss(items, learnable, unseen(data.histories), name="loss")

        def finish() -> CausalNetwork:
            table = np.asarray(ops.convert_to_numpy(items.table()))
            arrays = {
                **named_weights(states),
                "embedding/embeddings": table,
                COVERAGE: known if self.own_dropout else learnable,
            }
            if not sees:  # new items have no company by which they could be told
                arrays.pop(KERNEL, None)
            if self.cold and not self.own_dropout:
                arrays = {**arrays, **mapped_rows(arrays, data, self.penalty)}
            return self.network(self, arrays, len(known), history, spans)

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
