"""Live events: what users did since the model was trained, and how it joins their past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from ysmean.data.catalogue import Catalogue
from ysmean.data.past import NO_PAST, Past
from ysmean.data.signals import CODES, EXCLUDE, EventWeights, code_of


@dataclass(frozen=True)
class LiveEvent:
    """Something a user did.

    Attributes:
        event_id: names the event; the same id is the same event, however often it is sent.
        user_id: who.
        item_id: what; the catalogue need not know it yet.
        timestamp: when, seconds since the epoch.
        event: its type; what it means is told by the event weights of the model.
        request_id: of the answer it follows, if one.
    """

    event_id: str
    user_id: str
    item_id: str
    timestamp: float
    event: str = ""
    request_id: str | None = None


@dataclass(frozen=True)
class Since:
    """What a store knows of a user beyond what a model was trained on.

    Attributes:
        events: in order of arrival, those after the last deletion.
        deleted: whether the user's history was deleted, what the model knows of it included.
    """

    events: Sequence[LiveEvent] = ()
    deleted: bool = False


NOTHING = Since()


@dataclass(frozen=True)
class Log:
    """What a store holds beyond a sequence number, for training.

    Attributes:
        frame: `user_id`, `item_id`, `timestamp` and `event`, in order of arrival.
        forgotten: users whose history was deleted; their events in the frame came later.
        last: the highest sequence number that the store has given, at the same moment.
    """

    frame: pl.DataFrame
    forgotten: frozenset[str]
    last: int


class EventStore(Protocol):
    """Where live events are kept. A future that has its result is durable."""

    @property
    def id(self) -> str:
        """What tells the store from all others."""

    @property
    def waiting(self) -> int:
        """How many writes wait."""

    def append(self, events: Sequence[LiveEvent]) -> Future[list[bool]]:
        """Keep events; the result says of each whether it is new."""

    def forget(self, user_id: str) -> Future[int]:
        """Delete a user's history; the result is how many events were kept of it."""

    def since(self, user_ids: Iterable[str], watermark: int) -> Mapping[str, Since]:
        """Return what happened after a sequence number, by user; users without are left out.

        Raises:
            StoreError: if the store cannot be read.
        """

    def log(self, watermark: int) -> Log:
        """Return all that happened after a sequence number.

        Raises:
            StoreError: if the store cannot be read.
        """

    def close(self) -> None:
        """Finish what was begun."""


def joined(
    past: Past,
    since: Since,
    catalogue: Catalogue,
    *,
    timed: bool,
    weights: EventWeights | None = None,
) -> Past:
    """Return a user's past with the live events.

    Args:
        past: what the model knows of the user.
        since: what happened later.
        catalogue: of the model; events on items it lacks are left out.
        timed: whether the model was trained on times. If so, events are ordered by time, of equal
            ones the model's first and then as they arrived; if not, they follow as they arrived.
        weights: what events of each type meant in training; None for the default.
    """
    kept = NO_PAST if since.deleted else past
    if not since.events:
        return kept
    classes = catalogue.classes(e.item_id for e in since.events)
    times = np.array([e.timestamp for e in since.events])
    codes = np.array([code_of(e.event, weights) for e in since.events])
    taken = (classes >= 0) & (codes > 0)
    hides = (classes >= 0) & (codes == CODES[EXCLUDE])
    whole = np.concatenate([kept.classes, classes[taken]])
    hidden = np.concatenate([kept.hidden, classes[hides]])
    if not timed:
        return Past(whole, np.full(len(whole), np.nan), hidden)
    moments = np.concatenate([kept.times, times[taken]])
    order = np.argsort(moments, kind="stable")
    return Past(whole[order], moments[order], hidden)
