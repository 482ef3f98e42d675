"""One user's past: what a request is answered from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Past:
    """What one user took, and must not be shown.

    Attributes:
        classes: int32 (n,), class indices, oldest first.
        times: float64 (n,), seconds since the epoch; NaN = unknown.
        hidden: int32 (m,), classes that are never shown to the user.
    """

    classes: npt.NDArray[np.int32]
    times: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of events, n."""
        return len(self.classes)


NO_PAST = Past(np.empty(0, np.int32), np.empty(0), np.empty(0, np.int32))
