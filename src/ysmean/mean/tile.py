"""A tile: what all members say of some classes of one segment, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ysmean.networks.network import Head

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Scalar = TypeVar("Scalar", np.bool_, np.float32)


@dataclass(frozen=True)
class Tile:
    """All networks' logits for some classes of one segment.

    Attributes:
        classes: int64 (n,), ascending.
        segment: 0 is warm, 1 cold.
        allowed: bool (B, n).
        logits: K arrays float32 (B, n), tempered; -inf where uncovered or abstaining.
            Where the consensus takes part, its own come last.
        covered: float32 (K, n), 1 where a network covers a class; the consensus has no row, since
            what it covers differs by request.
    """

    classes: IntArray
    segment: int
    allowed: BoolArray
    logits: list[FloatArray]
    covered: FloatArray
    _odds: dict[int, tuple[FloatArray, DoubleArray]] = field(default_factory=dict, repr=False)

    @cached_property
    def wall(self) -> FloatArray:
        """What keeps logits inside A when it is added: 0 there, -inf outside, (B, n)."""
        return np.where(self.allowed, np.float32(0), np.float32(-np.inf))

    @cached_property
    def counts(self) -> IntArray:
        """How many classes of A there are, (B,)."""
        return np.asarray(self.allowed.sum(1))

    def odds(self, k: int) -> tuple[FloatArray, DoubleArray]:
        """Return network k's probabilities given A, but for a factor for each request.

        Returns:
            exp of the logits less the largest inside A, float32 (B, n), 0 outside; and that
            largest one, float64 (B,), 0 where there is none.
        """
        if k not in self._odds:
            self._odds[k] = exps(self.logits[k] + self.wall)
        return self._odds[k]

    def find(self, classes: npt.NDArray[np.int32]) -> tuple[IntArray, IntArray, IntArray]:
        """Return which of some classes (B, n) lie in the tile: request, place and column."""
        column = np.minimum(np.searchsorted(self.classes, classes), len(self.classes) - 1)
        b, n = np.nonzero(self.classes[column] == classes)
        return b, n, column[b, n]


def pick(rows: npt.NDArray[Scalar], columns: IntArray) -> npt.NDArray[Scalar]:
    """Return some columns of rows, ascending; the rows themselves if those are all."""
    return rows if len(columns) == rows.shape[1] else rows.take(columns, axis=1)


def tempered(
    head: Head, scores: FloatArray, classes: IntArray, segment: int, temperature: float
) -> FloatArray:
    """Return a head's logits of classes (n,) in one segment: its scores by the temperature.

    The prior is what items' own events tell; cold items have none.
    """
    covered = head.coverage[classes]
    if not covered.any():
        return np.full(scores.shape, -np.inf, np.float32)
    if head.prior is not None and segment == 0:
        scores = scores + head.prior[classes]
    logits: FloatArray = np.asarray(scores / np.float32(temperature), np.float32)
    if not covered.all():
        logits[:, ~covered] = -np.inf
    if not head.answers.all():
        logits[~head.answers] = -np.inf
    return logits


def exps(z: FloatArray) -> tuple[FloatArray, DoubleArray]:
    """Return exp of logits less the largest of their row, and that one; 0 for rows of -inf."""
    top = z.max(axis=-1)
    top = np.where(np.isfinite(top), top, np.float32(0))
    return np.exp(z - top[..., None]), top.astype(np.float64)


def log_sums(odds: Sequence[tuple[FloatArray, DoubleArray]]) -> DoubleArray:
    """Return log sum exp over the last axis of what `exps` was given, K times; (..., K)."""
    sums = np.stack([e.sum(axis=-1, dtype=np.float64) for e, _ in odds], axis=-1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(sums) + np.stack([top for _, top in odds], axis=-1))


def log_sum_exp(z: FloatArray) -> DoubleArray:
    """Return log sum exp over the last axis in float64; -inf for rows of -inf."""
    return np.asarray(log_sums([exps(z)])[..., 0])


def conditional(
    tile: Tile, k: int, normalizers: DoubleArray, weights: DoubleArray | None = None
) -> FloatArray:
    """Return network k's probabilities of a tile given A and the segment, 0 outside.

    Args:
        tile: the logits.
        k: the network.
        normalizers: (B, K, 2) over A.
        weights: (B, K, 2), to multiply them with.

    Returns:
        float32 (B, n).
    """
    odds, top = tile.odds(k)
    normalizer = normalizers[:, k, tile.segment]
    known = np.isfinite(normalizer)
    # At most 1: the largest is part of the sum. Where none is, it says nothing and may be above.
    below = np.minimum(top - np.where(known, normalizer, 0.0), 0.0)
    factor = np.where(known, np.exp(below), 0.0)
    if weights is not None:
        factor = factor * weights[:, k, tile.segment]
    return odds * factor.astype(np.float32)[:, None]


def heard(tile: Tile, weights: DoubleArray) -> BoolArray:
    """Return the allowed classes that some member with a weight covers, bool (B, n).

    Args:
        tile: the logits.
        weights: (B, K, 2), 0 for members that do not answer.
    """
    networks = len(tile.covered)
    speaks = weights[:, :, tile.segment] > 0
    found = speaks[:, :networks].astype(np.float32) @ tile.covered > 0
    for k in range(networks, weights.shape[1]):
        found |= np.isfinite(tile.logits[k]) & speaks[:, k, None]
    return np.asarray(found & tile.allowed)
