"""The tables of a data folder, for the benchmarks beside this file."""

import ysmean as ym
from ysmean.data.joined import Data


def read(folder, events="events.parquet"):
    """Return the joined tables of a folder; items.parquet and users.parquet may be missing."""
    items, users = folder / "items.parquet", folder / "users.parquet"
    return Data.join(
        ym.read_events(folder / events),
        ym.read_items(items) if items.exists() else None,
        ym.read_users(users) if users.exists() else None,
    )
