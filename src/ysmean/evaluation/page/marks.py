"""Marks and bars as inline SVG.

Marks differ in shape too, for eyes and printers that do not tell the colours apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from ysmean.evaluation.page.html import Html, el

GAP = 1.0  # between the parts of a stacked bar
MARKS = ("circle", "square", "triangle", "diamond", "down", "plus", "bar")


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return points as SVG writes them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def mark(shape: str, x: float, y: float, r: float = 4.5, title: str = "") -> Html:
    """Return a mark of one of `MARKS`, or a ring, around a point; all of about equal area."""
    said = el("title", title) if title else None
    if shape == "circle":
        return el("circle", said, cx=x, cy=y, r=r * 0.9, fill="currentColor")
    if shape == "ring":
        return el("circle", said, cx=x, cy=y, r=r * 0.8, class_="ring")
    corners = {
        "square": [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
        "triangle": [(0, -1.1), (1.05, 0.75), (-1.05, 0.75)],
        "down": [(0, 1.1), (1.05, -0.75), (-1.05, -0.75)],
        "diamond": [(0, -1.15), (1.15, 0), (0, 1.15), (-1.15, 0)],
        "bar": [(-1.1, -0.45), (1.1, -0.45), (1.1, 0.45), (-1.1, 0.45)],
        "plus": [
            *((-0.35, -1.1), (0.35, -1.1), (0.35, -0.35), (1.1, -0.35), (1.1, 0.35), (0.35, 0.35)),
            *(
                (0.35, 1.1),
                (-0.35, 1.1),
                (-0.35, 0.35),
                (-1.1, 0.35),
                (-1.1, -0.35),
                (-0.35, -0.35),
            ),
        ],
    }[shape]
    return el(
        "polygon",
        said,
        points=path([(x + r * a, y + r * b) for a, b in corners]),
        fill="currentColor",
    )


def stacked(
    label: str,
    parts: Sequence[tuple[str, str, float]],
    size: tuple[int, int] = (340, 22),
    written: bool = True,
) -> Html:
    """Return one bar, as long as its parts together.

    Args:
        label: what the bar shows, for those who cannot see it.
        parts: name, colour class and share of each; shares add up to 1.
        size: width and height of the drawing's own units.
        written: whether to write percentages into parts that have room for them.
    """
    width, height = size
    begin, drawn = 0.0, []
    for name, class_, share in parts:
        long = share * width
        if long > 0:
            said = f"{name} {share:.1%}"
            gap = min(GAP, long / 2)
            drawn.append(
                el(
                    "rect",
                    el("title", said),
                    x=begin,
                    y=0,
                    width=long - gap,
                    height=height,
                    fill="currentColor",
                    class_=class_,
                )
            )
            if written and long >= 36:
                at = {"x": begin + long / 2, "y": height / 2 + 4, "text_anchor": "middle"}
                drawn.append(el("text", f"{share:.0%}", class_=f"on {class_}", **at))
        begin += long
    return el(
        "svg",
        el("title", label),
        *drawn,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
        preserveAspectRatio=None if written else "none",
        class_="bar",
    )


def key(shape: str, class_: str, line: bool = False) -> Html:
    """Return the mark of a row as it stands in legends and tables; it says nothing aloud."""
    return el(
        "svg",
        el("line", x1=0, y1=8, x2=20, y2=8, stroke="currentColor") if line else None,
        mark(shape, 10.0, 8.0) if shape else None,
        viewBox="0 0 20 16",
        aria_hidden="true",
        class_=f"key series {class_}",
    )


def strip(label: str, value: float, reference: float, class_: str, shape: str) -> Html:
    """Return a mark on a track from 0 to 1, and a tick where something to compare it with lies.

    Args:
        label: what is shown, for those who cannot see it.
        value: of the mark, 0 to 1.
        reference: of the tick, 0 to 1.
        class_: colour of the mark.
        shape: one of `MARKS`.
    """
    width, inset = 200.0, 8.0
    x, at = (inset + v * (width - 2 * inset) for v in (value, reference))
    return el(
        "svg",
        el("title", label),
        el("line", x1=inset, y1=10, x2=width - inset, y2=10, class_="grid"),
        el("line", x1=at, y1=2, x2=at, y2=18, class_="reference"),
        el("g", mark(shape, x, 10.0), class_=f"series {class_}"),
        viewBox="0 0 200 20",
        role="img",
        aria_label=label,
        class_="strip",
    )
