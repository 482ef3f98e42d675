"""How far training has read a store of live events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Watermark:
    """The last event of a store that counts already.

    Attributes:
        store: the id of the store; numbers of another one mean nothing.
        last: its sequence number.
    """

    store: str
    last: int

    def after(self, store: str) -> int:
        """Return the number after which a store's events are new; 0 for another store."""
        return self.last if store == self.store else 0

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Watermark:
        """Rebuild from `to_json`; from nothing, one that has read no store."""
        return cls("", 0) if data is None else cls(str(data["store"]), int(data["last"]))
