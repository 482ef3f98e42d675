"""The rows of a report: what one network or mean did on one cohort, in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean import metrics
from ysmean.evaluation.answers import Answers
from ysmean.mean.tile import DoubleArray

NUMBERS = ("ndcg@10", "hr@10", "hr@1", "mrr", "nll", "coverage@10")


def row_of(
    answers: Answers,
    number: int,
    kind: str,
    cohort: str,
    catalogue: int,
    popularity: DoubleArray,
) -> dict[str, Any]:
    """Return one row of the report.

    Args:
        answers: of all rows.
        number: of the row.
        kind: of the row.
        cohort: `"all"` or one of the answers'.
        catalogue: items that could be answered with.
        popularity: float64 (N,), each item's percentile by training events.
    """
    chosen = np.ones(len(answers), bool)
    if cohort != "all":
        chosen = answers.cohorts == cohort
    head = {"name": answers.names[number], "kind": kind, "cohort": cohort}
    count = int(chosen.sum())
    if not count:
        empty = dict.fromkeys((*NUMBERS, "calibration", "popularity"))
        return {**head, **empty, "requests": 0, "answered": None, "ci95": {}}
    ranks = answers.standing.ranks[number, chosen]
    per_request = {
        "ndcg@10": metrics.ndcg(ranks, 10),
        "hr@10": metrics.hit_rate(ranks, 10),
        "hr@1": metrics.hit_rate(ranks, 1),
        "mrr": metrics.reciprocal_rank(ranks),
    }
    top = answers.standing.top_classes[number, chosen][:, :10]
    scores = answers.standing.top_scores[number, chosen]
    return {
        **head,
        **{name: float(values.mean()) for name, values in per_request.items()},
        "nll": metrics.mean_nll(answers.standing.probabilities[number, chosen]),
        "coverage@10": metrics.coverage(top, catalogue),
        "calibration": _calibration(scores, per_request["hr@1"]),
        "popularity": {
            "recommended": float(popularity[top[top >= 0]].mean()) if (top >= 0).any() else None,
            "targets": float(popularity[answers.targets[chosen]].mean()),
        },
        "requests": count,
        "answered": float((ranks > 0).mean()),
        "ci95": {
            name: list(metrics.bootstrap_interval(values)) for name, values in per_request.items()
        },
    }


def popularity_of(counts: DoubleArray, base: npt.NDArray[np.bool_]) -> DoubleArray:
    """Return each item's percentile by training events, among those that may be answered with.

    Args:
        counts: float64 (N,), events in training.
        base: bool (N,), classes that may be answered with.

    Returns:
        float64 (N,); NaN outside `base`.
    """
    places = np.full(len(counts), np.nan)
    places[base] = metrics.percentiles(counts[base])
    return places


def _calibration(scores: npt.NDArray[np.float32], right: DoubleArray) -> dict[str, Any]:
    top1 = scores[:, 0].astype(np.float64)
    curve = metrics.reliability(top1, right)
    return {
        "p_top1": float(top1.mean()),
        "mass_top10": float(scores[:, :10].sum(1, dtype=np.float64).mean()),
        "ece": curve.error,
        "ece_limit": metrics.calibration_error_limit(top1),
        "curve": {
            "stated": curve.stated.tolist(),
            "observed": curve.observed.tolist(),
            "requests": curve.counts.tolist(),
        },
    }
