"""How far the weights of a cohort lean towards one member: what likelihood leaves open.

Where little is known of people, weights that are far apart make held-out events equally likely, and
rank very differently: a sharp network that is right now and then lifts its few favourites above
what the others agree on. The likelihood does not mind, those who look at ten items do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ysmean.mean.held import softmax
from ysmean.mean.tile import BoolArray, DoubleArray, FloatArray

LEANS = (0.25, 0.5, 0.75, 1.0)
ENOUGH = 100  # questions of a cohort
BETTER = 2.5  # standard errors that a lean has to rank better by; it is one of many
WORSE = 2.0  # that events may be less likely by


@dataclass(frozen=True)
class Asked:
    """What means make of questions: by the fitted weights, then by those that lean.

    Attributes:
        gains: float64 (n, L), 1 / log2(1 + the target's rank): NDCG without an end.
        logs: float64 (n, L), log p of the target.
    """

    gains: DoubleArray
    logs: DoubleArray

    def choose(self, among: BoolArray) -> int:
        """Return the row that surely ranks better, of those not surely less likely; else 0.

        Of several it is the one that ranks best.

        Args:
            among: bool (n,), the questions that count.
        """
        gains, logs = self.gains[among], self.logs[among]
        kept = np.isfinite(logs).all(1)
        if kept.sum() < ENOUGH:
            return 0
        better, worse = gains[kept] - gains[kept, :1], logs[kept, :1] - logs[kept]
        sure = better.mean(0) > BETTER * _error(better)
        sure &= worse.mean(0) <= WORSE * _error(worse)
        return int(np.argmax(np.where(sure, better.mean(0), 0.0)))


def leaning(weights: DoubleArray, floor: float) -> DoubleArray:
    """Return weights (..., M) and after them those that lean, (..., 1 + M * 4, M).

    Towards each member in turn, by each of `LEANS`; none is below `floor`.
    """
    members = weights.shape[-1]
    ends = floor + (1 - floor * members) * np.eye(members)  # (M, M), one member as far as it goes
    part = np.array(LEANS)[:, None]
    rows = [(1 - part) * weights[..., None, :] + part * end for end in ends]
    return np.concatenate([weights[..., None, :], *rows], axis=-2)


def ask(
    z: FloatArray, consensus: FloatArray, weights: DoubleArray, column: int
) -> tuple[DoubleArray, DoubleArray]:
    """Return gain and log p of one question's target, (L,) each, by several means.

    Args:
        z: float32 (K, n), the networks' tempered logits; -inf where they say nothing.
        consensus: float32 (n,), its logits.
        weights: (L, K + 1), a row for each mean.
        column: of the target.
    """
    p = softmax(np.concatenate([z, consensus[None]])).astype(np.float64)  # (K + 1, n)
    heard = weights * p.any(1)
    mean = heard / np.maximum(heard.sum(1, keepdims=True), 1e-300) @ p  # (L, n)
    own = mean[:, column]
    before = (mean > own[:, None]).sum(1) + (mean[:, :column] == own[:, None]).sum(1)
    with np.errstate(divide="ignore"):
        return 1 / np.log2(2.0 + before), np.log(own)


def _error(differences: DoubleArray) -> DoubleArray:
    """Return the standard errors of the means of columns."""
    return np.asarray(differences.std(0) / np.sqrt(len(differences)))
