"""Splits of histories into training, validation and test events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import Histories
from ysmean.data.times import seconds
from ysmean.errors import ConfigError, DataError, RequestError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SPLITS = ("leave-last-out", "time:DATE", "cold-users:0.1", "cold-items:0.2")
MIN_EVENTS = 3
PREFIXES = (0, 1, 2, 3, 5, 8, 13)
VALIDATION = 0.1  # of a time split's training events, the last ones


@dataclass(frozen=True)
class Split:
    """Which events train, and which are asked.

    Attributes:
        name: as given, such as `leave-last-out`.
        train: bool (E,), the events that networks learn from.
        validation: int64 (n,), flat positions of the events that fit stopping and proportions.
        test: int64 (m,), flat positions of the events that are asked once, at the end.
        withheld: bool (N,), items taken out of training with all their events, if any were; then
            results are told apart by warm and cold.
    """

    name: str
    train: BoolArray
    validation: IntArray
    test: IntArray
    withheld: BoolArray | None = None


def make_split(name: str, histories: Histories, size: int, seed: int) -> Split:
    """Split histories by name.

    Args:
        name: one of `leave-last-out`, `time:DATE`, `cold-users:SHARE`, `cold-items:SHARE`.
        histories: all events.
        size: N, items in the catalogue.
        seed: of the choice of users or items.

    Raises:
        ConfigError: for an unknown split, or a bad value of it.
        DataError: if the data cannot be split so.
    """
    kind, _, value = name.partition(":")
    if kind == "leave-last-out" and not value:
        return leave_last_out(histories)
    if kind == "time":
        return by_time(name, value, histories)
    if kind == "cold-users":
        return cold_users(name, _share(name, value), histories, seed)
    if kind == "cold-items":
        return cold_items(name, _share(name, value), histories, size, seed)
    raise ConfigError(f"Unknown split {name!r}; expected one of: {', '.join(SPLITS)}.")


def leave_last_out(histories: Histories) -> Split:
    """Ask each user's last event; the one before is validation, the rest training.

    Users with fewer than 3 events only train.
    """
    last = _last_events(histories)
    train = np.ones(len(histories.classes), bool)
    train[last] = train[last - 1] = False
    return Split("leave-last-out", train, last - 1, last)


def by_time(name: str, date: str, histories: Histories) -> Split:
    """Ask each user's next event after a date; only what came before it trains.

    The last tenth of the earlier events is validation, asked in the same way.
    """
    if histories.times is None:
        raise DataError(
            f"{name} needs events with timestamps; these have none, and the order of rows says "
            "nothing about time across users. Use leave-last-out."
        )
    try:
        moment = seconds(date)
    except RequestError:
        raise ConfigError(f"{name}: expected a date, such as time:2024-05-01.") from None
    before = histories.times < moment
    if not before.any() or before.all():
        first, last = histories.times.min(), histories.times.max()
        raise DataError(
            f"{name} leaves {int(before.sum()):,} of {len(before):,} events before it; choose a "
            f"moment between {np.datetime64(int(first), 's')} and {np.datetime64(int(last), 's')}."
        )
    earlier = float(np.quantile(histories.times[before], 1 - VALIDATION))
    train = histories.times < earlier
    if not train.any():
        raise DataError(f"{name}: no event is left to train on; choose a later moment.")
    validation = _firsts(histories, before & ~train)
    return Split(name, train, validation, _firsts(histories, ~before))


def cold_users(name: str, share: float, histories: Histories, seed: int) -> Split:
    """Keep a share of the users out of training; ask them after 0, 1, 2, 3, 5, 8, 13 events.

    Validation are last events of the other users, as in production.
    """
    able = np.flatnonzero(histories.lengths > 0)
    drawn = np.random.default_rng([seed, 13]).permutation(able)[: max(1, round(share * len(able)))]
    strangers = np.isin(np.arange(len(histories)), drawn)
    rest = production(histories, seed, among=~strangers)
    train = rest.train & ~strangers[histories.users]
    if not train.any():
        raise DataError(f"{name}: no event is left to train on; choose a smaller share.")
    drawn = np.sort(drawn)
    test = [
        histories.offsets[drawn][histories.lengths[drawn] > shown] + shown for shown in PREFIXES
    ]
    return Split(name, train, rest.validation, np.concatenate(test))


def cold_items(name: str, share: float, histories: Histories, size: int, seed: int) -> Split:
    """Keep a share of the items with events out of training, with all their events.

    Asked are the users' last events, as by leave-last-out, on withheld items and on others;
    validation are the events before them that are not on withheld items.
    """
    able = np.flatnonzero(np.bincount(histories.classes, minlength=size))
    drawn = np.random.default_rng([seed, 17]).permutation(able)[: max(1, round(share * len(able)))]
    withheld = np.isin(np.arange(size), drawn)
    out = withheld[histories.classes]
    last = _last_events(histories)
    train = ~out
    train[last] = train[last - 1] = False
    if not train.any():
        raise DataError(f"{name}: no event is left to train on; choose a smaller share.")
    validation = (last - 1)[~out[last - 1]]
    return Split(name, train, validation, last, withheld)


def production(
    histories: Histories,
    seed: int,
    share: float = 0.1,
    least: int = 1000,
    among: BoolArray | None = None,
) -> Split:
    """Hold out the last event of some users, for stopping and proportions; nothing is asked.

    Args:
        histories: all events.
        seed: of the choice of users.
        share: of the users whose last event is held out.
        least: users, where the share is fewer; at most half of those with 3 or more events.
        among: bool (U,), users who may be chosen; everybody by default.
    """
    enough = histories.lengths >= MIN_EVENTS
    able = np.flatnonzero(enough if among is None else enough & among)
    count = min(max(int(share * len(histories)), least), len(able) // 2)
    chosen = np.sort(np.random.default_rng([seed, 3]).permutation(able)[:count])
    held_out = histories.offsets[1:][chosen] - 1
    train = np.ones(len(histories.classes), bool)
    train[held_out] = False
    return Split("production", train, held_out, np.empty(0, np.int64))


def _last_events(histories: Histories) -> IntArray:
    """Return the last event of each user with enough of them."""
    asked = histories.lengths >= MIN_EVENTS
    if not asked.any():
        raise DataError(
            f"The split needs users with at least {MIN_EVENTS} events; the longest history "
            f"has {int(histories.lengths.max(initial=0))}."
        )
    return histories.offsets[1:][asked] - 1


def _firsts(histories: Histories, chosen: BoolArray) -> IntArray:
    """Return the first chosen event of each user that has any."""
    positions = np.flatnonzero(chosen)
    _, first = np.unique(histories.users[positions], return_index=True)
    return positions[first]


def _share(name: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = float("nan")
    if not 0 < share < 1:
        kind = name.partition(":")[0]
        raise ConfigError(f"{name}: expected a share between 0 and 1, such as {kind}:0.1.")
    return share
