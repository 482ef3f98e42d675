"""The first sections of the page: the finding, all rows, and the rows by cohort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ysmean.evaluation import words
from ysmean.evaluation.charts import Axis, Series, chart, value_axis
from ysmean.evaluation.html import Html, details, el, figure, join, table
from ysmean.evaluation.look import Look, label

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
    return [c for c in dict.fromkeys(row["cohort"] for row in data["rows"]) if c != "all"]


def summary(data: Data) -> list[Html]:
    """Return what was asked and what was found, in words and in four numbers."""
    mean = row_of(data, "mean")
    lead = (
        f"{words.asked(data)} Ranked against all {data['catalogue']:,} items, the right one is "
        f"among the first ten of the fitted mean in {words.percent(mean['hr@10'], 1)} of "
        f"{mean['requests']:,} requests."
    )
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
            "fitted mean is the row mean, the plain one mean-equal.",
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


def by_cohort(data: Data, look: Look) -> list[Html]:
    """Return NDCG@10 of every row by cohort, drawn and in a sentence."""
    cohorts = cohorts_of(data)
    drawn = [row for row in rows_of(data) if row["requests"]]
    counts = [rows_of(data, cohort)[0]["requests"] for cohort in cohorts]
    lengths = "0" in cohorts
    series = [_series(data, look, row["name"], cohorts, lengths, n) for n, row in enumerate(drawn)]
    top = max(
        [h for s in series if s.name in ("mean",) or not lengths for h in s.high if h is not None]
        + [v for s in series for _, v in s.points if v is not None]
    )
    margin = 0.3 if lengths else 0.5
    ticks = [(float(n), c.replace("-", words.DASH)) for n, c in enumerate(cohorts)]
    if not lengths:
        names = {"warm": "warm", "cold": "cold, among cold", "cold-among-all": "cold, among all"}
        ticks = [(float(n), names[c]) for n, c in enumerate(cohorts)]
    x = Axis(-margin, len(cohorts) - 1 + margin, ticks, "items in the history" if lengths else "")
    notes = [f"n = {count:,}" if count else "none" for count in counts]
    what = "history length" if lengths else "what was known of the target"
    picture = chart(f"NDCG@10 of every row by {what}", series, x, value_axis(0.0, top), notes=notes)
    empty = [words.cohort_name(c) for c, n in zip(cohorts, counts, strict=True) if not n]
    caption = (
        f"NDCG@10 by {what}, with the number of requests. "
        + ("The band is" if lengths else "Whiskers are")
        + (" the fitted mean's 95% interval." if lengths else " 95% intervals.")
        + (f" No requests: {', '.join(empty)}." if empty else "")
    )
    return [el("p", _who_leads(data, cohorts)), figure(picture, caption, "wide")]


def _series(
    data: Data, look: Look, name: str, cohorts: Sequence[str], joined: bool, number: int
) -> Series:
    rows = [row_of(data, name, cohort) for cohort in cohorts]
    aside = 0.0 if joined else 0.07 * (number - (len(rows_of(data)) - 1) / 2)
    ends = [row["ci95"].get("ndcg@10", (None, None)) for row in rows]
    shown = name == "mean" or not joined
    return Series(
        name=name,
        points=[(n + aside, row["ndcg@10"]) for n, row in enumerate(rows)],
        class_=look.class_(name),
        mark=look.mark(name),
        low=[low for low, _ in ends] if shown else (),
        high=[high for _, high in ends] if shown else (),
        joined=joined,
        band=joined,
        titles=[f"{label(name)}, {row['cohort']}: {_ndcg(row)}" for row in rows],
    )


def _who_leads(data: Data, cohorts: Sequence[str]) -> str:
    """Return which network leads where, and whether the mean keeps up."""
    led: dict[str, list[str]] = {}
    ahead = asked = 0
    for cohort in cohorts:
        rows = [r for r in rows_of(data, cohort) if r["name"] in data["networks"]]
        if rows[0]["requests"]:
            best = max(rows, key=lambda row: row["ndcg@10"])
            led.setdefault(best["name"], []).append(words.cohort_name(cohort))
            asked += 1
            ahead += row_of(data, "mean", cohort)["ndcg@10"] >= best["ndcg@10"]
    if len(data["networks"]) < 2:
        return "One network, and so one line: the mean is that network."
    leaders = "; ".join(f"{name} ({', '.join(where)})" for name, where in led.items())
    return (
        f"The best single network: {leaders}. The fitted mean is at or above it in {ahead} of "
        f"{asked} {'cohort' if asked == 1 else 'cohorts'} with requests."
    )


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
