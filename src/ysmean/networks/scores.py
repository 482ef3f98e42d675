"""Keras layers that turn a request's query into one logit a class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops


@keras.saving.register_keras_serializable(package="ysmean")
class ItemScores(keras.layers.Layer):
    """Dot products with fixed item vectors: query (B, d) -> (B, N)."""

    def __init__(self, shape: tuple[int, int], **kwargs: Any) -> None:
        """Make the layer for item vectors of shape (N, d)."""
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.vectors = self.add_weight(
            shape=self.shape, initializer="zeros", trainable=False, name="vectors"
        )
        self.bias = self.add_weight(
            shape=self.shape[:1], initializer="zeros", trainable=False, name="bias"
        )

    @classmethod
    def of(
        cls, vectors: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], **kwargs: Any
    ) -> ItemScores:
        """Make the layer that holds vectors (N, d) and bias (N,)."""
        layer = cls(vectors.shape, **kwargs)
        layer.set_weights([vectors, bias])
        return layer

    def call(self, query: Any) -> Any:
        """Return query . vectors + bias."""
        return ops.matmul(query, ops.transpose(self.vectors)) + self.bias

    def compute_output_shape(self, query_shape: Any) -> tuple[Any, int]:
        """Return (B, N)."""
        return query_shape[0], self.shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "shape": list(self.shape)}


@keras.saving.register_keras_serializable(package="ysmean")
class ItemBias(keras.layers.Layer):
    """The same logits for every request, 0 before a prior is added: any (B, ...) -> (B, N)."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        """Make the layer for N classes."""
        super().__init__(**kwargs)
        self.size = size

    def call(self, batch: Any) -> Any:
        """Return zeros (B, N)."""
        return ops.zeros((ops.shape(batch)[0], self.size))

    def compute_output_shape(self, batch_shape: Any) -> tuple[Any, int]:
        """Return (B, N)."""
        return batch_shape[0], self.size

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "size": self.size}
