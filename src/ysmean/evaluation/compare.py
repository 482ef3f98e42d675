"""Compare two rows of one report, or one row of two reports, request by request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean import metrics
from ysmean.errors import DataError, nearest
from ysmean.metrics import Difference

SAME = ("split", "catalogue", "candidates", "seen")


@dataclass(frozen=True)
class Comparison:
    """One metric of one cohort, on both sides.

    Attributes:
        metric, cohort: which.
        a, b: the means of both sides.
        difference: of a - b.
        requests: how many were compared.
    """

    metric: str
    cohort: str
    a: float
    b: float
    difference: Difference
    requests: int

    def sentence(self, name_a: str, name_b: str) -> str:
        """Return the comparison in words."""
        d = self.difference
        verdict = "no different from" if d.p_value >= 0.05 else "above" if d.mean > 0 else "below"
        p = f"p < {1e-3}" if d.p_value < 1e-3 else f"p = {d.p_value:.3f}"
        relative = f" ({d.mean / self.b:+.1%})" if self.b else ""
        return (
            f"{self.metric}: {name_a} {self.a:.4f} is {verdict} {name_b} {self.b:.4f}: "
            f"{d.mean:+.4f}{relative}, 95% interval {d.low:+.4f} to {d.high:+.4f}, {p}, "
            f"{self.requests:,} requests"
        )


@dataclass(frozen=True)
class Side:
    """One row of one report.

    Attributes:
        name: how to call it.
        data: the report's `report.json`.
        requests: rank and probability by cohort and request.
    """

    name: str
    data: dict[str, Any]
    requests: pl.DataFrame

    @classmethod
    def read(cls, folder: Path, row: str, name: str | None = None) -> Side:
        """Read one row of a report.

        Raises:
            DataError: if the folder is no report, or has no such row.
        """
        try:
            data = json.loads((folder / "report.json").read_text())
            requests = pl.read_parquet(folder / "requests.parquet")
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"{folder} is no report: {error}. Expected a folder written by ysmean evaluate."
            ) from error
        return cls.of(data, requests, row, name, str(folder))

    @classmethod
    def of(
        cls,
        data: dict[str, Any],
        requests: pl.DataFrame,
        row: str,
        name: str | None = None,
        where: str = "the report",
    ) -> Side:
        """Take one row of a report that is at hand.

        Raises:
            DataError: if there is no such row.
        """
        known = requests.get_column("row").unique().to_list()
        if row not in known:
            raise DataError(f"{where} has no row {row!r}." + nearest(row, known))
        return cls(name or row, data, requests.filter(pl.col("row") == row))


def compare(a: Side, b: Side, seed: int = 0) -> list[Comparison]:
    """Compare two sides by a paired bootstrap over requests.

    Args:
        a: one row.
        b: another row, or the same row of another report.
        seed: of the bootstrap.

    Returns:
        One comparison for each cohort with requests and each metric, "all" first.

    Raises:
        DataError: if the reports did not ask the same requests in the same way.
    """
    for key in SAME:
        if a.data[key] != b.data[key]:
            raise DataError(
                f"The reports differ in {key}: {a.data[key]!r} and {b.data[key]!r}. Only reports "
                "of the same requests can be compared."
            )
    keys = ["cohort", "user_id", "item_id", "request"]
    if not a.requests.select(keys).equals(b.requests.select(keys)):
        raise DataError(
            "The reports asked different requests. Evaluate both on the same events with the same "
            "split and seed."
        )
    cohorts = a.requests.get_column("cohort").to_numpy()
    asked_apart = "cold"  # the same targets once more, among cold items alone
    chosen = {"all": cohorts != asked_apart}
    chosen |= {str(c): cohorts == c for c in dict.fromkeys(cohorts.tolist())}
    ranks = [side.requests.get_column("rank").to_numpy() for side in (a, b)]
    return [
        compare_ranks(metric, cohort, ranks[0][mask], ranks[1][mask], seed)
        for cohort, mask in chosen.items()
        for metric in ("ndcg@10", "hr@10", "mrr")
    ]


def compare_ranks(
    metric: str,
    cohort: str,
    ranks_a: npt.NDArray[np.int64],
    ranks_b: npt.NDArray[np.int64],
    seed: int = 0,
    resamples: int = 10_000,
) -> Comparison:
    """Compare the ranks (n,) that two sides gave the same targets, by one metric.

    Args:
        metric: `"ndcg@10"`, `"hr@10"` or `"mrr"`.
        cohort: of the requests.
        ranks_a: of the targets, 1 = best, 0 = not ranked.
        ranks_b: of the same targets in the same order.
        seed: of the bootstrap.
        resamples: of the bootstrap.
    """
    x, y = _values(metric, ranks_a), _values(metric, ranks_b)
    difference = metrics.paired_bootstrap(x, y, seed, resamples)
    return Comparison(metric, cohort, float(x.mean()), float(y.mean()), difference, len(x))


def _values(metric: str, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    if metric == "ndcg@10":
        return metrics.ndcg(ranks, 10)
    return metrics.hit_rate(ranks, 10) if metric == "hr@10" else metrics.reciprocal_rank(ranks)
