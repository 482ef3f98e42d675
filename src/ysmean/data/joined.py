"""Events, items and users joined in class indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.fields import UserFields
from ysmean.data.histories import Histories
from ysmean.data.items import Items
from ysmean.data.users import Users


@dataclass(frozen=True)
class Data:
    """Everything read, in class indices.

    Attributes:
        catalogue: of all items; `warm` by all events.
        histories: all events.
        users: the users' table, where given.
        fields: vocabulary of the users' features.
        user_fields: int32 (U, F).
        notes: what was found while reading and joining.
        joining: those of them that joining the tables brought up.
    """

    catalogue: Catalogue
    histories: Histories
    users: Users | None
    fields: UserFields
    user_fields: npt.NDArray[np.int32]
    notes: tuple[str, ...]
    joining: tuple[str, ...]

    @classmethod
    def join(
        cls,
        events: Events,
        items: Items | None = None,
        users: Users | None = None,
        *,
        unknown_items: str = "keep",
    ) -> Data:
        """Join the three tables; items and users may be missing."""
        catalogue, events = Catalogue.build(events, items, unknown_items=unknown_items)
        histories = Histories.from_events(events, catalogue, users)
        fields = UserFields.fit(users)
        reading = [*events.notes, *(items.notes if items else ()), *(users.notes if users else ())]
        joining = list(catalogue.notes)
        if not events.has_time:
            joining.append("events have no timestamps: row order is time order, context is unknown")
        return cls(
            catalogue,
            histories,
            users,
            fields,
            fields.tokens(users, histories.user_ids),
            (*reading, *joining),
            tuple(joining),
        )

    def questions(self, positions: npt.NDArray[np.int64]) -> Questions:
        """Return the events at flat positions as questions."""
        return Questions.at_positions(self.histories, self.user_fields, positions)
