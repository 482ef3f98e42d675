"""Fit the consensus on held-out events, cross-fitted in two folds of users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ysmean.data.histories import COHORTS
from ysmean.mean.consensus import product
from ysmean.mean.exponents import Moments, fit_exponents, moments
from ysmean.mean.held import Centred, Held
from ysmean.mean.tile import BoolArray, DoubleArray
from ysmean.training.remembered import KEPT_BYTES, Answered, IntArray, Remembered

MOST = 3000  # questions of each kind: with whole histories, with cut ones, first events
LEAST = 1000  # on large catalogues, whose logits take much memory
PRIOR_EVENTS = 50.0


@dataclass(frozen=True)
class CrossFitted:
    """Exponents fitted twice, each time without the users of one fold.

    Attributes:
        exponents: float64 (2, C, K); the first are for users of fold 0, and were fitted on others.
        folds: int64 (n,), 0 or 1, of the users of the questions.
        cohorts: int64 (n,), of the questions.
    """

    exponents: DoubleArray
    folds: IntArray
    cohorts: IntArray

    @property
    def served(self) -> DoubleArray:
        """The exponents (C, K) of new requests: the mean of both fits."""
        return np.asarray(self.exponents.mean(0))

    def product(self, rows: IntArray, answering: BoolArray) -> DoubleArray:
        """Return the exponents (B, K) of some questions, from those who did not see the users.

        Args:
            rows: int64 (B,), which questions.
            answering: bool (B, K).
        """
        return in_product(self.exponents[self.folds[rows], self.cohorts[rows]], answering)


def in_product(exponents: DoubleArray, answering: BoolArray) -> DoubleArray:
    """Return the exponents (B, K) of one segment that take part, as of `product`."""
    return product(exponents[:, :, None], answering[:, :, None])[:, :, 0]


def cross_fit(
    ask: Callable[[BoolArray], Iterator[Answered[Held]]],
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
        ask: sample -> the networks' answers, at temperature 1, to the questions chosen.
        whole: bool (n,), last events with whole histories.
        cut: bool (n,), those with cut ones.
        folds: int64 (n,), 0 or 1, of the users.
        cohorts: int64 (n,).
        networks: K.
        classes: n, of the segment.
        rng: of the choice of questions.
    """
    fits = KEPT_BYTES // (3 * 4 * networks * max(classes, 1))
    most = min(max(fits, LEAST), MOST)
    some = np.logical_or.reduce([drawn(kind, most, rng) for kind in (whole, cut, ~whole & ~cut)])
    again = Remembered(
        lambda sample: ((rows, at, Centred.of(held)) for rows, at, held in ask(sample)), some
    )

    def fit(
        problems: IntArray, centre: DoubleArray, precision: DoubleArray
    ) -> tuple[DoubleArray, Moments]:
        def evaluate(a: DoubleArray) -> Moments:
            return _moments(again, problems, a)

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
    return CrossFitted(by_cohort.reshape(2, count, networks), folds, cohorts)


def drawn(among: BoolArray, count: int, rng: np.random.Generator) -> BoolArray:
    """Return at most `count` of the rows where `among` holds, bool (n,)."""
    chosen = rng.permutation(np.flatnonzero(among))[:count]
    return np.isin(np.arange(len(among)), chosen)


def _moments(asked: Iterable[Answered[Centred]], problems: IntArray, a: DoubleArray) -> Moments:
    """Return the moments of problems with exponents (P, K); those of problem -1 are left out."""
    count, networks = a.shape
    total = Moments.none(count, networks)
    for rows, columns, held in asked:
        exponents = in_product(a[problems[rows]], held.answering)
        total += moments(held, exponents, columns, problems[rows], count)
    return total
