"""A batch of requests as arrays, and held-out events asked as such a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.allowed import AllowedSets
from ysmean.data.fields import context_tokens
from ysmean.data.histories import Histories, cohort_of

MAX_HISTORY = 128
INPUTS = {  # the arrays that networks may take, with their dtypes
    "tokens": "int32",
    "gaps": "int32",
    "user_fields": "int32",
    "context": "int32",
    "preferences": "int32",
    "lows": "int32",
    "highs": "int32",
    "strengths": "float32",
}


@dataclass(frozen=True)
class Batch:
    """What the networks are shown of B requests.

    Attributes:
        tokens: int32 (B, T), the last items: class + 1, right-aligned, 0 = padding.
        gaps: int32 (B, T), seconds from each item to the one after it, from the last to the
            request; -1 = padding or unknown.
        lengths: int64 (B,), events in the whole history that may be shown.
        user_fields: int32 (B, F), tokens of the user's features, 0 = unknown.
        context: int32 (B, 2), hour + 1 and weekday + 1, 0 = unknown.
        preferences: int32 (B, P), attribute row + 1 of each stated preference; of one on a number
            or a time -(the feature's place among those + 1); 0 = none.
        lows, highs: int32 (B, P), the ranks between which a number fulfils it, both included.
        strengths: float32 (B, P), of each preference, from -1 (dislike) to 1; 0 where none.
    """

    tokens: npt.NDArray[np.int32]
    gaps: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    user_fields: npt.NDArray[np.int32]
    context: npt.NDArray[np.int32]
    preferences: npt.NDArray[np.int32]
    lows: npt.NDArray[np.int32]
    highs: npt.NDArray[np.int32]
    strengths: npt.NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of requests, B."""
        return len(self.tokens)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Batch:
        """Return some of the requests, each as often as it is named."""
        return Batch(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def cohorts(self) -> npt.NDArray[np.int64]:
        """The index into `COHORTS` of each request, int64 (B,)."""
        return cohort_of(self.lengths)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what the Keras models take, by input name."""
        return {name: getattr(self, name) for name in INPUTS}


@dataclass(frozen=True)
class Questions:
    """Events asked as requests: which item did this user take next?

    Attributes:
        histories: the whole histories, the questions' targets included.
        user_fields: int32 (U, F), the tokens of every user.
        users: int32 (n,), user rows.
        starts, ends: int64 (n,), the flat range of events shown to the networks.
        seen_starts: int64 (n,), where the items begin that may not be answered; up to `ends`.
        targets: int32 (n,), the class to be found.
        at: float64 (n,), the time of the request; NaN where events have none.
    """

    histories: Histories
    user_fields: npt.NDArray[np.int32]
    users: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    seen_starts: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int32]
    at: npt.NDArray[np.float64]

    @classmethod
    def at_positions(
        cls,
        histories: Histories,
        user_fields: npt.NDArray[np.int32],
        positions: npt.NDArray[np.int64],
    ) -> Questions:
        """Ask for the events at flat positions, with all events of the user before them.

        Args:
            histories: holds the events.
            user_fields: int32 (U, F).
            positions: int64 (n,), flat positions of the targets.
        """
        users = histories.users[positions]
        begins = histories.offsets[users]
        times = histories.times
        at = np.full(len(positions), np.nan) if times is None else times[positions]
        targets = histories.classes[positions]
        return cls(histories, user_fields, users, begins, positions, begins, targets, at)

    def __len__(self) -> int:
        """Return the number of questions, n."""
        return len(self.users)

    def __getitem__(
        self, rows: slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]
    ) -> Questions:
        """Return some of the questions."""
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in ("users", "starts", "ends")},
            **{name: getattr(self, name)[rows] for name in ("seen_starts", "targets", "at")},
        )

    def cut(self, shown: int) -> Questions:
        """Show only the last `shown` events; all of them stay unanswerable."""
        return replace(self, starts=np.maximum(self.starts, self.ends - shown))

    def chunks(self, size: int) -> Iterator[Questions]:
        """Yield consecutive parts of at most `size` questions."""
        for lo in range(0, len(self), size):
            yield self[lo : lo + size]

    def batch(self, length: int = MAX_HISTORY) -> Batch:
        """Return the questions as the networks see them, tokens (n, length)."""
        none = np.zeros((len(self), 1), np.int32)
        return Batch(
            tokens=self.histories.windows(self.starts, self.ends, length),
            gaps=self.histories.gaps(self.starts, self.ends, self.at, length),
            lengths=self.ends - self.starts,
            user_fields=self.user_fields[self.users],
            context=context_tokens(self.at),
            preferences=none,
            lows=none,
            highs=none,
            strengths=none.astype(np.float32),
        )

    def allowed(
        self,
        base: npt.NDArray[np.bool_],
        *,
        seen: str = "exclude",
        available: tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None],
    ) -> AllowedSets:
        """Return the allowed sets: `base` without what each user saw before the question."""
        rows, classes = self._hidden()
        if seen == "exclude":
            taken, flat = ranges(self.seen_starts, self.ends)
            rows = np.concatenate([rows, taken])
            classes = np.concatenate([classes, self.histories.classes[flat]])
        none = np.full(len(self), -1)
        return AllowedSets(base, none, (), rows, classes, self.at, *available)

    def _hidden(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
        offsets = self.histories.hidden_offsets
        rows, flat = ranges(offsets[self.users], offsets[self.users + 1])
        shown = self.ends[rows] - self.seen_starts[rows]
        known = self.histories.hidden_after[flat] <= shown  # hidden later is not known yet
        return rows[known], self.histories.hidden[flat[known]]


def ranges(
    starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (owner, position) of every position in the ranges starts[i]..ends[i]-1.

    >>> [a.tolist() for a in ranges(np.array([5, 9]), np.array([7, 10]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    lengths = ends - starts
    owners = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    return owners, np.arange(len(owners)) - first[owners] + starts[owners]
