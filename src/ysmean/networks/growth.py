"""What a fitted network needs to take in items that came after training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

STEP = 4096

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Changed:
    """Items that are new, or described anew.

    Attributes:
        classes: int32 (n,).
        features: float32 (n, f), what they are.
        before: float32 (n, f), what they were; 0 for new ones.
        wide: float32 (n, F), their wide features.
    """

    classes: npt.NDArray[np.int32]
    features: FloatArray
    before: FloatArray
    wide: FloatArray


def room(size: int) -> int:
    """Return `size` rounded up to a multiple of 4,096.

    Tables of compiled encoders have so many rows, so that items can be added without compiling
    anything anew.
    """
    return -(-size // STEP) * STEP


def fitted_to(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Return an array (n, ...) as (size, ...): its first rows, followed by zeros."""
    kept = array[:size]
    return np.pad(kept, [(0, size - len(kept)), *[(0, 0)] * (array.ndim - 1)])
