"""Fit the consensus on held-out events, cross-fitted in two folds of users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import COHORTS
from ysmean.mean.consensus import Joined, product
from ysmean.mean.exponents import Moments, fit_exponents, moments
from ysmean.mean.stream import BoolArray, DoubleArray, Stream

WHOLE = 3000  # questions with whole histories, and with cut ones
CUT = 3000
CHUNK = 64
KEPT_BYTES = 2**30  # of logits held from step to step; more are asked for again
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
    cut: BoolArray,
    folds: IntArray,
    cohorts: IntArray,
    networks: int,
    classes: int,
    rng: np.random.Generator,
) -> CrossFitted:
    """Fit exponents over whole histories, then by cohort with a prior centred on those.

    The prior of a cohort is worth 50 events: that many times the mean curvature of the global
    likelihood. The prior of the global ones is worth about one, centred on equal exponents.
    Within a cohort, cut histories tell what the prior of the others is centred on.

    Args:
        ask: (sample, chunk) -> the networks' answers, at temperature 1, to the questions chosen.
        whole: bool (n,), last events with whole histories.
        cut: bool (n,), those with cut ones.
        folds: int64 (n,), 0 or 1, of the users.
        cohorts: int64 (n,).
        networks: K.
        classes: N.
        rng: of the choice of questions.
    """
    some = drawn(whole, WHOLE, rng) | drawn(cut, CUT, rng) | drawn(~whole & ~cut, WHOLE, rng)
    size = 4 * int(some.sum()) * networks * classes
    kept = list(ask(some, CHUNK)) if size <= KEPT_BYTES else None

    def fit(
        problems: IntArray, centre: DoubleArray, precision: DoubleArray
    ) -> tuple[DoubleArray, Moments]:
        def evaluate(a: DoubleArray) -> Moments:
            return _moments(ask(some, CHUNK) if kept is None else kept, problems, a)

        return fit_exponents(evaluate, centre, precision)

    others, count = 1 - folds, len(COHORTS)  # problem f learns from the users outside of fold f
    basis = whole if (some & whole).any() else np.ones_like(whole)
    eye = np.eye(networks)
    equal = np.full((2, networks), 1.0 / networks)
    overall, found = fit(np.where(basis, others, -1), equal, np.stack([eye, eye]))
    one = found.curvature / np.maximum(found.counts, 1.0)[:, None, None] + 1e-3 * eye
    by_cohort, precision = np.repeat(overall, count, axis=0), np.repeat(one, count, axis=0)
    for kind in (cut, ~cut):
        problems = np.where(kind, others * count + cohorts, -1)
        by_cohort, _ = fit(problems, by_cohort, PRIOR_EVENTS * precision)
    return CrossFitted(by_cohort.reshape(2, count, networks))


def drawn(among: BoolArray, count: int, rng: np.random.Generator) -> BoolArray:
    """Return at most `count` of the rows where `among` holds, bool (n,)."""
    chosen = rng.permutation(np.flatnonzero(among))[:count]
    return np.isin(np.arange(len(among)), chosen)


def _moments(
    asked: Iterable[tuple[IntArray, npt.NDArray[np.int32], Stream]],
    problems: IntArray,
    a: DoubleArray,
) -> Moments:
    """Return the moments of problems with exponents (P, K); those of problem -1 are left out."""
    count, networks = a.shape
    total = Moments(
        np.zeros(count),
        np.zeros((count, networks)),
        np.zeros((count, networks, networks)),
        np.zeros(count),
    )
    for rows, targets, stream in asked:
        if (problems[rows] >= 0).any():
            joint = joined(stream, a[problems[rows]])
            total += moments(joint, targets, problems[rows], count)
    return total
