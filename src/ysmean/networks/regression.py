"""Ridge regressions on what items are: the smaller of two products, and features in parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ysmean.data.features import CHUNK

IntArray = npt.NDArray[np.integer]
RealArray = npt.NDArray[np.floating]
DoubleArray = npt.NDArray[np.float64]


def directions(
    features: Callable[[IntArray], RealArray], classes: IntArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return the eigenvalues (a,) and eigenvectors (f, a) of X'X, X the features of some classes.

    Where there are fewer classes n than features, XX' has the same ones but for zeros, and a <= n.

    Args:
        features: int (m,) -> (m, f), of some classes.
        classes: int (n,).
    """
    if len(classes) >= features(classes[:0]).shape[1]:
        products = (x.T @ x for x in map(features, chunks(classes)))
        return np.linalg.eigh(np.asarray(sum(products, start=np.float32(0)), np.float64))
    rows = np.concatenate([features(some) for some in chunks(classes)])
    spread, places = np.linalg.eigh(np.asarray(rows @ rows.T, np.float64))
    rounding = 10 * np.finfo(rows.dtype).eps * max(spread.max(initial=0.0), 1e-12)
    told = spread > rounding
    return spread[told], rows.T @ (places[:, told] / np.sqrt(spread[told]))


def slopes(spread: DoubleArray, axes: DoubleArray, right: RealArray, penalty: float) -> DoubleArray:
    """Return the ridge regression's slopes (X'X + penalty I)^-1 X'Y, float64 (f, d).

    Args:
        spread: (a,), as `directions` returns it.
        axes: (f, a), likewise.
        right: X'Y, (f, d).
        penalty: above 0.
    """
    return np.asarray(axes @ ((axes.T @ right) / (spread + penalty)[:, None]))


def chunks(classes: IntArray) -> list[IntArray]:
    """Return classes in parts whose wide features may be there at once; one at least."""
    return [classes[lo : lo + CHUNK] for lo in range(0, max(len(classes), 1), CHUNK)]
