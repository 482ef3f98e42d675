"""What items are, as numbers: one dense row a class, in blocks of comparable size.

Text becomes hashed TF-IDF reduced by a truncated SVD (latent semantic analysis, Deerwester et
al. 1990), categories become indicators, numbers soft quantile bins, vectors stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType

FloatArray = npt.NDArray[np.float32]

TEXT_WIDTH = 128
HASHES = 2**16
NUMBER_BINS = 12
MAX_CATEGORIES = 512


def encode_features(
    frame: pl.DataFrame, schema: Mapping[str, FeatureType], seed: int = 0
) -> FloatArray:
    """Return the features of all items as float32 (N, f).

    Args:
        frame: one row an item.
        schema: the type of each feature.
        seed: of the randomised SVD.

    Returns:
        One block of columns a feature, scaled so that its rows have a mean square norm of 1;
        rows are 0 in the blocks of features that an item lacks.
    """
    blocks = [_block(frame.get_column(name), kind, seed) for name, kind in schema.items()]
    scaled = [_unit(block) for block in blocks if block.shape[1]]
    return np.concatenate(scaled, axis=1) if scaled else np.zeros((len(frame), 0), np.float32)


def _block(column: pl.Series, kind: FeatureType, seed: int) -> FloatArray:
    match kind:
        case FeatureType.TEXT:
            return text_block(column.fill_null("").to_list(), seed)
        case FeatureType.CATEGORY | FeatureType.CATEGORIES:
            return category_block(column)
        case FeatureType.NUMBER | FeatureType.DATETIME:
            return number_block(column.cast(pl.Float64).to_numpy())
        case FeatureType.VECTOR:
            return vector_block(column)


def _unit(block: FloatArray) -> FloatArray:
    norm = np.sqrt((block**2).sum(1).mean())
    return (block / max(float(norm), 1e-12)).astype(np.float32)


def text_block(texts: list[str], seed: int) -> FloatArray:
    """Return texts as float32 (N, <= TEXT_WIDTH): TF-IDF over hashed words, reduced by SVD."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    if len(set(texts)) < 2:
        return np.zeros((len(texts), 0), np.float32)
    counts = HashingVectorizer(n_features=HASHES, alternate_sign=False, norm=None).transform(texts)
    used = np.unique(counts.indices)
    width = min(TEXT_WIDTH, len(used) - 1, len(texts) - 1)
    if width < 1:
        return np.zeros((len(texts), 0), np.float32)
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(counts[:, used])
    return np.asarray(TruncatedSVD(width, random_state=seed).fit_transform(weighted), np.float32)


def category_block(column: pl.Series) -> FloatArray:
    """Return indicators float32 (N, V) of the values that at least 2 items share.

    A row is scaled by 1 / sqrt(values it has), so that many values do not shout.
    """
    frame = pl.DataFrame({"row": np.arange(len(column)), "value": column})
    long = (frame.explode("value") if column.dtype == pl.List else frame).drop_nulls().unique()
    counts = long.group_by("value").len().filter(pl.col("len") >= 2)
    kept = counts.sort("len", "value", descending=[True, False]).head(MAX_CATEGORIES)
    places = kept.select("value").with_row_index("place")
    cells = long.join(places, on="value")
    block = np.zeros((len(column), len(kept)), np.float32)
    block[cells["row"].to_numpy(), cells["place"].to_numpy()] = 1.0
    return np.asarray(block / np.sqrt(np.maximum(block.sum(1, keepdims=True), 1.0)))


def number_block(values: npt.NDArray[np.float64]) -> FloatArray:
    """Return numbers as float32 (N, bins): weights on the two nearest quantiles, summing to 1."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros((len(values), 0), np.float32)
    knots = np.unique(np.quantile(values[known], np.linspace(0, 1, NUMBER_BINS)))
    block = np.zeros((len(values), len(knots)), np.float32)
    if len(knots) == 1:
        block[known, 0] = 1.0
        return block
    right = np.clip(np.searchsorted(knots, values[known]), 1, len(knots) - 1)
    part = (values[known] - knots[right - 1]) / (knots[right] - knots[right - 1])
    rows = np.flatnonzero(known)
    block[rows, right - 1], block[rows, right] = 1.0 - part, part
    return block


def vector_block(column: pl.Series) -> FloatArray:
    """Return given vectors as float32 (N, width), centred; missing ones are 0."""
    width = int(column.drop_nulls().list.len().max() or 0)  # type: ignore[arg-type]
    block = np.zeros((len(column), width), np.float32)
    known = column.is_not_null().to_numpy()
    if width:
        block[known] = np.array(column.drop_nulls().to_list(), np.float32)
        size = np.abs(block).max()
        block[known] -= block[known].mean(0)
        block[np.abs(block) <= 1e-6 * size] = 0.0  # rounding is no information
    return block
