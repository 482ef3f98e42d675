"""The spine: requests -> arrays -> networks -> mean -> top-k -> answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ysmean.answer import Recommendation, Recommendations
from ysmean.bundle import Parts, read, write
from ysmean.data.allowed import AllowedSets
from ysmean.data.batch import Batch
from ysmean.data.histories import COHORTS
from ysmean.data.requests import Encoded, Request, encode
from ysmean.errors import RequestError, nearest
from ysmean.mean.stream import DoubleArray, Stream
from ysmean.mean.topk import Top, top_k_of_mean
from ysmean.mean.wide_and_deep import member_weights, members, wide_and_deep

CHUNK = 256


@dataclass(frozen=True)
class Recommender:
    """A trained hybrid recommender.

    Attributes:
        parts: catalogue, histories, users, networks, proportions and manifest.
    """

    parts: Parts

    def recommend(
        self, user_id: str | None = None, history: Sequence[str] | None = None, **asked: Any
    ) -> Recommendations:
        """Answer one request.

        Args:
            user_id: whose history and features count.
            history: item ids, oldest first, instead of the user's own.
            **asked: the other fields of `Request`: k, scale, weights, where, ...

        Returns:
            The best items, best first, with their shares; iterate over it.

        Raises:
            RequestError: says which field is wrong and what was expected.
        """
        return self.recommend_many([Request(user_id, history, **asked)])[0]

    def recommend_many(self, requests: Sequence[Request]) -> list[Recommendations]:
        """Answer many requests, in order; a request alone gets the same answer."""
        answers: list[Recommendations] = []
        for lo in range(0, len(requests), CHUNK):
            some = requests[lo : lo + CHUNK]
            answers += self.answer(some, self.encode(some))
        return answers

    def similar(
        self, item_id: str, k: int | None = None, network: str | None = None
    ) -> Recommendations:
        """Return what goes with an item: the answer to a history of that item alone.

        Only networks that answer from the history take part.

        Args:
            item_id: of the item.
            k: how many; by default 10, or all of a smaller catalogue.
            network: one of them alone; by default their fitted mean.

        Raises:
            UnknownItemError: if the catalogue lacks the item.
            RequestError: for a network that does not answer from the history.
        """
        self.parts.catalogue.known_classes([item_id])
        networks = self.parts.networks
        able = [name for name, fitted in networks.items() if fitted.from_history]
        if network is not None and network not in able:
            raise RequestError(
                f"No network {network!r} tells what is similar." + nearest(network, able)
            )
        chosen = able if network is None else [network]
        scale = {name: float(name in chosen) for name in networks}
        return self.recommend(history=[item_id], scale=scale, k=k)

    def answer(self, requests: Sequence[Request], encoded: Encoded) -> list[Recommendations]:
        """Answer requests whose arrays are there already, as those of an evaluation's questions."""
        stream = self.stream(encoded.batch, encoded.allowed)
        weights = self.resolve(requests, encoded.batch, stream)
        top = top_k_of_mean(stream, weights, max(encoded.k))
        return self._decode(requests, encoded, stream, weights, top)

    def encode(self, requests: Sequence[Request]) -> Encoded:
        """Return requests as arrays."""
        p = self.parts
        return encode(requests, p.catalogue, p.histories, p.user_fields)

    def stream(self, batch: Batch, allowed: AllowedSets) -> Stream:
        """Return the networks' answers to a batch, ready to be streamed."""
        p = self.parts
        heads = [network.head(batch) for network in p.networks.values()]
        return Stream(heads, ~p.catalogue.warm, p.proportions.temperatures, allowed)

    def resolve(self, requests: Sequence[Request], batch: Batch, stream: Stream) -> DoubleArray:
        """Return the members' weights of each request, float64 (B, K, 2)."""
        p = self.parts.proportions
        scale = np.stack([p.multipliers(r.scale) for r in requests])
        fitted = np.full(len(p.names), np.nan)
        stated = [p.stated(r.weights) for r in requests]
        rows = np.stack([fitted if s is None else s for s in stated])
        takes = ["preferences" in network.takes for network in self.parts.networks.values()]
        heeding = np.outer(batch.preferences.any(1), takes)  # bool (B, K)
        counts = stream.normalizers[2]
        return p.resolve(batch.cohorts, stream.answering, counts, scale, rows, heeding)

    def _decode(
        self,
        requests: Sequence[Request],
        encoded: Encoded,
        stream: Stream,
        weights: DoubleArray,
        top: Top,
    ) -> list[Recommendations]:
        names = list(self.parts.networks)
        answering = np.asarray(stream.answering.any(2))
        masses = network_masses(stream, self.parts.proportions.cold_odds)
        answers = []
        for b, request in enumerate(requests):
            count = min(int(top.counts[b]), encoded.k[b])
            classes = top.classes[b, :count]
            heard = [k for k in range(len(names)) if answering[b, k]]
            by_name = {names[k]: float(weights[b, k].sum()) for k in heard}
            speaking = [name for name, weight in by_name.items() if weight > 0]
            answers.append(
                Recommendations(
                    request_id=uuid.uuid4().hex,
                    user_id=request.user_id,
                    cohort=COHORTS[encoded.batch.cohorts[b]],
                    items=self._items(classes, top, b, by_name),
                    weights=by_name,
                    mass={names[k]: float(masses[b, k]) for k in heard},
                    abstained=[n for k, n in enumerate(names) if k not in heard],
                    last_resort=speaking == ["popularity"],
                    unknown_items=encoded.unknown[b],
                    model=self.model_id,
                )
            )
        return answers

    def _items(
        self, classes: npt.NDArray[np.int32], top: Top, b: int, weights: Mapping[str, float]
    ) -> list[Recommendation]:
        catalogue = self.parts.catalogue
        numbers = {name: k for k, name in enumerate(self.parts.networks)}
        items = []
        for place, (c, title) in enumerate(zip(classes, catalogue.titles(classes), strict=True)):
            parts = top.parts[b, place].astype(np.float64)
            total = parts.sum()
            shares = dict(weights)  # for a score too small for float32
            if total > 0:
                shares = {name: float(parts[numbers[name]] / total) for name in weights}
            score = float(top.scores[b, place])
            item_id = catalogue.item_ids[int(c)]
            items.append(Recommendation(item_id, title, score, shares, {}, dict(shares)))
        return items

    @property
    def model_id(self) -> str:
        """sha256 over specs, catalogue, weights and proportions."""
        return self.parts.model_id

    @cached_property
    def model(self) -> keras.Model:
        """The whole system as one wide-and-deep functional Keras model.

        Feed it `model_inputs(requests)`; its output equals the recommender's scores.
        """
        p = self.parts
        return wide_and_deep(p.networks, p.proportions, ~p.catalogue.warm)

    def model_inputs(self, requests: Sequence[Request]) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays that `model` takes, for B requests."""
        encoded = self.encode(requests)
        stream = self.stream(encoded.batch, encoded.allowed)
        weights = self.resolve(requests, encoded.batch, stream)
        pairs = members(self.parts.networks, ~self.parts.catalogue.warm)
        arrays: Mapping[str, Any] = encoded.batch.arrays()
        return {
            **{name: arrays[name] for name in self.model.input if name in arrays},
            "allowed": encoded.allowed.tile(0, len(self.parts.catalogue)),
            "weights": member_weights(weights, pairs),
        }

    def save(self, folder: str | Path) -> Path:
        """Write a new version of a bundle; a kill at any moment leaves the old one or the new.

        Returns:
            The folder of the new version.
        """
        return write(self.parts, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Recommender:
        """Read and verify the current version of a bundle.

        Raises:
            BundleError: if it is no bundle, is altered, or of a newer format.
        """
        return cls(read(Path(folder)))


def network_masses(stream: Stream, cold_odds: float) -> DoubleArray:
    """Return each network's probability of A before restriction, (B, K).

    A network's segments count as they do in the mean, by their allowed items.
    """
    counts = stream.normalizers[2]
    odds = counts[:, None, :] * np.array([1.0, cold_odds]) * stream.answering
    total = np.maximum(odds.sum(2), 1e-300)
    return np.asarray((odds * np.exp(stream.log_masses())).sum(2) / total)
