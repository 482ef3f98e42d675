"""The latest answers, so that an event that follows one can be credited to its networks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from ysmean.service.served import Served, Shares


class Recent:
    """A bounded memory of answers: the oldest one is forgotten for a new one.

    Args:
        size: how many answers.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[Served, str | None]] = OrderedDict()

    def remember(self, answers: Iterable[Served], arms: Iterable[str | None]) -> None:
        """Keep answers, and the arms of the experiment."""
        for answer, arm in zip(answers, arms, strict=True):
            self._kept[answer.request_id] = answer, arm
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def followed(self, request_id: str | None, item_id: str) -> tuple[Shares, str | None] | None:
        """Return the shares of an answer's item, and its arm; None for what is not remembered."""
        answer, arm = self._kept.get(request_id or "", (None, None))
        shares = None if answer is None else answer.shares_of(item_id)
        return None if shares is None else (shares, arm)
