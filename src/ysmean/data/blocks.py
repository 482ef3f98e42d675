"""A column of what items are, as a block of numbers.

Text becomes hashed TF-IDF reduced by a truncated SVD (latent semantic analysis, Deerwester et
al. 1990), categories become indicators, numbers soft quantile bins, vectors stay as they are. What
a block learns from the items it is fitted on, it applies to items that come later.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

TEXT_WIDTH = 128
HASHES = 2**16
NUMBER_BINS = 12
MAX_CATEGORIES = 512


class Block(ABC):
    """Turns a column into float32 (N, width); rows are 0 where a value is missing."""

    @abstractmethod
    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode a column."""

    @property
    def extra(self) -> int:
        """How many columns wide features have more than narrow ones."""
        return 0

    def only(self, extra: int) -> Self:
        """Return it with so many of those columns at most."""
        return self


def fit_block(column: pl.Series, kind: FeatureType, seed: int) -> Block:
    """Return the block of a kind of feature, fitted on a column; `seed` is of the SVD."""
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
class TextBlock(Block):
    """TF-IDF over hashed words, reduced by an SVD.

    Attributes:
        used: int64 (W,), the hashes that occur.
        idf: float64 (W,), ln((1 + n) / (1 + texts with it)) + 1.
        axes: float32 (width, W), what the reduced numbers stand for.
        words: int64 (w,), places among `used` of words that wide features have besides.
    """

    used: npt.NDArray[np.int64]
    idf: DoubleArray
    axes: FloatArray
    words: npt.NDArray[np.int64]

    @classmethod
    def fit(cls, column: pl.Series, seed: int) -> TextBlock:
        """Learn axes, and the words of 2 texts or more; none where texts tell no item apart."""
        from sklearn.decomposition import TruncatedSVD

        texts = column.fill_null("").to_list()
        counts = _hashed(texts)
        used = np.unique(counts.indices).astype(np.int64)
        width = min(TEXT_WIDTH, len(used) - 1, len(texts) - 1)
        if len(set(texts)) < 2 or width < 1:
            return cls(used[:0], np.zeros(0), np.zeros((0, 0), np.float32), used[:0])
        found = np.bincount(counts.indices, minlength=HASHES)[used]
        idf = np.log((1 + len(texts)) / (1 + found)) + 1
        commonest = np.argsort(-found, kind="stable")[: np.count_nonzero(found >= 2)]
        block = cls(used, idf, np.zeros((0, len(used)), np.float32), commonest)
        svd = TruncatedSVD(width, random_state=seed).fit(block._weighted(counts))
        return replace(block, axes=np.asarray(svd.components_, np.float32))

    @property
    def extra(self) -> int:
        """How many words there are."""
        return len(self.words)

    def only(self, extra: int) -> Self:
        """Keep the commonest words."""
        return replace(self, words=self.words[:extra])

    def __call__(self, column: pl.Series, wide: bool = False) -> FloatArray:
        """Encode texts; words that no text had when it was fitted say nothing."""
        words = self.words if wide else self.words[:0]
        if not len(self.axes) or not len(column):
            return np.zeros((len(column), len(self.axes) + len(words)), np.float32)
        weighted = self._weighted(_hashed(column.fill_null("").to_list()))
        exact = weighted[:, words].astype(np.float32).toarray()
        return np.concatenate([np.asarray(weighted @ self.axes.T, np.float32), exact], axis=1)

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
class CategoryBlock(Block):
    """Indicators of the values that at least 2 items share, commonest first.

    A row is scaled by 1 / sqrt(values it has), so that many values do not shout. Narrow features
    have the `MAX_CATEGORIES` commonest ones.
    """

    values: tuple[str, ...]

    @classmethod
    def fit(cls, column: pl.Series) -> CategoryBlock:
        """Learn the values."""
        counts = _exploded(column).group_by("value").len().filter(pl.col("len") >= 2)
        kept = counts.sort("len", "value", descending=[True, False])
        return cls(tuple(kept.get_column("value").to_list()))

    @property
    def extra(self) -> int:
        """How many values there are beyond the narrow ones."""
        return max(len(self.values) - MAX_CATEGORIES, 0)

    def only(self, extra: int) -> Self:
        """Keep the commonest values."""
        return replace(self, values=self.values[: MAX_CATEGORIES + extra])

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
class NumberBlock(Block):
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
class VectorBlock(Block):
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
