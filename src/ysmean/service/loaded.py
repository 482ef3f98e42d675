"""A model that is ready to serve: verified, warmed up and checked."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ysmean import bundle
from ysmean.data.batch import MAX_HISTORY
from ysmean.data.live import NOTHING, EventStore, Since, joined
from ysmean.data.past import NO_PAST, Past
from ysmean.data.requests import Request
from ysmean.data.signals import EventWeights
from ysmean.data.watermark import Watermark
from ysmean.errors import BundleError
from ysmean.mean.topk import top_k_of_mean
from ysmean.recommender import Recommender
from ysmean.service.served import Served

if TYPE_CHECKING:
    from ysmean.service.apart import ModelApart


@dataclass(frozen=True)
class Loaded:
    """One loaded version of a model.

    Attributes:
        recommender: it; where answers are computed apart, without its networks.
        apart: the same in the process that computes its answers; None computes them here.
    """

    recommender: Recommender
    apart: ModelApart | None = None

    @property
    def alive(self) -> bool:
        """Whether it can answer."""
        return self.apart is None or self.apart.process.alive

    def answer(self, requests: Sequence[Request], store: EventStore) -> list[Served]:
        """Answer requests, heeding the live events of a store.

        Raises:
            YsMeanError: as of `Recommender.recommend_many`, or if the store cannot be read.
            GoneError: if its process has ended.
        """
        if self.apart is not None:
            return self.apart.answer(requests)
        users = {r.user_id for r in requests if r.user_id is not None}
        answers = self.recommender.recommend_many(requests, self.pasts(users, store))
        return [Served.of(answer) for answer in answers]

    @cached_property
    def network_facts(self) -> list[dict[str, Any]]:
        """What each network is, as plain data."""
        return self.apart.networks if self.apart else self.recommender.parts.network_facts()

    @property
    def id(self) -> str:
        """The model id."""
        return self.recommender.model_id

    @property
    def watermark(self) -> Watermark:
        """The last event of a store that training has seen; later ones are joined to pasts."""
        return Watermark.from_json(self.recommender.parts.manifest.get("watermark"))

    @property
    def event_weights(self) -> EventWeights | None:
        """What events of each type meant in training; None for the default."""
        weights: EventWeights | None = self.recommender.parts.manifest.get("event_weights")
        return weights

    def pasts(self, user_ids: Iterable[str], store: EventStore) -> dict[str, Past]:
        """Return the pasts of users with the live events; users without any are left out."""
        found = store.since(user_ids, self.watermark.after(store.id))
        return {user: self._join(user, since) for user, since in found.items()}

    def whole_past(self, user_id: str, store: EventStore) -> Past:
        """Return all that is known of a user."""
        found = store.since([user_id], self.watermark.after(store.id))
        return self._join(user_id, found.get(user_id, NOTHING))

    def _join(self, user_id: str, since: Since) -> Past:
        parts = self.recommender.parts
        row = parts.histories.index.get(user_id)
        known = NO_PAST if row is None else parts.histories.past(row)
        timed = parts.histories.times is not None
        weights = self.event_weights
        return joined(known, since, parts.catalogue, timed=timed, weights=weights)

    @cached_property
    def created(self) -> float:
        """When it was trained, seconds since the epoch; NaN where the manifest does not say."""
        stated = self.recommender.parts.manifest.get("created")
        return datetime.fromisoformat(stated).timestamp() if stated else float("nan")

    @cached_property
    def names(self) -> tuple[list[str], list[str]]:
        """Every item's id and title (or nothing) in small letters, for the search."""
        catalogue = self.recommender.parts.catalogue
        titles = catalogue.titles(np.arange(len(catalogue), dtype=np.int32))
        ids = catalogue.item_ids
        return [i.casefold() for i in ids], [(t or "").casefold() for t in titles]

    def search(self, query: str, limit: int) -> list[int]:
        """Return the classes whose title or id holds a text; those that begin with it first."""
        text = query.casefold()
        begins: list[int] = []
        holds: list[int] = []
        for number, (item_id, title) in enumerate(zip(*self.names, strict=True)):
            if title.startswith(text) or item_id.startswith(text):
                begins.append(number)
                if len(begins) == limit:
                    return begins
            elif len(holds) < limit and (text in title or text in item_id):
                holds.append(number)
        return (begins + holds)[:limit]


def read(folder: Path, *, networks: bool = True) -> Loaded:
    """Read and verify a bundle, with its networks or without.

    Raises:
        BundleError: if it is altered, or of another format.
    """
    parts = bundle.read(folder, networks=networks)
    loaded = Loaded(Recommender(parts))
    # What is made on first use is made now, not by somebody's request.
    _ = loaded.id, loaded.names, loaded.created, parts.histories.index, parts.catalogue.attributes
    return loaded


def settle(*, swapped: bool = False) -> None:
    """Let collections of garbage pass over all that is there now.

    A model and the libraries are millions of objects. Searching them for garbage again and again
    took a quarter of a second each time, in which nothing was answered.

    Args:
        swapped: collect what another model has left, first.
    """
    if swapped:
        gc.unfreeze()
        gc.collect()
    gc.freeze()


def load(folder: Path, sizes: list[int]) -> Loaded:
    """Read and verify a bundle, compile for every batch size, and check its answers.

    Args:
        folder: of the bundle.
        sizes: of batches.

    Raises:
        BundleError: if it is altered, of another format, or answers with nonsense.
    """
    loaded = read(folder)
    items = loaded.recommender.parts.catalogue.item_ids
    for length in (1, MAX_HISTORY):  # short histories are encoded by functions of their own
        request = Request(history=[*islice(cycle(items), length)])
        for size in sizes:
            loaded.recommender.recommend_many([request] * size)
    check(loaded)
    return loaded


def check(loaded: Loaded) -> None:
    """Refuse a model whose answers are not finite or do not sum to 1.

    Raises:
        BundleError: says what was found.
    """
    recommender = loaded.recommender
    samples = _samples(loaded)
    encoded = recommender.encode(samples)
    with np.errstate(invalid="ignore"):  # nonsense shall be found, not warned of
        stream, weights = recommender.mixture(samples, encoded)
        scores = top_k_of_mean(stream, weights, len(recommender.parts.catalogue)).scores
    sums = scores.sum(1, dtype=np.float64)
    # Where nothing is allowed the answer is empty.
    wanted = encoded.allowed.tile(0, len(recommender.parts.catalogue)).any(1)
    if not np.isfinite(scores).all() or not np.allclose(sums, wanted, atol=1e-3):
        raise BundleError(
            f"The answers of {loaded.id} sum to {', '.join(f'{s:.4g}' for s in sums)}; expected 1. "
            "Train it anew, or go back to an older version."
        )


def _samples(loaded: Loaded) -> list[Request]:
    """Return requests of every kind: of a stranger, a user, and with a stated history."""
    parts = loaded.recommender.parts
    users = [Request(user_id=user) for user in parts.histories.user_ids[:1]]
    return [Request(), *users, Request(history=parts.catalogue.item_ids[:3])]
