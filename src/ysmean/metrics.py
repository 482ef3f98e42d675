"""Ranking metrics from the rank of one target a request, with intervals and calibration.

A rank is 1-based among all allowed items, so 1 is best. 0 says that the target was not ranked
(the network abstained, or does not cover it); it stays in the mean and counts 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.errors import ConfigError, DataError

DoubleArray = npt.NDArray[np.float64]

# A bootstrap draws at most this many requests at once: some megabytes, whatever n is.
DRAWS_AT_ONCE = 500_000
# Probabilities are float32 sums, right to 1e-5 relative.
TOLERANCE = 1e-5


def ndcg(ranks: npt.ArrayLike, k: int) -> DoubleArray:
    """Return each request's normalised discounted cumulative gain at k, float64 (n,).

    DCG@k = Σ_{r <= k} gain_r / log2(1 + r), divided by that of the ideal order (Järvelin and
    Kekäläinen, 2002). With one relevant item the ideal is 1, so a rank r within k gives
    1 / log2(1 + r), and every other rank 0.

    Args:
        ranks: of the targets (n,), 1 = best, 0 = not ranked.
        k: length of the list.
    """
    r = _ranks(ranks)
    return np.where(_within(r, k), 1.0 / np.log2(1.0 + np.maximum(r, 1)), 0.0)


def hit_rate(ranks: npt.ArrayLike, k: int) -> DoubleArray:
    """Return 1 for each request whose target is among the first k, else 0, float64 (n,).

    With one relevant item this equals recall@k.

    Args:
        ranks: of the targets (n,), 1 = best, 0 = not ranked.
        k: length of the list.
    """
    return _within(_ranks(ranks), k).astype(np.float64)


def reciprocal_rank(ranks: npt.ArrayLike) -> DoubleArray:
    """Return 1 / rank of each request, 0 where unranked, float64 (n,); its mean is the MRR.

    Without a cutoff: every rank counts (Voorhees, 1999).

    Args:
        ranks: of the targets (n,), 1 = best, 0 = not ranked.
    """
    r = _ranks(ranks)
    return np.where(r > 0, 1.0 / np.maximum(r, 1), 0.0)


def mean_nll(probabilities: npt.ArrayLike) -> float | None:
    """Return the mean of -ln p, in nats, over targets with p > 0; None if there are none.

    Args:
        probabilities: of the targets (n,); 0 = none was given.
    """
    p = _probabilities("probabilities", probabilities)
    p = p[p > 0]
    return float(-np.log(p).mean()) if len(p) else None


def coverage(recommended: npt.ArrayLike, catalogue: int) -> float:
    """Return the share of the catalogue that appears in any list.

    Distinct recommended items / N, the catalogue coverage of Ge, Delgado-Battenfeld and Jannach
    (2010).

    Args:
        recommended: class indices (n, k), -1 = none.
        catalogue: N, how many items there are.
    """
    if catalogue < 1:
        raise ConfigError(f"catalogue={catalogue}; expected the number of items, at least 1.")
    classes = np.unique(_integers("recommended", recommended))
    classes = classes[classes >= 0]
    if len(classes) > catalogue:
        raise DataError(
            f"recommended names {len(classes)} classes; expected at most the {catalogue} items "
            "of the catalogue. Pass the number of items that could be recommended."
        )
    return len(classes) / catalogue


def bootstrap_interval(
    values: npt.ArrayLike, seed: int = 0, resamples: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean (Efron, 1979), as (lo, hi).

    n values are drawn with replacement, `resamples` times; the interval runs between the
    (1 - level) / 2 and (1 + level) / 2 quantiles of those means.

    Args:
        values: one a request, (n,), n >= 1.
        seed: of the drawing; the same seed gives the same interval.
        resamples: how often n values are drawn.
        level: share of the means inside, between 0 and 1.
    """
    v = _vector("values", values)
    if not len(v):
        raise DataError("values is empty; expected at least one value to draw from.")
    if resamples < 1:
        raise ConfigError(f"resamples={resamples}; expected at least 1.")
    if not 0 < level < 1:
        raise ConfigError(f"level={level}; expected a share between 0 and 1, such as 0.95.")
    means = np.concatenate(list(_resampled_means(v, seed, resamples)))
    lo, hi = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(lo), float(hi)


@dataclass(frozen=True)
class Difference:
    """What a paired bootstrap says of the difference of two means.

    Attributes:
        mean: of the differences.
        low, high: the interval.
        p_value: two-sided, of no difference.
    """

    mean: float
    low: float
    high: float
    p_value: float


def paired_bootstrap(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    seed: int = 0,
    resamples: int = 10_000,
    level: float = 0.95,
) -> Difference:
    """Compare two measurements of the same requests by resampling their differences a - b.

    The p-value is twice the smaller share of resampled means on either side of 0 (Efron and
    Tibshirani, 1993), counted with one more on both sides, so it is never 0.

    Args:
        a: one value a request, (n,), n >= 1.
        b: of the same requests in the same order.
        seed: of the drawing.
        resamples: how often n differences are drawn.
        level: share of the means inside the interval, between 0 and 1.
    """
    x, y = _vector("a", a), _vector("b", b)
    if len(x) != len(y) or not len(x):
        raise DataError(
            f"a has {len(x)} values and b {len(y)}; expected one of each a request and at least "
            "one request."
        )
    means = np.concatenate(list(_resampled_means(x - y, seed, resamples)))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    side = min((means <= 0).sum(), (means >= 0).sum())
    p_value = min(1.0, 2 * (side + 1) / (resamples + 1))
    return Difference(float((x - y).mean()), float(low), float(high), float(p_value))


@dataclass(frozen=True)
class Reliability:
    """Stated and observed frequency in bins, by ascending confidence.

    Attributes:
        stated: float64 (b,), mean confidence of each bin.
        observed: float64 (b,), how often it came true.
        counts: int64 (b,), requests in each bin.
    """

    stated: DoubleArray
    observed: DoubleArray
    counts: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        """Σ_b n_b / n · |stated - observed|, the expected calibration error."""
        gaps = np.abs(self.stated - self.observed)
        return float((gaps * self.counts).sum() / self.counts.sum())


def reliability(confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 15) -> Reliability:
    """Return how often what was stated with a confidence came true, in bins of equal mass.

    Requests are sorted by confidence and cut into bins whose sizes differ by one at most. Bins of
    equal width would put nearly all requests into the first, since top-1 probabilities over a
    whole catalogue crowd near 0. Ties are cut in input order.

    Args:
        confidence: stated probabilities (n,), n >= 1.
        correct: 1 where it came true, else 0, (n,).
        bins: how many; n of them where n is smaller.
    """
    c = _probabilities("confidence", confidence)
    y = _vector("correct", correct)
    if bins < 1:
        raise ConfigError(f"bins={bins}; expected at least 1.")
    if not len(c) or len(c) != len(y):
        raise DataError(
            f"confidence has {len(c)} values and correct {len(y)}; expected one of each a request "
            "and at least one request."
        )
    parts = np.array_split(np.argsort(c, kind="stable"), min(bins, len(c)))
    return Reliability(
        np.array([c[part].mean() for part in parts]),
        np.array([y[part].mean() for part in parts]),
        np.array([len(part) for part in parts], np.int64),
    )


def expected_calibration_error(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 15
) -> float:
    """Return the mean gap between stated and observed frequency.

    ECE = Σ_b n_b / n · |mean confidence in b - mean of correct in b| (Naeini et al., 2015), in the
    variant with bins of equal mass; see `reliability`.

    Args:
        confidence: stated probabilities (n,), n >= 1.
        correct: 1 where it came true, else 0, (n,).
        bins: how many; n of them where n is smaller.
    """
    return reliability(confidence, correct, bins).error


def percentiles(counts: npt.ArrayLike) -> DoubleArray:
    """Return each value's place among all of them, float64 (n,) between 0 and 1.

    The share of smaller values, and half of the share of equal ones: the mean over all is 0.5.

    Args:
        counts: such as the events of each item, (n,).
    """
    v = _vector("counts", counts)
    ordered = np.sort(v)
    below = np.searchsorted(ordered, v, "left") + np.searchsorted(ordered, v, "right")
    return np.asarray(below / (2 * max(1, len(v))))


def _resampled_means(values: DoubleArray, seed: int, resamples: int) -> Iterator[DoubleArray]:
    rng = np.random.default_rng(seed)
    n = len(values)
    step = max(1, DRAWS_AT_ONCE // n)
    for start in range(0, resamples, step):
        drawn = rng.integers(n, size=(min(step, resamples - start), n))
        yield values[drawn].mean(1)


def _within(ranks: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.bool_]:
    if k < 1:
        raise ConfigError(f"k={k}; expected the length of a list, at least 1.")
    return (ranks > 0) & (ranks <= k)


def _ranks(ranks: npt.ArrayLike) -> npt.NDArray[np.int64]:
    r = _integers("ranks", ranks)
    if r.ndim != 1:
        raise DataError(f"ranks has the shape {r.shape}; expected (n,), one a request.")
    if len(r) and r.min() < 0:
        raise DataError(f"ranks has {r.min()}; expected 1 for the best, 0 for not ranked.")
    return r


def _integers(name: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    a = np.asarray(values)
    if a.size and a.dtype.kind not in "iu":
        raise DataError(f"{name} has the type {a.dtype}; expected whole numbers.")
    return a.astype(np.int64)


def _vector(name: str, values: npt.ArrayLike) -> DoubleArray:
    v = np.asarray(values, np.float64)
    if v.ndim != 1:
        raise DataError(f"{name} has the shape {v.shape}; expected (n,), one a request.")
    if not np.isfinite(v).all():
        where = int(np.flatnonzero(~np.isfinite(v))[0])
        raise DataError(f"{name}[{where}] is {v[where]}; expected finite numbers.")
    return v


def _probabilities(name: str, values: npt.ArrayLike) -> DoubleArray:
    p = _vector(name, values)
    if len(p) and (p.min() < 0 or p.max() > 1 + TOLERANCE):
        raise DataError(f"{name} runs from {p.min()} to {p.max()}; expected 0 to 1.")
    return p
