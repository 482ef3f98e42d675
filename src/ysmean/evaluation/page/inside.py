"""Sections on what the mean is made of: proportions, calibration, breadth, training."""

from __future__ import annotations

from typing import Any

from ysmean.evaluation.page import words
from ysmean.evaluation.page.charts import Axis, Series, chart, value_axis
from ysmean.evaluation.page.html import Html, details, el, figure, join, table
from ysmean.evaluation.page.look import Look, label
from ysmean.evaluation.page.marks import stacked, strip
from ysmean.evaluation.page.results import Data, Row, row_of, rows_of

SMALL = (320, 230)


def proportions(data: Data, look: Look) -> list[Html]:
    """Return the fitted weights by segment and history length, and the temperatures."""
    names = list(look.networks)
    parts: list[Html] = []
    folded: list[Html] = []
    for segment in ("warm", "cold"):
        rows = [row for row in data["proportions"]["table"] if row["segment"] == segment]
        what = f"Weights for {segment} items, by items in the history"
        bars = [[words.cohort_name(row["cohort"]), _bar(row, names, look)] for row in rows]
        numbers = [
            [words.cohort_name(row["cohort"]), *[words.percent(row[n], 1) for n in names]]
            for row in rows
        ]
        if segment == "cold" and not data["data"]["cold_items"]:
            parts.append(el("p", "Every item has events in training: none is cold.", class_="note"))
            continue
        parts.append(table(["History", "Weights"], bars, what, "bars"))
        folded.append(table(["History", *names], numbers, what))
    temperatures = [
        [look.named(name), words.decimal(t["warm"], 2), words.decimal(t["cold"], 2)]
        for name, t in data["proportions"]["temperatures"].items()
    ]
    return [
        el(
            "p",
            "How much each network counts, fitted on events held out for it. A network that has "
            "nothing to say about a request gives its weight to the others. A cold item is one "
            "without events in training.",
        ),
        el("div", *parts, class_="pair"),
        table(["Network", "Warm items", "Cold items"], temperatures, "Temperatures", "narrow"),
        el(
            "p",
            "A temperature below 1 makes a network's opinion sharper, above 1 softer. Beside an "
            f"allowed warm item, a cold one counts {data['proportions']['cold_odds']:.3f}.",
            class_="note",
        ),
        details("Weights in numbers", *folded, *_exponents(data, look)),
    ]


def _exponents(data: Data, look: Look) -> list[Html]:
    """Return the consensus's exponents, where there is one; of cold items where there are any."""
    tables = []
    for segment in ("warm", *(["cold"] if data["data"]["cold_items"] else [])):
        rows = [r for r in data["proportions"]["exponents"] if r["segment"] == segment]
        names = [name for name in look.networks if rows and name in rows[0]]
        body = [
            [words.cohort_name(row["cohort"]), *[words.decimal(row[n], 2) for n in names]]
            for row in rows
        ]
        what = f"Exponents of the consensus for {segment} items, by items in the history"
        tables += [table(["History", *names], body, what)] if rows else []
    return tables


def _bar(row: Row, names: list[str], look: Look) -> Html:
    said = ", ".join(f"{name} {words.percent(row[name])}" for name in names)
    return stacked(said, [(name, look.class_(name), row[name]) for name in names])


def calibration(data: Data, look: Look) -> list[Html]:
    """Return for the fitted mean and each network: stated against observed frequency."""
    rows = [row_of(data, "mean"), *[r for r in rows_of(data) if r["name"] in look.networks]]
    rows = [row for row in rows if row["calibration"]]
    pictures = [_reliability(row, look) for row in rows]
    sizes = sorted({n for row in rows for n in row["calibration"]["curve"]["requests"]})
    said = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,}{words.DASH}{sizes[-1]:,}"
    return [
        el(
            "p",
            "Across: the probability given to the first item. Up: how often that item was the "
            "right one. On the thin line both agree; below it a network is too sure, above it not "
            f"sure enough. Each point stands for {said} requests, from the least to the most "
            "sure; every picture has its own scale. The error is the mean distance from the line; "
            "95% of perfectly calibrated answers to as many requests stay below the limit given.",
        ),
        el("div", *pictures, class_="grid"),
    ]


def _reliability(row: Row, look: Look) -> Html:
    name, curve = row["name"], row["calibration"]["curve"]
    limit = float(row["calibration"]["ece_limit"])
    axis = value_axis(0.0, max(*curve["stated"], *curve["observed"], 0.01), percent=True)
    points = list(zip(curve["stated"], curve["observed"], strict=True))
    titles = [
        f"stated {words.percent(p, 1)}, right {words.percent(o, 1)}, {n:,} requests"
        for (p, o), n in zip(points, curve["requests"], strict=True)
    ]
    series = Series(name, points, look.class_(name), look.mark(name), titles=titles)
    said = f"Calibration of {label(name)}"
    caption = join(
        el("b", label(name)),
        f" says {words.percent(row['calibration']['p_top1'], 1)}, is right "
        f"{words.percent(row['hr@1'], 1)} of the time; error {words.decimal(_ece(row), 3)}, "
        f"{'within' if _ece(row) <= limit else 'above'} the {words.decimal(limit, 3)} that chance "
        "alone explains",
    )
    return figure(chart(said, [series], axis, axis, SMALL, diagonal=True), caption)


def _ece(row: Row) -> float:
    return float(row["calibration"]["ece"])


def breadth(data: Data, look: Look) -> list[Html]:
    """Return how much of the catalogue is recommended, and how popular that is."""
    body = []
    for row in rows_of(data):
        popularity = row["popularity"]
        shown = popularity["recommended"]
        text = words.percent(shown)
        said = (
            f"{label(row['name'])}: recommended items at {text}, targets at "
            f"{words.percent(popularity['targets'])}"
        )
        picture = words.DASH
        if shown is not None:
            name = row["name"]
            picture = strip(said, shown, popularity["targets"], look.class_(name), look.mark(name))
        body.append([look.named(row["name"]), words.percent(row["coverage@10"]), text, picture])
    targets = words.percent(row_of(data, "mean")["popularity"]["targets"])
    head = ["Row", "Catalogue in a top 10", "Popularity", "From rare to popular"]
    return [
        el(
            "p",
            f"How much of the {data['catalogue']:,} items appears in anybody's top 10, and how "
            "popular the recommended items are: their mean percentile by events in training, where "
            f"50% is the average item. What users really took lies at {targets} (the tick).",
        ),
        table(head, body, "Coverage and popularity of the top 10"),
    ]


def training(data: Data, look: Look) -> list[Html]:
    """Return the losses of every trained network by evaluation."""
    logs: dict[str, Any] = data["manifest"]["training"]
    curves = {n: log for n, log in logs.items() if log.get("held_out_loss")}
    others = [n for n in data["networks"] if n not in curves]
    said = []
    if curves:
        said.append(
            "Cross-entropy in nats after each evaluation: solid on held-out events, dashed on "
            "training events (with dropout, where a network has it). Held-out events are asked at "
            "the temperature that suits them where a network reads whole histories. The mark is at "
            "the weights that were kept: those of the lowest held-out loss, or the last where they "
            "are hardly worse."
        )
    if others:
        verb = "is" if len(others) == 1 else "are"
        said.append(f"{_capital(words.listed(others))} {verb} computed in one go, without steps.")
    pictures = [_curve(name, log, look) for name, log in curves.items()]
    return [el("p", " ".join(said)), *([el("div", *pictures, class_="grid")] if pictures else [])]


def _curve(name: str, log: dict[str, Any], look: Look) -> Html:
    held_out, train = (
        [(float(n), value) for n, value in enumerate(log[key], 1)]
        for key in ("held_out_loss", "train_loss")
    )
    values = [v for _, v in held_out + train]
    count = len(held_out)
    step = max(1, -(-count // 6))
    ticks = [(float(n), str(n)) for n in range(1, count + 1, step)]
    x = Axis(0.5, max(count, 1) + 0.5, ticks, "evaluation")
    kept = next(point for point in held_out if point[1] == log["kept_loss"])
    series = [
        Series(name, train, f"{look.class_(name)} dashed", ""),
        Series(name, held_out, look.class_(name), ""),
        Series(name, [kept], look.class_(name), look.mark(name), titles=[f"kept: {kept[1]:.3f}"]),
    ]
    picture = chart(
        f"Losses of {name} by evaluation", series, x, value_axis(min(values), max(values)), SMALL
    )
    caption = join(
        el("b", name),
        f" kept step {log['best_step']:,} of {log['steps']:,}: {kept[1]:.3f}; "
        f"{words.duration(log['seconds'])}; {log['stopped']}",
    )
    return figure(picture, caption)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
