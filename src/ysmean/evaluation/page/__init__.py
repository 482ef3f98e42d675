"""The report as one page that needs no other file, no script and no network."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ysmean.evaluation.page import words
from ysmean.evaluation.page.cohorts import by_cohort
from ysmean.evaluation.page.examples import examples
from ysmean.evaluation.page.html import Html, el, join
from ysmean.evaluation.page.inside import breadth, calibration, proportions, training
from ysmean.evaluation.page.look import Look
from ysmean.evaluation.page.provenance import about_data, reproduce
from ysmean.evaluation.page.results import results, summary, worth
from ysmean.evaluation.page.suspicious import suspicious

# Nothing may be loaded or run, should a browser be asked to.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(data: Mapping[str, Any]) -> str:
    """Return the page of a report.

    Args:
        data: the content of `report.json`.
    """
    look = Look.of(data)
    by = "History length" if "cold-items" not in data["split"] else "Warm and cold items"
    sections: list[tuple[str, str, list[Html]]] = [
        ("results", "All rows", results(data, look)),
        ("cohorts", by, by_cohort(data, look)),
        ("proportions", "Proportions", proportions(data, look)),
        ("calibration", "Calibration", calibration(data, look)),
        ("breadth", "Breadth", breadth(data, look)),
        ("training", "Training", training(data, look)),
        ("answers", "Sample answers", examples(data, look)),
        ("metadata", "Suspicious metadata", suspicious(data)),
        ("data", "Data", about_data(data)),
        ("settings", "Do it again", reproduce(data)),
    ]
    if data["comparisons"]:
        sections.insert(0, ("worth", "What each network is worth", worth(data, look)))
    title = words.headline(data)
    made = data["manifest"]["created"][:10]
    body = [
        el(
            "header",
            el("p", f"Evaluation · {data['split']} · {made}", class_="eyebrow"),
            el("h1", title),
            *summary(data),
            el(
                "nav",
                el("ul", [el("li", el("a", name, href=f"#{id_}")) for id_, name, _ in sections]),
                aria_label="Sections",
            ),
        ),
        look.legend(),
        el(
            "main",
            [
                el(
                    "section",
                    el("h2", name, id=f"{id_}-title"),
                    content,
                    id=id_,
                    aria_labelledby=f"{id_}-title",
                )
                for id_, name, content in sections
            ],
        ),
        el("footer", el("p", f"Made by Ys-Mean {data['manifest']['ysmean']}. {data['model']}")),
    ]
    return f"<!doctype html>\n{el('html', _head(title, data), el('body', body), lang='en')}\n"


def _head(title: str, data: Mapping[str, Any]) -> Html:
    style = files("ysmean.evaluation.page").joinpath("page.css").read_text("utf-8")
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} ({data['split']})"),
        el("style", join(Html(style))),
    )
