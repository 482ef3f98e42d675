"""Fit proportions on held-out events: temperatures of the members, then weights by EM.

Everything is fitted on the likelihood of the mixture, conditional on the target's segment.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from ysmean.mean.tile import BoolArray, DoubleArray

FLOOR = 0.002
PRIOR_EVENTS = 50.0
GAP = 1e-6
MAX_STEPS = 20_000
TEMPERATURES = np.geomspace(0.25, 8.0, 11)
STARTS = (1.0, 0.5)  # besides what is best for each network alone
ROUNDS = 20


def fit_weights(
    probabilities: DoubleArray,
    prior: DoubleArray | None = None,
    *,
    floor: float = FLOOR,
    strength: float = PRIOR_EVENTS,
) -> DoubleArray:
    """Return the weights that maximise the mixture's posterior, v = floor + (1 - K floor) u.

    EM for u over the components r_k = (1 - K floor) p_k + floor sum_j p_j, with a prior worth
    `strength` events centred on `prior`. It ends when the duality gap
    max_k [mean(r_k / p_mix) + c prior_k / (n u_k)] - (1 + c / n) is at most 1e-6 (the weights are
    then within 1e-6 nats a request of the optimum).

    Args:
        probabilities: (n, K), each member's probability of each target; 0 = abstains or cannot.
        prior: (K,) sums to 1; uniform by default.
        floor: smallest weight of any member, below 1 / K.
        strength: of the prior, in events, >= 0.

    Returns:
        float64 (K,), sums to 1, each at least `floor`.
    """
    networks = probabilities.shape[1]
    centre = np.full(networks, 1.0 / networks) if prior is None else prior
    p = probabilities[probabilities.any(1)]
    n = len(p)
    if n + strength == 0 or networks == 1:
        return np.asarray(floor + (1 - networks * floor) * centre)
    spread = 1.0 - networks * floor
    r = spread * p + floor * p.sum(1, keepdims=True)
    r = r / np.maximum(r.max(1, keepdims=True), 1e-300)  # scale of a row does not matter
    u = np.maximum(centre, 1e-6)
    u = u / u.sum()
    for _ in range(MAX_STEPS):
        mix = r @ u
        gain = (r / mix[:, None]).sum(0) if n else np.zeros(networks)
        slope = gain + strength * centre / u
        if slope.max() <= (n + strength) * (1 + GAP):
            break
        u = np.maximum(u * slope / (n + strength), 1e-12)
        u = u / u.sum()
    return np.asarray(floor + spread * u)


def fit_cohorts(
    probabilities: DoubleArray,
    cohorts: npt.NDArray[np.int64],
    whole: BoolArray,
    cut: BoolArray,
    count: int,
) -> DoubleArray:
    """Return weights for each cohort, drawn towards the weights over all whole histories.

    Cut histories come second: a user who is asked for a late event as if nothing was known of
    them chooses otherwise than one who has just come. They tell what the weights of a cohort are
    drawn to, and what these are where nobody had such a history.

    Args:
        probabilities: (n, K).
        cohorts: int64 (n,), 0..count-1.
        whole: bool (n,), last events with their whole history; the global weights come from them
            alone, or the others would outvote them.
        cut: bool (n,), requests with a cut history.
        count: cohorts.

    Returns:
        float64 (count, K); rows sum to 1.
    """
    overall = fit_weights(probabilities[whole] if whole.any() else probabilities, strength=1.0)
    fitted = []
    for c in range(count):
        weights = overall
        for kind in (cut, ~cut):
            some = probabilities[(cohorts == c) & kind]
            weights = fit_weights(some, prior=weights) if len(some) else weights
        fitted.append(weights)
    return np.stack(fitted)


def fit_temperatures(
    log_probabilities: Callable[[DoubleArray], DoubleArray], networks: int
) -> DoubleArray:
    """Return the temperatures with which the mixture is most likely, (K,).

    They start where each network alone is most likely. Then weights and temperatures take turns
    until no temperature changes: a network whose misses others cover may stay sharp, though alone
    it would have to hedge.

    Args:
        log_probabilities: temperatures (K,) -> log p of the targets, (n, K); -inf where a network
            gives none.
        networks: K.

    Returns:
        float64 (K,) between 0.25 and 8; 1 where nothing is known.
    """
    coarse = np.stack([log_probabilities(np.full(networks, t)) for t in TEMPERATURES])
    answered = np.isfinite(coarse).all(0)  # (n, K)
    fine = np.linspace(np.log(TEMPERATURES[0]), np.log(TEMPERATURES[-1]), 61)
    spline = CubicSpline(np.log(TEMPERATURES), np.where(answered, coarse, -700.0))
    curves = np.where(answered, spline(fine), -700.0)  # (F, n, K)
    alone = np.argmax(np.where(answered, curves, 0.0).sum(1), axis=0)
    alone[~answered.any(0)] = int(np.argmin(np.abs(fine)))
    starts = [alone, *(np.full(networks, int(np.argmin(np.abs(fine - np.log(t))))) for t in STARTS)]
    ends = [_climb(curves, np.where(answered.any(0), start, alone)) for start in starts]
    best = max(ends, key=lambda end: end[1])[0]
    return np.asarray(np.exp(fine[best]))


def _climb(
    curves: DoubleArray, start: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], float]:
    """Let weights and temperatures take turns.

    Args:
        curves: (F, n, K), log p of each target by temperature.
        start: (K,), index of each network's first temperature.

    Returns:
        The indices at the end, and the mixture's mean log-likelihood there.
    """
    networks = len(start)
    place = start.copy()
    reached = -np.inf
    for _ in range(ROUNDS):
        p = np.exp(curves[place, :, np.arange(networks)]).T  # (n, K)
        weights = fit_weights(p, strength=1.0)
        before = reached
        for k in range(networks):
            rest = p @ weights - p[:, k] * weights[k]
            likely = np.log(np.maximum(rest + weights[k] * np.exp(curves[:, :, k]), 1e-300))
            means = likely.mean(1)  # (F,)
            if means.max() > means[place[k]] + GAP:
                place[k] = int(np.argmax(means))
                p[:, k] = np.exp(curves[place[k], :, k])
            reached = float(means[place[k]])
        if reached - before <= GAP:
            break
    return place, reached


def fit_cold_odds(
    is_cold: BoolArray, counts: npt.NDArray[np.int64], default: float, strength: float = 2.0
) -> float:
    """Return the odds of an allowed cold item against an allowed warm one.

    Maximises the likelihood of which segment held-out targets came from,
    P(cold) = rho c / (rho c + w), with a prior worth `strength` targets centred on the default.

    Args:
        is_cold: bool (n,), whether each target was cold at that time.
        counts: int64 (n, 2), allowed warm and cold classes.
        default: rho where there are no such targets.
        strength: of the prior, in targets.
    """
    usable = (counts > 0).all(1)
    if not (is_cold & usable).any():
        return default
    cold, odds = is_cold[usable], counts[usable, 1] / counts[usable, 0]
    grid = np.geomspace(default / 1000, default * 1000, 601)
    loss = [
        np.logaddexp(0, np.log(rho * odds)).sum()
        - cold.sum() * np.log(rho)
        + strength * (2 * np.logaddexp(0, np.log(rho / default)) - np.log(rho / default)) / 2
        for rho in grid
    ]
    return float(grid[int(np.argmin(loss))])
