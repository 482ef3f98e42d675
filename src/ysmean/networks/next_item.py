"""The loss of the next item, after every place of a history at once."""

from __future__ import annotations

from typing import Any, Protocol

import keras
from keras import layers, ops

from ysmean.networks.loss import HIDDEN, fused_cross_entropy
from ysmean.networks.network import BoolArray

HEATS = (1.0, 1.2, 1.45, 1.75, 2.1)  # temperatures that held-out events are asked at


class Classes(Protocol):
    """A layer that knows what the softmax over the catalogue is made of."""

    def classes(self, training: bool = False) -> tuple[Any, Any]:
        """Return vectors (N, d) and biases (N,); None without biases."""


class NextItemLoss(layers.Layer):
    """Adds the cross-entropy of the next item, after every place that is asked for.

    Queries (B, T, d), tokens (B, T), targets (B, S) and weights (B, S) of the last S places ->
    queries. Outside of training it is that of the best of a few temperatures: the mean gives every
    network its own, so one that ranks better and is too sure of it is the better one.
    """

    def __init__(self, items: Classes, learnable: BoolArray, unseen: bool, **kwargs: Any) -> None:
        """Make the layer.

        Args:
            items: gives the vectors and biases of the classes.
            learnable: bool (N,), classes that are trained on.
            unseen: whether the softmax leaves out the items of the history, as answers do. Else
                a network spends much of what it learns on not repeating them.
            kwargs: of every layer.
        """
        super().__init__(**kwargs)
        self.items, self.unseen = items, unseen
        self.learnable = None if learnable.all() else learnable

    def call(
        self, queries: Any, tokens: Any, targets: Any, weights: Any, training: bool = False
    ) -> Any:
        """Add the loss."""
        asked = queries[:, ops.shape(queries)[1] - ops.shape(targets)[1] :]
        vectors, bias = self.items.classes(training)
        nats = [
            self._nats(asked / heat, tokens, targets, weights, vectors, _over(bias, heat))
            for heat in (HEATS[:1] if training else HEATS)
        ]
        self.add_loss(ops.min(ops.stack(nats)))
        return queries

    def _nats(
        self, asked: Any, tokens: Any, targets: Any, weights: Any, vectors: Any, bias: Any
    ) -> Any:
        """Return the weighted mean cross-entropy after the places asked (B, S, d)."""
        without = None
        if self.unseen:
            without, repeated = self._seen(asked, tokens, targets, vectors, bias)
            weights = ops.where(repeated, 0.0, weights)
            without = ops.reshape(without, (-1,))
        return fused_cross_entropy(
            ops.reshape(asked, (-1, asked.shape[-1])),
            vectors,
            ops.reshape(targets, (-1,)),
            ops.reshape(weights, (-1,)),
            bias=bias,
            mask=self.learnable,
            without=without,
        )

    def _seen(
        self, asked: Any, tokens: Any, targets: Any, vectors: Any, bias: Any
    ) -> tuple[Any, Any]:
        """Return log sum exp(logit) of the items up to each place, and whether the target is one.

        Both are (B, S). Items that are not trained on are in no softmax anyway.
        """
        place = ops.arange(ops.shape(tokens)[1])
        same = tokens[:, :, None] == tokens[:, None]  # (B, T, T)
        again = ops.any(same & (place[:, None] > place[None]), axis=2)  # counted once
        upto = place[-ops.shape(targets)[1] :, None] >= place[None]  # (S, T)
        classes = ops.maximum(tokens - 1, 0)
        known = tokens > 0
        if self.learnable is not None:
            known = known & ops.take(ops.convert_to_tensor(self.learnable), classes)
        seen = upto & (known & ~again)[:, None]  # (B, S, T)
        own = ops.take(vectors, classes, axis=0)  # (B, T, d)
        logits = ops.matmul(asked, ops.transpose(own, (0, 2, 1)))
        if bias is not None:
            logits = logits + ops.take(bias, classes)[:, None]
        without = ops.logsumexp(ops.where(seen, logits, HIDDEN), axis=2)
        return without, ops.any(seen & (targets[:, :, None] + 1 == tokens[:, None]), axis=2)

    def compute_output_shape(self, queries_shape: Any, *_: Any, **__: Any) -> Any:
        """Return (B, T, d)."""
        return queries_shape


def _over(bias: Any, heat: float) -> Any:
    return None if bias is None else bias / heat


def with_loss(queries: keras.Model, loss: NextItemLoss) -> keras.Model:
    """Return a model that takes targets and weights too, and adds the loss.

    Args:
        queries: tokens, and gaps where it sees them, -> (B, T, d); its layer `known` gives the
            tokens it kept.
        loss: of the queries.
    """
    asked = {
        "targets": keras.Input((None,), dtype="int32", name="targets"),
        "weights": keras.Input((None,), dtype="float32", name="weights"),
    }
    known = queries.get_layer("known").output
    tokens = known if "gaps" not in queries.input else known[0]
    return keras.Model({**queries.input, **asked}, loss(queries.output, tokens, **asked))
