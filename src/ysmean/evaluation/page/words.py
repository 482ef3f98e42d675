"""The report's numbers and findings in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
SURE = 0.05  # p-values below it are taken for a difference


def decimal(value: float | None, digits: int = 4, sign: bool = False) -> str:
    """Return a number with fixed digits; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:+.{digits}f}".replace("-", MINUS) if sign else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Return a share in percent; a dash for what is not known."""
    return DASH if value is None or not math.isfinite(value) else f"{value:.{digits}%}"


def probability(value: float) -> str:
    """Return a probability in percent, without rounding a small one to nothing."""
    return "< 0.1%" if 0 < value < 0.0005 else percent(value, 1)


def duration(seconds: float | None) -> str:
    """Return seconds as people say them."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds >= 90:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s"
    return f"{seconds:.1f} s" if seconds >= 1 else "< 1 s"


def interval(ends: Sequence[float] | None, digits: int = 3) -> str:
    """Return the ends of an interval."""
    return DASH if not ends else f"{decimal(ends[0], digits)}{DASH}{decimal(ends[1], digits)}"


def p_value(p: float) -> str:
    """Return a p-value as it is usually written."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def listed(names: Sequence[str]) -> str:
    """Return names joined by commas and a final "and"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def asked(data: Mapping[str, Any]) -> str:
    """Return what was held out and asked, as a sentence."""
    kind, _, value = data["split"].partition(":")
    if kind == "time":
        return (
            f"Everything before {value} was learned from; asked was what each user took next "
            "after that."
        )
    if kind == "cold-users":
        return (
            f"{percent(float(value))} of the users were kept out of training altogether; asked "
            "was what they took after 0, 1, 2, 3, 5, 8 and 13 events."
        )
    if kind == "cold-items":
        return (
            f"{percent(float(value))} of the items with events were kept out of training, with "
            "all their events; asked was each user's last event, on these items and on others."
        )
    return "Each user's last event was held out and asked; everything before it was known."


def corrupted(data: Mapping[str, Any]) -> str:
    """Return what was shuffled before training, as a sentence."""
    share, count = data["corrupt"]["share"], data["corrupt"]["items"]
    return (
        f"Before training, {percent(share)} of the items with features, {count:,}, were given "
        "those of one another."
    )


def disagreeing(data: Mapping[str, Any]) -> str:
    """Return what was found of metadata that disagrees with behaviour, as sentences."""
    found = data["suspicious_items"]
    if not found["checked"]:
        return (
            f"Too few items have features and at least {found['least_events']} events, or the "
            "features say nothing of behaviour: metadata was not checked."
        )
    said = (
        f"Of {found['checked']:,} items with features and at least {found['least_events']} events, "
        f"{found['as_any']:,} are used in a way that their features fit no better than those of "
        "any item would."
    )
    shuffled = found["shuffled"]
    if shuffled is None or not shuffled["precision"]:
        return said
    size, share = list(shuffled["precision"].items())[-1]
    return (
        f"{said} {percent(shuffled['share'])} of those checked are shuffled ones, and "
        f"{percent(share)} of the {int(size):,} that disagree most."
    )


def standing(result: Mapping[str, Any]) -> int:
    """Return 1 if a is above b, -1 if below, 0 if the difference may be chance."""
    difference = result["difference"]
    if difference["p_value"] >= SURE:
        return 0
    return 1 if difference["mean"] > 0 else -1


def headline(data: Mapping[str, Any]) -> str:
    """Return the finding in one line."""
    if not data["comparisons"]:
        (name,) = data["networks"]
        return f"One network, {name}: there is no mean to compare it with"
    against = data["comparisons"][0]
    best, count = against["b"], len(data["networks"])
    return {
        1: f"The mean of {count} networks ranks better than the best of them, {best}",
        0: f"The mean is not reliably better or worse than its best network, {best}",
        -1: f"The mean ranks worse than its best network, {best}",
    }[standing(against["result"])]


def verdict(comparison: Mapping[str, Any], other: str) -> str:
    """Return a comparison of the mean with another row as a sentence.

    Args:
        comparison: names and result, as in `report.json`.
        other: what to call the other row.
    """
    result = comparison["result"]
    difference = result["difference"]
    start = {1: "Above", 0: "No reliable difference from", -1: "Below"}[standing(result)]
    relative = f" ({difference['mean'] / result['b']:+.1%})" if result["b"] else ""
    return (
        f"{start} {other}: NDCG@10 {decimal(result['a'])} against {decimal(result['b'])}, a "
        f"difference of {decimal(difference['mean'], sign=True)}{relative.replace('-', MINUS)}; "
        f"95% interval {decimal(difference['low'], sign=True)} to "
        f"{decimal(difference['high'], sign=True)}, {p_value(difference['p_value'])}."
    )


def worth(data: Mapping[str, Any]) -> str | None:
    """Return which networks the mean would miss, as sentences; None for a single network."""
    rows = [row for row in data["worth"] if row["without"]]
    if not rows:
        return None
    # "without" compares the mean without the network (a) with the whole mean (b).
    needed = [r for r in rows if standing(r["without"]) < 0]
    needed.sort(key=lambda r: r["without"]["difference"]["mean"])
    harmful = [r["name"] for r in rows if standing(r["without"]) > 0]
    neither = [r["name"] for r in rows if standing(r["without"]) == 0]
    said = []
    if needed:
        losses = [
            f"{r['name']} ({decimal(r['without']['difference']['mean'], sign=True)})"
            for r in needed
        ]
        said.append(f"NDCG@10 would fall without {listed(losses)}.")
    if neither:
        which = neither[0] if len(neither) == 1 else f"one of {listed(neither)}"
        said.append(f"Leaving out {which} makes no reliable difference.")
    if harmful:
        said.append(f"It would rise without {listed(harmful)}.")
    return " ".join(said)


def cohort_name(cohort: str) -> str:
    """Return what a cohort holds.

    >>> cohort_name("1"), cohort_name("cold")
    ('1 item', 'cold items, ranked among cold items')
    """
    named = {
        "warm": "items known from training",
        "cold": "cold items, ranked among cold items",
        "cold-among-all": "cold items, ranked among all",
        "0": "no history",
        "1": "1 item",
    }
    return named.get(cohort, f"{cohort.replace('-', DASH)} items")
