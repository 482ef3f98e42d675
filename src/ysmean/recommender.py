"""The spine: requests -> arrays -> networks -> mean -> top-k -> answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ysmean.answer import Recommendation, Recommendations
from ysmean.bundle import read, write
from ysmean.data.allowed import AllowedSets
from ysmean.data.batch import Batch
from ysmean.data.histories import COHORTS
from ysmean.data.items import Items
from ysmean.data.past import Past
from ysmean.data.preferences import heed
from ysmean.data.readers import Source
from ysmean.data.requests import Encoded, Request, encode
from ysmean.errors import RequestError, nearest
from ysmean.mean.consensus import CONSENSUS, Joined, contributions
from ysmean.mean.stream import DoubleArray, Stream, Streamed, log_masses
from ysmean.mean.topk import Top, top_k_of_mean
from ysmean.mean.wide_and_deep import member_weights, members, wide_and_deep
from ysmean.parts import Parts
from ysmean.shortfall import Shortfalls
from ysmean.upkeep import Kept, add_items, withdraw
from ysmean.why import with_reasons

CHUNK = 256


@dataclass(repr=False)
class Recommender:
    """A trained hybrid recommender.

    Attributes:
        parts: catalogue, histories, users, networks, proportions and manifest.
    """

    parts: Parts

    def __repr__(self) -> str:
        """Return what a person wants to see of it."""
        p = self.parts
        names = ", ".join(p.networks)
        return f"Recommender({len(p.catalogue):,} items, {len(p.histories):,} users; {names})"

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

    def recommend_many(
        self, requests: Sequence[Request], pasts: Mapping[str, Past] | None = None
    ) -> list[Recommendations]:
        """Answer many requests, in order; a request alone gets the same answer.

        Args:
            requests: what is asked.
            pasts: by user id, what replaces the past that the model knows, as of users who have
                done something since; strangers may have one, too.
        """
        answers: list[Recommendations] = []
        for lo in range(0, len(requests), CHUNK):
            some = requests[lo : lo + CHUNK]
            answers += self.answer(some, self.encode(some, pasts))
        return answers

    def check(self, request: Request) -> None:
        """Refuse what no answer can be given to, before anything is computed.

        Raises:
            RequestError: says which field is wrong and what was expected.
        """
        self.encode([request])
        self.parts.proportions.multipliers(request.scale)
        self.parts.proportions.stated(request.weights)

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
        return self.recommend_many([self.similar_request(item_id, k, network)])[0]

    def similar_request(
        self, item_id: str, k: int | None = None, network: str | None = None
    ) -> Request:
        """Return the request that `similar` answers; raises as it does."""
        self.parts.catalogue.known_classes([item_id])
        networks = self.parts.networks
        able = [name for name, fitted in networks.items() if fitted.from_history]
        if network is not None and network not in able:
            raise RequestError(
                f"No network {network!r} tells what is similar." + nearest(network, able), "network"
            )
        chosen = able if network is None else [network]
        scale = {name: float(name in chosen) for name in networks}  # in the consensus as well
        return Request(history=[item_id], scale=scale, k=k)

    def answer(self, requests: Sequence[Request], encoded: Encoded) -> list[Recommendations]:
        """Answer requests whose arrays are there already, as those of an evaluation's questions."""
        stream, weights = self.mixture(requests, encoded)
        top = top_k_of_mean(stream, weights, max(encoded.k))
        answers = self._decode(requests, encoded, stream, weights, top)
        asked = [b for b, request in enumerate(requests) if request.why]
        return with_reasons(self.parts, stream, encoded.batch, answers, asked)

    def encode(
        self, requests: Sequence[Request], pasts: Mapping[str, Past] | None = None
    ) -> Encoded:
        """Return requests as arrays; `pasts` as of `recommend_many`."""
        p = self.parts
        return encode(requests, p.catalogue, p.histories, p.user_fields, pasts)

    def stream(self, batch: Batch, allowed: AllowedSets) -> Stream:
        """Return the networks' answers to a batch, ready to be streamed."""
        p = self.parts
        heads = [network.head(batch) for network in p.networks.values()]
        return Stream(heads, ~p.catalogue.warm, p.proportions.temperatures, allowed)

    def mixture(
        self, requests: Sequence[Request], encoded: Encoded
    ) -> tuple[Streamed, DoubleArray]:
        """Return the members' answers to requests, and their weights, float64 (B, M, 2)."""
        p, batch = self.parts.proportions, encoded.batch
        scale = np.stack([p.multipliers(r.scale) for r in requests])
        stream = p.join(self.stream(batch, encoded.allowed), batch.cohorts, scale)
        fitted = np.full(len(p.names), np.nan)
        stated = [p.stated(r.weights) for r in requests]
        rows = np.stack([fitted if s is None else s for s in stated])
        networks = self.parts.networks
        takes = [n in networks and "preferences" in networks[n].takes for n in p.names]
        heeding = np.outer(heed(batch.strengths), takes)  # (B, M)
        counts = stream.normalizers[2]
        return stream, p.resolve(batch.cohorts, stream.answering, counts, scale, rows, heeding)

    def _decode(
        self,
        requests: Sequence[Request],
        encoded: Encoded,
        stream: Streamed,
        weights: DoubleArray,
        top: Top,
    ) -> list[Recommendations]:
        p = self.parts
        names = p.proportions.names
        answering = np.asarray(stream.answering.any(2))
        masses = network_masses(stream, p.proportions.cold_odds)
        evidence = stream.evidence(top.classes) if isinstance(stream, Joined) else None
        shortfalls = Shortfalls(requests, encoded, p.catalogue, p.proportions, stream)
        answers = []
        for b, request in enumerate(requests):
            count = min(int(top.counts[b]), encoded.k[b])
            heard = [k for k in range(len(names)) if answering[b, k]]
            by_name = {names[k]: float(weights[b, k].sum()) for k in heard}
            speaking = [name for name, weight in by_name.items() if weight > 0]
            bits = None if evidence is None else evidence[b]
            answers.append(
                Recommendations(
                    request_id=uuid.uuid4().hex,
                    user_id=request.user_id,
                    cohort=COHORTS[encoded.batch.cohorts[b]],
                    items=self._items(top, b, count, by_name, bits),
                    weights=by_name,
                    mass={names[k]: float(masses[b, k]) for k in heard if names[k] != CONSENSUS},
                    abstained=[n for k, n in enumerate(names) if k not in heard],
                    last_resort=speaking == ["popularity"],
                    unknown_items=encoded.unknown[b],
                    model=self.model_id,
                    shortfall=shortfalls.of(b, count),
                )
            )
        return answers

    def _items(
        self, top: Top, b: int, count: int, weights: Mapping[str, float], bits: DoubleArray | None
    ) -> list[Recommendation]:
        """Return one request's items; `bits` is its evidence (k, K), where there is a consensus."""
        catalogue = self.parts.catalogue
        numbers = {name: k for k, name in enumerate(self.parts.proportions.names)}
        heard = [numbers[name] for name in weights]
        classes = top.classes[b, :count]
        items = []
        for place, (c, title) in enumerate(zip(classes, catalogue.titles(classes), strict=True)):
            parts = top.parts[b, place, heard].astype(np.float64)
            if not parts.any():  # a score too small for float32
                parts = np.array(list(weights.values()))
            shares = dict(zip(weights, (parts / parts.sum()).tolist(), strict=True))
            evidence, spread = {}, dict(shares)
            if spread.pop(CONSENSUS, 0.0) > 0 and bits is not None:
                evidence = {name: float(bits[place, numbers[name]]) for name in spread}
                by_evidence = contributions(parts / parts.sum(), bits[place, heard[:-1]])
                spread = dict(zip(spread, by_evidence.tolist(), strict=True))
            score = float(top.scores[b, place])
            item_id = catalogue.item_ids[int(c)]
            items.append(Recommendation(item_id, title, score, shares, evidence, spread))
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
        stream, weights = self.mixture(requests, encoded)
        joined = stream if isinstance(stream, Joined) else None
        pairs = members(self.parts.networks, ~self.parts.catalogue.warm, joined is not None)
        arrays: Mapping[str, Any] = encoded.batch.arrays()
        return {
            **{name: arrays[name] for name in self.model.input if name in arrays},
            "allowed": encoded.allowed.tile(0, len(self.parts.catalogue)),
            "weights": member_weights(weights, pairs),
            **({} if joined is None else {"exponents": joined.product.astype(np.float32)}),
        }

    def add_items(self, items: Items | Source, columns: Mapping[str, str] | None = None) -> Kept:
        """Make items recommendable at once, and describe known ones anew; nothing is trained.

        New items are known to the networks that know items by what they are, and to popularity.

        Args:
            items: of `read_items`, or a file or dataframe of them.
            columns: our names -> the table's.

        Returns:
            How many were added and updated, and what was noted.

        Raises:
            DataError: for a table that cannot be read, or a feature of another type than before.
        """
        return self._keep(*add_items(self.parts, items, columns))

    def withdraw(self, item_ids: Iterable[str]) -> Kept:
        """Never recommend some items again, until they are added again.

        Raises:
            UnknownItemError: names an item that the catalogue lacks.
        """
        return self._keep(*withdraw(self.parts, item_ids))

    def _keep(self, parts: Parts, kept: Kept) -> Kept:
        self.parts = parts
        vars(self).pop("model", None)  # was drawn up from the former parts
        return kept

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


def network_masses(stream: Streamed, cold_odds: float) -> DoubleArray:
    """Return each member's probability of A before restriction, (B, M).

    A network's segments count as they do in the mean, by their allowed items.
    """
    counts = stream.normalizers[2]
    odds = counts[:, None, :] * np.array([1.0, cold_odds]) * stream.answering
    total = np.maximum(odds.sum(2), 1e-300)
    return np.asarray((odds * np.exp(log_masses(stream))).sum(2) / total)
