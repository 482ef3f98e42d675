"""Sums of sparse rows: the request form of transitions and of stated preferences.

A table holds one sparse row of classes per item or attribute. A request names some rows with
weights; its scores are their sum. `sum_rows` computes it with SciPy, the `SparseRows` layer with
any Keras backend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from scipy import sparse

from ysmean.data.batch import ranges

FloatArray = npt.NDArray[np.float32]
FULL = 16  # a table is dense if one number in so many is there,
DENSE_BYTES = 2**28  # and if it takes so many at most


@dataclass(frozen=True)
class RowTable:
    """Sparse rows over the catalogue.

    Attributes:
        offsets: int64 (R + 1,).
        classes: int32 (nnz,), ascending within a row.
        values: float32 (nnz,).
        size: N.
    """

    offsets: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    size: int

    def matrix(self) -> sparse.csr_array:
        """Return the table as a SciPy matrix (R, N)."""
        shape = (len(self.offsets) - 1, self.size)
        return sparse.csr_array((self.values, self.classes, self.offsets), shape=shape)

    @cached_property
    def fastest(self) -> sparse.csr_array | FloatArray:
        """The table as the form (R, N) whose rows are added up fastest, made once.

        Dense rows are added up in a fraction of the time of sparse ones. They are made where they
        take at most eight times the memory, and 256 MiB.
        """
        matrix = self.matrix()
        cells = matrix.shape[0] * matrix.shape[1]
        dense = cells * self.values.itemsize <= DENSE_BYTES and matrix.nnz * FULL >= cells
        return matrix.toarray() if dense else matrix

    def padded(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return classes + 1 and values as (R + 1, W): row 0 is empty, 0 = padding."""
        lengths = np.diff(self.offsets)
        width = max(1, int(lengths.max(initial=0)))
        classes = np.zeros((len(lengths) + 1, width), np.int32)
        values = np.zeros((len(lengths) + 1, width), np.float32)
        owner, flat = ranges(self.offsets[:-1], self.offsets[1:])
        column = flat - self.offsets[owner]
        classes[owner + 1, column] = self.classes + 1
        values[owner + 1, column] = self.values
        return classes, values


def chosen_rows(tokens: npt.NDArray[np.int32], weights: FloatArray, rows: int) -> sparse.csr_array:
    """Return which of some rows are added up, and how often, as a matrix (B, rows).

    Args:
        tokens: int32 (B, L), row + 1; others are none.
        weights: float32 (B, L).
        rows: how many there are.
    """
    known = (tokens > 0) & (tokens <= rows)
    offsets = np.append(0, np.cumsum(known.sum(1)))
    places = (weights[known], tokens[known] - 1, offsets)
    return sparse.csr_array(places, shape=(len(tokens), rows))


def sum_rows(
    table: RowTable, tokens: npt.NDArray[np.int32], weights: FloatArray
) -> Callable[[int, int], FloatArray]:
    """Return a function of a tile of classes that gives the weighted sums of rows there.

    Args:
        table: R rows over N classes.
        tokens: int32 (B, L), row + 1; others are none.
        weights: float32 (B, L).

    Returns:
        (lo, hi) -> float32 (B, hi - lo), not to be written to.
    """
    sums = chosen_rows(tokens, weights, len(table.offsets) - 1) @ table.fastest  # (B, N)
    if isinstance(sums, np.ndarray):
        return lambda lo, hi: sums[:, lo:hi]
    by_class = sums.tocsc()  # cheap to cut
    return lambda lo, hi: by_class[:, lo:hi].toarray()


@keras.saving.register_keras_serializable(package="ysmean")
class SparseRows(keras.layers.Layer):
    """Keras twin of `sum_rows`: (tokens (B, L), weights (B, L)) -> (B, N)."""

    def __init__(self, shape: tuple[int, int], size: int, **kwargs: Any) -> None:
        """Make the layer for a padded table.

        Args:
            shape: (R + 1, W) of the padded table.
            size: N.
            **kwargs: as of `keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.shape, self.size = tuple(shape), size
        self.classes = self.add_weight(
            shape=shape, dtype="int32", initializer="zeros", trainable=False, name="classes"
        )
        self.values = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="values"
        )

    @classmethod
    def of(cls, table: RowTable, **kwargs: Any) -> SparseRows:
        """Make the layer that holds a table."""
        classes, values = table.padded()
        layer = cls(classes.shape, table.size, **kwargs)
        layer.set_weights([classes, values])
        return layer

    def call(self, tokens: Any, weights: Any) -> Any:
        """Sum the rows that `tokens` name, weighted."""
        batch, tokens = ops.shape(tokens)[0], ops.maximum(tokens, 0)
        classes = ops.take(self.classes, tokens, axis=0)  # (B, L, W)
        values = ops.take(self.values, tokens, axis=0) * weights[..., None]
        # One flat segment sum adds all rows of all requests; class 0 collects the padding.
        width = self.size + 1
        start = ops.arange(batch, dtype="int32")[:, None, None] * width
        total = ops.segment_sum(
            ops.reshape(values, (-1,)), ops.reshape(classes + start, (-1,)), batch * width
        )
        return ops.reshape(total, (batch, width))[:, 1:]

    def compute_output_shape(self, tokens_shape: Any, weights_shape: Any) -> tuple[Any, int]:
        """Return (B, N)."""
        return tokens_shape[0], self.size

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "shape": list(self.shape), "size": self.size}
