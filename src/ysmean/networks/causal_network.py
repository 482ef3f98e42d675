"""A trained network that reads a history in order: its weights as an encoder and item vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import keras
import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.networks.dot import DotNetwork, answers_to_history, named_weights, set_named_weights
from ysmean.networks.elapsed import Spans
from ysmean.networks.encodings import Shown
from ysmean.networks.growth import Changed, fitted_to, room
from ysmean.networks.network import BoolArray, FloatArray, Head, State, TrainingData
from ysmean.networks.regression import chunks, directions, slopes
from ysmean.networks.towers import covered

if TYPE_CHECKING:
    from ysmean.networks.causal import Causal

TABLES = ("known/known", "embedding/embeddings")
KERNEL, COVERAGE = "embedding/kernel", "coverage"
MAPPED = "mapped/kernel"  # from wide features to embeddings, of items without events
STAND_INS, AS_NEW = "mapped/stand_ins", "mapped/as_new"  # items with events, and what it says


class CausalNetwork(DotNetwork):
    """A trained `Causal`: the last state is the query, embeddings are the item vectors."""

    history: int

    def __init__(
        self,
        spec: Causal,
        arrays: Mapping[str, npt.NDArray[Any]],
        size: int,
        history: int,
        spans: Spans | None = None,
    ) -> None:
        """Take what was trained.

        Args:
            spec: the settings.
            arrays: weights by name; those of `TABLES` have a row for each token that was known.
                With `COVERAGE`, bool (any,), the classes it scores.
            size: N, of the catalogue; items that the tables lack are not covered.
            history: how many tokens it sees.
            spans: the largest times, where it sees times.
        """
        self.spec, self.history, self.spans = spec, history, spans
        self.kernel, self.mapped = arrays.get(KERNEL), arrays.get(MAPPED)
        self.knows_cold = self.mapped is not None or spec.own_dropout > 0
        self._as_new = {n: arrays[n] for n in (STAND_INS, AS_NEW) if n in arrays}
        self.encoder = _encoder(spec, arrays, history, spans)
        self.takes = tuple(self.encoder.input)
        known, vectors = (arrays[name][1:] for name in TABLES)
        self.known, self.coverage = fitted_to(known > 0.5, size), fitted_to(arrays[COVERAGE], size)
        self.item_vectors = fitted_to(vectors, size)
        self.item_bias = np.zeros(size, np.float32)

    def answers(self, batch: Batch) -> BoolArray:
        """Answer requests with a recent item that means something to it."""
        return answers_to_history(batch, self.known, self.history)

    def shown(self, batch: Batch) -> Shown:
        """Return tokens and gaps; a gap counts no more than the longest one."""
        shown = super().shown(batch)
        if self.spans is None:
            return shown
        return {**shown, "gaps": np.clip(shown["gaps"], -1, self.spans.gap)}

    def head_as_new(self, batch: Batch, new: BoolArray) -> Head:
        """Return the answer with mapped item vectors for some items that have events, too."""
        if self.mapped is None:
            return super().head_as_new(batch, new)
        queries, vectors = self.queries(batch), self._vectors_as_new
        known = self.coverage & ~new
        known[self._as_new[STAND_INS]] = True
        return Head(lambda lo, hi: queries @ vectors[lo:hi].T, self.answers(batch), known)

    @cached_property
    def _vectors_as_new(self) -> FloatArray:
        vectors = self.item_vectors.copy("K")
        vectors[self._as_new[STAND_INS]] = self._as_new[AS_NEW]
        return vectors

    def with_items(self, catalogue: Catalogue, changed: Changed) -> Self:
        """Return a network that knows of the new items; by what they are, if it sees features."""
        size, rows = len(catalogue), changed.classes + 1
        if self.kernel is None and self.mapped is None:
            other = super().with_items(catalogue, changed)
            other.known = fitted_to(self.known, size)
            return other
        arrays = self._arrays()
        for name in TABLES:
            arrays[name] = fitted_to(arrays[name], size + 1).copy()
        embeddings, warm = arrays["embedding/embeddings"], catalogue.warm[changed.classes]
        if self.kernel is not None:  # what is their own stays
            embeddings[rows] += (changed.features - changed.before) @ self.kernel
        if self.mapped is not None:
            embeddings[rows[~warm]] = changed.wide[~warm] @ self.mapped
        described = covered(changed.features)
        own = warm & (arrays["known/known"][rows] > 0.5)
        arrays["known/known"][rows] = own | described
        arrays[COVERAGE] = fitted_to(self.coverage, size).copy()
        if self.knows_cold:
            arrays[COVERAGE][changed.classes] = own | described
        return type(self)(self.spec, arrays, size, self.history, self.spans)

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        arrays = {**named_weights(self.encoder), COVERAGE: self.coverage}
        for name in TABLES:  # without the room for items to come
            arrays[name] = arrays[name][: len(self.known) + 1]
        told = {KERNEL: self.kernel, MAPPED: self.mapped, **self._as_new}
        return {**arrays, **{name: array for name, array in told.items() if array is not None}}

    def state(self) -> State:
        """Return the weights."""
        spans = None if self.spans is None else asdict(self.spans)
        return State({"history": self.history, "spans": spans}, self._arrays())

    @classmethod
    def from_state(cls, spec: Causal, state: State, catalogue: Catalogue) -> Self:
        """Rebuild the model and give it its weights."""
        stored = state.settings.get("spans")  # none where time was not learned
        spans = Spans(**stored) if stored else None
        return cls(spec, state.arrays, len(catalogue), state.settings["history"], spans)


def mapped_rows(
    arrays: Mapping[str, npt.NDArray[Any]], data: TrainingData, penalty: float
) -> dict[str, npt.NDArray[Any]]:
    """Return what changes where items without events are told by features; nothing without any.

    The embeddings of the others are regressed on wide features: ridge regression, the items that
    stand in for new ones left out (Gantner et al., 2010, "Learning attribute-to-feature mappings
    for cold-start recommendations").

    Args:
        arrays: of the trained network.
        data: what it was trained on.
        penalty: of the regression.
    """
    told = covered(data.features)
    new, stand_ins = told & ~data.catalogue.warm, np.flatnonzero(told & data.pseudo_cold)
    taught = np.flatnonzero(told & data.learnable & arrays[COVERAGE])
    if not len(taught):
        return {}
    table = arrays["embedding/embeddings"].copy()
    spread, axes = directions(data.wide, taught)
    right = sum(data.wide(some).T @ table[some + 1] for some in chunks(taught))  # (f, d)
    kernel = slopes(spread, axes, right, penalty).astype(np.float32)
    for some in chunks(np.flatnonzero(new)):
        table[some + 1] = data.wide(some) @ kernel
    return {
        "embedding/embeddings": table,
        "known/known": np.maximum(arrays["known/known"], np.append(False, new)),
        COVERAGE: arrays[COVERAGE] | new,
        MAPPED: kernel,
        STAND_INS: stand_ins,
        AS_NEW: data.wide(stand_ins) @ kernel,
    }


def _encoder(
    spec: Causal, arrays: Mapping[str, npt.NDArray[Any]], history: int, spans: Spans | None
) -> keras.Model:
    """Return the batch's arrays -> the state after the last token, with room for items to come."""
    size = len(arrays["known/known"]) - 1
    size = room(size) if KERNEL in arrays or MAPPED in arrays else size
    states = spec.build(size, history, None, spans, last=True)
    encoder = keras.Model(states.input, states.output, name=f"{spec.kind}_encoder")
    tables = {name: fitted_to(arrays[name], size + 1) for name in TABLES}
    set_named_weights(encoder, {**arrays, **tables})
    return encoder
