"""Answers to the same questions, gone through many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ysmean.mean.held import Centred, Held
from ysmean.mean.tile import BoolArray

KEPT_BYTES = 3 * 2**29  # of logits held from pass to pass; more are asked for again

IntArray = npt.NDArray[np.int64]
H = TypeVar("H", Held, Centred)
Answered = tuple[IntArray, IntArray, H]  # rows of the questions, columns of their targets


class Remembered(Generic[H]):
    """Iterates over the answers to a sample of questions, any number of times.

    As many as memory allows are kept from the first time.
    """

    def __init__(
        self, ask: Callable[[BoolArray], Iterator[Answered[H]]], sample: BoolArray
    ) -> None:
        """Ask nothing yet.

        Args:
            ask: which questions, bool (n,) -> their answers.
            sample: bool (n,).
        """
        self._ask: Callable[[BoolArray], Iterator[Answered[H]]] = ask
        self._missing = sample
        self._kept: list[Answered[H]] = []
        self._room = KEPT_BYTES

    def __iter__(self) -> Iterator[Answered[H]]:
        """Yield all answers."""
        yield from self._kept
        if not self._missing.any():
            return
        missing = self._missing.copy()
        for rows, columns, held in self._ask(self._missing):
            if size_of(held) <= self._room:
                self._room -= size_of(held)
                self._kept.append((rows, columns, held))
                missing[rows] = False
            yield rows, columns, held
        self._missing = missing


def size_of(held: Held | Centred) -> int:
    """Return the bytes of what is held."""
    return (held.logits if isinstance(held, Held) else held.x).nbytes
