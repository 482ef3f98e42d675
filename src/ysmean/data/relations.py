"""Typed relations of items: `film 12 - directed by - Agnes Varda`, as features of the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ysmean.data.readers import Source, read_frame
from ysmean.data.tables import id_strings

COLUMNS = ("head", "relation", "tail")


@dataclass(frozen=True)
class Relations:
    """A table of relations.

    Attributes:
        frame: `head`, `relation` and `tail`, String, each row once.
        name: of the table, for messages.
        notes: what was found while reading.
    """

    frame: pl.DataFrame
    name: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of relations."""
        return len(self.frame)


def read_relations(source: Source, columns: Mapping[str, str] | None = None) -> Relations:
    """Read typed relations.

    Args:
        source: a file or a dataframe with `head` (an item id), `relation` (its type) and `tail`
            (an id or a name of anything); further columns are left out.
        columns: our names -> the table's, such as `{"head": "film"}`.

    Raises:
        DataError: names file, column and row.
    """
    frame, name = read_frame(source, columns, COLUMNS)
    frame = pl.DataFrame([id_strings(frame.get_column(column), name) for column in COLUMNS])
    distinct = frame.unique(maintain_order=True)
    twice = len(frame) - len(distinct)
    notes = (f"{name}: {twice:,} relations that came twice dropped",) if twice else ()
    return Relations(distinct, name, notes)
