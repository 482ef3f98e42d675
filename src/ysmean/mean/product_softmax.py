"""The consensus as a Keras layer: the softmax of weighted sums of the networks' logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from ysmean.networks.initial import constant


@keras.saving.register_keras_serializable(package="ysmean")
class ProductSoftmax(keras.layers.Layer):
    """softmax(sum_k a_k (scores_k + prior_k)) over the classes that are covered and allowed.

    A class that network k does not cover has the mean of k's logits over those that it does.
    Classes that no network with an exponent covers are left out; rows without any are all zero.
    """

    def __init__(
        self, coverage: npt.ArrayLike, prior: npt.ArrayLike | None = None, **kwargs: Any
    ) -> None:
        """Make the layer.

        Args:
            coverage: bool (K, N), or the shape alone when the layer is loaded and weights follow.
            prior: float (K, N) added to the scores; 0 by default.
            **kwargs: as of `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        mask = np.asarray(coverage)
        mask = np.ones(mask, np.float32) if mask.ndim == 1 else mask.astype(np.float32)
        bias = np.zeros_like(mask) if prior is None else np.asarray(prior, np.float32)
        self.shape = mask.shape
        self.coverage = constant(self, "coverage", mask)
        self.prior = constant(self, "prior", bias)

    def call(self, scores: Sequence[Any], allowed: Any, exponents: Any) -> Any:
        """Return probabilities (B, N).

        Args:
            scores: K tensors (B, N).
            allowed: bool (B, N).
            exponents: float (B, K) on logits before temperature; 0 leaves a network out.
        """
        allowed = ops.cast(allowed, "bool")
        logits, spoken = 0.0, 0.0
        for k, score in enumerate(scores):
            a = exponents[:, k, None]
            covered = self.coverage[k] > 0.5
            inside = ops.cast(ops.logical_and(allowed, covered), "float32")
            z = ops.cast(score, "float32") + self.prior[k]
            count = ops.maximum(ops.sum(inside, axis=-1, keepdims=True), 1.0)
            level = ops.sum(ops.where(inside > 0.5, z, 0.0), axis=-1, keepdims=True) / count
            logits = logits + a * ops.where(covered, z - level, 0.0)
            spoken = spoken + ops.cast(a > 0, "float32") * inside
        keep = spoken > 0.5
        logits = ops.where(keep, logits, -1e30)
        mass = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
        mass = ops.where(keep, mass, 0.0)
        return mass / ops.maximum(ops.sum(mass, axis=-1, keepdims=True), 1e-30)

    def compute_output_shape(self, scores_shape: Any, *_: Any, **__: Any) -> Any:
        """Return (B, N)."""
        return tuple(scores_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes; coverage and prior are weights."""
        return {**super().get_config(), "coverage": list(self.shape)}
