"""The section on cohorts: how every row does by history length, or on warm and cold items."""

from __future__ import annotations

from collections.abc import Sequence

from ysmean.evaluation.page import words
from ysmean.evaluation.page.charts import Axis, Series, chart, value_axis
from ysmean.evaluation.page.html import Html, el, figure
from ysmean.evaluation.page.look import Look, label
from ysmean.evaluation.page.results import Data, cohorts_of, row_of, rows_of


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
        titles=[f"{label(name)}, {row['cohort']}: {words.decimal(row['ndcg@10'])}" for row in rows],
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
        f"{asked} {'cohort' if asked == 1 else 'cohorts'} with requests. {_behind(data)}"
    )


def _behind(data: Data) -> str:
    """Return in which cohorts the mean is reliably below the best network there."""
    behind = [
        f"{words.cohort_name(row['cohort'])} (p = {words.decimal(row['p_holm'], 3)} against "
        f"{row['b']})"
        for row in data["by_cohort"]
        if row["result"]["difference"]["mean"] < 0 and row["p_holm"] < 0.05
    ]
    where = words.listed(behind) if behind else "none"
    return f"It is reliably below it in {where} (p-values corrected for the number of cohorts)."
