"""Open the store of live events that a URL names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ysmean.data.store_sqlite import SqliteStore
from ysmean.errors import ConfigError

if TYPE_CHECKING:
    from ysmean.data.store_postgresql import PostgresStore


def open_store(url: str | Path, *, create: bool = True) -> SqliteStore | PostgresStore:
    """Open a store.

    Args:
        url: a file, `sqlite:///path/to/file` or `postgresql://user:password@host/database`.
        create: whether it is made where there is none.

    Raises:
        StoreError: if it cannot be used.
        ConfigError: for another kind of URL, or if what PostgreSQL needs is not installed.
    """
    scheme, colon, rest = str(url).partition(":")
    if not colon or isinstance(url, Path) or not re.fullmatch(r"[a-z+]{2,}", scheme):
        return SqliteStore(Path(url), create=create)
    if scheme == "sqlite":
        return SqliteStore(Path(rest.removeprefix("//")), create=create)
    if scheme not in ("postgresql", "postgres"):
        raise ConfigError(
            f"A store cannot be of the kind {scheme!r}; expected a file, sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    try:
        from ysmean.data.store_postgresql import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise ConfigError(
            "PostgreSQL needs psycopg. Install it with: pip install 'ysmean[postgresql]'"
        ) from None
    return PostgresStore(str(url), create=create)
