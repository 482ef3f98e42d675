"""How every row answered the questions of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.batch import Questions
from ysmean.data.histories import COHORTS, cohort_of
from ysmean.mean.ranks import IntArray, Standing
from ysmean.mean.tile import DoubleArray


@dataclass(frozen=True)
class Found:
    """The answers to one batch.

    Attributes:
        standing: of the targets in R rows.
        weights: float64 (B, M), the fitted mean's weights by member.
        without: int64 (M, B), the targets' ranks in the fitted mean of all members but one.
    """

    standing: Standing
    weights: DoubleArray
    without: IntArray


@dataclass(frozen=True)
class Answers:
    """How R rows answered n questions.

    Attributes:
        names: of the rows: M members, the plain mean, the pure one, the fitted one.
        questions: n of them.
        standing: ranks, probabilities and top lists, joined over the questions.
        weights, without: as in `Found`, joined over the questions.
        cohorts: the cohort of each question.
        outside: questions that were not asked, their target being outside the allowed set.
    """

    names: list[str]
    questions: Questions
    standing: Standing
    weights: DoubleArray
    without: IntArray
    cohorts: npt.NDArray[np.str_]
    outside: int

    @classmethod
    def join(
        cls, names: list[str], found: Sequence[Found], asked: Questions, outside: int
    ) -> Answers:
        """Join the answers to consecutive batches of the questions asked."""
        parts = [f.standing for f in found]
        width = max(s.top_classes.shape[2] for s in parts)

        def padded(tops: npt.NDArray[Any], fill: int) -> npt.NDArray[Any]:
            missing = width - tops.shape[2]
            return np.pad(tops, ((0, 0), (0, 0), (0, missing)), constant_values=fill)

        whole = Standing(
            np.concatenate([s.ranks for s in parts], axis=1),
            np.concatenate([s.probabilities for s in parts], axis=1),
            np.concatenate([padded(s.top_classes, -1) for s in parts], axis=1),
            np.concatenate([padded(s.top_scores, 0) for s in parts], axis=1),
        )
        return cls(
            names,
            asked,
            whole,
            np.concatenate([f.weights for f in found]),
            np.concatenate([f.without for f in found], axis=1),
            np.array(COHORTS)[cohort_of(asked.ends - asked.starts)],
            outside,
        )

    def __len__(self) -> int:
        """Return the number of questions, n."""
        return len(self.questions)

    @property
    def targets(self) -> npt.NDArray[np.int32]:
        """The classes to be found, int32 (n,)."""
        return self.questions.targets

    @property
    def user_ids(self) -> pl.Series:
        """Who was asked for, (n,)."""
        return self.questions.histories.user_ids.gather(self.questions.users)

    def ranks(self, name: str) -> IntArray:
        """Return the targets' ranks in a row, int64 (n,)."""
        return np.asarray(self.standing.ranks[self.names.index(name)])

    def present(self) -> list[str]:
        """Return the cohorts to report: all of the history lengths, or what there is."""
        found = dict.fromkeys(self.cohorts.tolist())
        return list(COHORTS) if set(found) <= set(COHORTS) else sorted(found)

    def frame(self, item_ids: pl.Series) -> pl.DataFrame:
        """Return one row a question and row: rank and probability of the target.

        Args:
            item_ids: in class order.
        """
        frames = [
            pl.DataFrame(
                {
                    "request": np.arange(len(self)),
                    "user_id": self.user_ids,
                    "item_id": item_ids.gather(self.targets),
                    "cohort": self.cohorts,
                    "row": [name] * len(self),
                    "rank": self.standing.ranks[number],
                    "probability": self.standing.probabilities[number],
                }
            )
            for number, name in enumerate(self.names)
        ]
        return pl.concat(frames)
