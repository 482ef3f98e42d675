"""What items are, as numbers: one dense row a class, in blocks of comparable size.

Text becomes hashed TF-IDF reduced by a truncated SVD (latent semantic analysis, Deerwester et
al. 1990), categories become indicators, numbers soft quantile bins, vectors stay as they are. What
a block learns from the items it is fitted on, it applies to items that come later.

Features are narrow, for networks that are trained on them step by step, or wide, for closed forms:
more axes of texts, more values of categories.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

TEXT_WIDTH = 128
WIDE_TEXT = 512
WIDE_CELLS = 2**26  # of wide texts at most; a million items have narrow ones alone
HASHES = 2**16
NUMBER_BINS = 12
MAX_CATEGORIES = 512
WIDE_CATEGORIES = 2048


class Block(Protocol):
    """Turns a column into float32 (N, width); rows are 0 where a value is missing."""

    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode a column."""


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
        blocks, scales = {}, {}
        for name, kind in schema.items():
            column = frame.get_column(name)
            block = _fitted(column, kind, seed)
            narrow, wide = (_norm(block(column, wide)) for wide in (False, True))
            if narrow is not None and wide is not None:
                blocks[name], scales[name] = block, (narrow, wide)
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


def _norm(rows: FloatArray) -> float | None:
    """Return the root of the mean square norm; None for rows without numbers."""
    return max(float(np.sqrt((rows**2).sum(1).mean())), 1e-12) if rows.shape[1] else None


def _fitted(column: pl.Series, kind: FeatureType, seed: int) -> Block:
    match kind:
        case FeatureType.TEXT:
            return TextBlock.fit(column, seed)
        case FeatureType.CATEGORY | FeatureType.CATEGORIES:
            return CategoryBlock.fit(column)
        case FeatureType.NUMBER | FeatureType.DATETIME:
            return NumberBlock.fit(column)
        case FeatureType.VECTOR:
            return VectorBlock.fit(column)


@dataclass(frozen=True)
class TextBlock:
    """TF-IDF over hashed words, reduced by an SVD.

    Attributes:
        used: int64 (W,), the hashes that occur.
        idf: float64 (W,), ln((1 + n) / (1 + texts with it)) + 1.
        axes: float32 (width, W), what the reduced numbers stand for, the main ones first; narrow
            features have `TEXT_WIDTH` of them, wide ones all.
    """

    used: npt.NDArray[np.int64]
    idf: DoubleArray
    axes: FloatArray

    @classmethod
    def fit(cls, column: pl.Series, seed: int) -> TextBlock:
        """Learn words and axes; none where texts tell no item apart."""
        from sklearn.decomposition import TruncatedSVD

        texts = column.fill_null("").to_list()
        counts = _hashed(texts)
        used = np.unique(counts.indices).astype(np.int64)
        most = min(WIDE_TEXT, max(TEXT_WIDTH, WIDE_CELLS // len(texts))) if texts else 0
        width = min(most, len(used) - 1, len(texts) - 1)
        if len(set(texts)) < 2 or width < 1:
            return cls(used[:0], np.zeros(0), np.zeros((0, 0), np.float32))
        found = np.bincount(counts.indices, minlength=HASHES)[used]
        idf = np.log((1 + len(texts)) / (1 + found)) + 1
        block = cls(used, idf, np.zeros((0, len(used)), np.float32))
        svd = TruncatedSVD(width, random_state=seed).fit(block._weighted(counts))
        return cls(used, idf, np.asarray(svd.components_, np.float32))

    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode texts; words that no text had when it was fitted say nothing."""
        axes = self.axes if wide else self.axes[:TEXT_WIDTH]
        if not len(axes) or not len(column):
            return np.zeros((len(column), len(axes)), np.float32)
        weighted = self._weighted(_hashed(column.fill_null("").to_list()))
        return np.asarray(weighted @ axes.T, np.float32)

    def _weighted(self, counts: Any) -> Any:
        """Return counts (N, HASHES) as TF-IDF (N, W), sublinear in counts, of norm 1."""
        from sklearn.preprocessing import normalize

        weighted = counts[:, self.used].astype(np.float64)
        weighted.data = np.log(weighted.data) + 1
        return normalize(weighted.multiply(self.idf[None]).tocsr())


def _hashed(texts: list[str]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(n_features=HASHES, alternate_sign=False, norm=None).transform(texts)


@dataclass(frozen=True)
class CategoryBlock:
    """Indicators of the values that at least 2 items share, commonest first.

    A row is scaled by 1 / sqrt(values it has), so that many values do not shout. Narrow features
    have the `MAX_CATEGORIES` commonest ones.
    """

    values: tuple[str, ...]

    @classmethod
    def fit(cls, column: pl.Series) -> CategoryBlock:
        """Learn the values."""
        counts = _exploded(column).group_by("value").len().filter(pl.col("len") >= 2)
        kept = counts.sort("len", "value", descending=[True, False]).head(WIDE_CATEGORIES)
        return cls(tuple(kept.get_column("value").to_list()))

    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode values; those that were not learned say nothing."""
        values = self.values if wide else self.values[:MAX_CATEGORIES]
        places = pl.DataFrame({"value": values}, {"value": pl.String})
        cells = _exploded(column).join(places.with_row_index("place"), on="value")
        block = np.zeros((len(column), len(values)), np.float32)
        block[cells["row"].to_numpy(), cells["place"].to_numpy()] = 1.0
        return np.asarray(block / np.sqrt(np.maximum(block.sum(1, keepdims=True), 1.0)))


def _exploded(column: pl.Series) -> pl.DataFrame:
    """Return one row for each (row, value) of a column."""
    frame = pl.DataFrame({"row": np.arange(len(column)), "value": column})
    long = frame.explode("value") if column.dtype == pl.List else frame
    return long.cast({"value": pl.String}).drop_nulls().unique()


@dataclass(frozen=True)
class NumberBlock:
    """Weights on the two nearest quantiles, which sum to 1; beyond the outermost on that alone.

    Attributes:
        knots: float64 (bins,), the quantiles.
    """

    knots: DoubleArray

    @classmethod
    def fit(cls, column: pl.Series) -> NumberBlock:
        """Learn the quantiles."""
        values = column.cast(pl.Float64).to_numpy()
        known = values[np.isfinite(values)]
        grid = np.linspace(0, 1, NUMBER_BINS)
        return cls(np.unique(np.quantile(known, grid)) if len(known) else np.zeros(0))

    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode numbers."""
        values, knots = column.cast(pl.Float64).to_numpy(), self.knots
        known = np.isfinite(values)
        block = np.zeros((len(values), len(knots)), np.float32)
        if len(knots) == 1:
            block[known, 0] = 1.0
        if len(knots) < 2 or not known.any():
            return block
        inside = np.clip(values[known], knots[0], knots[-1])
        right = np.clip(np.searchsorted(knots, inside), 1, len(knots) - 1)
        part = (inside - knots[right - 1]) / (knots[right] - knots[right - 1])
        rows = np.flatnonzero(known)
        block[rows, right - 1], block[rows, right] = 1.0 - part, part
        return block


@dataclass(frozen=True)
class VectorBlock:
    """Given vectors, centred; missing ones are 0, and so are those of another width.

    Attributes:
        mean: float64 (width,).
        size: the largest number; what is tiny beside it is rounding, no information.
    """

    mean: DoubleArray
    size: float

    @classmethod
    def fit(cls, column: pl.Series) -> VectorBlock:
        """Learn the centre."""
        known = column.drop_nulls()
        if not len(known) or not len(known[0]):
            return cls(np.zeros(0), 0.0)
        rows = np.array(known.to_list(), np.float32)
        return cls(rows.mean(0).astype(np.float64), float(np.abs(rows).max()))

    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode vectors."""
        block = np.zeros((len(column), len(self.mean)), np.float32)
        known = (column.list.len() == len(self.mean)).fill_null(False).to_numpy()
        if known.any() and len(self.mean):
            block[known] = np.array(column.filter(known).to_list(), np.float32) - self.mean
            block[np.abs(block) <= 1e-6 * self.size] = 0.0
        return block
