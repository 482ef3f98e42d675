"""Live events in PostgreSQL: one store for services on several machines."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg

from ysmean.data.live import LiveEvent
from ysmean.data.store_sql import Rows, SqlStore
from ysmean.errors import StoreError

FORMAT = 1
AWAY = 1.0  # seconds that nobody tries to connect to a server that was not there
LOCK = 0x79736D65616E  # "ysmean", of the transactions that write; they take turns

TABLES = """
CREATE TABLE IF NOT EXISTS ysmean_events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    user_id TEXT,
    item_id TEXT,
    timestamp DOUBLE PRECISION,
    event TEXT,
    request_id TEXT
);
CREATE INDEX IF NOT EXISTS ysmean_events_of_users ON ysmean_events (user_id, seq);
CREATE TABLE IF NOT EXISTS ysmean_store (id TEXT NOT NULL, format INTEGER NOT NULL);
"""
# Events sent twice in one call come twice here, and the second one conflicts with the first.
INSERT = """
INSERT INTO ysmean_events (event_id, user_id, item_id, timestamp, event, request_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::text[], %s::text[])
ON CONFLICT (event_id) DO NOTHING RETURNING event_id
"""

Conn = psycopg.Connection[tuple[Any, ...]]


class PostgresStore(SqlStore[Conn]):
    """An `EventStore` in a PostgreSQL database.

    A lost connection is made anew; until then writes and reads fail, and say so.

    Args:
        url: `postgresql://user:password@host:port/database`.
        create: whether tables are made where there are none.

    Raises:
        StoreError: if the database cannot be used.
    """

    events = "ysmean_events"

    def __init__(self, url: str, *, create: bool = True) -> None:
        super().__init__()
        self._url = url
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"  # without a password
        self._reading = threading.Lock()
        self._connections: dict[str, Conn] = {}
        self._away_until = 0.0
        try:
            self._id = self._begin(create)
        except psycopg.Error as error:
            self._leave()
            raise StoreError(
                f"Live events cannot be kept in {self.name}: {_said(error)}. "
                "Name another store with --events-db."
            ) from None

    @property
    def id(self) -> str:
        """What tells the store from all others."""
        return self._id

    def _begin(self, create: bool) -> str:
        connection = self._connection("write")
        with connection.transaction():
            _lock(connection)
            if create:
                connection.execute(TABLES)
                connection.execute(
                    "INSERT INTO ysmean_store SELECT %s, %s "
                    "WHERE NOT EXISTS (SELECT * FROM ysmean_store)",
                    [uuid.uuid4().hex, FORMAT],
                )
            found = connection.execute("SELECT id, format FROM ysmean_store").fetchone()
        store, version = found or ("", FORMAT)
        if version != FORMAT:
            raise StoreError(
                f"{self.name} has format {version}; this version of Ys-Mean keeps live events in "
                f"format {FORMAT}. Name another database with --events-db."
            )
        return str(store)

    def _connection(self, purpose: str) -> Conn:
        """Return the connection of a purpose, which is made anew where it was lost."""
        kept = self._connections.get(purpose)
        if kept is None or kept.closed:
            # Or every batch of requests would wait anew for a server that is away.
            if time.monotonic() < self._away_until:
                raise psycopg.OperationalError("the server is away")
            try:
                kept = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
            except psycopg.OperationalError:
                self._away_until = time.monotonic() + AWAY
                raise
            kept.execute("SET synchronous_commit = on")  # whatever is usual there
            self._connections[purpose] = kept
        return kept

    def _commit(self, writes: Sequence[Callable[[Conn], Any]]) -> Sequence[Any]:
        try:
            self._alive("write")
            connection = self._connection("write")
            with connection.transaction():
                _lock(connection)
                return [write(connection) for write in writes]
        except psycopg.Error as error:
            raise StoreError(f"{self.name}: {_said(error)}; nothing is known to be written.") from (
                error
            )

    def _read(self, query: str, parameters: Sequence[Any]) -> Rows:
        # A text of PostgreSQL never holds a zero byte, so nobody with one in the id is known.
        known = ["" if isinstance(p, str) and "\0" in p else p for p in parameters]
        try:
            with self._reading:
                try:
                    return self._execute(self._connection("read"), query, known)
                except psycopg.OperationalError:  # reading twice does no harm
                    return self._execute(self._connection("read"), query, known)
        except psycopg.Error as error:
            raise StoreError(f"{self.name} cannot be read: {_said(error)}.") from error

    def _alive(self, purpose: str) -> None:
        """Find out whether a connection was lost since it was last used."""
        try:
            self._connection(purpose).execute("SELECT 1")
        except psycopg.OperationalError:
            if (lost := self._connections.pop(purpose, None)) is not None:
                lost.close()

    def _execute(self, connection: Conn, query: str, parameters: Sequence[Any]) -> Rows:
        # The queries are this package's own; what comes from outside are parameters.
        cursor = connection.execute(query.replace("?", "%s").encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def _insert(self, connection: Conn, events: Sequence[LiveEvent]) -> list[bool]:
        columns = (
            [e.event_id for e in events],
            [e.user_id for e in events],
            [e.item_id for e in events],
            [e.timestamp for e in events],
            [e.event for e in events],
            [e.request_id for e in events],
        )
        new = {event_id for (event_id,) in connection.execute(INSERT, columns)}
        firsts = []
        for event in events:
            firsts.append(event.event_id in new)
            new.discard(event.event_id)
        return firsts

    def _leave(self) -> None:
        for connection in self._connections.values():
            connection.close()


def _lock(connection: Conn) -> None:
    """Wait for the other writers: numbers are then given in the order of commits."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _said(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
