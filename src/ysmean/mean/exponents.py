"""Fit the consensus's exponents: a concave likelihood, by Newton steps that stay above zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from ysmean.mean.held import Centred, softmax
from ysmean.mean.tile import DoubleArray, log_sum_exp

LEAST = 1e-4  # of a fitted exponent: the consensus covers what any of its networks covers
GAP = 1e-5  # nats a question that another step could gain; thousands tell 1e-3 at best
MAX_STEPS = 50


@dataclass(frozen=True)
class Moments:
    """The log-likelihood of P problems at some exponents, and its derivatives.

    Attributes:
        likelihood: float64 (P,), sum of log p of the targets.
        gradient: float64 (P, K).
        curvature: float64 (P, K, K), minus the second derivative; positive semidefinite.
        counts: float64 (P,), questions that were answered.
    """

    likelihood: DoubleArray
    gradient: DoubleArray
    curvature: DoubleArray
    counts: DoubleArray

    @classmethod
    def none(cls, count: int, networks: int) -> Moments:
        """Return those of no questions."""
        return cls(
            np.zeros(count),
            np.zeros((count, networks)),
            np.zeros((count, networks, networks)),
            np.zeros(count),
        )

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both sets of questions."""
        return Moments(
            self.likelihood + other.likelihood,
            self.gradient + other.gradient,
            self.curvature + other.curvature,
            self.counts + other.counts,
        )


def moments(
    held: Centred,
    exponents: DoubleArray,
    columns: npt.NDArray[np.int64],
    problems: npt.NDArray[np.int64],
    count: int,
) -> Moments:
    """Return the moments of a batch of questions.

    With x_k the centred logits of network k, log p = sum_k a_k x_k - log-normalizer: its gradient
    is x(target) - E x, and minus its second derivative the covariance of x, both under p.

    Args:
        held: of the batch, at temperature 1.
        exponents: (B, K), of each question's problem; as of `combined`.
        columns: int64 (B,), of the targets.
        problems: int64 (B,), which of `count` problems each question belongs to; -1 for none.
        count: P.
    """
    found = Moments.none(count, exponents.shape[1])
    for b in np.flatnonzero((problems >= 0) & exponents.any(1)):
        x, column, problem = held.x[b], columns[b], problems[b]
        if not held.heard[b, column]:
            continue
        total = exponents[b].astype(np.float32) @ x  # (n,)
        total[~held.heard[b]] = -np.inf
        p = softmax(total)
        mean = (x @ p).astype(np.float64)
        found.likelihood[problem] += total[column] - log_sum_exp(total)
        found.gradient[problem] += x[:, column] - mean
        found.curvature[problem] += (x * p) @ x.T - np.outer(mean, mean)
        found.counts[problem] += 1
    return found


def fit_exponents(
    evaluate: Callable[[DoubleArray], Moments],
    centre: DoubleArray,
    precision: DoubleArray,
) -> tuple[DoubleArray, Moments]:
    """Return the exponents that maximise each problem's posterior, not below `LEAST`.

    Newton's method: each step solves the quadratic model under the bounds, and is halved until
    the posterior does not fall. It ends when no step could gain 1e-5 nats a question.

    Args:
        evaluate: exponents (P, K) -> moments.
        centre: (P, K), of a normal prior; also where the search starts.
        precision: (P, K, K), of the prior; positive definite.

    Returns:
        float64 (P, K), and the moments there.
    """
    best = np.maximum(centre, LEAST)
    reached = evaluate(best)
    value = _posterior(best, reached, centre, precision)
    step, promised = _steps(best, reached, centre, precision)
    for _ in range(MAX_STEPS):
        if (promised <= GAP * (reached.counts + 1)).all():
            break
        tried = best + step
        found = evaluate(tried)
        values = _posterior(tried, found, centre, precision)
        better = values >= value - 1e-9 * np.abs(value)
        best = np.where(better[:, None], tried, best)
        value = np.where(better, values, value)
        reached = _chosen(better, found, reached)
        steps, promises = _steps(best, reached, centre, precision)
        step = np.where(better[:, None], steps, step / 2)
        promised = np.where(better, promises, promised / 2)
    return best, reached


def without_each(
    fitted: DoubleArray, taught: Moments, centres: DoubleArray, precision: DoubleArray
) -> DoubleArray:
    """Return exponents as if each fold in turn had not been learned from, (F, P, K).

    One Newton step from the exponents fitted on all folds, on the moments of the others; what a
    step more would change is of second order in a fold's part.

    Args:
        fitted: (P, K), of all folds.
        taught: moments at `fitted` of F P problems, those of the first fold first.
        centres: (F, P, K), of the priors.
        precision: (P, K, K), of the priors.
    """
    folds = len(centres)

    def others(values: DoubleArray) -> DoubleArray:
        parts = values.reshape(folds, len(fitted), *values.shape[1:])
        return np.asarray((parts.sum(0) - parts).reshape(values.shape))

    rest = Moments(
        *map(others, (taught.likelihood, taught.gradient, taught.curvature, taught.counts))
    )
    start = np.tile(fitted, (folds, 1))
    steps, _ = _steps(start, rest, centres.reshape(start.shape), np.tile(precision, (folds, 1, 1)))
    return np.asarray((start + steps).reshape(centres.shape))


def _posterior(
    a: DoubleArray, found: Moments, centre: DoubleArray, precision: DoubleArray
) -> DoubleArray:
    off = a - centre
    return np.asarray(found.likelihood - np.einsum("pk,pkl,pl->p", off, precision, off) / 2)


def _steps(
    a: DoubleArray, found: Moments, centre: DoubleArray, precision: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return the best step (P, K) of each quadratic model under the bounds, and its gain (P,)."""
    steps, gains = np.zeros_like(a), np.zeros(len(a))
    for p in range(len(a)):
        h = found.curvature[p] + precision[p]
        g = found.gradient[p] - precision[p] @ (a[p] - centre[p])
        root = np.linalg.cholesky(h).T  # h = root' root
        goal = a[p] - LEAST + np.linalg.solve(h, g)
        steps[p] = nnls(root, root @ goal)[0] + LEAST - a[p]
        gains[p] = g @ steps[p] - steps[p] @ h @ steps[p] / 2
    return steps, gains


def _chosen(which: npt.NDArray[np.bool_], a: Moments, b: Moments) -> Moments:
    return Moments(
        np.where(which, a.likelihood, b.likelihood),
        np.where(which[:, None], a.gradient, b.gradient),
        np.where(which[:, None, None], a.curvature, b.curvature),
        np.where(which, a.counts, b.counts),
    )
