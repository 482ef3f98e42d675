"""Ask the fitted networks the held-out events, and fit the proportions of their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.catalogue import Catalogue
from ysmean.data.histories import COHORTS, cohort_of
from ysmean.mean.fitting import fit_cohorts, fit_cold_odds, fit_temperatures
from ysmean.mean.proportions import COLD_ODDS, Proportions
from ysmean.mean.ranks import target_log_probabilities
from ysmean.mean.stream import BoolArray, DoubleArray, Stream
from ysmean.networks.network import Network

CUTS = (0, 1, 2, 3, 5, 8)
WHOLE = 6000
CUT = 1500
COLD = 1500
HEATED = 1500
CHUNK = 256


@dataclass(frozen=True)
class Asked:
    """Questions of one segment: whole histories first, then cut ones."""

    parts: list[Questions]
    whole: BoolArray
    cohorts: npt.NDArray[np.int64]


def fit_proportions(
    networks: Mapping[str, Network],
    catalogue: Catalogue,
    pseudo_cold: BoolArray,
    held_out: Questions,
    pseudo: Questions,
    base: BoolArray,
    seed: int,
    withheld: BoolArray | None = None,
) -> tuple[Proportions, dict[str, float]]:
    """Fit temperatures, weights by segment and cohort, and the odds of cold items.

    Warm members are asked the held-out events with whole and with cut histories; cold members
    the events on pseudo-cold items, ranked among those items alone, as items without events.

    Args:
        networks: fitted, by name.
        catalogue: N items.
        pseudo_cold: bool (N,), the items that stand in for cold ones.
        held_out: events that no network learned from.
        pseudo: events on pseudo-cold items.
        base: bool (N,), classes that may be answered with.
        seed: of the choice of questions.
        withheld: bool (N,), items whose events were taken out for a test; how often people take
            new items cannot be learned from those.

    Returns:
        The proportions, and the mean negative log-likelihood, in nats, of held-out targets with
        their whole histories among warm items, by network and for the fitted mean.
    """
    rng = np.random.default_rng([seed, 7])
    warm_targets = held_out[catalogue.warm[held_out.targets]]
    warm = _asked(warm_targets, WHOLE, CUT, rng)
    cold = _asked(pseudo, COLD, COLD // 3, rng)
    segments = (
        _Segment(networks, catalogue, base & catalogue.warm, np.zeros(len(catalogue), bool), warm),
        _Segment(networks, catalogue, base & pseudo_cold, pseudo_cold, cold),
    )
    fitted = [segment.fit(rng) for segment in segments]
    new = base & ~catalogue.warm if withheld is None else base & ~catalogue.warm & ~withheld
    counts = _segment_counts(held_out, base & catalogue.warm, new, catalogue)
    odds = fit_cold_odds(~catalogue.warm[held_out.targets], counts, COLD_ODDS)
    proportions = Proportions(
        tuple(networks),
        np.stack([fit.weights for fit in fitted]),
        np.stack([fit.temperatures for fit in fitted], axis=1),
        odds,
    )
    return proportions, fitted[0].losses(tuple(networks))


@dataclass(frozen=True)
class _Fitted:
    """One segment's weights (C, K), temperatures (K,), and what they were fitted on."""

    weights: DoubleArray
    temperatures: DoubleArray
    logs: DoubleArray
    cohorts: npt.NDArray[np.int64]

    def losses(self, names: tuple[str, ...]) -> dict[str, float]:
        """Return the mean -log p by network and of the mean; networks that answer none left out."""
        mixed = (np.exp(self.logs) * self.weights[self.cohorts]).sum(1)
        columns = [*np.exp(self.logs).T, mixed]
        return {
            name: float(-np.log(p[p > 0]).mean())
            for name, p in zip((*names, "mean"), columns, strict=True)
            if (p > 0).any()
        }


@dataclass(frozen=True)
class _Segment:
    """One segment's members and the questions they are fitted on.

    Attributes:
        networks: by name.
        catalogue: for when items are available.
        base: bool (N,), the classes of the segment.
        cold: bool (N,), classes to be treated as cold: without what their own events tell.
        asked: the questions.
    """

    networks: Mapping[str, Network]
    catalogue: Catalogue
    base: BoolArray
    cold: BoolArray
    asked: Asked

    def fit(self, rng: np.random.Generator) -> _Fitted:
        """Fit temperatures, then weights."""
        asked = self.asked
        some = asked.whole if asked.whole.any() else ~asked.whole
        # Networks that need no history matter most to users without one; there they are fitted.
        from_history = [network.from_history for network in self.networks.values()]
        heat = np.where(
            from_history,
            self._temperatures(some, rng),
            self._temperatures(asked.cohorts == 0, rng),
        )
        logs = self.log_probabilities(heat)
        weights = fit_cohorts(np.exp(logs), asked.cohorts, asked.whole, len(COHORTS))
        return _Fitted(weights, heat, logs[asked.whole], asked.cohorts[asked.whole])

    def _temperatures(self, asked: BoolArray, rng: np.random.Generator) -> DoubleArray:
        """Fit temperatures on some of the questions, at most `HEATED` of them."""
        chosen = rng.permutation(np.flatnonzero(asked))[:HEATED]
        sample = np.isin(np.arange(len(asked)), chosen)
        count = len(self.networks)
        if not sample.any():
            return np.ones(count)
        return fit_temperatures(lambda t: self.log_probabilities(t, sample), count)

    def log_probabilities(
        self, temperatures: DoubleArray, sample: BoolArray | None = None
    ) -> DoubleArray:
        """Return each network's log p of each question's target, (n, K)."""
        heat = np.repeat(temperatures[:, None], 2, axis=1)
        logs, first = [np.zeros((0, len(self.networks)))], 0
        for part in self.asked.parts:
            chosen = slice(None) if sample is None else sample[first : first + len(part)]
            first += len(part)
            for questions in part[chosen].chunks(CHUNK):
                stream = self._stream(questions, heat)
                logs.append(target_log_probabilities(stream, questions.targets))
        return np.concatenate(logs)

    def _stream(self, questions: Questions, heat: DoubleArray) -> Stream:
        batch = questions.batch()
        heads = [network.head(batch) for network in self.networks.values()]
        if self.cold.any():  # those that know items by id do not cover cold ones
            heads = [
                head if network.knows_cold else replace(head, coverage=head.coverage & ~self.cold)
                for head, network in zip(heads, self.networks.values(), strict=True)
            ]
        allowed = questions.allowed(self.base, available=self.catalogue.available)
        return Stream(heads, self.cold, heat, allowed)


def _asked(questions: Questions, whole: int, cut: int, rng: np.random.Generator) -> Asked:
    """Choose questions: up to `whole` with whole histories, up to `cut` for each cut."""
    order = rng.permutation(len(questions))
    parts = [questions[np.sort(order[:whole])]]
    few = questions[np.sort(order[:cut])]
    parts += [few.cut(shown) for shown in CUTS]
    cohorts = np.concatenate([cohort_of(part.ends - part.starts) for part in parts])
    is_whole = np.arange(len(cohorts)) < len(parts[0])
    return Asked(parts, is_whole, cohorts)


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
