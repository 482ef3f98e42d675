"""What a network says without one cause: how much each one counts where no sum would tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ysmean.data.allowed import AllowedSets
from ysmean.data.batch import Batch
from ysmean.mean.ranks import log_probabilities
from ysmean.mean.stream import Stream, Streamed
from ysmean.mean.tile import DoubleArray
from ysmean.networks.network import Network

LAST = 20  # items of the history that are left out, one at a time
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Variants:
    """Requests without one of their causes, V of them.

    Attributes:
        batch: the requests that remain.
        owners: int64 (V,), the request that each one was.
        slots: int64 (V,), the column of the array that lost its token; 0 for items.
        tokens: int64 (V,), the token that was left out.
    """

    batch: Batch
    owners: IntArray
    slots: IntArray
    tokens: IntArray

    def __len__(self) -> int:
        """Return V."""
        return len(self.owners)


def without_items(batch: Batch, last: int = LAST) -> Variants:
    """Leave out each item among the last ones of every history, wherever it occurs.

    Items before it move up, and the time around it becomes one gap.
    """
    owners, left_out = [], []
    for b, row in enumerate(batch.tokens):
        found = np.unique(row[-last:])
        left_out.append(found[found > 0])
        owners.append(np.full(len(left_out[-1]), b))
    owner, tokens = _joined(owners), _joined(left_out)
    rest = batch[owner]
    for v, token in enumerate(tokens):
        shown = rest.tokens[v]
        kept = np.flatnonzero((shown != token) & (shown > 0))
        gaps = _merged(rest.gaps[v], kept)
        rest.tokens[v], rest.gaps[v] = _right(shown[kept], len(shown), 0), _right(gaps, len(shown))
    return Variants(rest, owner, np.zeros_like(owner), tokens)


def without_fields(batch: Batch, name: str) -> Variants:
    """Leave out each known token of an array of the batch, `user_fields` or `context`."""
    array = getattr(batch, name)
    owners, slots = (i.astype(np.int64) for i in np.nonzero(array))
    rest = array[owners]
    rest[np.arange(len(owners)), slots] = 0
    tokens = array[owners, slots].astype(np.int64)
    return Variants(replace(batch[owners], **{name: rest}), owners, slots, tokens)


def bits_lost(
    stream: Streamed,
    temperatures: DoubleArray,
    networks: Sequence[tuple[int, Network]],
    variants: Variants,
    rows: IntArray,
    classes: npt.NDArray[np.int32],
) -> DoubleArray:
    """Return how far log2 p of some classes falls when a cause is left out.

    The allowed set stays as it is. A network that has nothing to say without a cause is compared
    with knowing nothing: all that it covers of A and the segment is equally likely.

    Args:
        stream: the networks' answers to the whole requests.
        temperatures: (K, 2), of all networks.
        networks: some of them, with their numbers in the stream.
        variants: of some of the requests.
        rows: int64 (R,), the numbers in the stream of the requests that `variants` belong to.
        classes: int32 (R, n) in A; below 0 for none.

    Returns:
        float64 (V, n, networks); 0 where a network does not score a class.
    """
    numbers = [number for number, _ in networks]
    owners = rows[variants.owners]
    varied = Stream(
        [network.head(variants.batch) for _, network in networks],
        stream.cold,
        temperatures[numbers],
        stream.allowed[owners],
    )
    asked = classes[variants.owners]
    whole = np.full((stream.allowed.shape[0], classes.shape[1]), -1, np.int32)
    whole[rows] = classes
    before = log_probabilities(stream, whole)[owners][:, :, numbers]
    after = log_probabilities(varied, asked)
    segments = stream.cold[asked].astype(np.int64)
    for k, head in enumerate(varied.heads):
        if not head.answers.all():
            sizes = covered_sizes(varied.allowed, head.coverage, stream.cold)
            even = -np.log(np.maximum(sizes, 1))[np.arange(len(owners))[:, None], segments]
            after[:, :, k] = np.where(head.answers[:, None], after[:, :, k], even)
    known = np.isfinite(before) & np.isfinite(after)
    lost = np.where(known, before, 0.0) - np.where(known, after, 0.0)
    return np.asarray(lost / np.log(2.0))


def covered_sizes(
    allowed: AllowedSets, coverage: npt.NDArray[np.bool_], cold: npt.NDArray[np.bool_]
) -> IntArray:
    """Return how many covered classes of A each segment has, int64 (B, 2)."""
    batch, size = allowed.shape
    sizes = np.zeros((batch, 2), np.int64)
    for lo in range(0, size, 4096):
        part = slice(lo, min(lo + 4096, size))
        inside = allowed.tile(part.start, part.stop) & coverage[part]
        for segment in (0, 1):
            sizes[:, segment] += (inside & (cold[part] == bool(segment))).sum(1)
    return sizes


def _joined(parts: Sequence[npt.NDArray[np.integer]]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def _merged(gaps: npt.NDArray[np.int32], kept: IntArray) -> npt.NDArray[np.int32]:
    """Return the gaps after the kept places, each up to the next one; -1 where any is unknown."""
    if not len(kept):
        return gaps[:0]
    total = np.add.reduceat(gaps.astype(np.int64), kept)
    known = np.minimum.reduceat(gaps, kept) >= 0
    return np.where(known, np.minimum(total, np.iinfo(np.int32).max), -1).astype(np.int32)


def _right(values: npt.NDArray[np.int32], length: int, padding: int = -1) -> npt.NDArray[np.int32]:
    return np.concatenate([np.full(length - len(values), padding, np.int32), values])
