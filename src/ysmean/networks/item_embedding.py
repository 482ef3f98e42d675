"""What a token means, and with the same rows what an item answers to: tied item vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, ops

from ysmean.networks.initial import Initial, constant
from ysmean.networks.network import BoolArray, FloatArray


class ItemEmbedding(layers.Layer):
    """Tokens (B, T) -> (B, T, d). Rows 1..N of its table are the item vectors too.

    With features, an item's row is its own vector plus a linear embedding of what it is. In
    training the own vectors of a share of the items are left out, others at every look (in the
    manner of DropoutNet, Volkovs et al., 2017): so what is known of an item must stand in for its
    events, and items without any get a meaningful row.
    """

    def __init__(self, size: int, width: int, initial: Initial, name: str = "embedding") -> None:
        """Make the layer.

        Args:
            size: N, of the catalogue.
            width: d.
            initial: of the rows.
            name: of the layer.
        """
        super().__init__(name=name)
        self.embeddings = self.add_weight(
            shape=(size + 1, width), initializer=initial.normal(), name="embeddings"
        )
        self.kernel: Any = None
        self.built = True

    def see(self, features: FloatArray, own: BoolArray, dropout: float, initial: Initial) -> None:
        """Make rows follow from features too.

        Args:
            features: float32 (N, f), what is known of items beside themselves.
            own: bool (N,), the items with a vector of their own.
            dropout: share of those left out.
            initial: of the weights.
        """
        shape = features.shape[1], self.embeddings.shape[1]
        padded = np.concatenate([np.zeros_like(features[:1]), features])
        self.features = constant(self, "features", padded)
        self.own = constant(self, "own", np.append(False, own).astype(np.float32)[:, None])
        self.kernel = self.add_weight(shape=shape, initializer=initial.glorot(), name="kernel")
        self.dropout = layers.Dropout(dropout, noise_shape=(len(padded), 1), seed=initial.seed())

    def table(self, training: bool = False) -> Any:
        """Return the row of every token, (N + 1, d)."""
        if self.kernel is None:
            return ops.convert_to_tensor(self.embeddings)
        own = self.dropout(self.embeddings * self.own, training=training)
        return own + ops.matmul(self.features, self.kernel)

    def classes(self, training: bool = False) -> tuple[Any, Any]:
        """Return the item vectors (N, d), without biases."""
        return self.table(training)[1:], None

    def call(self, tokens: Any, training: bool = False) -> Any:
        """Look the tokens up."""
        return ops.take(self.table(training), tokens, axis=0)

    def compute_output_shape(self, tokens_shape: Any) -> Any:
        """Return (B, T, d)."""
        return (*tokens_shape, self.embeddings.shape[1])
