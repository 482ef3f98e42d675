"""Stream the members' answers over tiles of classes, never holding (B, N) for large catalogues.

A member is a (network, segment) pair. Segments part the classes, so one array of logits a network
serves both of its members: each class is normalised within its own segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ysmean.data.allowed import AllowedSets
from ysmean.networks.network import Head

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

SEGMENTS = ("warm", "cold")
TILE_CELLS = 2**21  # classes x requests held at a time, for each network


@dataclass(frozen=True)
class Tile:
    """All networks' logits for the classes lo..hi-1.

    Attributes:
        lo, hi: the classes.
        allowed: bool (B, hi - lo).
        columns: for each segment, the columns of the tile that lie in it.
        logits: K arrays float32 (B, hi - lo), tempered; -inf where uncovered or abstaining.
            Where the consensus takes part, its own come last.
        members: float32 (2 K, hi - lo), 1 where the (network, segment) member covers a class;
            the consensus has no row, since what it covers differs by request.
    """

    lo: int
    hi: int
    allowed: BoolArray
    columns: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    logits: list[FloatArray]
    members: FloatArray


class Streamed(Protocol):
    """What can be streamed: the networks alone (`Stream`), or with their consensus (`Joined`)."""

    @property
    def cold(self) -> BoolArray:
        """Bool (N,), which segment a class lies in."""

    @property
    def allowed(self) -> AllowedSets:
        """The sets A."""

    @property
    def normalizers(self) -> tuple[DoubleArray, DoubleArray, npt.NDArray[np.int64]]:
        """Log sum exp over A, over all classes, and the sizes of A, as of `Stream`."""

    @property
    def answering(self) -> BoolArray:
        """Members that have something to say about a request."""

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles in class order."""


@dataclass(frozen=True)
class Stream:
    """The heads of K networks on one batch, over the allowed sets.

    Attributes:
        heads: one a network.
        cold: bool (N,), which segment a class lies in; False is warm.
        temperatures: float (K, 2), by network and segment.
        allowed: the sets A.
        tile_size: classes a tile; None chooses by the batch.
    """

    heads: Sequence[Head]
    cold: BoolArray
    temperatures: DoubleArray
    allowed: AllowedSets
    tile_size: int | None = None
    _kept: list[Tile] = field(default_factory=list, repr=False)

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles in class order; a catalogue of one tile is computed only once."""
        if self._kept:
            yield from self._kept
            return
        batch, size = self.allowed.shape
        step = self.tile_size or max(4096, TILE_CELLS // max(batch, 1))
        for lo in range(0, size, step):
            tile = self.tile(lo, min(lo + step, size))
            if step >= size:
                self._kept.append(tile)
            yield tile

    def tile(self, lo: int, hi: int) -> Tile:
        """Compute the tile of the classes lo..hi-1."""
        cold = self.cold[lo:hi]
        columns = (np.flatnonzero(~cold), np.flatnonzero(cold))
        logits = [
            tempered(head, lo, hi, cold, heat)
            for head, heat in zip(self.heads, self.temperatures, strict=True)
        ]
        coverage = np.stack([head.coverage[lo:hi] for head in self.heads])
        members = np.stack([coverage & ~cold, coverage & cold], axis=1)  # (K, 2, tile)
        flat = members.reshape(-1, hi - lo).astype(np.float32)
        return Tile(lo, hi, self.allowed.tile(lo, hi), columns, logits, flat)

    @cached_property
    def normalizers(self) -> tuple[DoubleArray, DoubleArray, npt.NDArray[np.int64]]:
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
            for segment, columns in enumerate(tile.columns):
                if not len(columns):
                    continue
                everything = len(columns) == tile.hi - tile.lo
                allowed = tile.allowed if everything else tile.allowed[:, columns]
                counts[:, segment] += allowed.sum(1)
                for k, logits in enumerate(tile.logits):
                    z = logits if everything else logits[:, columns]
                    part = log_sum_exp(z), log_sum_exp(np.where(allowed, z, -np.inf))
                    whole[:, k, segment] = np.logaddexp(whole[:, k, segment], part[0])
                    inside[:, k, segment] = np.logaddexp(inside[:, k, segment], part[1])
        return inside, whole, counts

    @cached_property
    def levels(self) -> DoubleArray:
        """Mean logit of each member over A, the segment and its coverage, (B, K, 2); 0 for none."""
        total, count = np.zeros((2, self.allowed.shape[0], len(self.heads), 2))
        for tile in self.tiles():
            for k, logits in enumerate(tile.logits):
                inside = tile.allowed & np.isfinite(logits)
                z = np.where(inside, logits, 0)
                for s, columns in enumerate(tile.columns):
                    total[:, k, s] += z[:, columns].sum(1, dtype=np.float64)
                    count[:, k, s] += inside[:, columns].sum(1)
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


def tempered(head: Head, lo: int, hi: int, cold: BoolArray, heat: DoubleArray) -> FloatArray:
    """Return a head's logits of a tile, divided by its segments' temperatures.

    The prior is what items' own events tell; cold items have none.
    """
    scores = head.scores(lo, hi)
    if head.prior is not None:
        scores = scores + np.where(cold, np.float32(0), head.prior[lo:hi])
    temperatures = np.where(cold, heat[1], heat[0]).astype(np.float32)
    logits: FloatArray = np.asarray(scores / temperatures, np.float32)
    logits[:, ~head.coverage[lo:hi]] = -np.inf
    logits[~head.answers] = -np.inf
    return logits


def log_sum_exp(z: FloatArray) -> DoubleArray:
    """Return log sum exp over the last axis in float64; -inf for rows of -inf."""
    top = z.max(axis=-1, keepdims=True)
    safe = np.where(np.isfinite(top), top, np.float32(0))
    total = np.exp(z - safe).sum(axis=-1, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total) + safe[..., 0])


def conditional(tile: Tile, k: int, normalizers: DoubleArray) -> FloatArray:
    """Return network k's probabilities of a tile given A and the segment, 0 outside.

    Args:
        tile: the logits.
        k: the network.
        normalizers: (B, K, 2) over A.

    Returns:
        float32 (B, tile).
    """
    known = np.isfinite(normalizers[:, k])
    shift = np.where(known, normalizers[:, k], np.inf).astype(np.float32)  # inf silences a member
    logits = tile.logits[k]
    part = np.empty_like(logits)
    for segment, columns in enumerate(tile.columns):
        z = logits if len(columns) == part.shape[1] else logits[:, columns]
        # Inside A this is at most 0; outside, where it does not count, it must not overflow.
        p = np.exp(np.minimum(z - shift[:, segment, None], 0.0))
        if len(columns) == part.shape[1]:
            part = p
        elif len(columns):
            part[:, columns] = p
    part[~tile.allowed] = 0.0
    return part


def by_class(tile: Tile, values: DoubleArray) -> FloatArray:
    """Return values (B, 2) by segment as float32 (B, tile), or (B, 1) where one is enough."""
    v = values.astype(np.float32)
    warm, cold = tile.columns
    if not len(cold):
        return v[:, 0, None]
    if not len(warm):
        return v[:, 1, None]
    spread = np.empty(tile.allowed.shape, np.float32)
    spread[:, warm], spread[:, cold] = v[:, 0, None], v[:, 1, None]
    return spread


def weigh(tile: Tile, part: FloatArray, weights: DoubleArray) -> FloatArray:
    """Return a network's probabilities (B, tile) times its weights (B, 2) by segment."""
    return part * by_class(tile, weights)


def heard(tile: Tile, weights: DoubleArray) -> BoolArray:
    """Return the allowed classes that some member with a weight covers, bool (B, tile).

    Args:
        tile: the logits.
        weights: (B, K, 2), 0 for members that do not answer.
    """
    networks = len(tile.members) // 2
    speaks = (weights[:, :networks] > 0).astype(np.float32).reshape(len(weights), -1)
    found = speaks @ tile.members > 0
    for k in range(networks, weights.shape[1]):
        covered = np.isfinite(tile.logits[k]).astype(np.float32)
        found |= weigh(tile, covered, weights[:, k]) > 0
    return np.asarray(found & tile.allowed)
