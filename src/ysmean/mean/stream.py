"""Stream the members' answers over tiles of classes, never holding (B, N) for large catalogues.

A member is a (network, segment) pair. Segments part the classes, and a tile lies in one of them, so
that each class is normalised within its own segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from ysmean.data.allowed import AllowedSets
from ysmean.mean.tile import (
    BoolArray,
    DoubleArray,
    IntArray,
    Tile,
    exps,
    log_sums,
    pick,
    tempered,
)
from ysmean.networks.network import Head

SEGMENTS = ("warm", "cold")
TILE_CELLS = 2**21  # classes x requests held at a time, for each network


class Streamed(Protocol):
    """What can be streamed: the networks alone (`Stream`), or with their consensus (`Joined`)."""

    @property
    def cold(self) -> BoolArray:
        """Bool (N,), which segment a class lies in."""

    @property
    def allowed(self) -> AllowedSets:
        """The sets A."""

    @property
    def normalizers(self) -> tuple[DoubleArray, DoubleArray, IntArray]:
        """Log sum exp over A, over all classes, and the sizes of A, as of `Stream`."""

    @property
    def answering(self) -> BoolArray:
        """Members that have something to say about a request."""

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles."""


@dataclass(frozen=True)
class Stream:
    """The heads of K networks on one batch, over the allowed sets.

    Attributes:
        heads: one a network.
        cold: bool (N,), which segment a class lies in; False is warm.
        temperatures: float (K, 2), by network and segment.
        allowed: the sets A.
        tile_size: classes computed at a time; None chooses by the batch.
    """

    heads: Sequence[Head]
    cold: BoolArray
    temperatures: DoubleArray
    allowed: AllowedSets
    tile_size: int | None = None
    _kept: list[Tile] = field(default_factory=list, repr=False)

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles; those of a catalogue that is computed at once, are only once."""
        if self.at_once:
            self._kept.extend(self.between(0, self.allowed.shape[1]) if not self._kept else ())
            yield from self._kept
            return
        for lo in range(0, self.allowed.shape[1], self._step):
            yield from self.between(lo, min(lo + self._step, self.allowed.shape[1]))

    @property
    def _step(self) -> int:
        return self.tile_size or max(4096, TILE_CELLS // max(self.allowed.shape[0], 1))

    @property
    def at_once(self) -> bool:
        """Whether the catalogue is so small that its tiles are kept."""
        return self._step >= self.allowed.shape[1]

    def between(self, lo: int, hi: int) -> Iterator[Tile]:
        """Compute the tiles of the classes lo..hi-1, one a segment."""
        scores = [head.scores(lo, hi) for head in self.heads]
        allowed = self.allowed.tile(lo, hi)
        for segment in range(len(SEGMENTS)):
            columns = np.flatnonzero(self.cold[lo:hi] == bool(segment))
            if not len(columns):
                continue
            classes = columns + lo
            covered = np.stack([head.coverage[classes] for head in self.heads])
            logits = [
                tempered(head, pick(z, columns), classes, segment, heat)
                for head, z, heat in zip(
                    self.heads, scores, self.temperatures[:, segment], strict=True
                )
            ]
            inside = pick(allowed, columns)
            yield Tile(classes, segment, inside, logits, covered.astype(np.float32))

    @cached_property
    def normalizers(self) -> tuple[DoubleArray, DoubleArray, IntArray]:
        """Log sum exp of each member.

        Returns:
            float64 (B, K, 2) over A and the segment, -inf where the member abstains; the same
            over the whole segment; int64 (B, 2), how many classes of A each segment has.
        """
        batch = self.allowed.shape[0]
        inside = np.full((batch, len(self.heads), 2), -np.inf)
        whole = inside.copy()
        counts = np.zeros((batch, 2), np.int64)
        for tile in self.tiles():
            s = tile.segment
            counts[:, s] += tile.counts
            odds = [tile.odds(k) for k in range(len(self.heads))]
            inside[:, :, s] = np.logaddexp(inside[:, :, s], log_sums(odds))
            whole[:, :, s] = np.logaddexp(whole[:, :, s], log_sums([*map(exps, tile.logits)]))
        return inside, whole, counts

    @cached_property
    def levels(self) -> DoubleArray:
        """Mean logit of each member over A, the segment and its coverage, (B, K, 2); 0 for none."""
        total, count = np.zeros((2, self.allowed.shape[0], len(self.heads), 2))
        for tile in self.tiles():
            inside = tile.allowed.astype(np.float32)
            count[:, :, tile.segment] += inside @ tile.covered.T
            for k, logits in enumerate(tile.logits):
                known = np.isfinite(logits)
                z = logits if known.all() else np.where(known, logits, np.float32(0))
                total[:, k, tile.segment] += (z * inside).sum(1, dtype=np.float64)
        return np.asarray(total / np.maximum(count, 1.0))

    @property
    def answering(self) -> BoolArray:
        """Bool (B, K, 2): members that have something to say about a request."""
        return np.isfinite(self.normalizers[0])


def log_masses(stream: Streamed) -> DoubleArray:
    """Log of each member's probability of A before restriction, (B, M, 2); -inf for none."""
    inside, whole, _ = stream.normalizers
    answering = np.isfinite(inside)
    return np.where(answering, inside - np.where(answering, whole, 0.0), -np.inf)
