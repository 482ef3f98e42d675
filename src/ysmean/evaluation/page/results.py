"""The first sections of the page: the finding, what each network is worth, and all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ysmean.evaluation.page import words
from ysmean.evaluation.page.html import Html, details, el, join, table
from ysmean.evaluation.page.look import Look, label

Data = Mapping[str, Any]
Row = Mapping[str, Any]

COLUMNS: dict[str, tuple[Callable[[Row], float | None], Callable[[Row], str], int]] = {
    "NDCG@10": (lambda r: r["ndcg@10"], lambda r: words.decimal(r["ndcg@10"]), 1),
    "HR@10": (lambda r: r["hr@10"], lambda r: words.decimal(r["hr@10"]), 1),
    "MRR": (lambda r: r["mrr"], lambda r: words.decimal(r["mrr"]), 1),
    "NLL": (lambda r: r["nll"], lambda r: words.decimal(r["nll"], 3), -1),
    "Coverage@10": (lambda r: r["coverage@10"], lambda r: words.percent(r["coverage@10"]), 1),
    "ECE": (lambda r: _ece(r), lambda r: words.decimal(_ece(r), 3), -1),
    "Answered": (lambda r: r["answered"], lambda r: words.percent(r["answered"]), 0),
}  # value, text, and whether more or less of it is better
INTERVALS = {"NDCG@10": "ndcg@10", "HR@10": "hr@10"}


def rows_of(data: Data, cohort: str = "all") -> list[Row]:
    """Return the rows of a cohort."""
    return [row for row in data["rows"] if row["cohort"] == cohort]


def row_of(data: Data, name: str, cohort: str = "all") -> Row:
    """Return one row."""
    return next(row for row in rows_of(data, cohort) if row["name"] == name)


def cohorts_of(data: Data) -> list[str]:
    """Return the cohorts besides "all", in order."""
    found = [c for c in dict.fromkeys(row["cohort"] for row in data["rows"]) if c != "all"]
    told = [c for c in ("warm", "cold", "cold-among-all") if c in found]
    return told or found


def summary(data: Data) -> list[Html]:
    """Return what was asked and what was found, in words and in four numbers."""
    mean = row_of(data, "mean")
    lead = (
        f"{words.asked(data)} Ranked against all {data['catalogue']:,} items, the right one is "
        f"among the first ten of the fitted mean in {words.percent(mean['hr@10'], 1)} of "
        f"{mean['requests']:,} requests."
    )
    if data["corrupt"]["items"]:
        lead += f" {words.corrupted(data)}"
    numbers = [("NDCG@10, fitted mean", words.decimal(mean["ndcg@10"]), _ci(mean))]
    for comparison in data["comparisons"]:
        other = row_of(data, comparison["b"])
        numbers.append((f"NDCG@10, {label(other['name'])}", _ndcg(other), _ci(other)))
    numbers.append(("Requests", f"{data['requests']:,}", _outside(data)))
    figures = [
        el("div", el("dt", name), el("dd", value, el("small", more)))
        for name, value, more in numbers
    ]
    points = [
        words.verdict(c, f"its best network, {c['b']}" if n == 0 else "the plain mean")
        for n, c in enumerate(data["comparisons"])
    ]
    verdicts = el("ul", [el("li", point) for point in points], class_="verdicts")
    return [
        el("p", lead, class_="lead"),
        el("dl", figures, class_="figures"),
        *([verdicts] if points else []),
    ]


def worth(data: Data, look: Look) -> list[Html]:
    """Return each network's weight, its result alone, and the mean's without it."""
    rows = []
    for entry in data["worth"]:
        result = entry["without"]
        difference = result["difference"]
        rows.append(
            [
                look.named(entry["name"]),
                words.percent(entry["weight"]),
                _ndcg(row_of(data, entry["name"])),
                words.decimal(result["a"]),
                join(
                    words.decimal(difference["mean"], sign=True),
                    el(
                        "small",
                        f"{words.decimal(difference['low'], sign=True)} to "
                        f"{words.decimal(difference['high'], sign=True)}",
                    ),
                ),
                words.p_value(difference["p_value"]).removeprefix("p ").removeprefix("= "),
            ]
        )
    head = ["Network", "Mean weight", "Alone", "Mean without it", "Difference", "p-value"]
    return [
        el("p", words.worth(data)),
        table(head, rows, "NDCG@10 of each network alone, and of the fitted mean without it"),
        el(
            "p",
            "Without a network, the others keep their fitted proportions; nothing is fitted anew. "
            "Paired bootstrap over requests.",
            class_="note",
        ),
    ]


def results(data: Data, look: Look) -> list[Html]:
    """Return all rows over all requests, and folded the rows of every cohort."""
    others = []
    for cohort in cohorts_of(data):
        count = rows_of(data, cohort)[0]["requests"]
        heading = f"{_capital(words.cohort_name(cohort))}: {count:,} requests"
        others.append(el("h3", heading if count else f"{heading.partition(':')[0]}: no requests"))
        if count:
            others.append(numbers_table(data, look, cohort))
    return [
        numbers_table(data, look, "all"),
        el(
            "p",
            "Best in bold. In small print the 95% bootstrap interval. NLL is over the targets a "
            "row gives a probability; a target it cannot score counts 0 in the other metrics. "
            "ECE compares the probability of the first item with how often it was right. "
            "Of NDCG, HR, MRR and coverage more is better, of NLL and ECE less. In report.json the "
            "fitted mean is the row mean, the plain one mean-equal, that without the consensus "
            "mean-pure: its weights are its own.",
            class_="note",
        ),
        details("Every cohort in numbers", *others),
    ]


def numbers_table(data: Data, look: Look, cohort: str) -> Html:
    """Return the table of one cohort's rows."""
    rows = rows_of(data, cohort)
    train = data["seconds"]["train"]
    seconds = {**train, "mean": train.get("proportions")}
    best = {}
    for column, (value, _, sign) in COLUMNS.items():
        known = [sign * v for row in rows if (v := value(row)) is not None]
        best[column] = max(known) if known and sign else None
    body = []
    for row in rows:
        cells: list[Any] = [look.named(row["name"])]
        for column, (value, text, sign) in COLUMNS.items():
            shown: Any = text(row)
            v = value(row)
            if v is not None and best[column] is not None and sign * v == best[column]:
                shown = el("b", shown)
            ends = row["ci95"].get(INTERVALS.get(column, ""))
            cells.append(join(shown, el("small", words.interval(ends)) if ends else None))
        if cohort == "all":
            cells.append(words.duration(seconds.get(row["name"])))
        body.append(cells)
    head = ["Row", *COLUMNS, *(["Training"] if cohort == "all" else [])]
    what = "all requests" if cohort == "all" else words.cohort_name(cohort)
    return table(head, body, f"Rows over {what}")


def _ece(row: Row) -> float | None:
    return row["calibration"]["ece"] if row["calibration"] else None


def _ndcg(row: Row) -> str:
    return words.decimal(row["ndcg@10"])


def _ci(row: Row) -> str:
    return words.interval(row["ci95"]["ndcg@10"])


def _outside(data: Data) -> str:
    count = data["outside"]
    return f"{count:,} more outside the allowed set" if count else "no target left out"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
