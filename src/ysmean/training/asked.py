"""The held-out events that a segment's members are asked, and with how much of their histories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.histories import cohort_of
from ysmean.mean.tile import BoolArray

CUTS = (0, 1, 2, 3, 5, 8)
ENOUGH = 100  # first events, to do without cut histories


@dataclass(frozen=True)
class Asked:
    """Questions of one segment: last events, first ones, then last ones with cut histories.

    Attributes:
        parts: the questions, n in all.
        whole: bool (n,), last events with the whole history.
        cut: bool (n,), those with a cut one; it is no history that anybody had.
        cohorts: int64 (n,).
    """

    parts: list[Questions]
    whole: BoolArray
    cut: BoolArray
    cohorts: npt.NDArray[np.int64]

    @property
    def newest(self) -> BoolArray:
        """Questions without a history: those that users began with, where there are enough."""
        none = self.cohorts == 0
        begun = none & ~self.cut
        return np.asarray(begun if begun.sum() >= ENOUGH else none)


def choose(
    questions: Questions,
    whole: int,
    cut: int,
    rng: np.random.Generator,
    begun: Questions | None = None,
) -> Asked:
    """Choose questions.

    Args:
        questions: held-out events.
        whole: how many are asked with their whole histories at most.
        cut: how many for each cut at most.
        rng: of the choice.
        begun: the first events of users, all of which are asked.
    """
    order = rng.permutation(len(questions))
    last, few = (questions[np.sort(order[:most])] for most in (whole, cut))
    real = [last] if begun is None else [last, begun]
    parts = [*real, *(few.cut(shown) for shown in CUTS)]
    cohorts = np.concatenate([cohort_of(part.ends - part.starts) for part in parts])
    places = np.arange(len(cohorts))
    return Asked(parts, places < len(last), places >= sum(map(len, real)), cohorts)
