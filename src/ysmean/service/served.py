"""An answer as it is sent: its JSON, and the little that the service itself wants to know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import to_json

from ysmean.answer import Recommendations

Shares = Mapping[str, float]


@dataclass(frozen=True)
class Served:
    """One answer.

    Attributes:
        request_id, model, cohort, abstained: as of `Recommendations`.
        shares: the networks' mean shares of the items' scores; nothing without items.
        body: the whole answer, a JSON object in UTF-8. It is made where the answer is computed.
    """

    request_id: str
    model: str
    cohort: str
    abstained: list[str]
    shares: Shares
    body: bytes

    @classmethod
    def of(cls, answer: Recommendations) -> Served:
        """Return an answer as it is sent."""
        shares = [item.shares for item in answer.items]  # all items name the same networks
        names = shares[0] if shares else ()
        of_networks = zip(*(s.values() for s in shares), strict=True)
        return cls(
            answer.request_id,
            answer.model,
            answer.cohort,
            answer.abstained,
            {n: sum(s) / len(s) for n, s in zip(names, of_networks, strict=True)},
            to_json(answer.to_json(), inf_nan_mode="null"),  # JSON has no word for those
        )

    def json(self, arm: str | None = None) -> bytes:
        """Return the JSON, with the arm of an experiment where the answer is in one."""
        return self.body if arm is None else self.body[:-1] + b',"arm":' + to_json(arm) + b"}"

    def shares_of(self, item_id: str) -> Shares | None:
        """Return the networks' shares of one item's score; None where it is not in the answer."""
        items = json.loads(self.body)["items"]
        return next((item["shares"] for item in items if item["item_id"] == item_id), None)
