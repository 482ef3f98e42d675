"""First events of some users, held out to tell how people choose who have just come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import Histories

PREFIXES = (0, 1, 2, 3, 5, 8)  # events known when the next one is asked
MOST = 500  # users
USERS = 0.1  # of all, at most: networks learn from the others how people begin
EVENTS = 0.02  # of those that train, at most


def beginnings(
    histories: Histories, train: npt.NDArray[np.bool_], seed: int
) -> npt.NDArray[np.bool_]:
    """Return which training events to hold out as the beginnings of users, bool (E,).

    They are the events after a user's first 0, 1, 2, 3, 5 and 8, of users drawn by seed; everything
    else of these users trains. Not of those who came last: where people begin with the same items,
    popularity would lose what it knows of that. No item loses all its training events.

    Args:
        histories: all events.
        train: bool (E,), those that networks may learn from.
        seed: of the drawing.
    """
    chosen = np.zeros(len(train), bool)
    first = histories.offsets[:-1]
    able = np.flatnonzero(histories.lengths > 0)
    wanted = min(MOST, int(USERS * len(able)), int(EVENTS * train.sum()) // len(PREFIXES))
    for user in np.random.default_rng([seed, 19]).permutation(able)[:wanted]:
        places = first[user] + np.array(PREFIXES)
        chosen[places[places < histories.offsets[user + 1]]] = True
    chosen &= train
    size = int(histories.classes.max(initial=-1)) + 1
    left = np.bincount(histories.classes[train & ~chosen], minlength=size)
    return np.asarray(chosen & (left[histories.classes] > 0))
