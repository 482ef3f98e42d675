"""How sure a measurement is: bootstrap intervals, paired comparisons, and many of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.errors import ConfigError, DataError
from ysmean.metrics.checks import DoubleArray, probabilities_of, vector

# A bootstrap draws at most this many requests at once: some megabytes, whatever n is.
DRAWS_AT_ONCE = 500_000


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
    v = vector("values", values)
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
    x, y = vector("a", a), vector("b", b)
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


def holm(p_values: npt.ArrayLike) -> DoubleArray:
    """Return p-values corrected for being several, float64 (n,) in the given order.

    The r-th smallest of n is multiplied by n - r + 1 and is at least the one before it (Holm,
    1979): whoever calls those below 0.05 findings is wrong about any of them with a probability
    of at most 0.05.

    Args:
        p_values: one a comparison, (n,).
    """
    p = probabilities_of("p_values", p_values)
    order = np.argsort(p, kind="stable")
    raised = np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0)
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(raised)
    return corrected


def _resampled_means(values: DoubleArray, seed: int, resamples: int) -> Iterator[DoubleArray]:
    rng = np.random.default_rng(seed)
    n = len(values)
    step = max(1, DRAWS_AT_ONCE // n)
    for start in range(0, resamples, step):
        drawn = rng.integers(n, size=(min(step, resamples - start), n))
        yield values[drawn].mean(1)
