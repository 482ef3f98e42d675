"""Ask the fitted networks the held-out events, and fit the proportions of their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from ysmean.data.batch import Questions
from ysmean.data.catalogue import Catalogue
from ysmean.mean.consensus import CONSENSUS
from ysmean.mean.fitting import fit_cold_odds
from ysmean.mean.proportions import COLD_ODDS, Proportions
from ysmean.mean.tile import BoolArray
from ysmean.networks.dot import keep_encodings
from ysmean.networks.network import Network
from ysmean.training.asked import choose
from ysmean.training.segment import Fitted, Segment

WHOLE = 6000
CUT = 1500
COLD = 1500


@dataclass(frozen=True)
class HeldOut:
    """How well held-out targets were predicted, with their whole histories among warm items.

    Attributes:
        losses: mean negative log-likelihood in nats, by network and of the fitted mean.
        gain: of the fitted mean over guessing, as of `Fitted.gain`.
    """

    losses: dict[str, float]
    gain: dict[str, float] | None


def fit_proportions(
    networks: Mapping[str, Network],
    catalogue: Catalogue,
    pseudo_cold: BoolArray,
    held_out: Questions,
    pseudo: Questions,
    begun: Questions,
    base: BoolArray,
    seed: int,
    withheld: BoolArray | None = None,
    consensus: bool = True,
) -> tuple[Proportions, HeldOut]:
    """Fit the consensus, temperatures, weights by segment and cohort, and the odds of cold items.

    Warm members are asked the held-out events with whole and with cut histories, and how some
    users began; cold members
    the events on pseudo-cold items, ranked among those items alone, as items without events.

    Args:
        networks: fitted, by name.
        catalogue: N items.
        pseudo_cold: bool (N,), the items that stand in for cold ones.
        held_out: events that no network learned from.
        pseudo: events on pseudo-cold items.
        begun: first events of some users, that no network learned from.
        base: bool (N,), classes that may be answered with.
        seed: of the choice of questions.
        withheld: bool (N,), items whose events were taken out for a test; how often people take
            new items cannot be learned from those.
        consensus: whether it takes part; with fewer than two networks it does not.

    Returns:
        The proportions, and how well they predict the held-out events.
    """
    rng = np.random.default_rng([seed, 7])
    warm_targets = held_out[catalogue.warm[held_out.targets]]
    warm = choose(warm_targets, WHOLE, CUT, rng, begun[catalogue.warm[begun.targets]])
    cold = choose(pseudo, COLD, COLD // 3, rng)
    segments = (
        Segment(networks, catalogue, base & catalogue.warm, np.zeros(len(catalogue), bool), warm),
        Segment(networks, catalogue, base & pseudo_cold, pseudo_cold, cold),
    )
    shared = consensus and len(networks) > 1
    keep_encodings(networks.values(), len(warm.whole) + len(cold.whole))  # all are asked many times
    with threadpool_limits(1, user_api="blas"):  # threads wait for each other on small products
        heats = [segment.temperatures(rng) for segment in segments]
        products = [
            segment.consensus(np.random.default_rng([seed, 13, number])) if shared else None
            for number, segment in enumerate(segments)
        ]
        order = np.random.default_rng([seed, 31])
        fits = [s.weights(h, p, order) for s, h, p in zip(segments, heats, products, strict=True)]
    keep_encodings(networks.values(), 0)
    fitted, *joined = zip(*fits, strict=True)  # of the networks alone, of all members
    new = base & ~catalogue.warm if withheld is None else base & ~catalogue.warm & ~withheld
    counts = _segment_counts(held_out, base & catalogue.warm, new, catalogue)
    odds = fit_cold_odds(~catalogue.warm[held_out.targets], counts, COLD_ODDS)
    candidates = int((base & catalogue.warm).sum())

    def held_out_by(fit: Fitted, names: tuple[str, ...]) -> HeldOut:
        return HeldOut(fit.losses(names), fit.gain(candidates))

    weights = np.stack([fit.weights for fit in fitted])
    temperatures = np.stack([fit.temperatures for fit in fitted], axis=1)
    pure = Proportions(tuple(networks), weights, temperatures, odds)
    if not joined:
        return pure, held_out_by(fitted[0], pure.names)
    proportions = replace(
        pure,
        names=(*pure.names, CONSENSUS),
        weights=np.stack([fit.weights for fit in joined[0]]),
        exponents=np.stack([fit.exponents for fit in joined[0]]),
        pure_weights=weights,
    )
    return proportions, held_out_by(joined[0][0], proportions.names)


def _segment_counts(
    held_out: Questions, warm: BoolArray, cold: BoolArray, catalogue: Catalogue
) -> npt.NDArray[np.int64]:
    """Return how many warm and cold classes each question may be answered with, (n, 2)."""
    open_at = [_available(catalogue, classes, held_out.at) for classes in (warm, cold)]
    seen = held_out.ends - held_out.seen_starts
    return np.stack([np.maximum(open_at[0] - seen, 0), open_at[1]], axis=1)


def _available(
    catalogue: Catalogue, chosen: BoolArray, at: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return how many of the chosen classes are available at each time; all at unknown times."""
    count = np.full(len(at), int(chosen.sum()))
    known = np.isfinite(at)
    for side, sign in zip(catalogue.available, (1, -1), strict=True):
        if side is not None:
            bounds = np.sort(side[chosen & np.isfinite(side)])
            passed = np.searchsorted(bounds, at[known], side="right")
            count[known] += passed - len(bounds) if sign > 0 else -passed
    return count
