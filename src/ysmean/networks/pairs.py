"""Pairs of events: how often one item follows another, and what becomes of the counts."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ysmean.data.histories import Histories
from ysmean.networks.network import FloatArray
from ysmean.networks.rows import RowTable


def count_pairs(histories: Histories, size: int, window: int) -> sparse.csr_array:
    """Return how often class b follows class a, weighted by 1 / steps between them, (N, N)."""
    total = sparse.csr_array((size, size), dtype=np.float32)
    users, classes = histories.users, histories.classes
    for distance in range(1, window + 1):
        same = users[distance:] == users[:-distance]
        weights = histories.weights[distance:][same] / np.float32(distance)
        pair = (classes[:-distance][same], classes[distance:][same])
        total = total + sparse.csr_array((weights, pair), shape=(size, size))
    return total


def smoothed_rows(
    pairs: sparse.csr_array, smoothing: float, neighbours: int
) -> tuple[RowTable, FloatArray]:
    """Return the transition rows count / (row sum + smoothing), and what each leaves over.

    Args:
        pairs: (N, N) weighted counts.
        smoothing: pseudo-counts left to popularity.
        neighbours: entries kept a row, the largest; ties by lower class.
    """
    size = pairs.shape[0]
    lengths = np.diff(pairs.indptr)
    owner = np.repeat(np.arange(size), lengths)
    totals = np.bincount(owner, weights=pairs.data, minlength=size) + smoothing
    order = np.lexsort((pairs.indices, -pairs.data, owner))
    rank = np.arange(len(order)) - np.repeat(pairs.indptr[:-1], lengths)
    kept = np.sort(order[rank < neighbours])
    kept = kept[np.lexsort((pairs.indices[kept], owner[kept]))]
    values = (pairs.data[kept] / totals[owner[kept]]).astype(np.float32)
    counts = np.bincount(owner[kept], minlength=size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rest = 1.0 - np.bincount(owner[kept], weights=values, minlength=size)
    table = RowTable(offsets, pairs.indices[kept].astype(np.int32), values, size)
    return table, rest.astype(np.float32)
