"""Stated preferences as logits: what items gain by values that they have and bounds they keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.ordered import Ordered
from ysmean.data.preferences import bounded
from ysmean.networks.causes import Causes, row_parts
from ysmean.networks.rows import RowTable, SparseRows, sum_rows

FloatArray = npt.NDArray[np.float32]
NAMES = ("preferences", "lows", "highs")


@dataclass(frozen=True)
class Wishes:
    """What can be preferred.

    Attributes:
        table: one row of items for each categorical value.
        ordered: where items stand by numbers and times.
        factor: log-odds that an item gains by a preference of strength 1.
    """

    table: RowTable
    ordered: Ordered
    factor: float

    @classmethod
    def of(cls, catalogue: Catalogue, factor: float) -> Wishes:
        """Take what the items of a catalogue have."""
        values = catalogue.attributes
        ones = np.ones(len(values.classes), np.float32)
        table = RowTable(values.offsets, values.classes, ones, len(catalogue))
        return cls(table, catalogue.ordered, factor)

    def weights(self, batch: Batch) -> FloatArray:
        """Return what fulfilling each stated preference adds, (B, P)."""
        return np.asarray(self.factor * bounded(batch.strengths), np.float32)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return what the items of any tile gain, (B, hi - lo)."""
        weights = self.weights(batch)
        values = sum_rows(self.table, batch.preferences, weights)
        bounds = np.nonzero(batch.preferences < 0)

        def tile(lo: int, hi: int) -> FloatArray:
            gained = values(lo, hi).copy()
            for b, p in zip(*bounds, strict=True):
                ranks = self.ordered.ranks[lo:hi, -batch.preferences[b, p] - 1]
                gained[b] += weights[b, p] * _within(ranks, batch.lows[b, p], batch.highs[b, p])
            return np.asarray(gained, np.float32)

        return tile

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> Causes:
        """Return what each preference adds to the logits of classes (B, n)."""
        stated, weights = batch.preferences, self.weights(batch)
        parts = row_parts(self.table, stated, weights, classes)
        for b, p in zip(*np.nonzero(stated < 0), strict=True):
            ranks = np.where(classes[b] < 0, 0, self.ordered.ranks[classes[b], -stated[b, p] - 1])
            parts[b, :, p] = weights[b, p] * _within(ranks, batch.lows[b, p], batch.highs[b, p])
        keys = self.ordered.keys(stated, batch.lows, batch.highs)
        return Causes("preference", "logit", keys, parts)

    def keras_scores(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Return the same from Keras layers, as parts of a sum."""
        stated, lows, highs = (inputs[name] for name in NAMES)
        weights = PreferenceWeights(self.factor, name="preference_weights")(inputs["strengths"])
        parts = [SparseRows.of(self.table, name="preference_rows")(stated, weights)]
        if len(self.ordered.kinds):
            within = WithinBounds.of(self.ordered.ranks, name="preference_bounds")
            parts.append(within(stated, lows, highs, weights))
        return parts


def _within(ranks: npt.NDArray[np.int32], low: Any, high: Any) -> npt.NDArray[np.bool_]:
    return np.asarray((ranks >= low) & (ranks <= high))  # ranks of 0, no value, are below any low


@keras.saving.register_keras_serializable(package="ysmean")
class WithinBounds(keras.layers.Layer):
    """Keras twin of what `Wishes` does with numbers: (B, P) four times -> (B, N)."""

    def __init__(self, shape: tuple[int, int], **kwargs: Any) -> None:
        """Make the layer for ranks of F features and N items, given as (F + 1, N)."""
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.ranks = self.add_weight(
            shape=shape, dtype="int32", initializer="zeros", trainable=False, name="ranks"
        )

    @classmethod
    def of(cls, ranks: npt.NDArray[np.int32], **kwargs: Any) -> WithinBounds:
        """Make the layer that holds ranks (N, F)."""
        rows = np.concatenate([np.zeros_like(ranks[:, :1]), ranks], axis=1).T  # (F + 1, N)
        layer = cls(rows.shape, **kwargs)
        layer.set_weights([rows])
        return layer

    def call(self, stated: Any, lows: Any, highs: Any, weights: Any) -> Any:
        """Return what the items gain."""
        ranks = ops.take(self.ranks, ops.maximum(-stated, 0), axis=0)  # (B, P, N)
        inside = (ranks >= lows[..., None]) & (ranks <= highs[..., None]) & (stated < 0)[..., None]
        return ops.sum(ops.where(inside, weights[..., None], 0.0), axis=1)

    def compute_output_shape(self, stated_shape: Any, *_: Any) -> tuple[Any, int]:
        """Return (B, N)."""
        return stated_shape[0], self.shape[1]

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "shape": list(self.shape)}


@keras.saving.register_keras_serializable(package="ysmean")
class PreferenceWeights(keras.layers.Layer):
    """Keras twin of `bounded`, times a factor: strengths (B, P) -> weights (B, P)."""

    def __init__(self, factor: float, **kwargs: Any) -> None:
        """Make the layer."""
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, strengths: Any) -> Any:
        """Return weights (B, P)."""
        square = ops.sum(strengths * strengths, axis=1, keepdims=True)
        return self.factor * strengths / ops.sqrt(ops.maximum(square, 1.0))

    def compute_output_shape(self, strengths_shape: Any) -> Any:
        """Return (B, P)."""
        return strengths_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "factor": self.factor}
