"""The softmax over allowed classes that every network ends in, as a Keras layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from ysmean.networks.initial import constant


@keras.saving.register_keras_serializable(package="ysmean")
class MaskedSoftmax(keras.layers.Layer):
    """softmax((scores + prior) / temperature) over the classes that are covered and allowed.

    Rows without any such class are all zero, never NaN.
    """

    def __init__(
        self,
        coverage: npt.ArrayLike,
        prior: npt.ArrayLike | None = None,
        temperature: float = 1.0,
        **kwargs: Any,
    ) -> None:
        """Make the layer.

        Args:
            coverage: bool (N,), or N alone when the layer is loaded and weights follow.
            prior: float (N,) added to the scores; 0 by default.
            temperature: divides the scores, > 0.
            **kwargs: as of `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        mask = np.asarray(coverage)
        mask = np.ones(int(mask), np.float32) if mask.ndim == 0 else mask.astype(np.float32)
        bias = np.zeros_like(mask) if prior is None else np.asarray(prior, np.float32)
        self.size = len(mask)
        self.temperature = float(temperature)
        self.coverage = constant(self, "coverage", mask)
        self.prior = constant(self, "prior", bias)

    def call(self, scores: Any, allowed: Any) -> Any:
        """Return probabilities (B, N) of scores (B, N) over `allowed` (B, N) bool."""
        keep = ops.logical_and(ops.cast(allowed, "bool"), self.coverage > 0.5)
        logits = ops.where(keep, (scores + self.prior) / self.temperature, -1e30)
        top = ops.max(logits, axis=-1, keepdims=True)
        mass = ops.where(keep, ops.exp(logits - top), 0.0)
        total = ops.sum(mass, axis=-1, keepdims=True)
        return mass / ops.maximum(total, 1e-30)

    def compute_output_shape(self, scores_shape: Any, allowed_shape: Any) -> Any:
        """Return (B, N)."""
        return scores_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes; coverage and prior are weights."""
        return {
            **super().get_config(),
            "coverage": self.size,
            "temperature": self.temperature,
        }
