"""The ordered list of everything that can be recommended, and what each item is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.attributes import Attributes
from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.data.ordered import Ordered
from ysmean.data.schema import FeatureType
from ysmean.errors import DataError, UnknownItemError

Bounds = npt.NDArray[np.float64] | None


@dataclass(frozen=True)
class Catalogue:
    """Items in class order: item `i` of the frame is class index `i`.

    Attributes:
        frame: one row a class: `item_id`, the features, and `available_from` /
            `available_until` in seconds where given. Items without features hold nulls.
        schema: the type of each feature.
        warm: bool (N,), whether the item has events in training. The others are cold.
        notes: what a person should know about how it was put together.
        added: how many of the last classes came after training.
        withdrawn: int32, classes that are offered no more, ascending.
    """

    frame: pl.DataFrame
    schema: Mapping[str, FeatureType]
    warm: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()
    added: int = 0
    withdrawn: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @classmethod
    def build(
        cls, events: Events, items: Items | None = None, *, unknown_items: str = "keep"
    ) -> tuple[Catalogue, Events]:
        """Join the items file with the items that only the events know.

        Args:
            events: all events; their items become warm.
            items: what the items are; its order is the class order.
            unknown_items: `"keep"` appends items that the items file lacks, without features;
                `"drop"` drops their events.

        Returns:
            The catalogue, and the events that it covers.

        Raises:
            DataError: if no event is left.
        """
        if unknown_items not in ("keep", "drop"):
            raise DataError(f"unknown_items is {unknown_items!r}; expected 'keep' or 'drop'.")
        seen = events.frame.get_column("item_id").unique(maintain_order=True)
        items = items or Items(pl.DataFrame({"item_id": seen}), {})
        frame, notes = items.frame, []
        unknown = seen.filter(~seen.is_in(frame.get_column("item_id").implode()))
        if len(unknown):
            lost = events.frame.get_column("item_id").is_in(unknown.implode())
            counted = f"{len(unknown):,} items in {int(lost.sum()):,} events"
            if unknown_items == "drop":
                events = replace(events, frame=events.frame.filter(~lost))
                notes.append(f"{counted} are missing from the items file: events dropped")
            else:
                extra = pl.DataFrame({"item_id": unknown})
                frame = pl.concat([frame, extra], how="diagonal")
                notes.append(f"{counted} are missing from the items file: kept, featureless")
        if not len(events):
            raise DataError(
                "No event is on an item of the items file. Check that both use the same item ids, "
                f"for example {seen[0]!r} in events against {items.frame['item_id'][0]!r} in items."
            )
        taken = events.frame.filter(~pl.col("excludes")).get_column("item_id")
        # Much faster than without an order, though that would do.
        taken = taken.unique(maintain_order=True)
        warm = frame.get_column("item_id").is_in(taken.implode()).to_numpy()
        return cls(frame, dict(items.schema), warm, tuple(notes)), events

    def __len__(self) -> int:
        """Return the number of classes, N."""
        return len(self.frame)

    @property
    def offered(self) -> npt.NDArray[np.bool_]:
        """Bool (N,): what may be answered with at all."""
        offered = np.ones(len(self), bool)
        offered[self.withdrawn] = False
        return offered

    def with_items(self, rows: pl.DataFrame) -> Catalogue:
        """Return a catalogue in which some items are what `rows` says, new ones come last.

        Whatever is named is offered, also where it had been withdrawn.

        Args:
            rows: `item_id` (unique) and some columns of the frame, in its types. What they lack
                stays as it is, and is null for new items.
        """
        classes = self.classes(rows.get_column("item_id"))
        new = rows.filter(pl.Series(classes < 0))
        wide = pl.concat([self.frame, rows.clear()], how="diagonal")  # it may lack bounds
        frame = wide.update(rows, on="item_id", how="left", include_nulls=True)
        return replace(
            self,
            frame=pl.concat([frame, new], how="diagonal"),
            warm=np.append(self.warm, np.zeros(len(new), bool)),
            added=self.added + len(new),
            withdrawn=np.setdiff1d(self.withdrawn, classes).astype(np.int32),
        )

    def without(self, classes: npt.NDArray[np.int32], needed: int = 0) -> Catalogue:
        """Return a catalogue in which some items are offered no more.

        Those that came last, after training, leave it for good, so that it is as it was before.

        Args:
            classes: to be withdrawn.
            needed: how many of the first classes have to stay, as histories name them.
        """
        withdrawn = np.union1d(self.withdrawn, classes).astype(np.int32)
        gone, size, least = set(withdrawn.tolist()), len(self), len(self) - self.added
        while size > max(least, needed) and size - 1 in gone:
            size -= 1
        return replace(
            self,
            frame=self.frame.head(size),
            warm=self.warm[:size],
            added=self.added - (len(self) - size),
            withdrawn=withdrawn[withdrawn < size],
        )

    @cached_property
    def item_ids(self) -> list[str]:
        """The item ids in class order."""
        ids: list[str] = self.frame.get_column("item_id").to_list()
        return ids

    @cached_property
    def index(self) -> dict[str, int]:
        """The class index of each item id."""
        return {item: i for i, item in enumerate(self.item_ids)}

    def classes(self, ids: Iterable[str]) -> npt.NDArray[np.int32]:
        """Return the class index of each id as int32 (n,), -1 for unknown ones."""
        index = self.index
        return np.array([index.get(i, -1) for i in ids], np.int32)

    def known_classes(self, ids: Iterable[str]) -> npt.NDArray[np.int32]:
        """Return the class index of each id.

        Raises:
            UnknownItemError: names the first id that is not in the catalogue.
        """
        ids = list(ids)
        classes = self.classes(ids)
        if (classes < 0).any():
            bad = ids[int(np.argmax(classes < 0))]
            raise UnknownItemError(
                f"Item {bad!r} is not among the {len(self):,} items of the catalogue."
            )
        return classes

    def titles(self, classes: npt.NDArray[np.int32]) -> list[str | None]:
        """Return the display titles of classes; None where there is none."""
        return [self._titles[c] for c in classes.tolist()]

    @cached_property
    def _titles(self) -> list[str | None]:
        titled = "title" in self.frame.columns
        return self.frame.get_column("title").to_list() if titled else [None] * len(self)

    @cached_property
    def has_features(self) -> npt.NDArray[np.bool_]:
        """Bool (N,): whether anything at all is known of what the item is."""
        known = np.zeros(len(self), bool)
        for name in self.schema:
            known |= self.frame.get_column(name).is_not_null().to_numpy()
        return known

    @cached_property
    def attributes(self) -> Attributes:
        """The categorical values of all items, for stated preferences."""
        return Attributes.of(self.frame, self.schema)

    @cached_property
    def ordered(self) -> Ordered:
        """Where items stand by number and time, for stated preferences."""
        return Ordered.of(self.frame, self.schema)

    @cached_property
    def available(self) -> tuple[Bounds, Bounds]:
        """Between when items may be shown, each float64 (N,), NaN where open, or None."""
        return self.seconds("available_from"), self.seconds("available_until")

    def seconds(self, column: str) -> Bounds:
        """Return `available_from` or `available_until` as float64 (N,), NaN where open."""
        if column not in self.frame.columns:
            return None
        values = self.frame.get_column(column).cast(pl.Float64)
        return None if values.null_count() == len(values) else values.to_numpy()
