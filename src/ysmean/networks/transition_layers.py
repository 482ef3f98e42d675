"""Keras layers of the `Transition` network."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops


@keras.saving.register_keras_serializable(package="ysmean")
class DecayedLookup(keras.layers.Layer):
    """Tokens (B, T) -> the last `history` known ones and their decayed weights, summing to 1."""

    def __init__(self, history: int, decay: float, size: int, **kwargs: Any) -> None:
        """Make the layer; tokens above `size` are unknown."""
        super().__init__(**kwargs)
        self.history, self.decay, self.size = history, decay, size

    def call(self, tokens: Any) -> tuple[Any, Any]:
        """Return tokens (B, L) with unknown ones 0, and weights (B, L)."""
        recent = tokens[:, -self.history :]
        known = ops.logical_and(recent > 0, recent <= self.size)
        length = ops.shape(recent)[1]
        steps = ops.cast(ops.arange(length - 1, -1, -1), "float32")
        weights = ops.cast(known, "float32") * ops.power(self.decay, steps)
        weights = weights / ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1e-12)
        return ops.where(known, recent, 0), weights

    def compute_output_spec(self, tokens: Any) -> tuple[Any, Any]:
        """Return the specs of tokens and weights, (B, L) each."""
        shape = (tokens.shape[0], None)
        return keras.KerasTensor(shape, "int32"), keras.KerasTensor(shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        settings = {"history": self.history, "decay": self.decay, "size": self.size}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable(package="ysmean")
class LogMixture(keras.layers.Layer):
    """log of rows (B, N) plus what the rows leave over, times popularity."""

    def __init__(self, rows: int, size: int, **kwargs: Any) -> None:
        """Make the layer for a table of (rows, size)."""
        super().__init__(**kwargs)
        self.rows, self.size = rows, size
        self.rest = self.add_weight(
            shape=(rows + 1,), initializer="zeros", trainable=False, name="rest"
        )
        self.popular = self.add_weight(
            shape=(size,), initializer="zeros", trainable=False, name="popular"
        )

    @classmethod
    def of(
        cls, rest: npt.NDArray[np.float32], popular: npt.NDArray[np.float32], **kwargs: Any
    ) -> LogMixture:
        """Make the layer that holds `rest` (R,) and `popular` (N,)."""
        layer = cls(len(rest), len(popular), **kwargs)
        layer.set_weights([np.append(np.float32(0), rest), popular])
        return layer

    def call(self, rows: Any, tokens: Any, weights: Any) -> Any:
        """Return the logits (B, N)."""
        rest = ops.sum(weights * ops.take(self.rest, tokens), axis=1, keepdims=True)
        return ops.log(ops.maximum(rows + rest * self.popular, 1e-30))

    def compute_output_shape(self, rows_shape: Any, *others: Any) -> Any:
        """Return (B, N)."""
        return rows_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "rows": self.rows, "size": self.size}
