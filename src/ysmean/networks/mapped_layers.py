"""The Keras layer of `Mapped`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ysmean.networks.mapped import Mapped


@keras.saving.register_keras_serializable(package="ysmean")
class MappedLogs(keras.layers.Layer):
    """Logits (B, N) with those of some items in their place: logs of `Mapped.sums` + a floor."""

    def __init__(
        self, rows: int, axes: int, told: int, size: int, floor: float, **kwargs: Any
    ) -> None:
        """Make the layer for profiles (rows, axes) and `told` of `size` items."""
        super().__init__(**kwargs)
        self.sizes, self.floor = (rows, axes, told, size), floor
        zeros = {"initializer": "zeros", "trainable": False}
        self.profiles = self.add_weight(shape=(rows + 1, axes), name="profiles", **zeros)
        self.places = self.add_weight(shape=(told + 1, axes), name="places", **zeros)
        self.column = self.add_weight(shape=(size,), dtype="int32", name="column", **zeros)

    @classmethod
    def of(cls, mapped: Mapped, size: int, floor: float, **kwargs: Any) -> MappedLogs:
        """Make the layer that holds what is mapped, for N items."""
        rows, axes = mapped.profiles.shape
        layer = cls(rows, axes, len(mapped.classes), size, floor, **kwargs)
        column = np.zeros(size, np.int32)
        column[mapped.classes] = np.arange(len(mapped.classes)) + 1
        nothing = np.zeros((1, axes), np.float32)
        tables = [np.concatenate([nothing, table]) for table in (mapped.profiles, mapped.places)]
        layer.set_weights([*tables, column])
        return layer

    def call(self, logits: Any, tokens: Any, weights: Any) -> Any:
        """Return the logits (B, N) of all items."""
        rows = ops.take(self.profiles, tokens, axis=0) * weights[..., None]  # (B, L, a)
        sums = ops.matmul(ops.sum(rows, axis=1), ops.transpose(self.places))  # (B, told + 1)
        logs = ops.log(ops.maximum(sums, 0.0) + self.floor)
        return ops.where(self.column > 0, ops.take(logs, self.column, axis=1), logits)

    def compute_output_shape(self, logits_shape: Any, *others: Any) -> Any:
        """Return (B, N)."""
        return logits_shape

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        names = ("rows", "axes", "told", "size")
        sizes = dict(zip(names, self.sizes, strict=True))
        return {**super().get_config(), **sizes, "floor": self.floor}
