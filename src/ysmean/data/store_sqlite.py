"""Live events in an SQLite file: what is acknowledged survives a kill and a power cut."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ysmean.data.live import LiveEvent
from ysmean.data.store_sql import Rows, SqlStore
from ysmean.errors import StoreError

FORMAT = 2  # 1 had no id

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
CREATE TABLE IF NOT EXISTS store (id TEXT NOT NULL);
"""


class SqliteStore(SqlStore[sqlite3.Connection]):
    """An `EventStore` in one file.

    Args:
        path: of the file.
        create: whether it is made where there is none.

    Raises:
        StoreError: if the file cannot be used.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        super().__init__()
        self.path = path
        if not create and not path.is_file():
            raise StoreError(f"{path} does not exist. Expected a file of `ysmean serve`.")
        try:
            self._connection = _open(path)
            self._reader = _open(path)
        except sqlite3.Error as error:
            raise StoreError(
                f"Live events cannot be kept in {path}: {error}. "
                "Name another file with --events-db."
            ) from None
        self._reading = threading.Lock()
        ((self._id,),) = self._read("SELECT id FROM store", [])

    @property
    def id(self) -> str:
        """What tells the store from all others."""
        return str(self._id)

    def _commit(self, writes: Sequence[Callable[[sqlite3.Connection], Any]]) -> Sequence[Any]:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                results = [write(connection) for write in writes]
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}; nothing was written.") from error
        return results

    def _read(self, query: str, parameters: Sequence[Any]) -> Rows:
        try:
            with self._reading:
                return self._reader.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be read: {error}.") from error

    def _execute(
        self, connection: sqlite3.Connection, query: str, parameters: Sequence[Any]
    ) -> Rows:
        return connection.execute(query, parameters).fetchall()

    def _insert(self, connection: sqlite3.Connection, events: Sequence[LiveEvent]) -> list[bool]:
        return [_insert(connection, event) for event in events]

    def _leave(self) -> None:
        self._connection.close()
        self._reader.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise StoreError(
            f"{path} has format {version}; this version of Ys-Mean keeps live events in format "
            f"{FORMAT}. Name another file with --events-db."
        )
    if version < FORMAT:
        with closing(connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")  # another process may do the same
            for statement in TABLES.split(";"):
                cursor.execute(statement)
            cursor.execute(
                "INSERT INTO store SELECT ? WHERE NOT EXISTS (SELECT * FROM store)",
                (uuid.uuid4().hex,),
            )
            cursor.execute(f"PRAGMA user_version = {FORMAT}")
            cursor.execute("COMMIT")
    return connection


def _insert(connection: sqlite3.Connection, event: LiveEvent) -> bool:
    values = (event.event_id, event.user_id, event.item_id, event.timestamp)
    done = connection.execute(
        "INSERT INTO events (event_id, user_id, item_id, timestamp, event, request_id) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING",
        (*values, event.event, event.request_id),
    )
    return done.rowcount == 1
