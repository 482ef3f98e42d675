"""Fit the consensus on held-out events, cross-fitted in folds of users."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ysmean.data.histories import COHORTS
from ysmean.mean.consensus import product
from ysmean.mean.exponents import Moments, fit_exponents, moments, without_each
from ysmean.mean.held import Centred, Held
from ysmean.mean.tile import BoolArray, DoubleArray
from ysmean.training.remembered import KEPT_BYTES, Answered, IntArray, Remembered

MOST = 3000  # questions of each kind: with whole histories, with cut ones, first events
LEAST = 1000  # on large catalogues, whose logits take much memory
PRIOR_EVENTS = 50.0
FOLDS = 8


@dataclass(frozen=True)
class CrossFitted:
    """Exponents fitted on all users, and without those of each fold.

    Attributes:
        served: float64 (C, K), of new requests: fitted on all.
        exponents: float64 (F, C, K); those of fold f were fitted on the users of the others.
        folds: int64 (n,), 0..F-1, of the users of the questions.
        cohorts: int64 (n,), of the questions.
    """

    served: DoubleArray
    exponents: DoubleArray
    folds: IntArray
    cohorts: IntArray

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
    Within a cohort, cut histories tell what the prior of the others is centred on. What a fold's
    users taught is taken back by one Newton step, as of `without_each`, for the prior's centre too.

    Args:
        ask: sample -> the networks' answers, at temperature 1, to the questions chosen.
        whole: bool (n,), last events with whole histories.
        cut: bool (n,), those with cut ones.
        folds: int64 (n,), 0..F-1, of the users.
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

    parts, count, eye = int(folds.max(initial=0)) + 1, len(COHORTS), np.eye(networks)

    def fit(
        problems: IntArray, centres: DoubleArray, precision: DoubleArray
    ) -> tuple[DoubleArray, Moments]:
        """Return exponents (1 + F, P, K), of all users and without each fold's, and moments (P)."""
        all_, found = fit_exponents(lambda a: _moments(again, problems, a), centres[0], precision)
        own = np.where(problems >= 0, folds * len(all_) + problems, -1)
        taught = _moments(again, own, np.tile(all_, (parts, 1)))
        return np.stack([all_, *without_each(all_, taught, centres[1:], precision)]), found

    basis = whole if (some & whole).any() else np.ones_like(whole)
    equal = np.full((1 + parts, 1, networks), 1.0 / networks)
    fitted, found = fit(np.where(basis, 0, -1), equal, eye[None])
    one = found.curvature / np.maximum(found.counts, 1.0)[:, None, None] + 1e-3 * eye
    fitted, precision = np.repeat(fitted, count, axis=1), np.repeat(one, count, axis=0)
    for kind in (cut, ~cut):
        fitted, _ = fit(np.where(kind, cohorts, -1), fitted, PRIOR_EVENTS * precision)
    return CrossFitted(fitted[0], fitted[1:], folds, cohorts)


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
