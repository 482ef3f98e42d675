"""Elements of HTML and SVG as text; whatever comes from data is escaped on its way in."""

from __future__ import annotations

from html import escape
from typing import Any

VOID = frozenset({"meta", "br", "hr"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def el(name: str, /, *children: Any, **attributes: Any) -> Html:
    """Return an element.

    Args:
        name: such as `"td"`.
        *children: markup as it is; anything else as escaped text; None is left out.
        **attributes: underscores become hyphens, `class_` is `class`; None is left out.

    >>> el("b", "1 < 2", class_="num")
    '<b class="num">1 &lt; 2</b>'
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{pairs}>")
    return Html(f"<{name}{pairs}>{join(*children)}</{name}>")


def join(*children: Any) -> Html:
    """Return children one after the other; lists are spread out."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, list | tuple):
            parts.append(join(*child))
        elif child is not None:
            parts.append(child if isinstance(child, Html) else escape(str(child)))
    return Html("".join(parts))


def number(value: Any) -> str:
    """Return an attribute's value; floats with two digits, without trailing zeros.

    >>> number(12.50), number(3.0), number("round")
    ('12.5', '3', 'round')
    """
    if isinstance(value, float):
        short = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if short == "-0" else short
    return str(value)


def table(head: list[Any], rows: list[list[Any]], caption: str, class_: str | None = None) -> Html:
    """Return a table in a box that scrolls by itself; the first cell of a row is its header.

    Args:
        head: of the columns.
        rows: cells; those that are no `td` already are wrapped into one.
        caption: says what the table shows.
        class_: of the table.
    """
    cells = [
        el(
            "tr",
            el("th", row[0], scope="row"),
            [c if isinstance(c, Html) and c.startswith("<td") else el("td", c) for c in row[1:]],
        )
        for row in rows
    ]
    return el(
        "div",
        el(
            "table",
            el("caption", caption),
            el("thead", el("tr", [el("th", name, scope="col") for name in head])),
            el("tbody", cells),
            class_=class_,
        ),
        class_="scroll",
        tabindex=0,
        role="group",
        aria_label=caption,
    )


def details(summary: str, *children: Any) -> Html:
    """Return something folded, with what is said of it while it is."""
    return el("details", el("summary", summary), *children)


def figure(picture: Html, caption: Any, class_: str | None = None) -> Html:
    """Return a picture with the text that explains it."""
    return el("figure", picture, el("figcaption", caption), class_=class_)
