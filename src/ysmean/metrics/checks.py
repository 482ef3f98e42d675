"""What the metrics take, checked: whole numbers, vectors, probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ysmean.errors import DataError

DoubleArray = npt.NDArray[np.float64]

TOLERANCE = 1e-5  # probabilities are float32 sums, right to that relative


def integers(name: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return whole numbers as int64."""
    a = np.asarray(values)
    if a.size and a.dtype.kind not in "iu":
        raise DataError(f"{name} has the type {a.dtype}; expected whole numbers.")
    return a.astype(np.int64)


def vector(name: str, values: npt.ArrayLike) -> DoubleArray:
    """Return finite numbers as float64 (n,)."""
    v = np.asarray(values, np.float64)
    if v.ndim != 1:
        raise DataError(f"{name} has the shape {v.shape}; expected (n,), one a request.")
    if not np.isfinite(v).all():
        where = int(np.flatnonzero(~np.isfinite(v))[0])
        raise DataError(f"{name}[{where}] is {v[where]}; expected finite numbers.")
    return v


def probabilities_of(name: str, values: npt.ArrayLike) -> DoubleArray:
    """Return probabilities as float64 (n,)."""
    p = vector(name, values)
    if len(p) and (p.min() < 0 or p.max() > 1 + TOLERANCE):
        raise DataError(f"{name} runs from {p.min()} to {p.max()}; expected 0 to 1.")
    return p
