"""Whether stated probabilities are right: reliability in bins, and how far chance alone goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.errors import ConfigError, DataError
from ysmean.metrics.checks import DoubleArray, probabilities_of, vector


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
    c = probabilities_of("confidence", confidence)
    y = vector("correct", correct)
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


def calibration_error_limit(
    confidence: npt.ArrayLike,
    bins: int = 15,
    seed: int = 0,
    draws: int = 200,
    level: float = 0.95,
) -> float:
    """Return the calibration error that perfect calibration stays below, by simulation.

    Even probabilities that are exactly right show an error, from chance alone. Outcomes are drawn
    from the stated probabilities; the limit is the quantile of their errors.

    Args:
        confidence: stated probabilities (n,), n >= 1.
        bins: as of `expected_calibration_error`.
        seed: of the drawing.
        draws: how often all outcomes are drawn.
        level: of the quantile.
    """
    c = np.sort(probabilities_of("confidence", confidence))
    if not len(c):
        raise DataError("confidence is empty; expected at least one probability.")
    sizes = [len(part) for part in np.array_split(c, min(bins, len(c)))]
    starts = np.cumsum([0, *sizes[:-1]])
    rng = np.random.default_rng(seed)
    stated = np.add.reduceat(c, starts)
    errors = [
        np.abs(stated - np.add.reduceat((rng.random(len(c)) < c).astype(float), starts)).sum()
        for _ in range(draws)
    ]
    return float(np.quantile(errors, level) / len(c))
