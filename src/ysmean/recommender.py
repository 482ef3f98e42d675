"""The spine: requests -> arrays -> networks -> mean -> top-k -> answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ysmean.answer import Recommendations
from ysmean.bundle import read, write
from ysmean.data.allowed import AllowedSets
from ysmean.data.batch import Batch
from ysmean.data.items import Items
from ysmean.data.past import Past
from ysmean.data.preferences import heed
from ysmean.data.readers import Source
from ysmean.data.requests import Encoded, Request, encode
from ysmean.decode import decode
from ysmean.errors import RequestError, nearest
from ysmean.mean.consensus import Joined
from ysmean.mean.stream import Stream, Streamed
from ysmean.mean.tile import DoubleArray
from ysmean.mean.topk import top_k_of_mean
from ysmean.mean.wide_and_deep import member_weights, members, wide_and_deep
from ysmean.networks.dot import keep_encodings
from ysmean.networks.registry import REGISTRY
from ysmean.parts import Parts
from ysmean.upkeep import Kept, add_items, withdraw
from ysmean.variety import varied
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

    def keep_encodings(
        self, size: int, told: Callable[[int, int], None] = lambda kept, made: None
    ) -> None:
        """Keep the latest encodings of requests, so that who asks again is not encoded again.

        Answers stay the same: encodings are kept by what the encoder was shown. A network that is
        made anew for more items keeps none.

        Args:
            size: how many, of each network with an encoder; 0 keeps none.
            told: is called with how many encodings of a batch were kept, and how many were made.
        """
        keep_encodings(self.parts.networks.values(), size, told)

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
        specs = self.parts.specs
        able = [name for name, spec in specs.items() if REGISTRY[spec.kind][1].from_history]
        if network is not None and network not in able:
            raise RequestError(
                f"No network {network!r} tells what is similar." + nearest(network, able), "network"
            )
        chosen = able if network is None else [network]
        scale = {name: float(name in chosen) for name in specs}  # in the consensus as well
        return Request(history=[item_id], scale=scale, k=k)

    def answer(self, requests: Sequence[Request], encoded: Encoded) -> list[Recommendations]:
        """Answer requests whose arrays are there already, as those of an evaluation's questions."""
        stream, weights = self.mixture(requests, encoded)
        top = varied(
            requests,
            encoded.k,
            self.parts.catalogue,
            lambda k: top_k_of_mean(stream, weights, k),
        )
        answers = decode(self.parts, requests, encoded, stream, weights, top)
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
