"""Ranking metrics from the rank of one target a request, with intervals and calibration.

Ranks are 1-based among all allowed items; 0 means that the target was not ranked, and counts 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DoubleArray = npt.NDArray[np.float64]


def ndcg(ranks: npt.ArrayLike, k: int) -> DoubleArray:
    """Return each request's normalised discounted cumulative gain at k, float64 (n,).

    With one relevant item this is 1 / log2(1 + rank) up to rank k, else 0
    (Järvelin and Kekäläinen, 2002).
    """
    found = _found(ranks, k)
    return np.where(found, 1.0 / np.log2(1.0 + np.maximum(np.asarray(ranks), 1)), 0.0)


def hit_rate(ranks: npt.ArrayLike, k: int) -> DoubleArray:
    """Return 1 for each request whose target is among the first k, else 0, float64 (n,)."""
    return _found(ranks, k).astype(np.float64)


def reciprocal_rank(ranks: npt.ArrayLike) -> DoubleArray:
    """Return 1 / rank of each request, 0 where unranked, float64 (n,); its mean is the MRR."""
    r = np.asarray(ranks)
    return np.where(r > 0, 1.0 / np.maximum(r, 1), 0.0)


def mean_nll(probabilities: npt.ArrayLike) -> float | None:
    """Return the mean of -log p in nats over targets with a probability; None without any."""
    p = np.asarray(probabilities, np.float64)
    p = p[p > 0]
    return float(-np.log(p).mean()) if len(p) else None


def coverage(recommended: npt.ArrayLike, catalogue: int) -> float:
    """Return the share of the catalogue that appears in any list.

    Args:
        recommended: classes (n, k), -1 = none.
        catalogue: how many items there are.
    """
    classes = np.unique(np.asarray(recommended))
    return float((classes >= 0).sum() / catalogue)


def bootstrap_interval(
    values: npt.ArrayLike, seed: int = 0, resamples: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of a mean (Efron, 1979).

    Args:
        values: one a request, (n,), n >= 1.
        seed: of the resampling.
        resamples: how often requests are drawn anew.
        level: of the interval, between 0 and 1.
    """
    v = np.asarray(values, np.float64)
    distinct, counts = np.unique(v, return_counts=True)
    # Drawing n requests with replacement and counting equal values is one multinomial draw.
    draws = np.random.default_rng(seed).multinomial(len(v), counts / len(v), resamples)
    means = draws @ distinct / len(v)
    lo, hi = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(lo), float(hi)


def expected_calibration_error(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 15
) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal mass.

    The ECE of Naeini et al. (2015), with bins that hold equally many requests instead of equally
    wide ones, since top-1 probabilities crowd near 0.

    Args:
        confidence: stated probabilities (n,).
        correct: 1 where it came true, else 0, (n,).
        bins: at most; fewer for fewer requests.
    """
    c, y = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    order = np.argsort(c, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(c[p].mean() - y[p].mean()) * len(p) for p in parts]
    return float(sum(gaps) / len(c))


def _found(ranks: npt.ArrayLike, k: int) -> npt.NDArray[np.bool_]:
    if k < 1:
        raise ValueError(f"k={k}; expected at least 1.")
    r = np.asarray(ranks)
    return (r > 0) & (r <= k)
