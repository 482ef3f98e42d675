"""The latest answers, so that an event that follows one can be credited to its networks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from ysmean.answer import Recommendations

Shares = Mapping[str, float]


class Recent:
    """A bounded memory of answers: the oldest one is forgotten for a new one.

    Args:
        size: how many answers.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._shares: OrderedDict[str, dict[str, Shares]] = OrderedDict()

    def remember(self, answers: Iterable[Recommendations]) -> None:
        """Keep the shares of answers' items."""
        for answer in answers:
            self._shares[answer.request_id] = {i.item_id: i.shares for i in answer.items}
            if len(self._shares) > self._size:
                self._shares.popitem(last=False)

    def shares(self, request_id: str | None, item_id: str) -> Shares | None:
        """Return the networks' shares of an item of an answer; None for what is not remembered."""
        return self._shares.get(request_id or "", {}).get(item_id)
