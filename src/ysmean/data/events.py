"""Events: who took what, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.readers import Source, read_frame
from ysmean.data.schema import to_seconds
from ysmean.data.signals import EventWeights, RatingWeights, read_signals
from ysmean.data.tables import id_strings
from ysmean.data.watermark import Watermark

COLUMNS = ("user_id", "item_id", "timestamp", "weight", "event", "rating")
LEADING = ("user_id", "item_id", "timestamp", "weight", "excludes")
MILLISECONDS = 1e11  # as seconds, the year 5138


@dataclass(frozen=True)
class Events:
    """A log of events, users contiguous in order of first appearance, each in time order.

    Attributes:
        frame: `user_id`, `item_id` (String), `timestamp` (Float64 seconds since the epoch, only
            where given), `weight` (Float32), `excludes` (Boolean: a negative signal that hides
            the item from the user), and the file's other columns.
        notes: what was found while reading.
        event_weights: what an event of each type weighed; None for the default.
        watermark: how far they go in a store of live events, if they come from one.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    event_weights: EventWeights | None = None
    watermark: Watermark | None = None

    @classmethod
    def from_frame(
        cls,
        source: Source,
        columns: Mapping[str, str] | None = None,
        event_weights: EventWeights | None = None,
        rating_weights: RatingWeights | None = None,
    ) -> Events:
        """Read events from a file or a dataframe; see `read_events`."""
        frame, name = read_frame(source, columns, ("user_id", "item_id"))
        notes: list[str] = []
        frame = frame.with_columns(
            _compact(frame.get_column(c), name) for c in ("user_id", "item_id")
        )
        if "timestamp" in frame.columns:
            frame = frame.with_columns(_times(frame, name, notes))
        frame = read_signals(frame, name, event_weights, rating_weights, notes)
        frame = _ordered(frame, name, notes).with_columns(
            pl.col("user_id", "item_id").cast(pl.String)
        )
        leading = [c for c in LEADING if c in frame.columns]
        return cls(frame.select(*leading, pl.exclude(leading)), tuple(notes), event_weights)

    @classmethod
    def together(cls, logs: Sequence[Events]) -> Events:
        """Join logs, in order of time; as they follow each other where one of them has no times."""
        timed = all(log.has_time for log in logs)
        leading = [c for c in LEADING if timed or c != "timestamp"]
        frame = pl.concat([log.frame.select(leading) for log in logs])
        times = frame.get_column("timestamp").to_numpy() if timed else None
        notes = [note for log in logs for note in log.notes]
        if not timed and any(log.has_time for log in logs):
            notes.append("some events have no timestamps: those of the others are left out")
        users = _codes(frame.get_column("user_id")).to_numpy()
        return cls(frame[_order(users, times)], tuple(notes))

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
    rating_weights: RatingWeights | None = None,
) -> Events:
    """Read a log of events.

    Args:
        source: a file or a dataframe with `user_id` and `item_id`, and optionally `timestamp`
            (without it, row order is time order within a user), `weight` (above 0), `event`
            (its type) and `rating` (a number).
        columns: our names -> the table's, such as `{"user_id": "uid"}`.
        event_weights: what an event of each type weighs; `"exclude"` for negative signals, which
            hide the item from that user, `"ignore"` for what says nothing. By default `dislike`
            and `hide` exclude, and all others weigh 1.
        rating_weights: the same for ratings, by the lowest they are for:
            `{1: "exclude", 3: "ignore", 4: 1}`. By default ratings count for nothing.

    Raises:
        DataError: names file, column and row.
    """
    return Events.from_frame(source, columns, event_weights, rating_weights)


def _times(frame: pl.DataFrame, name: str, notes: list[str]) -> pl.Series:
    times = to_seconds(frame.get_column("timestamp"), name, required=True)
    if (times > MILLISECONDS).any():
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
