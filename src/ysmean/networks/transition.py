"""Transition: what is taken after the items just taken. Cheap, and strong where order matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.histories import Histories
from ysmean.errors import ConfigError
from ysmean.networks.causes import Causes, row_parts
from ysmean.networks.dot import answers_to_history
from ysmean.networks.growth import Changed, fitted_to
from ysmean.networks.network import BoolArray, FloatArray, Network, State, TrainingData
from ysmean.networks.rows import RowTable, SparseRows, sum_rows
from ysmean.networks.transition_layers import DecayedLookup, LogMixture


@dataclass(frozen=True)
class Transition:
    """A smoothed Markov chain over recent items.

    Attributes:
        window: pairs of events up to so many steps apart are counted, weighted by 1 / distance.
        history: how many recent items vote.
        decay: weight of an item relative to the one taken after it, in (0, 1].
        smoothing: pseudo-counts of popularity added to every item's transitions.
        neighbours: strongest followers kept for each item; the rest of its probability goes to
            popularity.
    """

    kind: ClassVar[str] = "transition"
    window: int = 10
    history: int = 10
    decay: float = 0.7
    smoothing: float = 5.0
    neighbours: int = 500

    def __post_init__(self) -> None:
        """Refuse settings that make no distribution."""
        if min(self.window, self.history, self.neighbours) < 1:
            raise ConfigError("Transition: window, history and neighbours must be at least 1.")
        if not (0 < self.decay <= 1 and self.smoothing > 0):
            raise ConfigError(
                f"Transition got decay={self.decay}, smoothing={self.smoothing}; "
                "decay must lie in (0, 1] and smoothing above 0."
            )

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""
        return None

    def begin(self, data: TrainingData, seed: int) -> TransitionNetwork:
        """Count the pairs; there is nothing to learn by steps."""
        size = len(data.catalogue)
        pairs = count_pairs(data.histories, size, self.window)
        counts = data.histories.counts(size)
        popular = (counts + 1.0) * (counts > 0)
        table, rest = smoothed_rows(pairs, self.smoothing, self.neighbours)
        popular = popular / max(popular.sum(), 1e-12)
        return TransitionNetwork(self, table, rest, popular.astype(np.float32))


class TransitionNetwork(Network):
    """log of p(i) = sum_j a_j (table[h_j, i] + rest[h_j] popular[i]), a_j decayed to sum 1."""

    left_out = ()

    def __init__(
        self, spec: Transition, table: RowTable, rest: FloatArray, popular: FloatArray
    ) -> None:
        """Keep the transitions.

        Args:
            spec: the settings.
            table: N rows of transition probabilities.
            rest: float32 (N,), the probability each row leaves to popularity.
            popular: float32 (N,), sums to 1 over the items with events.
        """
        self.spec, self.table, self.rest, self.popular = spec, table, rest, popular
        self.coverage = popular > 0
        self._matrix_rows = len(rest)

    def _recent(self, batch: Batch) -> tuple[npt.NDArray[np.int32], FloatArray]:
        """Return the last known items (B, L) as tokens and their decayed weights, summing to 1."""
        tokens = batch.tokens[:, -self.spec.history :]
        known = (tokens > 0) & (tokens <= self._matrix_rows)
        weights = known * self.spec.decay ** np.arange(tokens.shape[1] - 1, -1, -1)
        weights = weights / np.maximum(weights.sum(1, keepdims=True), 1e-12)
        return np.where(known, tokens, 0), weights.astype(np.float32)

    def answers(self, batch: Batch) -> BoolArray:
        """Answer requests with a recent item that was trained on."""
        return answers_to_history(batch, self.coverage, self.spec.history)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return the log of the mixed rows."""
        tokens, weights = self._recent(batch)
        rows = sum_rows(self.table, tokens, weights)
        rest = (weights * np.append(0, self.rest)[tokens]).sum(1).astype(np.float32)  # (B,)

        def tile(lo: int, hi: int) -> FloatArray:
            mixed = rows(lo, hi) + rest[:, None] * self.popular[lo:hi]
            return np.asarray(np.log(np.maximum(mixed, 1e-30)), np.float32)

        return tile

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> list[Causes]:
        """Return the parts of p(i) by recent item, and the part that their rows leave over."""
        tokens, weights = self._recent(batch)
        rest = (weights * np.append(0, self.rest)[tokens]).sum(1)  # (B,)
        left = (rest[:, None] * self.popular[classes])[:, :, None].astype(np.float64)
        parts = row_parts(self.table, tokens, weights, classes)
        one = np.ones((len(batch), 1), np.int32)
        return [
            Causes("item", "probability", tokens, parts),
            Causes("popularity", "probability", one, left),
        ]

    def keras_scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return the same logs from Keras layers."""
        lookup = DecayedLookup(
            self.spec.history, self.spec.decay, self._matrix_rows, name="transition_recent"
        )
        tokens, weights = lookup(inputs["tokens"])
        rows = SparseRows.of(self.table, name="transition_rows")(tokens, weights)
        mixture = LogMixture.of(self.rest, self.popular, name="transition_scores")
        return mixture(rows, tokens, weights)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> TransitionNetwork:
        """Return a network that knows of the new items, and covers none of them."""
        size = len(catalogue)
        table = replace(self.table, size=size)
        return TransitionNetwork(self.spec, table, self.rest, fitted_to(self.popular, size))

    def state(self) -> State:
        """Return the table and its smoothing."""
        return State(
            {},
            {
                "offsets": self.table.offsets,
                "classes": self.table.classes,
                "values": self.table.values,
                "rest": self.rest,
                "popular": self.popular,
            },
        )

    @classmethod
    def from_state(cls, spec: Transition, state: State, catalogue: Catalogue) -> TransitionNetwork:
        """Rebuild from the table; items added since then are not covered."""
        a, size = state.arrays, len(catalogue)
        table = RowTable(a["offsets"], a["classes"], a["values"], size)
        return cls(spec, table, a["rest"], fitted_to(a["popular"], size))


def count_pairs(histories: Histories, size: int, window: int) -> sparse.csr_array:
    """Return how often class b follows class a, weighted by 1 / steps between them, (N, N)."""
    total = sparse.csr_array((size, size), dtype=np.float32)
    users, classes = histories.users, histories.classes
    for distance in range(1, window + 1):
        same = users[distance:] == users[:-distance]
        weights = histories.weights[distance:][same] / np.float32(distance)
        pair = (classes[:-distance][same], classes[distance:][same])
        total = total + sparse.csr_array((weights, pair), shape=(size, size))
    return total


def smoothed_rows(
    pairs: sparse.csr_array, smoothing: float, neighbours: int
) -> tuple[RowTable, FloatArray]:
    """Return the transition rows count / (row sum + smoothing), and what each leaves over.

    Args:
        pairs: (N, N) weighted counts.
        smoothing: pseudo-counts left to popularity.
        neighbours: entries kept a row, the largest; ties by lower class.
    """
    size = pairs.shape[0]
    lengths = np.diff(pairs.indptr)
    owner = np.repeat(np.arange(size), lengths)
    totals = np.bincount(owner, weights=pairs.data, minlength=size) + smoothing
    order = np.lexsort((pairs.indices, -pairs.data, owner))
    rank = np.arange(len(order)) - np.repeat(pairs.indptr[:-1], lengths)
    kept = np.sort(order[rank < neighbours])
    kept = kept[np.lexsort((pairs.indices[kept], owner[kept]))]
    values = (pairs.data[kept] / totals[owner[kept]]).astype(np.float32)
    counts = np.bincount(owner[kept], minlength=size)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rest = 1.0 - np.bincount(owner[kept], weights=values, minlength=size)
    table = RowTable(offsets, pairs.indices[kept].astype(np.int32), values, size)
    return table, rest.astype(np.float32)
