"""Fit proportions on held-out events: a temperature a member, then weights by EM.

Everything is fitted on the likelihood of the mixture, conditional on the target's segment.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ysmean.mean.stream import BoolArray, DoubleArray

FLOOR = 0.01
PRIOR_EVENTS = 50.0
GAP = 1e-6
MAX_STEPS = 20_000
MIN_REQUESTS = 30


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
    count: int,
) -> DoubleArray:
    """Return weights for each cohort, drawn towards the weights over all whole histories.

    Args:
        probabilities: (n, K).
        cohorts: int64 (n,), 0..count-1.
        whole: bool (n,), requests with their whole history; the global weights come from them
            alone, or the cut ones would outvote them.
        count: cohorts.

    Returns:
        float64 (count, K); rows sum to 1.
    """
    overall = fit_weights(probabilities[whole] if whole.any() else probabilities, strength=1.0)
    return np.stack([fit_weights(probabilities[cohorts == c], prior=overall) for c in range(count)])


def fit_temperatures(
    log_likelihoods: Callable[[DoubleArray], DoubleArray], networks: int
) -> DoubleArray:
    """Return for each network the temperature with the best mean log-likelihood, (K,).

    Args:
        log_likelihoods: temperatures (K,) -> mean log p of the targets, (K,); NaN for a network
            that answers none.
        networks: K.

    Returns:
        float64 (K,) between 0.2 and 10; 1 where nothing is known.
    """
    grid = np.geomspace(0.25, 8.0, 11)
    values = np.stack([log_likelihoods(np.full(networks, t)) for t in grid])  # (G, K)
    known = np.isfinite(values).all(0)
    best = np.clip(np.argmax(np.where(known, values, 0), axis=0), 1, len(grid) - 2)
    k = np.arange(networks)
    below, at, above = values[best - 1, k], values[best, k], values[best + 1, k]
    bend = below - 2 * at + above  # parabola through three points of log T
    shift = np.divide(0.5 * (below - above), bend, out=np.zeros(networks), where=known & (bend < 0))
    step = np.log(grid[1] / grid[0])
    fitted = np.exp(np.log(grid[best]) + np.clip(shift, -1, 1) * step)
    return np.where(known & (bend < 0), fitted, 1.0)


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
