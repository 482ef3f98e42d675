"""Hold the networks' logits on a batch in memory, so that many means can be asked of them.

Streams recompute a large catalogue's logits on every pass, since requests of a service need few.
Fitting and evaluation need many, and do the same mathematics one request and segment at a time: its
logits (K, n) fit the caches, where a pass costs a fraction of one through memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.mean.stream import Stream
from ysmean.mean.tile import BoolArray, DoubleArray, FloatArray, log_sum_exp, pick

CHUNK = 256  # requests held at a time, at most
CELLS = 2**20  # classes x requests held at a time, for each network
TILE_CELLS = 2**17  # of them computed at a time


@dataclass(frozen=True)
class Held:
    """The networks' logits on one segment's classes.

    Attributes:
        classes: int64 (n,), ascending.
        logits: float32 (B, K, n), tempered; -inf where a network does not cover a class or
            abstains, and outside A.
        counts: int64 (B,), classes of A.
    """

    classes: npt.NDArray[np.int64]
    logits: FloatArray
    counts: npt.NDArray[np.int64]

    @property
    def answering(self) -> BoolArray:
        """Bool (B, K), networks that have something to say about a request."""
        return np.asarray((self.logits > -np.inf).any(2))

    def columns(self, targets: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Return the columns (B,) of classes that lie in the segment."""
        return np.searchsorted(self.classes, targets)


def chunk_of(classes: int) -> int:
    """Return how many requests on so many classes are held at a time: a power of two."""
    fits = max(1, CELLS // max(classes, 1))
    return min(CHUNK, 1 << (fits.bit_length() - 1))


def hold(stream: Stream) -> tuple[Held, Held]:
    """Compute a batch's logits on the warm and on the cold classes that may be answered with."""
    batch, size = stream.allowed.shape
    sets = [np.flatnonzero(stream.allowed.base & side) for side in (~stream.cold, stream.cold)]
    both = [np.empty((batch, len(stream.heads), len(classes)), np.float32) for classes in sets]
    counts = np.zeros((2, batch), np.int64)
    step = stream.tile_size or max(1024, TILE_CELLS // max(batch, 1))
    for lo in range(0, size, step):
        hi = min(lo + step, size)
        for tile in stream.between(lo, hi):
            classes = sets[tile.segment]
            first, last = np.searchsorted(classes, (lo, hi))
            columns = np.searchsorted(tile.classes, classes[first:last])
            inside = pick(tile.allowed, columns)
            counts[tile.segment] += inside.sum(1)
            for k, logits in enumerate(tile.logits):
                z = pick(logits, columns)
                z[~inside] = -np.inf
                both[tile.segment][:, k, first:last] = z
    warm, cold = (Held(*parts) for parts in zip(sets, both, counts, strict=True))
    return warm, cold


def softmax(z: FloatArray) -> FloatArray:
    """Return the softmax over the last axis; 0 for -inf, also where there is nothing else."""
    top = z.max(axis=-1, keepdims=True, initial=-np.inf)
    p: FloatArray = np.exp(z - np.where(np.isfinite(top), top, np.float32(0)))
    p *= (1 / np.maximum(p.sum(axis=-1, keepdims=True, dtype=np.float64), 1)).astype(np.float32)
    return p  # exp(0) = 1 is in every sum that is not empty


def less_mean(z: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return logits less their mean over what is known, and what is known.

    Args:
        z: (K, n), -inf where a network says nothing.

    Returns:
        float32 (K, n), 0 where it says nothing: ignorance is no veto; bool (K, n).
    """
    known = z > -np.inf
    unknown = ~known
    x = z.copy()
    x[unknown] = 0
    count = np.maximum(known.sum(1), 1)
    x -= (x.sum(1, dtype=np.float64) / count).astype(np.float32)[:, None]
    x[unknown] = 0
    return x, known


def log_probability(z: FloatArray, column: int) -> DoubleArray:
    """Return log p of a class, float64 (K,), from logits (K, n); -inf where z is."""
    normalizers = log_sum_exp(z)
    known = np.isfinite(z[:, column])
    return np.where(known, z[:, column] - np.where(known, normalizers, 0.0), -np.inf)


@dataclass(frozen=True)
class Centred:
    """What a consensus is made of: one segment's centred logits.

    Attributes:
        x: float32 (B, K, n), of `less_mean`.
        heard: bool (B, n), classes that some network says something about.
        answering: bool (B, K), networks that answer.
    """

    x: FloatArray
    heard: BoolArray
    answering: BoolArray

    @classmethod
    def of(cls, held: Held) -> Centred:
        """Centre held logits, in place: they are not to be used any more."""
        heard = np.empty((len(held.logits), held.logits.shape[2]), bool)
        answering = held.answering
        for b, z in enumerate(held.logits):
            held.logits[b], known = less_mean(z)
            heard[b] = known.any(0)
        return cls(held.logits, heard, answering)


def combined(held: Centred, exponents: DoubleArray) -> FloatArray:
    """Return the consensus's logits, float32 (B, n); -inf where nothing is heard, or it abstains.

    Args:
        held: the networks' centred logits.
        exponents: (B, K), on those; above 0 for all networks that answer, or 0 for all.
    """
    total = np.stack([a @ x for a, x in zip(exponents.astype(np.float32), held.x, strict=True)])
    silent = ~held.heard
    silent[~exponents.any(1)] = True
    total[silent] = -np.inf
    return total
