"""The report of an evaluation: rows by network and cohort, as data and as files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean import metrics
from ysmean.bundle import Parts
from ysmean.data.batch import Questions
from ysmean.data.histories import COHORTS, cohort_of
from ysmean.mean.ranks import Standing
from ysmean.mean.stream import DoubleArray


@dataclass(frozen=True)
class Answers:
    """How R rows answered n questions.

    Attributes:
        names: of the rows.
        standing: ranks, probabilities and top lists, joined over the questions.
        cohorts: the cohort of each question.
        user_ids: of the questions.
        targets: int32 (n,).
        outside: questions that were not asked, their target being outside the allowed set.
    """

    names: list[str]
    standing: Standing
    cohorts: npt.NDArray[np.str_]
    user_ids: pl.Series
    targets: npt.NDArray[np.int32]
    outside: int

    @classmethod
    def join(
        cls, names: list[str], found: Sequence[Standing], asked: Sequence[Questions], outside: int
    ) -> Answers:
        """Join the answers to consecutive batches."""
        width = max(s.top_classes.shape[2] for s in found)

        def padded(tops: npt.NDArray[Any], fill: int) -> npt.NDArray[Any]:
            missing = width - tops.shape[2]
            return np.pad(tops, ((0, 0), (0, 0), (0, missing)), constant_values=fill)

        whole = Standing(
            np.concatenate([s.ranks for s in found], axis=1),
            np.concatenate([s.probabilities for s in found], axis=1),
            np.concatenate([padded(s.top_classes, -1) for s in found], axis=1),
            np.concatenate([padded(s.top_scores, 0) for s in found], axis=1),
        )
        users = np.concatenate([q.users for q in asked])
        return cls(
            names,
            whole,
            np.array(COHORTS)[np.concatenate([cohort_of(q.ends - q.starts) for q in asked])],
            asked[0].histories.user_ids.gather(users),
            np.concatenate([q.targets for q in asked]),
            outside,
        )


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        data: the content of `report.json`.
        requests: one row a question and row: rank and probability of the target.
        parts: the recommender that was asked, `Recommender(report.parts)`; it was trained without
            the test events, but answers from whole histories.
    """

    data: dict[str, Any]
    requests: pl.DataFrame
    parts: Parts = field(repr=False)

    @classmethod
    def of(
        cls,
        answers: Answers,
        apart: Sequence[Answers],
        parts: Parts,
        *,
        split: str,
        candidates: str,
        seen: str,
        catalogue: int,
        seconds: dict[str, Any],
        peak_memory: int,
    ) -> Report:
        """Compute every row of the report.

        Args:
            answers: to all questions; their cohorts and "all" become rows.
            apart: answers to some questions asked in another way; their cohorts become rows.
            parts: of the recommender that was asked.
            split: its name.
            candidates: which items could be answered with.
            seen: whether items of the history could be.
            catalogue: how many items could be.
            seconds: wall times.
            peak_memory: bytes.
        """
        kinds = {name: kind_of(name, parts) for name in answers.names}
        sets = [(answers, cohort) for cohort in ("all", *_cohorts(answers))]
        sets += [(other, cohort) for other in apart for cohort in _cohorts(other)]
        rows = [
            row_of(which, number, kinds[name], cohort, catalogue)
            for which, cohort in sets
            for number, name in enumerate(answers.names)
        ]
        data = {
            "split": split,
            "requests": len(answers.targets),
            "outside": answers.outside,
            "catalogue": catalogue,
            "candidates": candidates,
            "seen": seen,
            "rows": rows,
            "proportions": {
                "table": parts.proportions.table(),
                "temperatures": {
                    name: {"warm": float(warm), "cold": float(cold)}
                    for name, (warm, cold) in zip(
                        parts.proportions.names, parts.proportions.temperatures, strict=True
                    )
                },
                "cold_odds": parts.proportions.cold_odds,
            },
            "seconds": seconds,
            "peak_memory_bytes": peak_memory,
            "model": parts.model_id,
            "manifest": dict(parts.manifest),
        }
        requests = pl.concat([_requests(which, parts) for which in (answers, *apart)])
        return cls(data, requests, parts)

    def rows(self, cohort: str = "all") -> list[dict[str, Any]]:
        """Return the rows of a cohort."""
        return [row for row in self.data["rows"] if row["cohort"] == cohort]

    def row(self, name: str, cohort: str = "all") -> dict[str, Any]:
        """Return one row."""
        return next(row for row in self.rows(cohort) if row["name"] == name)

    def best_member(self) -> dict[str, Any]:
        """Return the row of the single network with the highest NDCG@10."""
        members = [row for row in self.rows() if row["kind"] == "network"]
        return max(members or self.rows(), key=lambda row: row["ndcg@10"])

    def save(self, folder: str | Path) -> None:
        """Write `report.json` and `requests.parquet`, each whole or not at all."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        self.requests.write_parquet(place / ".requests.parquet")
        (place / ".report.json").write_text(json.dumps(self.data, indent=1, allow_nan=False))
        for name in ("requests.parquet", "report.json"):
            os.replace(place / f".{name}", place / name)


def kind_of(name: str, parts: Parts) -> str:
    """Return a row's kind: network, baseline, mean or mean-equal."""
    if name not in parts.specs:
        return name
    return "baseline" if parts.specs[name].kind == "popularity" else "network"


def row_of(answers: Answers, number: int, kind: str, cohort: str, catalogue: int) -> dict[str, Any]:
    """Return one row of the report.

    Args:
        answers: of all rows.
        number: of the row.
        kind: of the row.
        cohort: `"all"` or one of the answers'.
        catalogue: items that could be answered with.
    """
    chosen = np.ones(len(answers.targets), bool)
    if cohort != "all":
        chosen = answers.cohorts == cohort
    head = {"name": answers.names[number], "kind": kind, "cohort": cohort}
    count = int(chosen.sum())
    if not count:
        empty = dict.fromkeys(("ndcg@10", "hr@10", "hr@1", "mrr", "nll", "coverage@10"))
        return {**head, **empty, "calibration": None, "requests": 0, "answered": None, "ci95": {}}
    ranks = answers.standing.ranks[number, chosen]
    per_request = {
        "ndcg@10": metrics.ndcg(ranks, 10),
        "hr@10": metrics.hit_rate(ranks, 10),
        "hr@1": metrics.hit_rate(ranks, 1),
        "mrr": metrics.reciprocal_rank(ranks),
    }
    scores = answers.standing.top_scores[number, chosen]
    return {
        **head,
        **{name: float(values.mean()) for name, values in per_request.items()},
        "nll": metrics.mean_nll(answers.standing.probabilities[number, chosen]),
        "coverage@10": metrics.coverage(
            answers.standing.top_classes[number, chosen][:, :10], catalogue
        ),
        "calibration": _calibration(scores, per_request["hr@1"]),
        "requests": count,
        "answered": float((ranks > 0).mean()),
        "ci95": {
            name: list(metrics.bootstrap_interval(values)) for name, values in per_request.items()
        },
    }


def _cohorts(answers: Answers) -> list[str]:
    """Return the cohorts to report: all of the history lengths, or what there is."""
    found = dict.fromkeys(answers.cohorts.tolist())
    return list(COHORTS) if set(found) <= set(COHORTS) else sorted(found)


def _calibration(scores: npt.NDArray[np.float32], right: DoubleArray) -> dict[str, float]:
    top1 = scores[:, 0].astype(np.float64)
    return {
        "p_top1": float(top1.mean()),
        "mass_top10": float(scores[:, :10].sum(1, dtype=np.float64).mean()),
        "ece": float(metrics.expected_calibration_error(top1, right)),
    }


def _requests(answers: Answers, parts: Parts) -> pl.DataFrame:
    items = parts.catalogue.frame.get_column("item_id").gather(answers.targets)
    frames = [
        pl.DataFrame(
            {
                "request": np.arange(len(answers.targets)),
                "user_id": answers.user_ids,
                "item_id": items,
                "cohort": answers.cohorts,
                "row": [name] * len(answers.targets),
                "rank": answers.standing.ranks[number],
                "probability": answers.standing.probabilities[number],
            }
        )
        for number, name in enumerate(answers.names)
    ]
    return pl.concat(frames)
