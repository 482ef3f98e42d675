"""Events: who took what, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ysmean.data.readers import Source, read_frame
from ysmean.data.schema import to_seconds
from ysmean.data.tables import id_strings
from ysmean.errors import DataError, nearest

COLUMNS = ("user_id", "item_id", "timestamp", "weight", "event")
EXCLUDE = "exclude"
NEGATIVE = {"dislike": EXCLUDE, "hide": EXCLUDE}
MILLISECONDS = 1e11  # as seconds, the year 5138

EventWeights = Mapping[str, float | str]


@dataclass(frozen=True)
class Events:
    """A log of events, users contiguous in order of first appearance, each in time order.

    Attributes:
        frame: `user_id`, `item_id` (String), `timestamp` (Float64 seconds since the epoch, only
            where given), `weight` (Float32), `excludes` (Boolean: a negative signal that hides
            the item from the user), and the file's other columns.
        notes: what was found while reading.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()

    @classmethod
    def from_frame(
        cls,
        source: Source,
        columns: Mapping[str, str] | None = None,
        event_weights: EventWeights | None = None,
    ) -> Events:
        """Read events from a file or a dataframe; see `read_events`."""
        frame, name = read_frame(source, columns, ("user_id", "item_id"))
        notes: list[str] = []
        frame = frame.with_columns(
            id_strings(frame.get_column("user_id"), name),
            id_strings(frame.get_column("item_id"), name),
            *_weights(frame, name, event_weights, notes),
        )
        if "timestamp" in frame.columns:
            frame = _in_time_order(frame, name, notes)
        else:
            frame = _users_together(frame)
        pairs = frame.select(pl.struct("user_id", "item_id").n_unique()).item()
        if pairs < len(frame):
            notes.append(
                f"{name}: {len(frame) - pairs:,} events repeat an earlier item of the user"
            )
        return cls(frame, tuple(notes))

    @property
    def has_time(self) -> bool:
        """Whether events carry timestamps."""
        return "timestamp" in self.frame.columns

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.frame)


def read_events(
    source: Source,
    columns: Mapping[str, str] | None = None,
    event_weights: EventWeights | None = None,
) -> Events:
    """Read a log of events.

    Args:
        source: a file or a dataframe with `user_id` and `item_id`, and optionally `timestamp`
            (without it, row order is time order within a user), `weight` (above 0) and `event`
            (its type).
        columns: our names -> the table's, such as `{"user_id": "uid"}`.
        event_weights: what an event of each type weighs; `"exclude"` for negative signals, which
            hide the item from that user. By default `dislike` and `hide` do, and all others
            weigh 1.

    Raises:
        DataError: names file, column and row.
    """
    return Events.from_frame(source, columns, event_weights)


def _weights(
    frame: pl.DataFrame, name: str, mapping: EventWeights | None, notes: list[str]
) -> tuple[pl.Series, pl.Series]:
    """Return the columns `weight` and `excludes`."""
    weight = pl.Series("weight", [1.0], pl.Float32).new_from_index(0, len(frame))
    if "weight" in frame.columns:
        given = frame.get_column("weight")
        if not given.dtype.is_numeric():
            raise DataError(f"{name}: weight is {given.dtype}; expected numbers above 0.")
        weight = given.cast(pl.Float32)
        bad = ~(weight.is_finite() & (weight > 0)).fill_null(False)
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise DataError(
                f"{name}, row {row + 1}: weight is {given[row]}; expected a finite number above "
                "0. For negative signals use an event type that maps to 'exclude'."
            )
    excludes = pl.Series("excludes", [False]).new_from_index(0, len(frame))
    if "event" not in frame.columns:
        return weight, excludes
    types = frame.get_column("event").cast(pl.String).fill_null("")
    counts = types.value_counts(sort=True)
    known = dict(mapping) if mapping is not None else dict.fromkeys(counts["event"], 1.0) | NEGATIVE
    for kind in counts.get_column("event"):
        if kind not in known:
            row = int((types == kind).arg_max() or 0)
            raise DataError(
                f"{name}, row {row + 1}: event type {kind!r} has no weight." + nearest(kind, known)
            )
        if known[kind] != EXCLUDE and not _positive(known[kind]):
            raise DataError(
                f"Event type {kind!r} weighs {known[kind]!r}; expected a number above 0 or "
                "'exclude'."
            )
    said = ", ".join(f"{c:,} {t or '(none)'} ({known[t]})" for t, c in counts.iter_rows())
    notes.append(f"{name}: event types {said}")
    positive = {k: float(v) for k, v in known.items() if v != EXCLUDE}
    factor = types.replace_strict(positive, default=1.0, return_dtype=pl.Float32)
    hides = [k for k, v in known.items() if v == EXCLUDE]
    return (weight * factor).rename("weight"), types.is_in(hides).rename("excludes")


def _positive(value: float | str) -> bool:
    return isinstance(value, int | float) and 0 < value < float("inf")


def _in_time_order(frame: pl.DataFrame, name: str, notes: list[str]) -> pl.DataFrame:
    times = to_seconds(frame.get_column("timestamp"), name, required=True)
    if float(times.max() or 0) > MILLISECONDS:  # type: ignore[arg-type]
        notes.append(
            f"{name}: timestamps look like milliseconds; they are taken as seconds. "
            "Divide them by 1000."
        )
    frame = frame.with_columns(times)
    before = len(frame)
    same = [c for c in ("user_id", "item_id", "timestamp", "event") if c in frame.columns]
    frame = frame.unique(same, keep="first", maintain_order=True)
    if len(frame) < before:
        notes.append(f"{name}: {before - len(frame):,} exact duplicates dropped")
    return _users_together(frame, "timestamp")


def _users_together(frame: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Sort stably by the user's first appearance, then by columns."""
    users = frame.get_column("user_id").unique(maintain_order=True)
    order = pl.DataFrame({"user_id": users}).with_row_index("_order")
    frame = frame.join(order, on="user_id", how="left", maintain_order="left")
    return frame.sort("_order", *by, maintain_order=True).drop("_order")
