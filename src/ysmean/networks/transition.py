"""Transition: what is taken after the items just taken. Cheap, and strong where order matters.

Items that nobody took yet are scored as those like them are taken around the same items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError
from ysmean.networks.causes import Causes, row_parts
from ysmean.networks.dot import answers_to_history
from ysmean.networks.growth import Changed, fitted_to
from ysmean.networks.mapped import Mapped
from ysmean.networks.mapped_layers import MappedLogs
from ysmean.networks.network import BoolArray, FloatArray, Head, Network, State, TrainingData
from ysmean.networks.pairs import count_pairs, smoothed_rows
from ysmean.networks.rows import RowTable, SparseRows, sum_rows
from ysmean.networks.towers import covered
from ysmean.networks.transition_layers import DecayedLookup, LogMixture

EVEN = 1.0  # added to what is said of a new item, in even shares of the items with events


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
        cold: whether it scores new items as well, by what they are.
        own: with `cold`, pseudo-counts with which every item goes with itself: what is like an item
            of the history counts beside what is like its company.
        penalty: with `cold`, of the ridge regression on what items are.
    """

    kind: ClassVar[str] = "transition"
    window: int = 10
    history: int = 10
    decay: float = 0.7
    smoothing: float = 5.0
    neighbours: int = 500
    cold: bool = True
    own: float = 20.0
    penalty: float = 30.0

    def __post_init__(self) -> None:
        """Refuse settings that make no distribution."""
        if min(self.window, self.history, self.neighbours) < 1:
            raise ConfigError("Transition: window, history and neighbours must be at least 1.")
        if not (0 < self.decay <= 1 and self.smoothing > 0):
            raise ConfigError(
                f"Transition got decay={self.decay}, smoothing={self.smoothing}; "
                "decay must lie in (0, 1] and smoothing above 0."
            )
        if self.own < 0 or self.penalty <= 0:
            raise ConfigError(
                f"Transition got own={self.own}, penalty={self.penalty}; own must not be negative "
                "and penalty above 0."
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
        popular = (popular / max(popular.sum(), 1e-12)).astype(np.float32)
        mapped = self._mapped(data, pairs, popular) if self.cold else None
        return TransitionNetwork(self, table, rest, popular, mapped)

    def _mapped(
        self, data: TrainingData, pairs: sparse.csr_array, popular: FloatArray
    ) -> Mapped | None:
        """Learn how what items are tells what they are taken with, before and after."""
        taught = data.learnable & covered(data.features)
        if not taught.any():
            return None
        company = sparse.csr_array(pairs + pairs.T + self.own * sparse.eye_array(len(taught)))
        totals = np.asarray(company.sum(1)) + self.smoothing
        company = sparse.csr_array(sparse.diags_array(1 / totals) @ company)[:, taught]
        rest = self.smoothing / totals

        def columns(values: FloatArray) -> FloatArray:
            told = company @ values + np.outer(rest, popular[taught] @ values)
            return np.asarray(told, np.float32)

        told = np.flatnonzero(covered(data.features) & ~taught)
        return Mapped.learn(columns, data.wide, np.flatnonzero(taught), told, self.penalty)


class TransitionNetwork(Network):
    """log of p(i) = sum_j a_j (table[h_j, i] + rest[h_j] popular[i]), a_j decayed to sum 1.

    New items have mapped columns in place of those of the table.
    """

    left_out = ()

    def __init__(
        self,
        spec: Transition,
        table: RowTable,
        rest: FloatArray,
        popular: FloatArray,
        mapped: Mapped | None,
    ) -> None:
        """Keep the transitions.

        Args:
            spec: the settings.
            table: N rows of transition probabilities.
            rest: float32 (N,), the probability each row leaves to popularity.
            popular: float32 (N,), sums to 1 over the items with events.
            mapped: what items without events are told by, and those that stood in for them.
        """
        self.spec, self.table, self.rest, self.popular = spec, table, rest, popular
        self.mapped, self.knows_cold = mapped, mapped is not None
        self.taken = popular > 0
        self.coverage = self.taken.copy()
        if mapped is not None:
            self.coverage[mapped.classes] = True
        self._new = None if mapped is None else mapped.only(~self.taken)
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
        return answers_to_history(batch, self.taken, self.spec.history)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return the log of the mixed rows."""
        return self._scores(batch, self._new)

    def head_as_new(self, batch: Batch, new: BoolArray) -> Head:
        """Return the answer with mapped columns for some items that have events, too."""
        mapped = None if self.mapped is None else self.mapped.only(~self.taken | new)
        covered = self.taken & ~new
        if mapped is not None:
            covered[mapped.classes] = True
        return Head(self._scores(batch, mapped), self.answers(batch), covered)

    def _scores(self, batch: Batch, new: Mapped | None) -> Callable[[int, int], FloatArray]:
        """Return the scores by the table, but for those that are mapped."""
        tokens, weights = self._recent(batch)
        rows = sum_rows(self.table, tokens, weights)
        rest = (weights * np.append(0, self.rest)[tokens]).sum(1).astype(np.float32)  # (B,)
        mapped = None if new is None else new.sums(tokens, weights)

        def tile(lo: int, hi: int) -> FloatArray:
            mixed = rows(lo, hi) + rest[:, None] * self.popular[lo:hi]
            if mapped is not None:
                columns, sums = mapped(lo, hi)
                mixed[:, columns] = np.maximum(sums, 0) + self._even
            return np.asarray(np.log(np.maximum(mixed, 1e-30)), np.float32)

        return tile

    @cached_property
    def _even(self) -> float:
        return EVEN / max(int(self.taken.sum()), 1)

    def causes(self, batch: Batch, classes: npt.NDArray[np.int32]) -> list[Causes]:
        """Return the parts of p(i) by recent item, and the part that their rows leave over."""
        tokens, weights = self._recent(batch)
        rest = (weights * np.append(0, self.rest)[tokens]).sum(1)  # (B,)
        left = (rest[:, None] * self.popular[classes])[:, :, None].astype(np.float64)
        parts = row_parts(self.table, tokens, weights, classes)
        if self._new is not None:  # which have no part in the table
            parts = parts + self._new.parts(tokens, weights, classes)
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
        logs = mixture(rows, tokens, weights)
        if self._new is None:
            return logs
        layer = MappedLogs.of(self._new, len(self.popular), self._even, name="transition_new")
        return layer(logs, tokens, weights)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> TransitionNetwork:
        """Return a network that scores the new items by what they are, if it knew any so."""
        size = len(catalogue)
        table = replace(self.table, size=size)
        popular = fitted_to(self.popular, size)
        mapped = None if self.mapped is None else self.mapped.with_items(size, changed)
        return TransitionNetwork(self.spec, table, self.rest, popular, mapped)

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
                **({} if self.mapped is None else self.mapped.arrays()),
            },
        )

    @classmethod
    def from_state(cls, spec: Transition, state: State, catalogue: Catalogue) -> TransitionNetwork:
        """Rebuild from the table and what new items are told by."""
        a, size = state.arrays, len(catalogue)
        table = RowTable(a["offsets"], a["classes"], a["values"], size)
        return cls(spec, table, a["rest"], fitted_to(a["popular"], size), Mapped.of(a))
