"""What all stores of live events in a database share: one table, one writer, the same questions.

A row without an item is a deletion. What it deletes loses all but its id, so that an event sent
again stays deleted. Sequence numbers are given in the order of commits: whoever has read up to one
has missed nothing below it.
"""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Generic

import polars as pl

from ysmean.data.live import LiveEvent, Log, Since
from ysmean.data.writing import Connection, Writer

Rows = list[tuple[Any, ...]]

# `?` stands for a parameter.
SINCE = (
    "SELECT user_id, event_id, item_id, timestamp, event, request_id FROM {events} "
    "WHERE user_id IN ({users}) AND seq > ? ORDER BY seq"
)
LOG = "SELECT seq, user_id, item_id, timestamp, event FROM {events} WHERE seq > ? ORDER BY seq"
COUNT = "SELECT count(*) FROM {events} WHERE user_id = ? AND item_id IS NOT NULL"
ERASE = (
    "UPDATE {events} SET user_id = NULL, item_id = NULL, timestamp = NULL, event = NULL, "
    "request_id = NULL WHERE user_id = ?"
)
DELETION = "INSERT INTO {events} (event_id, user_id, timestamp) VALUES (?, ?, ?)"
LOGGED = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Float64, "event": pl.String}


class SqlStore(ABC, Generic[Connection]):
    """An `EventStore` in a database.

    Attributes:
        events: name of the table.
    """

    events = "events"

    def __init__(self) -> None:
        self._writer: Writer[Connection] = Writer(self._commit)

    @property
    @abstractmethod
    def id(self) -> str:
        """What tells the store from all others."""

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._writer.waiting

    def append(self, events: Sequence[LiveEvent]) -> Future[list[bool]]:
        """Keep events; the result says of each whether it is new, and comes when they are safe."""
        return self._writer.put(lambda connection: self._insert(connection, events))

    def forget(self, user_id: str) -> Future[int]:
        """Delete a user's history; the result is how many events were kept of it."""
        return self._writer.put(lambda connection: self._forget(connection, user_id))

    def since(self, user_ids: Iterable[str], watermark: int) -> Mapping[str, Since]:
        """Return what happened after a sequence number, by user; users without are left out.

        Raises:
            StoreError: if the store cannot be read.
        """
        users = list(user_ids)
        if not users:
            return {}
        query = SINCE.format(events=self.events, users=", ".join("?" * len(users)))
        found: dict[str, Since] = {}
        live: dict[str, list[LiveEvent]] = {}
        for user, event_id, item, moment, kind, request in self._read(query, [*users, watermark]):
            kept = live.setdefault(user, [])
            found.setdefault(user, Since(kept))
            if item is None:
                found[user] = Since(kept, True)
            else:
                kept.append(LiveEvent(event_id, user, item, moment, kind, request))
        return found

    def log(self, watermark: int) -> Log:
        """Return all that happened after a sequence number.

        Raises:
            StoreError: if the store cannot be read.
        """
        rows = self._read(LOG.format(events=self.events), [watermark])
        kept = [row[1:] for row in rows if row[2] is not None]
        forgotten = frozenset(row[1] for row in rows if row[1] is not None and row[2] is None)
        last = rows[-1][0] if rows else watermark
        return Log(pl.DataFrame(kept, LOGGED, orient="row"), forgotten, last)

    def close(self) -> None:
        """Write what waits, then leave the database."""
        self._writer.close()
        self._leave()

    def _forget(self, connection: Connection, user_id: str) -> int:
        (kept,) = self._execute(connection, COUNT.format(events=self.events), [user_id])[0]
        self._execute(connection, ERASE.format(events=self.events), [user_id])
        deletion = [f"deletion {uuid.uuid4().hex}", user_id, time.time()]
        self._execute(connection, DELETION.format(events=self.events), deletion)
        return int(kept)

    @abstractmethod
    def _commit(self, writes: Sequence[Callable[[Connection], Any]]) -> Sequence[Any]:
        """Do writes in one transaction; raise a `StoreError` and leave nothing, or all of them."""

    @abstractmethod
    def _read(self, query: str, parameters: Sequence[Any]) -> Rows:
        """Return rows, committed writes included."""

    @abstractmethod
    def _execute(self, connection: Connection, query: str, parameters: Sequence[Any]) -> Rows:
        """Do a statement within a write."""

    @abstractmethod
    def _insert(self, connection: Connection, events: Sequence[LiveEvent]) -> list[bool]:
        """Insert events whose ids are new, and say which ones are."""

    @abstractmethod
    def _leave(self) -> None:
        """Close what is open."""
