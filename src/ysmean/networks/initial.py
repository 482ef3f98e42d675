"""What the weights of layers begin with: seeded draws, or a value that stays."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers


class Initial:
    """Makes layers whose initial weights follow from one seed.

    Without a seed all weights start at zero: trained ones follow, and drawing random numbers that
    are overwritten at once would cost seconds of compilation.
    """

    def __init__(self, seed: int | None) -> None:
        """Begin the sequence of seeds."""
        self._seed = seed
        self._drawn = 0

    def seed(self) -> int:
        """Return a seed that no other part of the network gets."""
        self._drawn += 1
        return (self._seed or 0) * 1000 + self._drawn

    def glorot(self) -> Any:
        """Return an initializer for kernels (Glorot and Bengio, 2010)."""
        seed = self.seed()
        return "zeros" if self._seed is None else keras.initializers.GlorotUniform(seed)

    def normal(self) -> Any:
        """Return an initializer for embeddings: normal with standard deviation 0.05."""
        seed = self.seed()
        return "zeros" if self._seed is None else keras.initializers.RandomNormal(0.0, 0.05, seed)

    def dense(self, width: int, name: str, activation: str | None = None) -> layers.Dense:
        """Return a Dense layer."""
        return layers.Dense(width, activation, kernel_initializer=self.glorot(), name=name)

    def embedding(self, size: int, width: int, name: str) -> layers.Embedding:
        """Return an Embedding layer."""
        return layers.Embedding(size, width, embeddings_initializer=self.normal(), name=name)

    def dropout(self, rate: float, name: str) -> layers.Dropout:
        """Return a Dropout layer."""
        return layers.Dropout(rate, seed=self.seed(), name=name)


def constant(layer: keras.layers.Layer, name: str, value: npt.NDArray[np.float32]) -> Any:
    """Return a weight of a layer that holds a value and is not trained."""
    weight = layer.add_weight(shape=value.shape, initializer="zeros", trainable=False, name=name)
    weight.assign(value)
    return weight
