"""Keras layers of the `Linear` network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ysmean")
class FadedLookup(keras.layers.Layer):
    """Tokens (B, T) -> the last `history` known ones, the one n steps back weighing n^-recency."""

    def __init__(self, history: int, recency: float, size: int, **kwargs: Any) -> None:
        """Make the layer; tokens above `size` are unknown."""
        super().__init__(**kwargs)
        self.history, self.recency, self.size = history, recency, size

    def call(self, tokens: Any) -> tuple[Any, Any]:
        """Return tokens (B, L) with unknown ones 0, and weights (B, L)."""
        recent = tokens[:, -self.history :]
        known = ops.logical_and(recent > 0, recent <= self.size)
        steps = ops.cast(ops.arange(ops.shape(recent)[1], 0, -1), "float32")
        weights = ops.cast(known, "float32") * ops.power(steps, -self.recency)
        return ops.where(known, recent, 0), weights

    def compute_output_spec(self, tokens: Any) -> tuple[Any, Any]:
        """Return the specs of tokens and weights, (B, L) each."""
        shape = (tokens.shape[0], None)
        return keras.KerasTensor(shape, "int32"), keras.KerasTensor(shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        settings = {"history": self.history, "recency": self.recency, "size": self.size}
        return {**super().get_config(), **settings}


@keras.saving.register_keras_serializable(package="ysmean")
class LogAbove(keras.layers.Layer):
    """sharpness * log(max(x, 0) + floor), of any shape."""

    def __init__(self, floor: float, sharpness: float, **kwargs: Any) -> None:
        """Make the layer; the floor must be above 0."""
        super().__init__(**kwargs)
        self.floor, self.sharpness = floor, sharpness

    def call(self, x: Any) -> Any:
        """Return the logits."""
        return self.sharpness * ops.log(ops.maximum(x, 0.0) + self.floor)

    def compute_output_shape(self, x_shape: Any) -> Any:
        """Return the shape of x."""
        return x_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "floor": self.floor, "sharpness": self.sharpness}
