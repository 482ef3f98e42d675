"""Popularity: what is taken most, lately. The baseline, and the last resort that always answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.histories import Histories
from ysmean.errors import ConfigError
from ysmean.networks.causes import Causes
from ysmean.networks.growth import Changed, fitted_to
from ysmean.networks.network import BoolArray, FloatArray, Network, State, TrainingData
from ysmean.networks.scores import ItemBias

DAY = 86_400.0


@dataclass(frozen=True)
class Popularity:
    """Smoothed, time-decayed counts.

    Attributes:
        half_life_days: days after which an event counts half, measured back from the last
            training event; ignored where events have no time.
        smoothing: added to every item's count, so that an item without events has a chance.
    """

    kind: ClassVar[str] = "popularity"
    half_life_days: float = 90.0
    smoothing: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings that make no distribution."""
        if not (self.half_life_days > 0 and self.smoothing > 0):
            raise ConfigError(
                f"Popularity got half_life_days={self.half_life_days}, "
                f"smoothing={self.smoothing}; both must be above 0."
            )

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        return None

    def begin(self, data: TrainingData, seed: int) -> PopularityNetwork:
        """Count; there is nothing to learn by steps."""
        counts = decayed_counts(data.histories, len(data.catalogue), self.half_life_days)
        return PopularityNetwork(self, counts.astype(np.float32))


class PopularityNetwork(Network):
    """p(i) proportional to the item's count + smoothing, the same for every request."""

    knows_cold = True
    from_history = False
    left_out = ()

    def __init__(self, spec: Popularity, counts: FloatArray) -> None:
        """Keep the counts, float32 (N,)."""
        self.spec, self.counts = spec, counts
        self.coverage = np.ones(len(counts), bool)
        self.prior = np.log(counts + spec.smoothing).astype(np.float32)

    def answers(self, batch: Batch) -> BoolArray:
        """Answer always."""
        return np.ones(len(batch), bool)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Give 0 everywhere: all that popularity knows is the prior."""
        return lambda lo, hi: np.zeros((len(batch), hi - lo), np.float32)

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> list[Causes]:
        """Return the counts."""
        one = np.ones((len(batch), 1), np.int32)
        counts = self.counts[classes][:, :, None].astype(np.float64)
        return [Causes("popularity", "events", one, counts)]

    def keras_scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return zeros (B, N)."""
        return ItemBias(len(self.counts), name="popularity_scores")(inputs["tokens"])

    def with_items(self, catalogue: Catalogue, changed: Changed) -> PopularityNetwork:
        """Return a network in which new items count 0."""
        return PopularityNetwork(self.spec, fitted_to(self.counts, len(catalogue)))

    def state(self) -> State:
        """Return the counts."""
        return State({}, {"counts": self.counts})

    @classmethod
    def from_state(cls, spec: Popularity, state: State, catalogue: Catalogue) -> PopularityNetwork:
        """Rebuild from the counts; items added since then count 0."""
        return cls(spec, fitted_to(state.arrays["counts"], len(catalogue)))


def decayed_counts(
    histories: Histories, size: int, half_life_days: float
) -> npt.NDArray[np.float64]:
    """Return each class's events, an event of `half_life_days` ago counting half, float64 (N,)."""
    weights = histories.weights.astype(np.float64)
    if histories.times is not None and len(histories.times):
        age = (histories.times.max() - histories.times) / DAY
        weights = weights * 0.5 ** (age / half_life_days)
    return np.bincount(histories.classes, weights=weights, minlength=size).astype(np.float64)
