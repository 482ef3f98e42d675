"""A trained network that reads a history in order: its weights as an encoder and item vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
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
from ysmean.networks.network import BoolArray, State
from ysmean.networks.towers import covered

if TYPE_CHECKING:
    from ysmean.networks.causal import Causal

TABLES = ("known/known", "embedding/embeddings")
KERNEL, COVERAGE = "embedding/kernel", "coverage"


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
        self.knows_cold = spec.cold
        self.kernel = arrays.get(KERNEL)
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

    def with_items(self, catalogue: Catalogue, changed: Changed) -> Self:
        """Return a network that knows of the new items; by what they are, if it sees features."""
        size, rows = len(catalogue), changed.classes + 1
        if self.kernel is None:
            other = super().with_items(catalogue, changed)
            other.known = fitted_to(self.known, size)
            return other
        arrays = self._arrays()
        for name in TABLES:
            arrays[name] = fitted_to(arrays[name], size + 1).copy()
        moved = (changed.features - changed.before) @ self.kernel  # what is their own stays
        arrays["embedding/embeddings"][rows] += moved
        described = covered(changed.features)
        own = catalogue.warm[changed.classes] & (arrays["known/known"][rows] > 0.5)
        arrays["known/known"][rows] = own | described
        arrays[COVERAGE] = fitted_to(self.coverage, size).copy()
        if self.spec.cold:
            arrays[COVERAGE][changed.classes] = own | described
        return type(self)(self.spec, arrays, size, self.history, self.spans)

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        arrays = {**named_weights(self.encoder), COVERAGE: self.coverage}
        for name in TABLES:  # without the room for items to come
            arrays[name] = arrays[name][: len(self.known) + 1]
        return arrays if self.kernel is None else {**arrays, KERNEL: self.kernel}

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


def _encoder(
    spec: Causal, arrays: Mapping[str, npt.NDArray[Any]], history: int, spans: Spans | None
) -> keras.Model:
    """Return the batch's arrays -> the state after the last token, with room for items to come."""
    size = len(arrays["known/known"]) - 1
    size = room(size) if KERNEL in arrays else size
    states = spec.build(size, history, None, spans, last=True)
    encoder = keras.Model(states.input, states.output, name=f"{spec.kind}_encoder")
    tables = {name: fitted_to(arrays[name], size + 1) for name in TABLES}
    set_named_weights(encoder, {**arrays, **tables})
    return encoder
