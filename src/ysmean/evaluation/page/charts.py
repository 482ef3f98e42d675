"""Small charts as inline SVG: lines and marks over two axes.

Colours are classes that the page's style sheet resolves (`n0`, `n1`, ... for networks, `mean`,
`plain`), so that a chart is right in light and in dark; every element draws in `currentColor`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ysmean.evaluation.page.html import Html, el
from ysmean.evaluation.page.marks import mark, path

Point = tuple[float, float | None]
LEFT, RIGHT, TOP, BOTTOM, LINE = 46.0, 14.0, 12.0, 26.0, 18.0  # what axes need around the drawing


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        low, high: what its ends stand for; high > low.
        ticks: value and text of each.
        title: what it measures.
    """

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    title: str = ""

    def place(self, value: float, begin: float, end: float) -> float:
        """Return where a value lies between two coordinates; those outside at the end."""
        share = (value - self.low) / (self.high - self.low)
        return begin + min(1.0, max(0.0, share)) * (end - begin)


@dataclass(frozen=True)
class Series:
    """What is drawn for one network or mean.

    Attributes:
        name: for the titles of its points.
        points: (x, y), by x; None for a gap.
        class_: its colour.
        mark: one of `marks.MARKS`; none for "".
        low, high: ends of a band or whiskers for each point, where known.
        joined: whether points are joined by a line.
        band: whether low and high are a band; whiskers otherwise.
        titles: text of each point, for those who point at it.
    """

    name: str
    points: Sequence[Point]
    class_: str
    mark: str = "circle"
    low: Sequence[float | None] = field(default=())
    high: Sequence[float | None] = field(default=())
    joined: bool = True
    band: bool = True
    titles: Sequence[str] = field(default=())


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round values that cover low..high, ends included.

    >>> nice_ticks(0, 0.34)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    if not high > low:
        high = low + 1.0
    raw = (high - low) / max(1, count - 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = magnitude * next(s for s in (1.0, 2.0, 5.0, 10.0) if s * magnitude >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def value_axis(low: float, high: float, title: str = "", percent: bool = False) -> Axis:
    """Return an axis with round ticks that covers low..high."""
    values = nice_ticks(low, high)
    digits = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9) - 2 * percent)
    texts = [f"{v:.{digits}%}" if percent else f"{v:.{digits}f}" for v in values]
    return Axis(values[0], values[-1], list(zip(values, texts, strict=True)), title)


def chart(
    label: str,
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    size: tuple[int, int] = (640, 380),
    notes: Sequence[str] = (),
    diagonal: bool = False,
) -> Html:
    """Return lines and marks over two axes.

    Args:
        label: what the picture shows, for those who cannot see it.
        series: drawn in order, the last on top.
        x: the axis across.
        y: the axis upwards.
        size: width and height of the drawing's own units.
        notes: a second line of text under each tick of x.
        diagonal: whether to draw the line where y equals x.
    """
    width, height = size
    box = _Box(
        x, y, LEFT, width - RIGHT, height - BOTTOM - LINE * (bool(notes) + bool(x.title)), TOP
    )
    children: list[Html] = [el("title", label), *_grid(box, notes)]
    if diagonal:
        ends = max(x.low, y.low), min(x.high, y.high)
        (x1, y1), (x2, y2) = (box.at(end, end) for end in ends)
        children.append(el("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="diagonal"))
    children += [el("g", *_drawn(box, s), class_=f"series {s.class_}") for s in series]
    return el(
        "svg",
        *children,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
        class_="chart",
    )


@dataclass(frozen=True)
class _Box:
    x: Axis
    y: Axis
    left: float
    right: float
    bottom: float
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.x.place(x, self.left, self.right), self.y.place(y, self.bottom, self.top)


def _grid(box: _Box, notes: Sequence[str]) -> list[Html]:
    parts = []
    for value, text in box.y.ticks:
        _, py = box.at(box.x.low, value)
        parts.append(el("line", x1=box.left, y1=py, x2=box.right, y2=py, class_="grid"))
        parts.append(el("text", text, x=box.left - 8, y=py + 4, text_anchor="end"))
    for number, (value, text) in enumerate(box.x.ticks):
        px, _ = box.at(value, box.y.low)
        parts.append(el("text", text, x=px, y=box.bottom + 19, text_anchor="middle"))
        if notes:
            note = el("text", notes[number], x=px, y=box.bottom + 19 + LINE, text_anchor="middle")
            parts.append(el("g", note, class_="note"))
    if box.x.title:
        middle, under = (box.left + box.right) / 2, box.bottom + 19 + LINE * (1 + bool(notes))
        parts.append(
            el("text", box.x.title, x=middle, y=under, text_anchor="middle", class_="axis")
        )
    return parts


def _drawn(box: _Box, s: Series) -> list[Html]:
    places = [None if v is None else box.at(u, v) for u, v in s.points]
    runs = _runs(places)
    parts = []
    if s.low and s.band:
        parts += _bands(box, s)
    if s.joined:
        parts += [
            el("polyline", points=path(run), fill="none", stroke="currentColor")
            for run in runs
            if len(run) > 1
        ]
    for number, place in enumerate(places):
        if place is None:
            continue
        if s.low and not s.band:
            parts += _whisker(box, s, number)
        title = s.titles[number] if s.titles else ""
        if s.mark:
            parts.append(mark(s.mark, *place, title=title))
    return parts


def _runs(places: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Return the stretches without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    return [run for run in runs if run]


def _bands(box: _Box, s: Series) -> list[Html]:
    lows, highs = (
        [None if v is None else box.at(u, v) for (u, _), v in zip(s.points, ends, strict=True)]
        for ends in (s.low, s.high)
    )
    return [
        el("polygon", points=path(upper + lower[::-1]), fill="currentColor", class_="band")
        for lower, upper in zip(_runs(lows), _runs(highs), strict=True)
        if len(lower) > 1
    ]


def _whisker(box: _Box, s: Series, number: int) -> list[Html]:
    low, high = s.low[number], s.high[number]
    if low is None or high is None:
        return []
    (px, y1), (_, y2) = (box.at(s.points[number][0], end) for end in (low, high))
    return [el("line", x1=px, y1=y1, x2=px, y2=y2, stroke="currentColor", class_="whisker")]
