"""Events: who took what, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.readers import Source, read_frame
from ysmean.data.schema import to_seconds
from ysmean.data.tables import id_strings
from ysmean.errors import DataError, nearest

COLUMNS = ("user_id", "item_id", "timestamp", "weight", "event")
LEADING = ("user_id", "item_id", "timestamp", "weight", "excludes")
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
            *(_compact(frame.get_column(c), name) for c in ("user_id", "item_id")),
            *_signals(frame, name, event_weights, notes),
        )
        if "timestamp" in frame.columns:
            frame = frame.with_columns(_times(frame, name, notes))
        frame = _ordered(frame, name, notes).with_columns(
            pl.col("user_id", "item_id").cast(pl.String)
        )
        leading = [c for c in LEADING if c in frame.columns]
        return cls(frame.select(*leading, pl.exclude(leading)), tuple(notes))

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


def _signals(
    frame: pl.DataFrame, name: str, mapping: EventWeights | None, notes: list[str]
) -> tuple[pl.Series, pl.Series]:
    """Return the columns `weight` and `excludes`."""
    weight, excludes = _weight(frame, name), _excludes(frame, name)
    if "event" not in frame.columns:
        if mapping is not None:
            notes.append(f"{name}: event weights have no effect, there is no column 'event'")
        return weight, excludes
    types = frame.get_column("event").cast(pl.String).fill_null("")
    counts = types.value_counts(sort=True)
    seen = counts.get_column("event")
    known = dict(mapping) if mapping is not None else dict.fromkeys(seen, 1.0) | NEGATIVE
    _check_types(types, seen, known, name)
    said = ", ".join(f"{c:,} {t or '(none)'} ({known[t]})" for t, c in counts.iter_rows())
    notes.append(f"{name}: event types {said}")
    positive = {k: float(v) for k, v in known.items() if v != EXCLUDE}
    hides = [k for k, v in known.items() if v == EXCLUDE]
    factor = types.replace_strict(positive, default=1.0, return_dtype=pl.Float32)
    return (weight * factor).rename("weight"), (excludes | types.is_in(hides)).rename("excludes")


def _weight(frame: pl.DataFrame, name: str) -> pl.Series:
    if "weight" not in frame.columns:
        return pl.Series("weight", [1.0], pl.Float32).new_from_index(0, len(frame))
    given = frame.get_column("weight")
    weight = given.cast(pl.Float32, strict=False)
    bad = ~(weight.is_finite() & (weight > 0)).fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{name}, row {row + 1}: weight is {given[row]!r}; expected a finite number above "
            "0. For negative signals use an event type that maps to 'exclude'."
        )
    return weight


def _excludes(frame: pl.DataFrame, name: str) -> pl.Series:
    if "excludes" not in frame.columns:
        return pl.Series("excludes", [False]).new_from_index(0, len(frame))
    given = frame.get_column("excludes")
    if given.dtype != pl.Boolean:
        raise DataError(
            f"{name}: column 'excludes' is {given.dtype}; expected true or false (true hides the "
            "item from the user). Rename the column if it means something else."
        )
    return given.fill_null(False)


def _check_types(
    types: pl.Series, seen: pl.Series, known: Mapping[str, float | str], name: str
) -> None:
    for kind in seen:
        if kind not in known:
            row = int((types == kind).arg_max() or 0)
            raise DataError(
                f"{name}, row {row + 1}: event type {kind!r} has no weight." + nearest(kind, known)
            )
    for kind, value in known.items():
        if value != EXCLUDE and not _positive(value):
            raise DataError(
                f"Event type {kind!r} weighs {value!r}; expected a number above 0 or 'exclude'."
            )


def _positive(value: float | str) -> bool:
    return isinstance(value, int | float) and 0 < value < float("inf")


def _times(frame: pl.DataFrame, name: str, notes: list[str]) -> pl.Series:
    times = to_seconds(frame.get_column("timestamp"), name, required=True)
    if float(times.max() or 0) > MILLISECONDS:  # type: ignore[arg-type]
        notes.append(
            f"{name}: timestamps look like milliseconds; they are taken as seconds. "
            "Divide them by 1000."
        )
    return times


def _ordered(frame: pl.DataFrame, name: str, notes: list[str]) -> pl.DataFrame:
    """Put users together and in time order, and drop exact duplicates."""
    users, items = _codes(frame.get_column("user_id")), _codes(frame.get_column("item_id"))
    timed = "timestamp" in frame.columns
    times = frame.get_column("timestamp").to_numpy() if timed else None
    order = _order(users.to_numpy(), times)
    pairs = users.cast(pl.UInt64) * 2**32 + items
    if not (order[1:] > order[:-1]).all():
        frame, pairs = frame[order], pairs[order]
    if timed:
        first = _firsts(frame, pairs)
        if not first.all():
            notes.append(f"{name}: {(~first).sum():,} exact duplicates dropped")
            frame, pairs = frame.filter(first), pairs.filter(first)
    repeats = len(pairs) - pairs.n_unique()
    if repeats:
        notes.append(f"{name}: {repeats:,} events repeat an earlier item of the user")
    return frame


def _order(
    users: npt.NDArray[np.uint32], times: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.int64]:
    """Return the stable order of events by user and time; row order where they have no time.

    NumPy sorts 16-bit integers by counting, so two passes over the users' halves beat a sort by
    comparison, and this beats sorting the frame several times.
    """
    order = np.arange(len(users)) if times is None else np.argsort(times, kind="stable")
    for shift in (0, 16):
        digits = (users >> np.uint32(shift)).astype(np.uint16)
        if digits.any():
            order = order[np.argsort(digits[order], kind="stable")]
    return order


def _codes(ids: pl.Series) -> pl.Series:
    """Return each id's number in order of first appearance."""
    known = ids.unique(maintain_order=True).to_frame().with_row_index("code")
    coded = ids.to_frame().join(known, on=ids.name, how="left", maintain_order="left")
    return coded.get_column("code")


def _firsts(frame: pl.DataFrame, pairs: pl.Series) -> pl.Series:
    """Return which events are no exact duplicate of an earlier one, given time order."""
    times = frame.get_column("timestamp")
    same = ((pairs // 2**32).diff() == 0) & (times.diff() == 0)
    tied = same.fill_null(False) | same.shift(-1).fill_null(False)
    # Only ties can be duplicates: far fewer rows to hash than all of them.
    key = pl.DataFrame({"pair": pairs, "timestamp": times})
    key = key.with_columns(frame.select(c for c in frame.columns if c == "event"))
    first = key.filter(tied).to_struct().is_first_distinct()
    return (~tied).scatter(tied.arg_true(), first)


def _compact(ids: pl.Series, name: str) -> pl.Series:
    """Check ids, but leave integers as they are until they are in order: cheaper to move."""
    if ids.dtype.is_integer() and not ids.null_count():
        return ids
    return id_strings(ids, name)
