"""Score items without events by what they are: features mapped to behaviour.

A table that knows items by id has a row for each item and a column for each item with events. A
ridge regression of such columns on features (Gantner et al., 2010, "Learning attribute-to-feature
mappings for cold-start recommendations") tells what the columns of new items would be:

    profiles = columns X (X'X + penalty I)^-1,   column of an item with features x = profiles x.

Features are the wide ones: what is told of shops' goods is mostly in rare words and brands.

What the history's items are does not enter: that they are known by their events is the point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.networks.growth import Changed
from ysmean.networks.network import BoolArray, FloatArray
from ysmean.networks.regression import IntArray, chunks, directions
from ysmean.networks.rows import chosen_rows
from ysmean.networks.towers import covered

PROFILE_BYTES = 2**27  # of the profiles; where all axes take more, the main ones are kept


@dataclass(frozen=True)
class Mapped:
    """The columns of some items, as sums over what they are.

    Attributes:
        profiles: float32 (R, a), what each row says of each axis.
        axes: float32 (f, a), from features to axes.
        classes: int32 (n,), the items, ascending.
        places: float32 (n, a), where they are on the axes.
    """

    profiles: FloatArray
    axes: FloatArray
    classes: npt.NDArray[np.int32]
    places: FloatArray

    @classmethod
    def learn(
        cls,
        columns: Callable[[FloatArray], FloatArray],
        features: Callable[[IntArray], FloatArray],
        taught: IntArray,
        told: IntArray,
        penalty: float,
    ) -> Mapped:
        """Learn from the columns of items with events.

        Args:
            columns: values (n, a) of the taught items, in their order -> the weighted sum of
                their columns, (R, a).
            features: classes (n,) -> float32 (n, f).
            taught: int (n,), the classes whose columns are learned from.
            told: int (m,), ascending, the classes whose columns are told.
            penalty: of the ridge regression.
        """
        spread, every = directions(features, taught)
        rows = len(columns(np.zeros((len(taught), 0), np.float32)))
        most = max(1, PROFILE_BYTES // (4 * max(rows, 1)))
        kept = np.argsort(-spread, kind="stable")[:most]
        axes, spread = every[:, kept].astype(np.float32), np.maximum(spread[kept], 0.0)
        values, places = (
            np.concatenate([features(some) @ axes for some in chunks(classes)])
            for classes in (taught, told)
        )
        shrunk = values / (spread + penalty).astype(np.float32)
        profiles = columns(np.asarray(shrunk, np.float32))
        return cls(profiles, axes, told.astype(np.int32), places)

    def sums(
        self, tokens: npt.NDArray[np.int32], weights: FloatArray
    ) -> Callable[[int, int], tuple[npt.NDArray[np.int64], FloatArray]]:
        """Return a function of a tile that gives its items here, and their sums of rows.

        Args:
            tokens: int32 (B, L), row + 1; others are none.
            weights: float32 (B, L).

        Returns:
            (lo, hi) -> int64 (m,), columns of the tile; float32 (B, m).
        """
        profile = chosen_rows(tokens, weights, len(self.profiles)) @ self.profiles  # (B, a)

        def tile(lo: int, hi: int) -> tuple[npt.NDArray[np.int64], FloatArray]:
            first, last = np.searchsorted(self.classes, (lo, hi))
            places = self.places[first:last]
            return self.classes[first:last].astype(np.int64) - lo, profile @ places.T

        return tile

    def parts(
        self,
        tokens: npt.NDArray[np.int32],
        weights: FloatArray,
        classes: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.float64]:
        """Return what each row adds to those sums, float64 (B, n, L), for classes (B, n); or 0."""
        if not len(self.classes):
            return np.zeros((*classes.shape, tokens.shape[1]))
        at = np.minimum(np.searchsorted(self.classes, classes), len(self.classes) - 1)
        places = self.places[at] * (self.classes[at] == classes)[:, :, None]  # (B, n, a)
        known = (tokens > 0) & (tokens <= len(self.profiles))
        rows = self.profiles[np.where(known, tokens - 1, 0)] * (weights * known)[:, :, None]
        parts: npt.NDArray[np.float64] = np.einsum("bna,bla->bnl", places, rows, dtype=np.float64)
        return parts

    def only(self, chosen: BoolArray) -> Mapped:
        """Return it for those of its items that are chosen, bool (N,)."""
        kept = chosen[self.classes]
        return replace(self, classes=self.classes[kept], places=self.places[kept])

    def with_items(self, size: int, changed: Changed) -> Mapped:
        """Return it for `size` items, some of them new or described anew."""
        kept = (self.classes < size) & ~np.isin(self.classes, changed.classes)
        told = covered(changed.features)
        classes = np.append(self.classes[kept], changed.classes[told]).astype(np.int32)
        places = np.concatenate([self.places[kept], changed.wide[told] @ self.axes])
        order = np.argsort(classes)
        return replace(self, classes=classes[order], places=places[order])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return it as named arrays."""
        return {f"mapped/{name}": array for name, array in vars(self).items()}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]]) -> Mapped | None:
        """Return what `arrays` gave; None where there is none."""
        names = ("profiles", "axes", "classes", "places")
        if "mapped/profiles" not in arrays:
            return None
        return cls(*(arrays[f"mapped/{name}"] for name in names))
