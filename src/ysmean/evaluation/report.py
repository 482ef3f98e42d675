"""The report of an evaluation: rows by network and cohort, as data and as files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ysmean import metrics
from ysmean.evaluation.answers import Answers
from ysmean.evaluation.compare import compare_ranks
from ysmean.evaluation.page import page
from ysmean.evaluation.rows import row_of
from ysmean.mean.tile import DoubleArray
from ysmean.networks.registry import spec_to_json
from ysmean.parts import Parts

WORTH_RESAMPLES = 2_000  # one comparison a network; p-values down to 0.001 are enough


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
        popularity: DoubleArray,
        about: Mapping[str, Any],
    ) -> Report:
        """Compute every row of the report.

        Args:
            answers: to all questions; their cohorts and "all" become rows.
            apart: answers to some questions asked in another way; their cohorts become rows.
            parts: of the recommender that was asked.
            popularity: float64 (N,), each item's percentile by training events.
            about: what else is reported: split, candidates, seen, catalogue (how many items could
                be answered with), seconds, data, samples, suspicious_items.
        """
        kinds = {name: kind_of(name, parts) for name in answers.names}
        sets = [(answers, cohort) for cohort in ("all", *answers.present())]
        sets += [(other, cohort) for other in apart for cohort in other.present()]
        rows = [
            row_of(which, number, kinds[name], cohort, about["catalogue"], popularity)
            for which, cohort in sets
            for number, name in enumerate(answers.names)
        ]
        proportions = parts.proportions
        data = {
            **about,
            "requests": len(answers),
            "outside": answers.outside,
            "rows": rows,
            "proportions": {
                "table": proportions.table(),
                "temperatures": {
                    name: {"warm": float(warm), "cold": float(cold)}
                    for name, (warm, cold) in zip(
                        proportions.networks, proportions.temperatures, strict=True
                    )
                },
                "cold_odds": proportions.cold_odds,
                "exponents": proportions.exponents_table(),
            },
            "model": parts.model_id,
            "networks": {name: spec_to_json(spec) for name, spec in parts.specs.items()},
            "manifest": dict(parts.manifest),
        }
        item_ids = parts.catalogue.frame.get_column("item_id")
        requests = pl.concat([which.frame(item_ids) for which in (answers, *apart)])
        found = cls(data, requests, parts)
        data["comparisons"] = found.comparisons(answers)
        data["by_cohort"] = found.by_cohort([answers, *apart])
        data["worth"] = worth(answers, proportions.names)
        return found

    def rows(self, cohort: str = "all") -> list[dict[str, Any]]:
        """Return the rows of a cohort."""
        return [row for row in self.data["rows"] if row["cohort"] == cohort]

    def row(self, name: str, cohort: str = "all") -> dict[str, Any]:
        """Return one row."""
        return next(row for row in self.rows(cohort) if row["name"] == name)

    def best_member(self) -> dict[str, Any]:
        """Return the row of the single network with the highest NDCG@10.

        Popularity counts as one among new users, where it is hard to beat.
        """
        kinds = {"network"} | ({"baseline"} if self.data["split"][:10] == "cold-users" else set())
        members = [row for row in self.rows() if row["kind"] in kinds]
        return max(members or self.rows(), key=lambda row: row["ndcg@10"])

    def comparisons(self, answers: Answers) -> list[dict[str, Any]]:
        """Compare the fitted mean with its best member and the plain mean, over all requests."""
        if len(self.data["networks"]) < 2:
            return []
        return [
            {
                "a": "mean",
                "b": other,
                "result": asdict(
                    compare_ranks("ndcg@10", "all", answers.ranks("mean"), answers.ranks(other))
                ),
            }
            for other in (self.best_member()["name"], "mean-equal")
        ]

    def by_cohort(self, asked: Sequence[Answers]) -> list[dict[str, Any]]:
        """Compare the fitted mean with the best member of every cohort; popularity is one, too.

        `p_holm` is the p-value corrected for there being several cohorts (Holm, 1979).
        """
        if len(self.data["networks"]) < 2:
            return []
        found = []
        for answers, cohort in [(a, c) for a in asked for c in a.present()]:
            rows = [r for r in self.rows(cohort) if r["kind"] in ("network", "baseline")]
            if not rows[0]["requests"]:
                continue
            best = max(rows, key=lambda row: row["ndcg@10"])["name"]
            chosen = answers.cohorts == cohort
            sides = (answers.ranks(name)[chosen] for name in ("mean", best))
            result = compare_ranks("ndcg@10", cohort, *sides)
            found.append({"cohort": cohort, "a": "mean", "b": best, "result": asdict(result)})
        corrected = metrics.holm([row["result"]["difference"]["p_value"] for row in found])
        return [{**row, "p_holm": float(p)} for row, p in zip(found, corrected, strict=True)]

    def html(self) -> str:
        """Return the report as a page that needs no other file."""
        return page(self.data)

    def save(self, folder: str | Path) -> None:
        """Write `report.html`, `report.json`, `requests.parquet`: each whole or not at all."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        texts = {
            "report.json": json.dumps(self.data, indent=1, allow_nan=False),
            "report.html": self.html(),
        }
        self.requests.write_parquet(place / ".requests.parquet")
        for name, text in texts.items():
            (place / f".{name}").write_text(text, encoding="utf-8")
        for name in ("requests.parquet", *texts):
            os.replace(place / f".{name}", place / name)


def kind_of(name: str, parts: Parts) -> str:
    """Return a row's kind: network, baseline, consensus, mean, mean-equal or mean-pure."""
    if name not in parts.specs:
        return name
    return "baseline" if parts.specs[name].kind == "popularity" else "network"


def worth(answers: Answers, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what each member is worth: its mean weight, and the mean without it.

    Without a network, the consensus is without it too. The other members keep their fitted
    proportions; nothing is fitted anew.
    """
    alone = len(names) < 2
    return [
        {
            "name": name,
            "weight": float(answers.weights[:, k].mean()),
            "without": None
            if alone
            else asdict(
                compare_ranks(
                    "ndcg@10",
                    "all",
                    answers.without[k],
                    answers.ranks("mean"),
                    resamples=WORTH_RESAMPLES,
                )
            ),
        }
        for k, name in enumerate(names)
    ]
