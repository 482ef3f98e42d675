"""The latest encodings of requests, so that who asks again is not encoded again.

What an encoder returns depends on nothing but what it is shown. The bytes of that are the key, so
that nothing ever goes out of date: an event changes what is shown, and the key with it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Shown = Mapping[str, npt.NDArray[Any]]


class Encodings:
    """A bounded memory of one encoder: what was not asked for the longest is forgotten first.

    Args:
        size: how many requests.
        told: is called with how many encodings of a batch were kept, and how many were made.
    """

    def __init__(
        self, size: int, told: Callable[[int, int], None] = lambda kept, made: None
    ) -> None:
        self._size, self._told = size, told
        self._kept: OrderedDict[bytes, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def __call__(self, shown: Shown, encode: Callable[[Shown], FloatArray]) -> FloatArray:
        """Return the encodings of B requests, (B, d).

        Args:
            shown: what the encoder is shown, arrays (B, ...).
            encode: gives (n, d) for n of them.
        """
        keys = _keys(shown)
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
        new = {key: row for row, key in enumerate(keys) if key not in found}
        if new:
            made = encode({name: array[[*new.values()]] for name, array in shown.items()})
            # Each one alone, or it would hold all that were made with it.
            found.update({key: one.copy() for key, one in zip(new, made, strict=True)})
        with self._lock:
            for key in keys:
                self._kept[key] = found[key]
                self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._told(len(keys) - len(new), len(new))
        return np.stack([found[key] for key in keys])


def _keys(shown: Shown) -> list[bytes]:
    """Return the bytes of each request; arrays have the same width in every batch."""
    rows = [np.ascontiguousarray(array).view(np.uint8) for array in shown.values()]  # (B, bytes)
    return [row.tobytes() for row in np.concatenate(rows, axis=1)]
