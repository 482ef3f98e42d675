"""What a causal transformer makes of the time between events, as Keras layers.

*Moments*, int32 (B, 2, T + 1), are those of T items and, last, of the request: how many seconds
before the request each was, and how many gaps of unknown length lie between the two. The time
between any two moments is known where no such gap lies between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ysmean.data.histories import Histories

LONGEST = 2**30  # seconds, 34 years; moments further back count as this, so that sums fit int32


@dataclass(frozen=True)
class Spans:
    """The largest times that training knows well, in seconds; larger ones count as these.

    Attributes:
        gap: between an event and the one after it; one in a thousand is longer.
        seen: the longest between an event and the one to be predicted, over as much as is seen at
            once.
    """

    gap: int
    seen: int

    @classmethod
    def of(cls, histories: Histories, history: int) -> Spans | None:
        """Return those of histories of which `history` events are seen; None without times."""
        times = histories.times
        if times is None or not len(times):
            return None
        place = np.arange(len(times))
        last = histories.offsets[1:][histories.users] - 1

        def largest(steps: int, share: float) -> int:
            later = times[np.minimum(place + steps, last)]
            return min(LONGEST, int(np.quantile(later - times, share, method="higher")))

        return cls(largest(1, 0.999), largest(history, 1.0))


def moments(gaps: Any, longest: int) -> Any:
    """Return the moments of items with gaps (B, T) after them, each of at most `longest` seconds.

    The sums are exact: in float32, seconds would be lost in years.
    """
    known = ops.minimum(ops.maximum(gaps, 0), longest)
    parts = ops.stack([known, ops.cast(gaps < 0, "int32")], axis=1)  # (B, 2, T)
    sums = ops.flip(ops.cumsum(ops.flip(parts, axis=2), axis=2), axis=2)
    rough = ops.flip(ops.cumsum(ops.flip(ops.cast(parts, "float32"), axis=2), axis=2), axis=2)
    sums = ops.where(rough < LONGEST, sums, LONGEST)  # before they wrap around
    return ops.pad(sums, [[0, 0], [0, 0], [0, 1]])


def buckets(seconds: Any, unknown: Any, size: int) -> Any:
    """Return 1 + floor(2 log2(1 + seconds)), at most `size`, as int32; 0 where unknown > 0."""
    steps = 2 / math.log(2) * ops.log1p(ops.cast(ops.maximum(seconds, 0), "float32"))
    steps = ops.minimum(ops.cast(steps, "int32"), size - 1)
    return ops.where(unknown > 0, 0, steps + 1)


def count(span: int) -> int:
    """Return how many buckets hold 0 to `span` seconds.

    >>> [count(span) for span in (0, 1, 3, 86400)]
    [1, 3, 5, 33]
    """
    return 1 + int(2 * math.log2(1 + span))


@keras.saving.register_keras_serializable(package="ysmean")
class GapEmbedding(layers.Layer):
    """Moments (B, 2, T + 1) -> what the gap after each item adds to its state, (B, T, d).

    One learned vector for each bucket of seconds, zeros at first; nothing for unknown gaps.
    """

    def __init__(self, width: int, size: int, **kwargs: Any) -> None:
        """Make the layer for d = `width` and `size` buckets."""
        super().__init__(**kwargs)
        self.width, self.size = width, size
        self.table = self.add_weight(shape=(size, width), initializer="zeros", name="table")

    def call(self, moments: Any) -> Any:
        """Return the vectors."""
        seconds, unknown = ops.unstack(moments[:, :, :-1] - moments[:, :, 1:], axis=1)
        table = ops.pad(self.table, [[1, 0], [0, 0]])
        return ops.take(table, buckets(seconds, unknown, self.size), axis=0)

    def compute_output_shape(self, moments_shape: Any) -> Any:
        """Return (B, T, d)."""
        return moments_shape[0], _items(moments_shape), self.width

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "width": self.width, "size": self.size}


@keras.saving.register_keras_serializable(package="ysmean")
class TimeBias(layers.Layer):
    """Moments (B, 2, T + 1) -> what time adds to the logits of attention, (B, heads, T, T).

    What counts is the time from the item attended to, to the moment that is asked about: that of
    the item after the place which attends. Each head has a learned number for each bucket of
    seconds, as in HSTU (Zhai et al., 2024), zero at first; unknown times add nothing.
    """

    def __init__(self, heads: int, size: int, **kwargs: Any) -> None:
        """Make the layer for so many heads and `size` buckets."""
        super().__init__(**kwargs)
        self.heads, self.size = heads, size
        self.table = self.add_weight(shape=(size, heads), initializer="zeros", name="table")

    def call(self, moments: Any) -> Any:
        """Return the numbers, of places by items."""
        back = moments[:, :, None, :-1] - moments[:, :, 1:, None]  # (B, 2, T, T)
        seconds, unknown = ops.unstack(back, axis=1)
        table = ops.pad(self.table, [[1, 0], [0, 0]])
        bias = ops.take(table, buckets(seconds, unknown, self.size), axis=0)
        return ops.transpose(bias, (0, 3, 1, 2))

    def compute_output_shape(self, moments_shape: Any) -> Any:
        """Return (B, heads, T, T)."""
        items = _items(moments_shape)
        return moments_shape[0], self.heads, items, items

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "heads": self.heads, "size": self.size}


def _items(moments_shape: Any) -> int | None:
    """Return T of moments (B, 2, T + 1); None where it may be any."""
    return None if moments_shape[2] is None else moments_shape[2] - 1
