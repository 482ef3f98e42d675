"""The proportions of the mean: fitted weights by segment and cohort, resolved for each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import COHORTS
from ysmean.errors import RequestError, nearest
from ysmean.mean.consensus import Joined, product
from ysmean.mean.stream import SEGMENTS, Stream, Streamed
from ysmean.mean.tile import BoolArray, DoubleArray

COLD_ODDS = 0.2
HEED = 0.5  # least weight of what heeds preferences, where a request states them

Weights = str | Mapping[str, float]


@dataclass(frozen=True)
class Proportions:
    """Which network counts how much, and where.

    Attributes:
        names: M members: the K networks and, where there is one, the consensus.
        weights: float64 (2, C, M) by segment and cohort; rows sum to 1.
        temperatures: float64 (K, 2) by network and segment; divide the logits.
        cold_odds: what an allowed cold item weighs beside an allowed warm one.
        exponents: float64 (2, C, K) of the consensus, on logits before temperature.
        pure_weights: float64 (2, C, K), the weights of the networks without a consensus.
    """

    names: tuple[str, ...]
    weights: DoubleArray
    temperatures: DoubleArray
    cold_odds: float = COLD_ODDS
    exponents: DoubleArray | None = None
    pure_weights: DoubleArray | None = None

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of the K networks."""
        return self.names if self.exponents is None else self.names[:-1]

    def pure(self) -> Proportions:
        """Return the proportions of the networks alone, fitted without a consensus."""
        if self.pure_weights is None:
            return self
        return replace(
            self,
            names=self.networks,
            weights=self.pure_weights,
            exponents=None,
            pure_weights=None,
        )

    def join(
        self,
        stream: Stream,
        cohorts: npt.NDArray[np.int64],
        scale: DoubleArray | None = None,
    ) -> Streamed:
        """Return the networks' stream with the consensus, where there is one.

        Args:
            stream: of the K networks.
            cohorts: int64 (B,).
            scale: (B, M) or (M,) multipliers; that of the consensus acts in the mean alone.
        """
        if self.exponents is None:
            return stream
        return Joined(stream, self.product(stream.answering, cohorts, scale))

    def product(
        self,
        answering: BoolArray,
        cohorts: npt.NDArray[np.int64],
        scale: DoubleArray | None = None,
    ) -> DoubleArray:
        """Return the consensus's exponents of each request, (B, K, 2); 0 for who is not in it.

        Args:
            answering: bool (B, K, 2), which networks answer.
            cohorts: int64 (B,).
            scale: as of `join`.
        """
        assert self.exponents is not None
        exponents = np.moveaxis(self.exponents[:, cohorts], 0, 2)  # (B, K, 2)
        factors = None if scale is None else scale[..., :-1]
        return product(exponents, answering, factors)

    def multipliers(self, scale: Mapping[str, float] | None) -> DoubleArray:
        """Return a request's scale as (M,), 1 where nothing is said.

        Raises:
            RequestError: for an unknown network, or a scale that is negative or not finite.
        """
        return self._by_name(scale or {}, "scale", 1.0)

    @property
    def equal(self) -> DoubleArray:
        """Weights (M,) of the plain mean: 1 for each network, 0 for the consensus."""
        return np.array([float(name in self.networks) for name in self.names])

    def stated(self, weights: Weights) -> DoubleArray | None:
        """Return absolute weights as (M,); None for the fitted ones.

        Args:
            weights: `"fitted"`, `"equal"`, or numbers by network; networks not named get 0.

        Raises:
            RequestError: for an unknown word or network, bad numbers, or none above 0.
        """
        if isinstance(weights, str):
            if weights not in ("fitted", "equal"):
                raise RequestError(
                    f"weights={weights!r}; expected 'fitted', 'equal' or numbers by network, "
                    f"such as {self.names[0]}=1.",
                    "weights",
                )
            return None if weights == "fitted" else self.equal
        values = self._by_name(weights, "weights", 0.0)
        if not values.any():
            raise RequestError(
                f"weights={dict(weights)} are all zero; give at least one network more than 0.",
                "weights",
            )
        return values

    def _by_name(self, given: Mapping[str, float], what: str, default: float) -> DoubleArray:
        values = np.full(len(self.names), default)
        for name, value in given.items():
            if name not in self.names:
                raise RequestError(
                    f"Unknown network {name!r} in {what}." + nearest(name, self.names), what
                )
            if not (np.isfinite(value) and value >= 0):
                raise RequestError(
                    f"{what} of {name} is {value}; expected a finite number >= 0.", what
                )
            values[self.names.index(name)] = value
        return values

    def resolve(
        self,
        cohorts: npt.NDArray[np.int64],
        answering: BoolArray,
        counts: npt.NDArray[np.int64],
        scale: DoubleArray | None = None,
        stated: DoubleArray | None = None,
        heeding: DoubleArray | None = None,
    ) -> DoubleArray:
        """Return the members' weights of each request.

        Inside a segment the weights are normalised over the members that answer there. Segments
        share by their allowed items, a cold one counting `cold_odds`; one where nobody answers
        gives its part to the other.

        Args:
            cohorts: int64 (B,).
            answering: bool (B, M, 2), which members answer.
            counts: int64 (B, 2), allowed classes of each segment.
            scale: (B, M) or (M,) multipliers.
            stated: (B, M) or (M,) weights instead of the fitted ones; rows of NaN mean fitted.
            heeding: (B, M), how strong the preferences are that a request states, from 0 to 1,
                for the networks that heed them. Fitted weights come from requests without any;
                in others these networks get at least `HEED` times it of the weight together.

        Returns:
            float64 (B, M, 2); rows sum to 1, or to 0 where nobody answers.
        """
        base = np.moveaxis(self.weights[:, cohorts], 0, 2)  # (B, M, 2)
        if heeding is not None:
            least = HEED * heeding.max(1)[:, None, None]
            base = _at_least(base * answering, heeding[:, :, None] > 0, least)
        if stated is not None:
            given = np.broadcast_to(stated, base.shape[:2])[:, :, None]
            base = np.where(np.isnan(given), base, given)
        if scale is not None:
            top = np.maximum(np.max(scale, axis=-1, keepdims=True), 1e-300)
            base = base * (np.broadcast_to(scale / top, base.shape[:2]))[:, :, None]
        inside = base * answering
        total = inside.sum(1, keepdims=True)
        inside = np.divide(inside, total, out=np.zeros_like(inside), where=total > 0)
        omega = self.segment_weights(counts, inside.any(1))
        return np.asarray(inside * omega[:, None, :])

    def segment_weights(self, counts: npt.NDArray[np.int64], speaks: BoolArray) -> DoubleArray:
        """Return omega (B, 2) for allowed counts (B, 2) and segments with an answer (B, 2)."""
        odds = counts * np.array([1.0, self.cold_odds]) * speaks
        total = odds.sum(1, keepdims=True)
        shares = np.divide(odds, total, out=np.zeros_like(odds), where=total > 0)
        return np.asarray(shares)

    def table(self) -> list[dict[str, Any]]:
        """Return the fitted weights as rows for people: segment, cohort, one column a member."""
        return _rows(self.names, self.weights)

    def exponents_table(self) -> list[dict[str, Any]]:
        """Return the consensus's exponents in the same form; empty without a consensus."""
        return [] if self.exponents is None else _rows(self.networks, self.exponents)

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        optional = {"exponents": self.exponents, "pure_weights": self.pure_weights}
        return {
            "names": list(self.names),
            "weights": self.weights.tolist(),
            "temperatures": self.temperatures.tolist(),
            "cold_odds": self.cold_odds,
            **{key: array.tolist() for key, array in optional.items() if array is not None},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Proportions:
        """Rebuild from `to_json`."""
        return cls(
            tuple(data["names"]),
            np.array(data["weights"], np.float64),
            np.array(data["temperatures"], np.float64),
            float(data["cold_odds"]),
            _array(data.get("exponents")),
            _array(data.get("pure_weights")),
        )


def _rows(names: tuple[str, ...], values: DoubleArray) -> list[dict[str, Any]]:
    """Return numbers (2, C, len(names)) as rows."""
    return [
        {
            "segment": segment,
            "cohort": cohort,
            **{n: float(v) for n, v in zip(names, values[s, c], strict=True)},
        }
        for s, segment in enumerate(SEGMENTS)
        for c, cohort in enumerate(COHORTS)
    ]


def _array(data: Any) -> DoubleArray | None:
    return None if data is None else np.array(data, np.float64)


def _at_least(weights: DoubleArray, chosen: BoolArray, least: DoubleArray) -> DoubleArray:
    """Return weights (B, M, 2), normalised over M, in which the chosen have `least` or more.

    Where none of the chosen has a weight, or all of those that do are chosen, nothing changes.
    """
    parts = [(weights * side).sum(1, keepdims=True) for side in (chosen, ~chosen)]
    total = parts[0] + parts[1]
    short = (parts[0] > 0) & (parts[0] < least * total)
    raised = [
        np.divide(share, part, out=np.ones_like(part), where=part > 0)
        for share, part in zip((least, 1 - least), parts, strict=True)
    ]
    factor = np.where(short, np.where(chosen, *raised), 1 / np.maximum(total, 1e-300))
    return np.asarray(weights * factor)
