"""Keep a trained recommender's catalogue up to date: nothing is trained again.

Items that are added, or described anew, are known at once to the networks that know items by what
they are; the others learn of them when they are trained next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.catalogue import Catalogue
from ysmean.data.items import AVAILABILITY, Items
from ysmean.data.readers import Source, read_frame
from ysmean.errors import DataError
from ysmean.networks.growth import Changed
from ysmean.parts import Parts


@dataclass(frozen=True)
class Kept:
    """What happened to a catalogue.

    Attributes:
        added: items that are new.
        updated: items that were known, and are described anew.
        withdrawn: items that are offered no more.
        notes: what a person should know about how the items were read.
    """

    added: int = 0
    updated: int = 0
    withdrawn: int = 0
    notes: tuple[str, ...] = ()


def add_items(
    parts: Parts, source: Items | Source, columns: Mapping[str, str] | None = None
) -> tuple[Parts, Kept]:
    """Return parts with more items, and with known ones described anew.

    Args:
        parts: of a recommender; they stay as they are.
        source: items, or a file or dataframe of them, as `read_items` takes. Features that the
            source lacks stay as they are; those that the catalogue lacks are left out.
        columns: our names -> the table's.

    Raises:
        DataError: for a table that cannot be read, or a feature of another type than the
            catalogue's.
    """
    catalogue = parts.catalogue
    items = source if isinstance(source, Items) else _read(source, columns, catalogue)
    rows, left_out = _fitting(items, catalogue)
    known = int((catalogue.classes(rows.get_column("item_id")) >= 0).sum())
    grown = catalogue.with_items(rows)
    kept = Kept(len(rows) - known, known, 0, (*items.notes, *left_out))
    return _renewed(parts, grown, grown.classes(rows.get_column("item_id"))), kept


def withdraw(parts: Parts, item_ids: Iterable[str]) -> tuple[Parts, Kept]:
    """Return parts that offer some items no more.

    They still count in histories. What was added after training leaves the catalogue, as far as
    no later item remains, so that answers are exactly what they were before.

    Args:
        parts: of a recommender; they stay as they are.
        item_ids: to be withdrawn; adding them again brings them back.

    Raises:
        UnknownItemError: names an item that the catalogue lacks.
    """
    ids = [item_ids] if isinstance(item_ids, str) else [str(i) for i in item_ids]
    classes = np.unique(parts.catalogue.known_classes(ids))
    needed = 1 + int(parts.histories.classes.max(initial=-1))
    shrunk = parts.catalogue.without(classes, needed)
    return _renewed(parts, shrunk, np.empty(0, np.int32)), Kept(withdrawn=len(classes))


def _read(source: Source, columns: Mapping[str, str] | None, catalogue: Catalogue) -> Items:
    """Read items with the types that the catalogue's features have."""
    frame, _ = read_frame(source, columns, ("item_id",))
    types = {n: str(kind) for n, kind in catalogue.schema.items() if n in frame.columns}
    return Items.from_frame(source, columns, types)


def _fitting(items: Items, catalogue: Catalogue) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns that the catalogue has too, and notes on those it lacks."""
    left_out = []
    for name, kind in items.schema.items():
        if name not in catalogue.schema:
            left_out.append(f"{name} left out: the networks were trained without it")
        elif kind is not catalogue.schema[name]:
            raise DataError(
                f"{name} is {kind}, but {catalogue.schema[name]} in the catalogue. Read the items "
                f"with types={{{name!r}: {str(catalogue.schema[name])!r}}}."
            )
    wanted = ("item_id", *catalogue.schema, *AVAILABILITY)
    return items.frame.select(c for c in items.frame.columns if c in wanted), left_out


def _renewed(parts: Parts, catalogue: Catalogue, classes: npt.NDArray[np.int32]) -> Parts:
    """Return parts for another catalogue, in which the items of `classes` are described anew."""
    changed = Changed(
        classes,
        _features(parts, catalogue.frame, classes),
        _features(parts, parts.catalogue.frame, classes),
        _features(parts, catalogue.frame, classes, wide=True),
    )
    networks = {n: fitted.with_items(catalogue, changed) for n, fitted in parts.networks.items()}
    return replace(parts, catalogue=catalogue, networks=networks)


def _features(
    parts: Parts, frame: pl.DataFrame, classes: npt.NDArray[np.int32], wide: bool = False
) -> npt.NDArray[np.float32]:
    """Return what items are, float32 (n, f); 0 for those that the frame lacks."""
    if parts.encoder is None:
        return np.zeros((len(classes), 0), np.float32)
    known = classes < len(frame)
    rows = parts.encoder(frame[classes[known].tolist()], wide)
    features = np.zeros((len(classes), rows.shape[1]), np.float32)
    features[known] = rows
    return features
