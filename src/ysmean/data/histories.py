"""Who took what, in order: the events as class indices, and the sole owner of padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.past import Past
from ysmean.data.users import Users
from ysmean.errors import DataError

IntArray = npt.NDArray[np.int64]

COHORTS = ("0", "1", "2-3", "4-9", "10-49", "50+")
_COHORT_STARTS = np.array([1, 2, 4, 10, 50])


def cohort_of(lengths: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Return the index into `COHORTS` of history lengths (B,)."""
    return np.searchsorted(_COHORT_STARTS, lengths, side="right")


@dataclass(frozen=True)
class Histories:
    """The past items of every user, flat: user `u` owns `offsets[u]:offsets[u + 1]`.

    Attributes:
        user_ids: String series (U,), in order of first appearance.
        offsets: int64 (U + 1,).
        classes: int32 (E,), class indices in time order within a user.
        weights: float32 (E,), what an event counts in training.
        times: float64 (E,) seconds since the epoch, or None where row order is time order.
        hidden_offsets, hidden: like offsets and classes, for items a user must not be shown.
        hidden_after: int64, how many events the user had when an item was hidden.
    """

    user_ids: pl.Series
    offsets: IntArray
    classes: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64] | None
    hidden_offsets: IntArray
    hidden: npt.NDArray[np.int32]
    hidden_after: IntArray

    @classmethod
    def from_events(
        cls, events: Events, catalogue: Catalogue, users: Users | None = None
    ) -> Histories:
        """Turn events into class indices; users without events get empty histories.

        Args:
            events: every item of theirs must be in the catalogue.
            catalogue: N items.
            users: who else may be asked for.

        Raises:
            DataError: names an item that the catalogue lacks.
        """
        ids = catalogue.frame.select("item_id").with_columns(
            pl.int_range(pl.len(), dtype=pl.Int32).alias("class")
        )
        # Other columns of the events may have any name, "class" too.
        needed = ("user_id", "item_id", "weight", "excludes", *["timestamp"] * events.has_time)
        frame = events.frame.select(needed).join(
            ids, on="item_id", how="left", maintain_order="left"
        )
        missing = frame.filter(pl.col("class").is_null())
        if len(missing):
            raise DataError(f"Item {missing['item_id'][0]!r} in events is not in the catalogue.")
        people = [frame.get_column("user_id"), *([users.frame["user_id"]] if users else [])]
        everybody = pl.concat(people).unique(maintain_order=True)
        frame = frame.with_columns((~pl.col("excludes")).cum_sum().alias("taken"))
        taken = frame.filter(~pl.col("excludes"))
        hidden = frame.filter(pl.col("excludes"))
        offsets, hidden_offsets = user_offsets(everybody, taken), user_offsets(everybody, hidden)
        before = np.repeat(offsets[:-1], np.diff(hidden_offsets))
        return cls(
            user_ids=everybody,
            offsets=offsets,
            classes=taken.get_column("class").to_numpy(),
            weights=taken.get_column("weight").to_numpy(),
            times=taken.get_column("timestamp").to_numpy() if events.has_time else None,
            hidden_offsets=hidden_offsets,
            hidden=hidden.get_column("class").to_numpy(),
            hidden_after=hidden.get_column("taken").to_numpy().astype(np.int64) - before,
        )

    def __len__(self) -> int:
        """Return the number of users, U."""
        return len(self.user_ids)

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each user id."""
        return {user: row for row, user in enumerate(self.user_ids.to_list())}

    @property
    def lengths(self) -> IntArray:
        """Events of each user, int64 (U,)."""
        return np.diff(self.offsets)

    @cached_property
    def users(self) -> npt.NDArray[np.int32]:
        """The user row of each event, int32 (E,)."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def past(self, row: int) -> Past:
        """Return what the user of a row took and has hidden; views, nothing is copied."""
        events = slice(self.offsets[row], self.offsets[row + 1])
        hidden = slice(self.hidden_offsets[row], self.hidden_offsets[row + 1])
        classes = self.classes[events]
        times = np.full(len(classes), np.nan) if self.times is None else self.times[events]
        return Past(classes, times, self.hidden[hidden])

    def windows(self, starts: IntArray, ends: IntArray, length: int) -> npt.NDArray[np.int32]:
        """Return the last items of flat ranges as tokens.

        Args:
            starts: int64 (B,), flat position of the first event that may be shown.
            ends: int64 (B,), one past the last.
            length: T.

        Returns:
            int32 (B, T): class index + 1, right-aligned, 0 = padding.
        """
        position = ends[:, None] + np.arange(-length, 0)  # (B, T)
        inside = position >= starts[:, None]
        if not len(self.classes):
            return np.zeros(position.shape, np.int32)
        return np.where(inside, self.classes[np.maximum(position, 0)] + 1, 0).astype(np.int32)

    def gaps(
        self, starts: IntArray, ends: IntArray, at: npt.NDArray[np.float64], length: int
    ) -> npt.NDArray[np.int32]:
        """Return the seconds after each of the last events of flat ranges.

        Args:
            starts: int64 (B,), flat position of the first event that may be shown.
            ends: int64 (B,), one past the last.
            at: float64 (B,), the time of the request, seconds since the epoch; NaN = unknown.
            length: T.

        Returns:
            int32 (B, T), beside `windows`: whole seconds to the event after, of a range's last
            event to `at`; 0 where that came before, -1 = padding or unknown.
        """
        if self.times is None:
            return np.full((len(ends), length), -1, np.int32)
        return gaps_of(self.times, starts, ends, at, length)

    def only(self, chosen: npt.NDArray[np.bool_]) -> Histories:
        """Return the histories of the same users with the chosen events (E,) alone."""
        kept = np.bincount(self.users[chosen], minlength=len(self))
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(kept)]).astype(np.int64),
            classes=self.classes[chosen],
            weights=self.weights[chosen],
            times=None if self.times is None else self.times[chosen],
        )

    def to_frame(self) -> pl.DataFrame:
        """Return one row a user, lists of events and of hidden items, for storage."""
        owners = np.repeat(np.arange(len(self)), np.diff(self.hidden_offsets))
        events: dict[str, npt.NDArray[Any]] = {"class": self.classes, "weight": self.weights}
        if self.times is not None:
            events["timestamp"] = self.times
        hidden = {"hidden": self.hidden, "hidden_after": self.hidden_after}
        users = pl.DataFrame({"user_id": self.user_ids}).with_row_index("row")
        for rows, columns in ((self.users, events), (owners, hidden)):
            lists = pl.DataFrame({"row": rows.astype(np.uint32), **columns}).group_by("row")
            users = users.join(lists.agg(pl.all()), on="row", how="left", maintain_order="left")
        return users.drop("row")

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Histories:
        """Rebuild from `to_frame`."""

        def flat(column: str) -> npt.NDArray[Any]:
            return frame.get_column(column).drop_nulls().explode().to_numpy()

        def offsets(column: str) -> IntArray:
            lengths = frame.get_column(column).list.len().fill_null(0).to_numpy()
            return np.concatenate([[0], lengths.cumsum()]).astype(np.int64)

        return cls(
            user_ids=frame.get_column("user_id"),
            offsets=offsets("class"),
            classes=flat("class"),
            weights=flat("weight"),
            times=flat("timestamp") if "timestamp" in frame.columns else None,
            hidden_offsets=offsets("hidden"),
            hidden=flat("hidden"),
            hidden_after=flat("hidden_after"),
        )

    def repeats(self) -> float:
        """Return the share of events on items that their users had before."""
        pairs = pl.DataFrame({"user": self.users, "class": self.classes})
        return 1 - pairs.n_unique() / max(len(pairs), 1)

    def counts(self, size: int) -> npt.NDArray[np.float64]:
        """Return the summed event weights of each class, float64 (size,)."""
        weights = self.weights.astype(np.float64)
        return np.bincount(self.classes, weights=weights, minlength=size).astype(np.float64)


def gaps_of(
    times: npt.NDArray[np.float64],
    starts: IntArray,
    ends: IntArray,
    at: npt.NDArray[np.float64],
    length: int,
) -> npt.NDArray[np.int32]:
    """Return the seconds after each of the last events of flat ranges; see `Histories.gaps`.

    Args:
        times: float64 (E,), seconds since the epoch; NaN = unknown.
        starts: int64 (B,), where the ranges begin.
        ends: int64 (B,), one past their last event.
        at: float64 (B,), the times of the requests.
        length: T.
    """
    position = ends[:, None] + np.arange(-length, 0)  # (B, T)
    if not len(times):
        return np.full(position.shape, -1, np.int32)
    inside = position >= starts[:, None]
    moments = np.append(times[np.where(inside, position, 0)], at[:, None], axis=1)
    seconds = np.clip(np.diff(moments, axis=1), 0, np.iinfo(np.int32).max)
    return np.where(inside & ~np.isnan(seconds), np.nan_to_num(seconds), -1).astype(np.int32)


def pad_tokens(histories: list[npt.NDArray[np.int32]], length: int) -> npt.NDArray[np.int32]:
    """Return explicit histories of class indices as tokens (B, length), right-aligned."""
    tokens = np.zeros((len(histories), length), np.int32)
    for row, classes in enumerate(histories):
        last = classes[-length:]
        tokens[row, length - len(last) :] = last + 1
    return tokens


def user_offsets(users: pl.Series, frame: pl.DataFrame) -> IntArray:
    """Return where each user's rows begin in a frame whose users are contiguous."""
    rows = pl.DataFrame({"user_id": users}).join(
        frame.group_by("user_id").len(), on="user_id", how="left", maintain_order="left"
    )
    counts = rows.get_column("len").fill_null(0).to_numpy()
    return np.concatenate([[0], counts.cumsum()]).astype(np.int64)
