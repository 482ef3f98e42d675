"""Splits of histories into training, validation and test events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import Histories
from ysmean.errors import ConfigError, DataError

IntArray = npt.NDArray[np.int64]

SPLITS = ("leave-last-out",)
MIN_EVENTS = 3


@dataclass(frozen=True)
class Split:
    """Which events train, and which are asked.

    Attributes:
        name: as given, such as `leave-last-out`.
        train_ends: int64 (U,), flat position one past each user's last training event.
        validation: int64 (n,), flat positions of the events that fit stopping and proportions.
        test: int64 (m,), flat positions of the events that are asked once, at the end.
    """

    name: str
    train_ends: IntArray
    validation: IntArray
    test: IntArray


def make_split(name: str, histories: Histories) -> Split:
    """Split histories by name.

    Raises:
        ConfigError: for an unknown split.
        DataError: if nobody has enough events.
    """
    if name != "leave-last-out":
        raise ConfigError(f"Unknown split {name!r}; expected one of: {', '.join(SPLITS)}.")
    return leave_last_out(histories)


def leave_last_out(histories: Histories) -> Split:
    """Ask each user's last event; the one before is validation, the rest training.

    Users with fewer than 3 events only train.
    """
    ends = histories.offsets[1:]
    asked = histories.lengths >= MIN_EVENTS
    if not asked.any():
        raise DataError(
            f"leave-last-out needs users with at least {MIN_EVENTS} events; the longest history "
            f"has {int(histories.lengths.max(initial=0))}."
        )
    train_ends = np.where(asked, ends - 2, ends)
    return Split("leave-last-out", train_ends, ends[asked] - 2, ends[asked] - 1)


def production(histories: Histories, seed: int, share: float = 0.1, least: int = 1000) -> Split:
    """Hold out the last event of some users, for stopping and proportions; nothing is asked.

    Args:
        histories: all events.
        seed: of the choice of users.
        share: of the users whose last event is held out.
        least: users, where the share is fewer; at most half of those with 3 or more events.
    """
    able = np.flatnonzero(histories.lengths >= MIN_EVENTS)
    count = min(max(int(share * len(histories)), least), len(able) // 2)
    chosen = np.sort(np.random.default_rng([seed, 3]).permutation(able)[:count])
    train_ends = histories.offsets[1:].copy()
    train_ends[chosen] -= 1
    return Split("production", train_ends, train_ends[chosen], np.empty(0, np.int64))
