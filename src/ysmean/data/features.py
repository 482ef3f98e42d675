"""What items are, as numbers: one dense row a class, in blocks of comparable size.

Features are narrow, for networks that are trained on them step by step, or wide, for closed forms,
which have single words and rare values besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.blocks import Block, fit_block
from ysmean.data.schema import FeatureType

FloatArray = npt.NDArray[np.float32]

EXTRA = 4096  # columns that wide features have more than narrow ones, at most
EXTRA_CELLS = 2**28  # numbers in them at most: a million items have few
CHUNK = 8192  # rows that are there at a time


@dataclass(frozen=True)
class FeatureEncoder:
    """Turns what items are into one row of numbers each.

    Attributes:
        blocks: by feature, those of no column left out.
        scales: by feature, so that the rows it was fitted on have a mean square norm of 1:
            narrow ones, and wide ones.
    """

    blocks: Mapping[str, Block] = field(default_factory=dict)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, frame: pl.DataFrame, schema: Mapping[str, FeatureType], seed: int = 0
    ) -> FeatureEncoder:
        """Learn from items.

        Args:
            frame: one row an item.
            schema: the type of each feature.
            seed: of the randomised SVD.
        """
        columns = {name: frame.get_column(name) for name in schema}
        blocks = {name: fit_block(columns[name], kind, seed) for name, kind in schema.items()}
        blocks = {
            name: block for name, block in blocks.items() if block(columns[name][:0]).shape[1]
        }
        blocks = _shared(blocks, min(EXTRA, EXTRA_CELLS // max(len(frame), 1)))
        scales = {
            name: (_norm(block, columns[name], False), _norm(block, columns[name], True))
            for name, block in blocks.items()
        }
        return cls(blocks, scales)

    def __call__(self, frame: pl.DataFrame, wide: bool = False) -> FloatArray:
        """Return the features of items as float32 (N, f), or the wide ones (N, F).

        Rows are 0 in the blocks of features that an item lacks.
        """
        parts = [
            (block(frame.get_column(name), wide) / self.scales[name][wide]).astype(np.float32)
            for name, block in self.blocks.items()
        ]
        return np.concatenate([np.zeros((len(frame), 0), np.float32), *parts], axis=1)


def _shared(blocks: Mapping[str, Block], most: int) -> dict[str, Block]:
    """Share so many extra columns among blocks: whoever wants little gets it, the rest alike."""
    kept, left = dict(blocks), most
    by_size = sorted(blocks, key=lambda name: blocks[name].extra)
    for place, name in enumerate(by_size):
        share = min(blocks[name].extra, left // (len(by_size) - place))
        kept[name], left = blocks[name].only(share), left - share
    return kept


def _norm(block: Block, column: pl.Series, wide: bool) -> float:
    """Return the root of the mean square norm of a column's rows."""
    chunks = (column[lo : lo + CHUNK] for lo in range(0, len(column), CHUNK))
    total = sum(float((block(some, wide) ** 2).sum(dtype=np.float64)) for some in chunks)
    return max(float(np.sqrt(total / max(len(column), 1))), 1e-12)
