"""Exact top-k of the mean, streamed over tiles of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.mean.stream import Streamed
from ysmean.mean.tile import DoubleArray, FloatArray, Tile, conditional, heard


@dataclass(frozen=True)
class Top:
    """The best classes of each request.

    Attributes:
        classes: int32 (B, k), best first; -1 beyond `counts`.
        scores: float32 (B, k), probabilities of the mean.
        parts: float32 (B, k, K), each network's w_k p_k; they add up to the scores.
        counts: int64 (B,), how many classes there are, at most k.
    """

    classes: npt.NDArray[np.int32]
    scores: FloatArray
    parts: FloatArray
    counts: npt.NDArray[np.int64]


def top_k_of_mean(stream: Streamed, weights: DoubleArray, k: int) -> Top:
    """Return the k classes with the highest mean probability.

    Classes of A that some network with a weight covers are candidates; they come in descending
    order of score, ties by lower class index. There are fewer than k where A is smaller.

    Args:
        stream: the members' answers.
        weights: (B, K, 2), members' weights; rows sum to 1, or are 0 for an empty answer.
        k: at least 1.
    """
    batch, networks = weights.shape[:2]
    best = _empty(batch, 0, networks)
    for tile in stream.tiles():
        best = _merge(best, _tile_best(tile, stream.normalizers[0], weights, k), k)
    classes, scores, parts = best
    short = k - classes.shape[1]
    found = scores >= 0
    if short > 0:
        empty = _empty(batch, short, networks)
        classes, scores, parts = (np.concatenate(p, axis=1) for p in zip(best, empty, strict=True))
        found = scores >= 0
    return Top(np.where(found, classes, -1), np.where(found, scores, 0), parts, found.sum(1))


_Best = tuple[npt.NDArray[np.int32], FloatArray, FloatArray]


def _empty(batch: int, k: int, networks: int) -> _Best:
    return (
        np.full((batch, k), -1, np.int32),
        np.full((batch, k), -1, np.float32),
        np.zeros((batch, k, networks), np.float32),
    )


def _tile_best(tile: Tile, normalizers: DoubleArray, weights: DoubleArray, k: int) -> _Best:
    """Return the tile's best k candidates in class order; -1 scores are no candidates."""
    networks = weights.shape[1]
    total = np.zeros(tile.allowed.shape, np.float32)
    parts: dict[int, FloatArray] = {}
    for number in range(networks):
        if weights[:, number, tile.segment].any():
            parts[number] = conditional(tile, number, normalizers, weights)
            total += parts[number]
    np.copyto(total, np.float32(-1), where=~heard(tile, weights))
    chosen = largest(total, k)  # (B, k')
    split = np.zeros((*chosen.shape, networks), np.float32)
    for number, part in parts.items():
        split[:, :, number] = np.take_along_axis(part, chosen, axis=1)
    scores = np.take_along_axis(total, chosen, axis=1)
    return tile.classes[chosen].astype(np.int32), scores, split


def largest(scores: FloatArray, k: int) -> npt.NDArray[np.int64]:
    """Return the columns of the k largest scores a row, ascending; of equals the lowest columns.

    Args:
        scores: (B, n).
        k: at least 1.

    Returns:
        int64 (B, min(k, n)).
    """
    batch, n = scores.shape
    if k >= n:
        return np.broadcast_to(np.arange(n), (batch, n))
    kth = np.partition(scores, n - k, axis=1)[:, n - k, None]
    found = scores >= kth
    if np.count_nonzero(found) > batch * k:  # some equal their k-th
        above = scores > kth
        level = found & ~above
        found = above | (level & (np.cumsum(level, axis=1) <= k - above.sum(1, keepdims=True)))
    return np.nonzero(found)[1].reshape(batch, k)


def _merge(a: _Best, b: _Best, k: int) -> _Best:
    """Return the best k of two parts, best first."""
    classes, scores, parts = (np.concatenate(pair, axis=1) for pair in zip(a, b, strict=True))
    order = np.lexsort((classes, -scores), axis=1)[:, :k]
    return (
        np.take_along_axis(classes, order, axis=1),
        np.take_along_axis(scores, order, axis=1),
        np.take_along_axis(parts, order[:, :, None], axis=1),
    )
