"""Fit the consensus on held-out events, cross-fitted in two folds of users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import COHORTS
from ysmean.mean.consensus import Joined, product
from ysmean.mean.exponents import Moments, fit_exponents, moments
from ysmean.mean.stream import BoolArray, DoubleArray, Stream

WHOLE = 3000  # questions with whole histories, and with cut ones
CUT = 3000
CHUNK = 64
PRIOR_EVENTS = 50.0

IntArray = npt.NDArray[np.int64]
Asking = Iterator[tuple[IntArray, npt.NDArray[np.int32], Stream]]  # rows, targets, networks


@dataclass(frozen=True)
class CrossFitted:
    """Exponents fitted twice, each time without the users of one fold.

    Attributes:
        exponents: float64 (2, C, K); the first are for users of fold 0, and were fitted on others.
    """

    exponents: DoubleArray

    @property
    def served(self) -> DoubleArray:
        """The exponents (C, K) of new requests: the mean of both fits."""
        return np.asarray(self.exponents.mean(0))

    def join(self, stream: Stream, folds: IntArray, cohorts: IntArray) -> Joined:
        """Return the networks' stream with the consensus of those who did not see these users.

        Args:
            stream: of B questions.
            folds: int64 (B,), 0 or 1, of the users.
            cohorts: int64 (B,).
        """
        return joined(stream, self.exponents[folds, cohorts])


def joined(stream: Stream, exponents: DoubleArray) -> Joined:
    """Return a stream with the consensus of exponents (B, K), the same in both segments."""
    both = np.repeat(exponents[:, :, None], 2, axis=2)
    return Joined(stream, product(both, stream.answering))


def cross_fit(
    ask: Callable[[BoolArray, int], Asking],
    whole: BoolArray,
    folds: IntArray,
    cohorts: IntArray,
    networks: int,
    rng: np.random.Generator,
) -> CrossFitted:
    """Fit exponents over whole histories, then by cohort with a prior centred on those.

    The prior of a cohort is worth 50 events: that many times the mean curvature of the global
    likelihood. The prior of the global ones is worth about one, centred on equal exponents.

    Args:
        ask: (sample, chunk) -> the networks' answers, at temperature 1, to the questions chosen.
        whole: bool (n,), questions with whole histories.
        folds: int64 (n,), 0 or 1, of the users.
        cohorts: int64 (n,).
        networks: K.
        rng: of the choice of questions.
    """
    some = drawn(whole, WHOLE, rng) | drawn(~whole, CUT, rng)
    basis = some & whole if (some & whole).any() else some
    others = 1 - folds

    def globally(a: DoubleArray) -> Moments:
        return _ask(ask, basis, others, a)

    eye = np.eye(networks)
    equal = np.full((2, networks), 1.0 / networks)
    overall, found = fit_exponents(globally, equal, np.stack([eye, eye]))
    problems = others * len(COHORTS) + cohorts
    one = found.curvature / np.maximum(found.counts, 1.0)[:, None, None] + 1e-3 * eye
    by_cohort, _ = fit_exponents(
        lambda a: _ask(ask, some, problems, a),
        np.repeat(overall, len(COHORTS), axis=0),
        np.repeat(PRIOR_EVENTS * one, len(COHORTS), axis=0),
    )
    return CrossFitted(by_cohort.reshape(2, len(COHORTS), networks))


def drawn(among: BoolArray, count: int, rng: np.random.Generator) -> BoolArray:
    """Return at most `count` of the rows where `among` holds, bool (n,)."""
    chosen = rng.permutation(np.flatnonzero(among))[:count]
    return np.isin(np.arange(len(among)), chosen)


def _ask(
    ask: Callable[[BoolArray, int], Asking], sample: BoolArray, problems: IntArray, a: DoubleArray
) -> Moments:
    count, networks = a.shape
    start = Moments(
        np.zeros(count),
        np.zeros((count, networks)),
        np.zeros((count, networks, networks)),
        np.zeros(count),
    )
    parts = (
        moments(joined(stream, a[problems[rows]]), targets, problems[rows], count)
        for rows, targets, stream in ask(sample, CHUNK)
    )
    return reduce(add, parts, start)
