"""An answer: recommended items with their scores and the reasons for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from ysmean.shortfall import Shortfall


@dataclass(frozen=True)
class Reason:
    """One cause that counted for an item within one network.

    Attributes:
        network: whose answer it counted in.
        kind: `"exact"`, the network's score is a sum and this is the cause's part of it;
            `"leave-one-out"`, what leaving out the cause alone changes; `"shared"`, a value that
            the item has in common with the history's items that counted, or a relation to one of
            them, for what they counted.
        cause_type: `"item"` of the history, `"attribute"` or `"feature"` of the recommended item,
            stated `"preference"`, feature of the `"user"`, `"context"`, or `"popularity"` of the
            item. Attributes are shared, features are left out one by one.
        cause: an item id, `feature=value`, bounds such as `year >= 2010`, `popularity`, or
            `relation<-item id` of an item of the history that is so related to this one.
        title: of the item, where it has one; relations and bounds in words.
        effect: how much it counted, in `unit`.
        unit: `"probability"` or `"score"`, what the logarithm is taken of; `"bits"`, of log2 p;
            or `"events"`, lately.
        part: the effect beside those of all causes that counted for the item within the network,
            0 to 1; of attributes and of features, beside all of theirs.
    """

    network: str
    kind: str
    cause_type: str
    cause: str
    title: str | None
    effect: float
    unit: str
    part: float


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item_id: its id.
        title: for display, where the items have one.
        score: its probability under the mean.
        shares: each network's exact part of the score; they sum to 1.
        evidence: bits by network within a consensus; empty without one.
        contributions: the shares, with a consensus's part spread by evidence; they sum to 1.
        reasons: what counted most, network by network; empty unless asked for.
        why: the reasons as a sentence; None unless asked for.
    """

    item_id: str
    title: str | None
    score: float
    shares: dict[str, float]
    evidence: dict[str, float]
    contributions: dict[str, float]
    reasons: list[Reason] = field(default_factory=list)
    why: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, without evidence or reasons that are not there."""
        data = dict(vars(self))
        if not self.evidence:
            del data["evidence"]
        if self.why is None:
            del data["reasons"], data["why"]
        else:
            data["reasons"] = [asdict(reason) for reason in self.reasons]
        return data


@dataclass(frozen=True)
class Recommendations:
    """The answer to one request; iterate over it for the items, best first.

    Attributes:
        request_id: names the answer.
        user_id: as asked.
        cohort: of the history's length: 0, 1, 2-3, 4-9, 10-49 or 50+.
        items: best first; fewer than k where fewer are allowed.
        weights: the weights used, by network; they sum to 1.
        mass: each network's probability of the allowed set before it was restricted to it.
        abstained: networks with nothing to say about this request.
        last_resort: whether popularity alone answered.
        unknown_items: item ids in the request that the catalogue lacks; they were skipped.
        model: the model id.
        shortfall: where fewer than k items are allowed, what costs most of them.
    """

    request_id: str
    user_id: str | None
    cohort: str
    items: list[Recommendation]
    weights: dict[str, float]
    mass: dict[str, float]
    abstained: list[str]
    last_resort: bool
    unknown_items: list[str]
    model: str
    shortfall: Shortfall | None = None

    def __iter__(self) -> Iterator[Recommendation]:
        """Iterate over the items, best first."""
        return iter(self.items)

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.items)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, without evidence, reasons or shortfall that are not there."""
        # `asdict` copies every number; most of the time of a served answer went there.
        data = {**vars(self), "items": [item.to_json() for item in self.items]}
        if self.shortfall is None:
            del data["shortfall"]
        else:
            data["shortfall"] = asdict(self.shortfall)
        return data
