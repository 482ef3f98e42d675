"""Live events in an SQLite file: what is acknowledged survives a kill and a power cut."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ysmean.data.live import LiveEvent, Since
from ysmean.errors import DataError

FORMAT = 1
TOGETHER = 1000  # writes in one transaction at most

# A row without an item is a deletion. What it deletes loses all but its id, so that an event sent
# again stays deleted.
TABLES = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    user_id TEXT,
    item_id TEXT,
    timestamp REAL,
    event TEXT,
    request_id TEXT
);
CREATE INDEX IF NOT EXISTS events_of_users ON events (user_id, seq);
"""

Write = Callable[[sqlite3.Connection], Any]


class SqliteStore:
    """An `EventStore` in one file, with one writer that commits what waits together.

    Args:
        path: of the file; it is made where there is none.

    Raises:
        DataError: if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._writer = _open(path)
            self._reader = _open(path)
        except sqlite3.Error as error:
            raise DataError(
                f"Live events cannot be kept in {path}: {error}. "
                "Name another file with --events-db."
            ) from None
        self._reading = threading.Lock()
        self._writes: queue.SimpleQueue[tuple[Write, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ysmean-events", daemon=True)
        self._thread.start()

    def append(self, events: Sequence[LiveEvent]) -> Future[list[bool]]:
        """Keep events; the result says of each whether it is new, and comes when they are safe."""
        return self._write(lambda connection: [_insert(connection, e) for e in events])

    def forget(self, user_id: str) -> Future[int]:
        """Delete a user's history; the result is how many events were kept of it."""
        return self._write(lambda connection: _forget(connection, user_id))

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._writes.qsize()

    def since(self, user_id: str, watermark: int) -> Since:
        """Return what happened to a user after a sequence number, committed writes included."""
        query = (
            "SELECT event_id, item_id, timestamp, event, request_id FROM events "
            "WHERE user_id = ? AND seq > ? ORDER BY seq"
        )
        with self._reading:
            rows = self._reader.execute(query, (user_id, watermark)).fetchall()
        deleted = False
        events = []
        for event_id, item_id, timestamp, event, request_id in rows:
            if item_id is None:
                deleted = True
            else:
                events.append(LiveEvent(event_id, user_id, item_id, timestamp, event, request_id))
        return Since(tuple(events), deleted)

    def close(self) -> None:
        """Write what waits, then close the file."""
        self._writes.put(None)
        self._thread.join()
        self._writer.close()
        self._reader.close()

    def _write(self, write: Write) -> Future[Any]:
        future: Future[Any] = Future()
        self._writes.put((write, future))
        return future

    def _run(self) -> None:
        closed = False
        while not closed:
            group = [self._writes.get()]
            while len(group) < TOGETHER and not self._writes.empty():
                group.append(self._writes.get())
            closed = None in group
            self._commit([w for w in group if w and w[1].set_running_or_notify_cancel()])

    def _commit(self, group: list[tuple[Write, Future[Any]]]) -> None:
        """Do writes in one transaction; tell nobody before it is safe."""
        if not group:
            return
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                results = [write(self._writer) for write, _ in group]
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
        except Exception as error:
            for _, future in group:
                future.set_exception(DataError(f"{self.path}: {error}; nothing was written."))
        else:
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, FORMAT):
        raise DataError(
            f"{path} has format {version}; this version of Ys-Mean keeps live events in format "
            f"{FORMAT}. Name another file with --events-db."
        )
    if version == 0:
        connection.executescript(f"{TABLES} PRAGMA user_version = {FORMAT};")
    return connection


def _insert(connection: sqlite3.Connection, event: LiveEvent) -> bool:
    values = (event.event_id, event.user_id, event.item_id, event.timestamp)
    done = connection.execute(
        "INSERT INTO events (event_id, user_id, item_id, timestamp, event, request_id) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING",
        (*values, event.event, event.request_id),
    )
    return done.rowcount == 1


def _forget(connection: sqlite3.Connection, user_id: str) -> int:
    count = "SELECT count(*) FROM events WHERE user_id = ? AND item_id IS NOT NULL"
    (kept,) = connection.execute(count, (user_id,)).fetchone()
    connection.execute(
        "UPDATE events SET user_id = NULL, item_id = NULL, timestamp = NULL, event = NULL, "
        "request_id = NULL WHERE user_id = ?",
        (user_id,),
    )
    connection.execute(
        "INSERT INTO events (event_id, user_id, timestamp) VALUES (?, ?, ?)",
        (f"deletion {uuid.uuid4().hex}", user_id, time.time()),
    )
    return int(kept)
