"""The consensus: a member of the mean that multiplies the other members' opinions.

    p(i) ~ prod_k p_k(i)^a_k   over A and the segment, a_k >= 0.

Its logits are sum_k a_k z_k, with the networks' logits z_k before temperature, since the
log-normalizers cancel. A class that a network does not cover has the mean of its logits over A, the
segment and its coverage: ignorance is no veto, it says zero bits. (Hinton 2002, products of
experts; Genest and Zidek 1986, logarithmic opinion pools.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ysmean.data.allowed import AllowedSets
from ysmean.mean.stream import Stream
from ysmean.mean.tile import BoolArray, DoubleArray, FloatArray, Tile, log_sums

CONSENSUS = "consensus"


def product(
    exponents: DoubleArray, answering: BoolArray, scale: DoubleArray | None = None
) -> DoubleArray:
    """Return the exponents of each request.

    Networks that abstain leave the product; with fewer than two left the consensus abstains. A
    scale c turns a_k into a_k c_k sum(a) / sum(a c): what counts twice counts twice, and the
    consensus is as sharp as before.

    Args:
        exponents: (B, K, 2), fitted ones by network and segment.
        answering: bool (B, K, 2), networks that answer.
        scale: (B, K) or (K,) multipliers >= 0; 0 removes a network.

    Returns:
        float64 (B, K, 2); all 0 where the consensus abstains.
    """
    a = exponents * answering
    left = answering
    if scale is not None:
        c = np.broadcast_to(scale, a.shape[:2])
        c = (c / np.maximum(c.max(1, keepdims=True), 1e-300))[:, :, None]
        scaled, before = a * c, a.sum(1, keepdims=True)
        total = scaled.sum(1, keepdims=True)
        a = scaled * np.divide(before, total, out=np.zeros_like(total), where=total > 0)
        left = answering & (c > 0)
    return np.asarray(a * (left.sum(1, keepdims=True) >= 2))


@dataclass(frozen=True)
class Joined:
    """The stream of K networks with their consensus as one more, the last.

    Attributes:
        networks: the K networks.
        product: float64 (B, K, 2), the exponents of each request on logits before temperature;
            0 for networks that are not in the product.
    """

    networks: Stream
    product: DoubleArray
    _kept: list[Tile] = field(default_factory=list, repr=False)

    @property
    def cold(self) -> BoolArray:
        """Bool (N,), which segment a class lies in."""
        return self.networks.cold

    @property
    def allowed(self) -> AllowedSets:
        """The sets A."""
        return self.networks.allowed

    @cached_property
    def _factors(self) -> DoubleArray:
        """The exponents on tempered logits, (B, K, 2)."""
        return np.asarray(self.product * self.networks.temperatures)

    @cached_property
    def _inputs(self) -> list[int]:
        """The networks that are in any request's product."""
        return [int(k) for k in np.flatnonzero(self.product.any((0, 2)))]

    def tiles(self) -> Iterator[Tile]:
        """Yield the networks' tiles with the consensus's logits, -inf outside A."""
        if self.networks.at_once:
            self._kept.extend(map(self._joined, self.networks.tiles()) if not self._kept else ())
            yield from self._kept
        else:
            yield from map(self._joined, self.networks.tiles())

    def _joined(self, tile: Tile) -> Tile:
        return replace(tile, logits=[*tile.logits, self._logits(tile)])

    def _logits(self, tile: Tile) -> FloatArray:
        total = np.zeros(tile.allowed.shape, np.float32)
        covered = np.zeros(tile.allowed.shape, bool)
        factors = self._factors[:, :, tile.segment].astype(np.float32)  # (B, K)
        levels = self.networks.levels[:, :, tile.segment].astype(np.float32)
        for k in self._inputs:
            factor, level = factors[:, k, None], levels[:, k, None]  # (B, 1)
            known = np.isfinite(tile.logits[k]) & (factor > 0)
            z = tile.logits[k] - level
            total += z * factor if known.all() else np.where(known, z, np.float32(0)) * factor
            covered |= known
        if not covered.all():
            total[~covered] = -np.inf
        total += tile.wall
        return total

    @cached_property
    def normalizers(self) -> tuple[DoubleArray, DoubleArray, npt.NDArray[np.int64]]:
        """As of `Stream`, for K + 1; the consensus lives in A, so both of its own are the same."""
        inside, whole, counts = self.networks.normalizers
        own = np.full((len(inside), 1, 2), -np.inf)
        for tile in self.tiles():
            part = log_sums([tile.odds(len(tile.logits) - 1)])  # (B, 1)
            own[:, :, tile.segment] = np.logaddexp(own[:, :, tile.segment], part)
        return np.concatenate([inside, own], 1), np.concatenate([whole, own], 1), counts

    @property
    def answering(self) -> BoolArray:
        """Bool (B, K + 1, 2): members that have something to say about a request."""
        return np.isfinite(self.normalizers[0])

    def evidence(self, classes: npt.NDArray[np.int32]) -> DoubleArray:
        """Return what each network adds to the consensus's log2 p of some classes, in bits.

        a_k (log2 p_k(i) - mean over A and the segment of log2 p_k). Over k it adds up to the
        consensus's own log2 p(i) minus its mean.

        Args:
            classes: int32 (B, n) in A; below 0 for none.

        Returns:
            float64 (B, n, K); 0 for networks that are not in the product.
        """
        bits = np.zeros((*classes.shape, self.product.shape[1]))
        factors = self._factors / np.log(2.0)
        for tile in self.networks.tiles():
            b, n, column = tile.find(classes)
            for k in self._inputs:
                z = tile.logits[k][b, column]
                known, level = np.isfinite(z), self.networks.levels[b, k, tile.segment]
                x = np.where(known, z, level) - level
                bits[b, n, k] = factors[b, k, tile.segment] * x
        return bits


def contributions(
    shares: DoubleArray, evidence: DoubleArray, heard: BoolArray | None = None
) -> DoubleArray:
    """Spread the consensus's share of a score over the networks, by positive evidence.

    Shares and evidence are exact; this is their readable summary. Where no evidence is positive
    the networks' own shares are scaled up, and where they have none each one heard gets the same.

    Args:
        shares: (..., K + 1), the consensus's last; rows sum to 1.
        evidence: (..., K), in bits.
        heard: bool (..., K), which networks answer; all for None.

    Returns:
        float64 (..., K); rows sum to 1.
    """
    own, spread = shares[..., :-1], np.maximum(evidence, 0.0)
    for other in (own, np.ones_like(own) if heard is None else heard):
        spread = np.where(spread.sum(-1, keepdims=True) > 0, spread, other)
    total = np.maximum(spread.sum(-1, keepdims=True), 1e-300)  # 0 where nobody is heard
    return np.asarray(own + shares[..., -1:] * spread / total)
