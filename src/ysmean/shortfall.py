"""Why an answer has fewer items than were asked for: the constraint that costs most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.data.catalogue import Catalogue
from ysmean.data.requests import Encoded, Request
from ysmean.data.where import conjuncts, strange_value, where_mask
from ysmean.mean.consensus import CONSENSUS, Joined
from ysmean.mean.proportions import Proportions
from ysmean.mean.stream import Stream, Streamed

SHOWN = 80  # characters of a clause in a sentence
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shortfall:
    """What keeps an answer short.

    Attributes:
        asked: how many items were asked for.
        allowed: how many could be returned; fewer than asked.
        constraint: the one whose removal alone would allow most more: `"where"`, `"exclude"`,
            `"seen"` or `"availability"`; `"caps"` where they keep allowed items out; None if none
            would allow any.
        clause: which of the clauses that `where` joins by `and`, as text; None otherwise.
        gain: how many more it would allow.
        hint: a value that `where` names and no item has, in words; None without one.
    """

    asked: int
    allowed: int
    constraint: str | None = None
    clause: str | None = None
    gain: int = 0
    hint: str | None = None

    def __str__(self) -> str:
        """Return it as a sentence without an end."""
        clause = self.clause or ""
        clause = clause if len(clause) <= SHOWN else clause[:SHOWN] + "…"
        changes = {
            "where": f"without {clause}",
            "exclude": "without what is excluded",
            "seen": "with seen items allowed",
            "availability": "at another time",
            "caps": "without caps",
        }
        if self.constraint is None:
            more = "leaving out any one constraint would allow no more"
        else:
            more = f"{changes[self.constraint]} there would be {self.gain:,} more"
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.allowed:,} of the {self.asked:,} items asked for: {more}{hint}"


@dataclass(frozen=True)
class Limit:
    """One constraint: its kind, the clause of a `where`, and the classes it lets through (N,)."""

    constraint: str
    clause: str | None
    lets: BoolArray


class Shortfalls:
    """Explains the short answers of a batch; clauses that requests share are evaluated once."""

    def __init__(
        self,
        requests: Sequence[Request],
        encoded: Encoded,
        catalogue: Catalogue,
        proportions: Proportions,
        stream: Streamed,
    ) -> None:
        """Keep what was asked, and who answers it."""
        self.requests, self.encoded, self.catalogue = requests, encoded, catalogue
        self.proportions = proportions
        networks = stream.networks if isinstance(stream, Joined) else stream
        self.heads = networks.heads if isinstance(networks, Stream) else []
        self.masks: dict[int, BoolArray] = {}  # by clause

    def of(self, row: int, found: int) -> Shortfall | None:
        """Return why a request got `found` items; None where it got as many as it asked for.

        It is None, too, where nobody knows what each constraint leaves out.
        """
        if found >= self.encoded.k[row] or not self.encoded.left_out:
            return None
        without = self.encoded.left_out[row]
        reachable = self._reachable(row)
        reachable[without["hidden"]] = False  # no request can lift that
        limits = list(self._limits(row, without))
        failed = np.zeros(len(reachable), np.uint16)  # how many limits a class fails
        for limit in limits:
            failed += ~limit.lets
        allowed = int((reachable & (failed == 0)).sum())
        once = reachable & (failed == 1)
        asked = self.encoded.k[row]
        if self.requests[row].caps and allowed > found:
            return Shortfall(asked, found, "caps", None, min(asked, allowed) - found)
        gains = [int((once & ~limit.lets).sum()) for limit in limits]
        hint = self._hint(row)
        if not any(gains) or allowed > found:  # then something else than constraints is in the way
            return Shortfall(asked, found, hint=hint)
        best = limits[int(np.argmax(gains))]
        return Shortfall(asked, found, best.constraint, best.clause, max(gains), hint)

    def _hint(self, row: int) -> str | None:
        where, catalogue = self.encoded.wheres[row], self.catalogue
        if where is None:
            return None
        return strange_value(where, catalogue.frame, catalogue.schema)

    def _reachable(self, row: int) -> BoolArray:
        """Return the classes that some network could answer a request with, bool (N,)."""
        request, p = self.requests[row], self.proportions
        counts, stated = p.multipliers(request.scale), p.stated(request.weights)
        if stated is not None:
            joined = stated[p.names.index(CONSENSUS)] > 0 if CONSENSUS in p.names else False
            counts = counts * ((stated > 0) | joined)  # the consensus knows what its networks do
        reachable = np.zeros(len(self.catalogue), bool)
        for head, count in zip(self.heads, counts, strict=False):
            if head.answers[row] and count > 0:
                reachable |= head.coverage
        return reachable & self.catalogue.offered

    def _limits(self, row: int, without: Mapping[str, npt.NDArray[np.int32]]) -> Iterator[Limit]:
        where = self.encoded.wheres[row]
        for clause in () if where is None else conjuncts(where):
            if id(clause) not in self.masks:
                frame, schema = self.catalogue.frame, self.catalogue.schema
                self.masks[id(clause)] = where_mask(clause, frame, schema)
            yield Limit("where", str(clause), self.masks[id(clause)])
        for name in ("exclude", "seen"):
            if len(without[name]):
                lets = np.ones(len(self.catalogue), bool)
                lets[without[name]] = False
                yield Limit(name, None, lets)
        available = self.encoded.allowed.available(row)
        if not available.all():
            yield Limit("availability", None, available)
