"""Ridge regression of the next item on the faded history: counting, solving, leaving one out.

Every event p with events before it is one example: x_p holds n^-recency at the item n steps
before it (n up to `history`), y_p is 1 at its own item, and the example counts w_p, the event's
weight. The normal equations (Σ w x xᵀ + λI) B = Σ w x yᵀ need neither x nor y as a matrix: both
sides are sums over pairs of events of one user.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from ysmean.data.histories import Histories
from ysmean.networks.rows import RowTable

FloatArray = npt.NDArray[np.float32]

CHUNK = 10_000  # events counted at once: their windows stay near the processor
BLOCK = 512  # rows thinned at once


def fading(history: int, recency: float) -> FloatArray:
    """Return the weights of the items 1, 2, ... `history` steps back, float32 (history,).

    >>> fading(4, 1.0).tolist()[::3]
    [1.0, 0.25]
    """
    return (np.arange(1, history + 1) ** -float(recency)).astype(np.float32)


def normal_equations(
    histories: Histories, size: int, fade: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return both sides of the normal equations, without the regularisation.

    Args:
        histories: the training events, of `size` classes.
        size: M.
        fade: float32 (L,), see `fading`.

    Returns:
        Σ w x xᵀ, of which only the lower triangle is filled, and Σ w y xᵀ; float32 (M, M) each.
    """
    gram, cross = np.zeros(size * size, np.float32), np.zeros(size * size, np.float32)
    length, steps = len(fade), np.arange(len(fade) + 1)
    # Two events `apart` steps apart meet in every example that comes m + 1 steps after the second.
    together = np.zeros((length, length), np.float32)  # (m, apart)
    for apart in range(length):
        together[: length - apart, apart] = fade[: length - apart] * fade[apart:]
    classes, last = histories.classes.astype(np.int64), len(histories.classes) - 1
    for lo in range(0, last + 1, CHUNK):
        events = np.arange(lo, min(lo + CHUNK, last + 1))[:, None]
        users = histories.users[events]
        later = events + 1 + steps[:-1]
        inside = later < histories.offsets[users + 1]
        meeting = np.where(inside, histories.weights[np.minimum(later, last)], 0) @ together
        earlier = events - steps  # the first is the event itself
        inside = earlier >= histories.offsets[users]
        own, other = classes[events], classes[np.maximum(earlier, 0)]
        pairs = np.maximum(own, other) * size + np.minimum(own, other)
        # An item taken twice meets itself in both orders.
        meeting[:, 1:] *= 1 + (own == other)[:, 1:length]
        np.add.at(gram, pairs[:, :length][inside[:, :length]], meeting[inside[:, :length]])
        shown = histories.weights[events] * fade
        pairs = own * size + other
        np.add.at(cross, pairs[:, 1:][inside[:, 1:]], shown[inside[:, 1:]])
    return gram.reshape(size, size), cross.reshape(size, size)


def solve(
    gram: FloatArray, cross: FloatArray, regularisation: float
) -> tuple[FloatArray, FloatArray]:
    """Solve the normal equations in the memory they are in.

    Args:
        gram: as `normal_equations` returns it; overwritten.
        cross: likewise.
        regularisation: λ > 0.

    Returns:
        The Cholesky factor for `linalg.cho_solve((factor, False), ...)`, and B, float32 (M, M):
        what item i in the history says for item j.
    """
    gram[np.diag_indices_from(gram)] += np.float32(regularisation)
    # Transposed, rows are the columns that LAPACK works on, so nothing is copied.
    factor, _ = linalg.cho_factor(gram.T, lower=False, overwrite_a=True, check_finite=False)
    weights = linalg.cho_solve((factor, False), cross.T, overwrite_b=True, check_finite=False)
    return factor, weights


def left_out(
    factor: FloatArray,
    weights: FloatArray,
    shown: sparse.csr_array,
    targets: npt.NDArray[np.integer],
    counted: FloatArray,
) -> FloatArray:
    """Return what each example would be given, had it alone not been learned from.

    Removing one example from a ridge regression changes its own answer ŷ to
    (ŷ - a y) / (1 - a), where a = w xᵀ (Σ w x xᵀ + λI)⁻¹ x is its leverage (the closed form of
    leave-one-out; Cook and Weisberg 1982).

    Args:
        factor: as `solve` returns it.
        weights: likewise.
        shown: (n, M), the examples' x.
        targets: int (n,), their classes y.
        counted: float32 (n,), their weights w.

    Returns:
        float32 (n, M).
    """
    answers = np.asarray(shown @ weights)
    x = shown.toarray().T
    solved = linalg.cho_solve((factor, False), x, check_finite=False)
    leverage = counted * (x * solved).sum(0)
    answers[np.arange(len(targets)), targets] -= leverage
    return np.asarray(answers / (1 - leverage)[:, None], np.float32)


def thin(weights: FloatArray, neighbours: int) -> RowTable:
    """Return the largest entries of every row, by absolute value.

    Args:
        weights: float32 (M, M).
        neighbours: entries kept a row.
    """
    size = len(weights)
    kept = min(neighbours, size)
    classes = np.empty((size, kept), np.int32)
    values = np.empty((size, kept), np.float32)
    for lo in range(0, size, BLOCK):
        rows = np.ascontiguousarray(weights[lo : lo + BLOCK])
        best = np.argpartition(-np.abs(rows), kept - 1, axis=1)[:, :kept]
        best.sort(axis=1)
        classes[lo : lo + BLOCK] = best
        values[lo : lo + BLOCK] = np.take_along_axis(rows, best, axis=1)
    offsets = np.arange(size + 1, dtype=np.int64) * kept
    return RowTable(offsets, classes.ravel(), values.ravel(), size)
