"""The allowed set A of each request: the classes it may be answered with, tile by tile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AllowedSets:
    """Boolean sets (B, N) that are never held whole: `tile` makes a part of them.

    Attributes:
        base: bool (N,), classes that any request may be answered with.
        masks: distinct constraint masks, bool (N,) each.
        mask_of: int64 (B,), index into `masks`, -1 for none.
        rows, classes: int (n,), the pairs (request, class) left out, such as seen items.
        at: float64 (B,), request times; NaN where unknown, then nothing is unavailable.
        available_from, available_until: float64 (N,), NaN where open, or None.
    """

    base: BoolArray
    mask_of: npt.NDArray[np.int64]
    masks: tuple[BoolArray, ...]
    rows: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]
    at: npt.NDArray[np.float64]
    available_from: npt.NDArray[np.float64] | None = None
    available_until: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Sort the left-out pairs by class, so that a tile finds its own at once."""
        order = np.argsort(self.classes, kind="stable")
        object.__setattr__(self, "rows", self.rows[order])
        object.__setattr__(self, "classes", self.classes[order])

    @property
    def shape(self) -> tuple[int, int]:
        """(B, N)."""
        return len(self.mask_of), len(self.base)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> AllowedSets:
        """Return the sets of some of the requests, each as often as it is named."""
        order = np.argsort(self.rows, kind="stable")
        first, last = (np.searchsorted(self.rows[order], rows, side) for side in ("left", "right"))
        pairs = [order[a:b] for a, b in zip(first, last, strict=True)]
        return replace(
            self,
            mask_of=self.mask_of[rows],
            rows=np.repeat(np.arange(len(rows)), last - first),
            classes=self.classes[np.concatenate([order[:0], *pairs])],
            at=self.at[rows],
        )

    def tile(self, lo: int, hi: int) -> BoolArray:
        """Return the sets for the classes lo..hi-1 as bool (B, hi - lo)."""
        allowed = np.repeat(self.base[None, lo:hi], len(self.mask_of), axis=0)
        for number, mask in enumerate(self.masks):
            allowed[self.mask_of == number] &= mask[lo:hi]
        with np.errstate(invalid="ignore"):
            if self.available_from is not None:
                allowed &= ~(self.at[:, None] < self.available_from[None, lo:hi])
            if self.available_until is not None:
                allowed &= ~(self.at[:, None] >= self.available_until[None, lo:hi])
        first, last = np.searchsorted(self.classes, (lo, hi))
        allowed[self.rows[first:last], self.classes[first:last] - lo] = False
        return allowed

    def available(self, row: int) -> BoolArray:
        """Return which classes are available at the time of one request, bool (N,)."""
        found = np.ones(len(self.base), bool)
        with np.errstate(invalid="ignore"):
            if self.available_from is not None:
                found &= ~(self.at[row] < self.available_from)
            if self.available_until is not None:
                found &= ~(self.at[row] >= self.available_until)
        return found

    def contains(self, targets: npt.NDArray[np.integer]) -> BoolArray:
        """Return whether each request's target class lies in its set, bool (B,)."""
        inside = self.base[targets].copy()
        for number, mask in enumerate(self.masks):
            chosen = self.mask_of == number
            inside[chosen] &= mask[targets[chosen]]
        with np.errstate(invalid="ignore"):
            if self.available_from is not None:
                inside &= ~(self.at < self.available_from[targets])
            if self.available_until is not None:
                inside &= ~(self.at >= self.available_until[targets])
        inside[self.rows[self.classes == targets[self.rows]]] = False
        return np.asarray(inside, bool)
