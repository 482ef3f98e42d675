"""The last sections of the page: what the data is, and how to get the same report again."""

from __future__ import annotations

import json

from ysmean.evaluation.page import words
from ysmean.evaluation.page.html import Html, details, el, table
from ysmean.evaluation.page.results import Data
from ysmean.networks.registry import REGISTRY


def about_data(data: Data) -> list[Html]:
    """Return sizes, features, times and notes."""
    d = data["data"]
    time = d["time"]
    facts = [
        ["Events", f"{d['events']:,}"],
        ["Events learned from", f"{d['training_events']:,}"],
        ["Events held out for fitting", f"{d['validation_events']:,}"],
        ["Events asked", f"{data['requests']:,}"],
        ["Events not asked, outside the allowed set", f"{data['outside']:,}"],
        ["Users", f"{d['users']:,}"],
        ["Users with events", f"{d['users_with_events']:,}"],
        ["Median history", f"{d['median_history']:,.0f} events"],
        ["Items", f"{d['items']:,}"],
        ["Items without events in training (cold)", f"{d['cold_items']:,}"],
        ["Items without features", f"{d['items_without_features']:,}"],
        ["Features of items", _features(d["item_features"])],
        ["Features of users", _features(d["user_features"])],
        ["Time", _time(time["first"], time["last"]) if time else "no timestamps: rows in order"],
    ]
    notes = data["manifest"]["notes"]
    return [
        table(["", ""], [list(fact) for fact in facts], "The data", "facts"),
        el("h3", "Notes from reading and training"),
        el("ul", [el("li", note) for note in notes]) if notes else el("p", "None."),
    ]


def reproduce(data: Data) -> list[Html]:
    """Return settings, versions, the model id, and the call that gives this report again."""
    m = data["manifest"]
    settings = [
        ["Split", data["split"]],
        ["Candidates", data["candidates"]],
        ["Items of the history", f"{data['seen']}d" if data["seen"] == "exclude" else "allowed"],
        *([["Shuffled features", words.corrupted(data)]] if data["corrupt"]["items"] else []),
        ["Seed", m["seed"]],
        ["Preset", m["preset"]],
        ["Networks", words.listed(list(data["networks"]))],
        ["Model", data["model"]],
        ["Made", m["created"].replace("T", " ")],
        [
            "Versions",
            f"ysmean {m['ysmean']}, keras {m['keras']} on {m['backend']}, Python {data['python']}",
        ],
        ["Time", f"{words.duration(data['seconds']['total'])} in all"],
        ["Peak memory", f"{data['peak_memory_bytes'] / 1e9:.2f} GB"],
    ]
    return [
        el("pre", el("code", data.get("command") or _call(data)), tabindex=0),
        table(["", ""], settings, "Settings", "facts"),
        details(
            "Settings of the networks",
            el("pre", el("code", json.dumps(data["networks"], indent=2)), tabindex=0),
        ),
    ]


def _call(data: Data) -> str:
    """Return the call in Python; networks are named where they are not the default ones."""
    m = data["manifest"]
    given = {key: data[key] for key in ("split", "candidates", "seen")}
    given |= {"seed": m["seed"], "preset": m["preset"]}
    kinds = {name: spec["kind"] for name, spec in data["networks"].items()}
    tables = ["events"]
    tables += ["items"] if data["data"]["item_features"] else []
    if data["data"]["user_features"]:
        tables.append("users" if "items" in tables else "users=users")
    if list(kinds.items()) != [(kind, kind) for kind in REGISTRY]:
        given["networks"] = list(kinds.values())
    if len(kinds) > 1 and not data["proportions"]["exponents"]:
        given["consensus"] = False
    if data["corrupt"]["items"]:
        given["corrupt"] = data["corrupt"]["share"]
    arguments = [*tables, *(f"{key}={value!r}" for key, value in given.items())]
    return "ysmean.evaluate(\n" + "".join(f"    {a},\n" for a in arguments) + ")"


def _features(features: dict[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in features.items()) or "none"


def _time(first: str, last: str) -> str:
    return f"{first.replace('T', ' ')} to {last.replace('T', ' ')} UTC"
