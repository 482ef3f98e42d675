"""What a trained recommender is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.catalogue import Catalogue
from ysmean.data.features import FeatureEncoder
from ysmean.data.fields import UserFields
from ysmean.data.histories import Histories
from ysmean.data.users import Users
from ysmean.mean.proportions import Proportions
from ysmean.networks.network import Network, State
from ysmean.networks.registry import Spec, spec_to_json


@dataclass(frozen=True)
class Parts:
    """What a recommender is made of.

    Attributes:
        catalogue: N items.
        histories: of U users.
        users: the users' table, where there is one.
        fields: the vocabulary of the users' features.
        specs, networks: by name, in the order of the proportions.
        proportions: of the mean.
        manifest: what else is known: seed, creation time, versions, notes, metrics.
        encoder: how features become numbers, where a network knows items by them.
        known_id: the model id, where the networks are not there to tell it.
    """

    catalogue: Catalogue
    histories: Histories
    users: Users | None
    fields: UserFields
    specs: Mapping[str, Spec]
    networks: Mapping[str, Network]
    proportions: Proportions
    manifest: Mapping[str, Any]
    encoder: FeatureEncoder | None = None
    known_id: str | None = None

    @cached_property
    def user_fields(self) -> npt.NDArray[np.int32]:
        """The tokens of every user's features, int32 (U, F)."""
        return self.fields.tokens(self.users, self.histories.user_ids)

    @cached_property
    def states(self) -> dict[str, State]:
        """What each network remembers."""
        return {name: network.state() for name, network in self.networks.items()}

    @cached_property
    def model_id(self) -> str:
        """sha256 over specs, catalogue, weights and proportions; times do not enter."""
        if self.known_id is not None:
            return self.known_id
        digest = hashlib.sha256()
        digest.update(plain_json([{n: spec_to_json(s)} for n, s in self.specs.items()]))
        digest.update(plain_json(self.proportions.to_json()))
        digest.update(plain_json(self.fields.to_json()))
        digest.update(self.catalogue.frame.write_json().encode())
        digest.update(self.catalogue.warm.tobytes() + self.catalogue.withdrawn.tobytes())
        for name, state in self.states.items():
            digest.update(name.encode() + plain_json(state.settings))
            for key in sorted(state.arrays):
                array = np.ascontiguousarray(state.arrays[key])
                digest.update(f"{key}{array.dtype}{array.shape}".encode() + array.tobytes())
        return f"sha256:{digest.hexdigest()}"

    def facts(self) -> dict[str, Any]:
        """Return what the model is made of, as plain data for JSON."""
        return {
            "model": self.model_id,
            "catalogue": len(self.catalogue),
            "cold": int((~self.catalogue.warm).sum()),
            "added": self.catalogue.added,
            "withdrawn": len(self.catalogue.withdrawn),
            "users": len(self.histories),
            "events": len(self.histories.classes),
            "networks": list(self.specs),
            "proportions": self.proportions.table(),
            "exponents": self.proportions.exponents_table(),
            "cold_odds": self.proportions.cold_odds,
            **self.manifest,
        }

    def network_facts(self) -> list[dict[str, Any]]:
        """Return what each network is, how large, and how much it can score, as plain data."""
        return [
            {
                "name": name,
                "kind": self.specs[name].kind,
                "numbers": sum(int(array.size) for array in self.states[name].arrays.values()),
                "covers": int(network.coverage.sum()),
                "knows_cold": network.knows_cold,
                "from_history": network.from_history,
                "settings": spec_to_json(self.specs[name]),
            }
            for name, network in self.networks.items()
        ]


def plain_json(data: Any, indent: int | None = None) -> bytes:
    """Return data as JSON; refuses NaN and infinity."""
    return json.dumps(data, indent=indent, allow_nan=False).encode()
