"""Reasons in words: what causes are called, and one sentence an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ysmean.answer import Reason
from ysmean.parts import Parts

POPULARITY = "popularity"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OF_ITEM = ("attribute", "feature")  # causes that are the recommended item's own
CAUSES, NETWORKS, ATTRIBUTES = 3, 3, 2  # named in a sentence at most
SLOTS = 100  # keys of context are token + SLOTS * column
WORTH_NAMING = 0.1  # least part of a score that a network is named for
BESIDE_FIRST = 1 / 3  # least weight of a cause beside the first


@dataclass(frozen=True)
class Names:
    """What causes are called.

    Attributes:
        parts: of the recommender.
    """

    parts: Parts

    def of(self, type_: str, key: int) -> tuple[str, str | None]:
        """Return a cause as data, and its title where it is an item that has one.

        Args:
            type_: as of `Reason.cause_type`.
            key: class + 1, attribute row + 1, key of `Ordered`, token of the user's fields
                or of context.
        """
        catalogue = self.parts.catalogue
        match type_:
            case "item":
                title = catalogue.titles(np.array([key - 1], np.int32))[0]
                return catalogue.item_ids[key - 1], title
            case "preference" if key < 0:
                words = catalogue.ordered.named(key)
                return words, words
            case "preference":
                return "{}={}".format(*catalogue.attributes.values[key - 1]), None
            case "user":
                return "{}={}".format(*self.parts.fields.named(key)), None
            case "context":
                column, token = divmod(key, SLOTS)
                return (f"weekday={DAYS[token - 1]}" if column else f"hour={token - 1}"), None
            case _:
                return POPULARITY, None


def sentence(contributions: Mapping[str, float], reasons: Sequence[Reason]) -> str:
    """Return what counted most for an item, and which networks its score is from.

    A cause weighs its part within each network times that network's contribution.

    Args:
        contributions: by network, summing to 1.
        reasons: all of them, with their parts.
    """
    weights: dict[str, float] = {}
    for reason in reasons:
        if reason.cause_type not in OF_ITEM:
            weight = contributions[reason.network] * reason.part
            weights[_called(reason)] = weights.get(_called(reason), 0.0) + weight
    first = sorted(weights.items(), key=lambda pair: -pair[1])[:CAUSES]
    causes = [name for name, weight in first if weight >= BESIDE_FIRST * first[0][1]]
    networks = sorted(contributions.items(), key=lambda pair: -pair[1])[:NETWORKS]
    shares = [
        f"{share:.0%} {name}{_shared(name, reasons)}"
        for place, (name, share) in enumerate(networks)
        if share >= WORTH_NAMING or not place
    ]
    because = f"Because of {_listed(causes)}; " if causes else ""
    return f"{because}{', '.join(shares)}."


def _called(reason: Reason) -> str:
    """Return what a sentence calls a cause."""
    what = reason.title or reason.cause.replace("=", ": ", 1)
    match reason.cause_type:
        case "item":
            return reason.title or reason.cause
        case "preference":
            return f"the wish for {what}"
        case "popularity":
            return "its popularity"
        case _:
            return what


def _shared(network: str, reasons: Sequence[Reason]) -> str:
    """Return the attributes, or else the features, that counted most in a network, in brackets."""
    own = [[r for r in reasons if r.network == network and r.cause_type == t] for t in OF_ITEM]
    told = [reason.title or reason.cause.replace("=", ": ", 1) for reason in own[0] or own[1]]
    told = told[:ATTRIBUTES]
    return f" ({', '.join(told)})" if told else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
