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
        self._kept: OrderedDict[str, tuple[dict[str, Shares], str | None]] = OrderedDict()

    def remember(self, answers: Iterable[Recommendations], arms: Iterable[str | None]) -> None:
        """Keep the shares of answers' items, and the arms of the experiment."""
        for answer, arm in zip(answers, arms, strict=True):
            self._kept[answer.request_id] = {i.item_id: i.shares for i in answer.items}, arm
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def followed(self, request_id: str | None, item_id: str) -> tuple[Shares, str | None] | None:
        """Return the shares of an answer's item, and its arm; None for what is not remembered."""
        shares, arm = self._kept.get(request_id or "", ({}, None))
        return (shares[item_id], arm) if item_id in shares else None
