"""The means that an evaluation asks for, and how they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.evaluation.answers import Found
from ysmean.mean.held import hold
from ysmean.mean.proportions import Proportions
from ysmean.mean.ranks import standing
from ysmean.mean.stream import Stream
from ysmean.mean.tile import DoubleArray

TOP = 10


def means(proportions: Proportions) -> list[str]:
    """Return the names of the rows that are means; the fitted one last."""
    return ["mean-equal", *(["mean-pure"] if proportions.exponents is not None else []), "mean"]


def answer(
    proportions: Proportions,
    networks: Stream,
    cohorts: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int32],
) -> Found:
    """Return how every row answers a batch, and the fitted mean without each member.

    Every network's logits are computed once, for all of them.

    Args:
        proportions: of M members.
        networks: the K networks' answers to B questions.
        cohorts: int64 (B,).
        targets: int32 (B,), the classes to be found.
    """
    held = hold(networks)
    asking = Asking(
        proportions,
        cohorts,
        np.stack([part.answering for part in held], axis=2),
        np.stack([part.counts for part in held], axis=1),
    )
    rows = asking.rows()
    without = [asking.without(number) for number in range(len(proportions.names))]
    weights, products = members_of([*rows, *without], len(networks.heads))
    factors = [product * networks.temperatures for product in products]
    found = standing(held, weights, targets, TOP, factors, len(rows))
    return Found(found[: len(rows)], rows[-1][0].sum(2), found.ranks[len(rows) :])


Mean = tuple[DoubleArray, DoubleArray | None]  # (B, M, 2), and the product (B, K, 2) that is in it


@dataclass(frozen=True)
class Asking:
    """What the weights of B requests follow from.

    Attributes:
        proportions: of M members.
        cohorts: int64 (B,).
        answering: bool (B, K, 2), which networks answer.
        counts: int64 (B, 2), allowed classes of each segment.
    """

    proportions: Proportions
    cohorts: npt.NDArray[np.int64]
    answering: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.int64]

    def rows(self) -> list[Mean]:
        """Return each member alone, then the means."""
        p = self.proportions
        product, answering = self._members(None)

        def resolve(stated: DoubleArray | None) -> Mean:
            return p.resolve(self.cohorts, answering, self.counts, stated=stated), product

        alone, equal, fitted = map(resolve, np.eye(len(p.names))), resolve(p.equal), resolve(None)
        if product is None:
            return [*alone, equal, fitted]
        pure = p.pure().resolve(self.cohorts, self.answering, self.counts)
        return [*alone, equal, (np.pad(pure, ((0, 0), (0, 1), (0, 0))), product), fitted]

    def without(self, number: int) -> Mean:
        """Return the fitted mean without a member; a network is missing in the product, too."""
        scale = 1.0 - np.eye(len(self.proportions.names))[number]
        product, answering = self._members(scale)
        return self.proportions.resolve(self.cohorts, answering, self.counts, scale), product

    def _members(
        self, scale: DoubleArray | None
    ) -> tuple[DoubleArray | None, npt.NDArray[np.bool_]]:
        """Return the product, and which of the members answer, bool (B, M, 2)."""
        if self.proportions.exponents is None:
            return None, self.answering
        product = self.proportions.product(self.answering, self.cohorts, scale)
        return product, np.concatenate([self.answering, product.any(1, keepdims=True)], axis=1)


def members_of(means: Sequence[Mean], networks: int) -> tuple[DoubleArray, list[DoubleArray]]:
    """Return the means as weights over K networks and every consensus that one of them needs.

    Args:
        means: R of them.
        networks: K.

    Returns:
        float64 (R, B, K + C, 2), and the C products.
    """
    needed = {id(p): p for w, p in means if p is not None and w[:, networks:].any()}
    products = list(needed.values())
    batch = len(means[0][0])
    wide = np.zeros((len(means), batch, networks + len(products), 2))
    for row, (weights, product) in zip(wide, means, strict=True):
        row[:, :networks] = weights[:, :networks]
        for place, one in enumerate(products, networks):
            if one is product:
                row[:, place] = weights[:, networks]
    return wide, products
