"""Linear: a ridge regression of the next item on the faded history, solved in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError, NothingToLearn
from ysmean.networks.calibration import calibrate
from ysmean.networks.causes import Causes, row_parts
from ysmean.networks.dot import answers_to_history
from ysmean.networks.growth import Changed, fitted_to
from ysmean.networks.linear_layers import FadedLookup, LogAbove
from ysmean.networks.network import BoolArray, FloatArray, Network, State, TrainingData
from ysmean.networks.ridge import fading, normal_equations, solve, thin
from ysmean.networks.rows import RowTable, SparseRows, sum_rows


@dataclass(frozen=True)
class Linear:
    """Scores are a sum of one learned row for each item of the history, faded by its age.

    Steck's EASE (2019) explains an item by the other items of the same user; this one explains the
    next item by those before it, so that order counts and nothing has to be kept from explaining
    itself.

    Attributes:
        history: how many recent items are looked at.
        recency: the item n steps back weighs n ** -recency.
        regularisation: added to the diagonal of the normal equations.
        neighbours: strongest entries kept for each item.
        limit: items at most, those with the most events; the fit takes 8 limit² bytes. It learns
            all the others as one item, and covers none of them.
    """

    kind: ClassVar[str] = "linear"
    history: int = 50
    recency: float = 0.8
    regularisation: float = 300.0
    neighbours: int = 1000
    limit: int = 16_000

    def __post_init__(self) -> None:
        """Refuse settings that make no regression."""
        if min(self.history, self.neighbours, self.limit) < 1:
            raise ConfigError("Linear: history, neighbours and limit must be at least 1.")
        if not (self.recency >= 0 and self.regularisation > 0):
            raise ConfigError(
                f"Linear got recency={self.recency}, regularisation={self.regularisation}; "
                "recency must not be negative and regularisation above 0."
            )

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        return None

    def begin(self, data: TrainingData, seed: int) -> LinearNetwork:
        """Count, solve and thin out; there is nothing to learn by steps.

        Raises:
            NothingToLearn: if no user has two events.
        """
        counts = data.histories.counts(len(data.catalogue))
        covered = most_frequent(counts, self.limit)
        classes = np.flatnonzero(covered).astype(np.int32)  # (M,)
        size = len(classes)
        place = np.where(covered, np.cumsum(covered) - 1, size)  # of all the others: M
        histories = replace(data.histories, classes=place[data.histories.classes].astype(np.int32))
        if not (histories.lengths > 1).any():
            raise NothingToLearn("no user has two training events")
        fade = fading(self.history, self.recency)
        others = int((counts > 0).sum()) > size
        factor, weights = solve(
            *normal_equations(histories, size + others, fade), self.regularisation
        )
        floor, sharpness = calibrate(histories, fade, factor, weights, size, seed)
        table = spread(thin(weights[:size, :size], self.neighbours), classes, len(counts))
        return LinearNetwork(self, table, covered, floor, sharpness)


class LinearNetwork(Network):
    """s log(max(x . B, 0) + ε), where x is the faded history."""

    left_out = ()

    def __init__(
        self, spec: Linear, table: RowTable, coverage: BoolArray, floor: float, sharpness: float
    ) -> None:
        """Keep the rows.

        Args:
            spec: the settings.
            table: B, one row for each item there was when it was fitted.
            coverage: bool (N,), classes that were learned one by one.
            floor: ε, what an item gets that the history says nothing for.
            sharpness: s.
        """
        self.spec, self.table, self.coverage = spec, table, coverage
        self.floor, self.sharpness = floor, sharpness
        self._known = len(table.offsets) - 1
        self._fade = fading(spec.history, spec.recency)

    def answers(self, batch: Batch) -> BoolArray:
        """Answer requests with a recent item that was trained on."""
        return answers_to_history(batch, self.coverage, self.spec.history)

    def _recent(self, batch: Batch) -> tuple[npt.NDArray[np.int32], FloatArray]:
        """Return the last tokens (B, L) and what they weigh."""
        tokens = batch.tokens[:, -self.spec.history :]
        weights = np.where(tokens > 0, self._fade[: tokens.shape[1]][::-1], 0)
        return tokens, weights.astype(np.float32)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return the log of the summed rows above the floor."""
        tokens, weights = self._recent(batch)
        rows = sum_rows(self.table, tokens, weights)

        def tile(lo: int, hi: int) -> FloatArray:
            told = np.maximum(rows(lo, hi), 0)
            return np.asarray(self.sharpness * np.log(told + self.floor), np.float32)

        return tile

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> list[Causes]:
        """Return the parts of x . B by recent item."""
        tokens, weights = self._recent(batch)
        return [Causes("item", "score", tokens, row_parts(self.table, tokens, weights, classes))]

    def keras_scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return the same logs from Keras layers."""
        spec = self.spec
        lookup = FadedLookup(spec.history, spec.recency, self._known, name="linear_recent")
        rows = SparseRows.of(self.table, name="linear_rows")(*lookup(inputs["tokens"]))
        return LogAbove(self.floor, self.sharpness, name="linear_scores")(rows)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> LinearNetwork:
        """Return a network that knows of the new items, and covers none of them."""
        size = len(catalogue)
        table, coverage = replace(self.table, size=size), fitted_to(self.coverage, size)
        return LinearNetwork(self.spec, table, coverage, self.floor, self.sharpness)

    def state(self) -> State:
        """Return the rows and how they become logits."""
        return State(
            {"floor": self.floor, "sharpness": self.sharpness},
            {
                "offsets": self.table.offsets,
                "classes": self.table.classes,
                "values": self.table.values,
                "coverage": self.coverage,
            },
        )

    @classmethod
    def from_state(cls, spec: Linear, state: State, catalogue: Catalogue) -> LinearNetwork:
        """Rebuild from the rows; items added since then are not covered."""
        a, size = state.arrays, len(catalogue)
        coverage = fitted_to(a["coverage"], size)
        table = RowTable(a["offsets"], a["classes"], a["values"], size)
        return cls(spec, table, coverage, state.settings["floor"], state.settings["sharpness"])


def most_frequent(counts: npt.NDArray[np.float64], limit: int) -> BoolArray:
    """Return which classes count the most, bool (N,): `limit` of those above 0, at most."""
    chosen = np.argsort(-counts, kind="stable")[:limit]
    found = np.zeros(len(counts), bool)
    found[chosen] = counts[chosen] > 0
    return found


def spread(table: RowTable, classes: npt.NDArray[np.int32], size: int) -> RowTable:
    """Return a table over M classes as one over N, whose other rows are empty.

    Args:
        table: M rows over M classes.
        classes: int32 (M,), their classes, ascending.
        size: N.
    """
    lengths = np.zeros(size, np.int64)
    lengths[classes] = np.diff(table.offsets)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return RowTable(offsets, classes[table.classes], table.values, size)
