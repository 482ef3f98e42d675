"""Where given classes stand: their probabilities, and their exact ranks under several means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.mean.stream import DoubleArray, FloatArray, Streamed, conditional, heard, weigh
from ysmean.mean.topk import largest

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Standing:
    """How R rows (a network, or a mean) answer B requests whose target is known.

    Attributes:
        ranks: int64 (R, B), 1 = best; 0 where a row cannot score the target.
        probabilities: float64 (R, B) of the target; 0 where a row cannot score it.
        top_classes: int32 (R, B, k), best first; -1 = none.
        top_scores: float32 (R, B, k).
    """

    ranks: IntArray
    probabilities: DoubleArray
    top_classes: npt.NDArray[np.int32]
    top_scores: FloatArray


def target_log_probabilities(stream: Streamed, targets: npt.NDArray[np.int32]) -> DoubleArray:
    """Return each network's log p(target | A, the target's segment).

    Args:
        stream: the members' answers.
        targets: int32 (B,).

    Returns:
        float64 (B, K), -inf where abstaining, uncovered or not allowed.
    """
    return np.asarray(log_probabilities(stream, targets[:, None])[:, 0])


def log_probabilities(stream: Streamed, classes: npt.NDArray[np.int32]) -> DoubleArray:
    """Return each network's log p(class | A, the class's segment) of several classes.

    Args:
        stream: the members' answers.
        classes: int32 (B, n); below 0 for none.

    Returns:
        float64 (B, n, K), -inf where abstaining, uncovered or not allowed, or no class.
    """
    normalizers = stream.normalizers[0]
    logs = np.full((*classes.shape, normalizers.shape[1]), -np.inf)
    for tile in stream.tiles():
        b, n = np.nonzero((classes >= tile.lo) & (classes < tile.hi))
        column = classes[b, n] - tile.lo
        segments = stream.cold[classes[b, n]].astype(np.int64)
        allowed = tile.allowed[b, column]
        for k, logits in enumerate(tile.logits):
            normalizer = normalizers[b, k, segments]
            known = allowed & np.isfinite(normalizer)
            value = logits[b, column].astype(np.float64) - np.where(known, normalizer, 0.0)
            logs[b, n, k] = np.where(known, value, -np.inf)
    return logs


def standing(
    stream: Streamed, weights: DoubleArray, targets: npt.NDArray[np.int32], k: int = 10
) -> Standing:
    """Return ranks and probabilities of the targets under several rows of weights.

    Two passes: the first finds the targets' scores, the second counts what lies above them.

    Args:
        stream: the members' answers.
        weights: (R, B, K, 2), members' weights by row.
        targets: int32 (B,).
        k: of the top lists.

    Returns:
        The standing; of equal scores the lower class index comes first.
    """
    rows, batch = weights.shape[:2]
    score = np.full((rows, batch), -1.0, np.float32)
    for lo, totals in _totals(stream, weights):
        here = np.flatnonzero((targets >= lo) & (targets < lo + totals.shape[2]))
        score[:, here] = totals[:, here, targets[here] - lo]
    above = np.zeros((rows, batch), np.int64)
    best_classes = np.full((rows, batch, 0), -1, np.int32)
    best_scores = np.full((rows, batch, 0), -1, np.float32)
    for lo, totals in _totals(stream, weights):
        earlier = np.arange(lo, lo + totals.shape[2]) < targets[:, None]
        level = totals == score[:, :, None]
        above += (totals > score[:, :, None]).sum(2) + (level & earlier).sum(2)
        found, values = _tile_top(totals, lo, k)
        best_classes = np.concatenate([best_classes, found], axis=2)
        best_scores = np.concatenate([best_scores, values], axis=2)
        order = np.lexsort((best_classes, -best_scores), axis=2)[:, :, :k]
        best_classes = np.take_along_axis(best_classes, order, axis=2)
        best_scores = np.take_along_axis(best_scores, order, axis=2)
    scored = score >= 0
    return Standing(
        np.where(scored, above + 1, 0),
        np.where(scored, score, 0.0).astype(np.float64),
        np.where(best_scores >= 0, best_classes, -1),
        np.maximum(best_scores, 0),
    )


def _totals(stream: Streamed, weights: DoubleArray) -> Iterator[tuple[int, FloatArray]]:
    """Yield (lo, float32 (R, B, tile)): the rows' scores; -1 where a row has none."""
    for tile in stream.tiles():
        totals = np.zeros((len(weights), *tile.allowed.shape), np.float32)
        for k in range(weights.shape[2]):
            part = conditional(tile, k, stream.normalizers[0])
            for row, w in enumerate(weights):
                if w[:, k].any():
                    totals[row] += weigh(tile, part, w[:, k])
        for row, w in enumerate(weights):
            totals[row][~heard(tile, w)] = -1.0
        yield tile.lo, totals


def _tile_top(totals: FloatArray, lo: int, k: int) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """Return classes and scores (R, B, k) of the largest totals of a tile."""
    chosen = np.stack([largest(total, k) for total in totals])
    return (chosen + lo).astype(np.int32), np.take_along_axis(totals, chosen, axis=2)
