"""Causes: what counted for the scores of items, where a network's score is a sum over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.networks.rows import RowTable


@dataclass(frozen=True)
class Causes:
    """What causes of one type add to the scores of some classes.

    Attributes:
        type: `"item"` of the history, `"preference"`, or `"popularity"` of the class itself.
        unit: `"probability"` or `"score"` (before the log), `"logit"`, or `"events"`.
        tokens: int (B, C): class + 1 of an item, attribute row + 1 of a preference, a key of
            `Ordered` below 0 of one on a number, 1 for popularity; 0 = none.
        effects: float64 (B, n, C).
    """

    type: str
    unit: str
    tokens: npt.NDArray[np.integer]
    effects: npt.NDArray[np.float64]


def row_parts(
    table: RowTable,
    tokens: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Return what each row adds to the sums of `sum_rows`, for a few classes.

    Args:
        table: R rows over N classes.
        tokens: int32 (B, L), row + 1, 0 = none.
        weights: float32 (B, L).
        classes: int32 (B, n); below 0 for none.

    Returns:
        float64 (B, n, L); over L it adds up to the weighted sums of the rows.
    """
    parts = np.zeros((*classes.shape, tokens.shape[1]))
    for b, place in zip(*np.nonzero((tokens > 0) & (tokens < len(table.offsets))), strict=True):
        first, last = table.offsets[tokens[b, place] - 1 : tokens[b, place] + 1]
        row, wanted = table.classes[first:last], classes[b]
        if not len(row):
            continue
        at = np.minimum(np.searchsorted(row, wanted), len(row) - 1)
        found = np.where(row[at] == wanted, table.values[first:last][at], 0.0)
        parts[b, :, place] = weights[b, place] * found
    return parts
