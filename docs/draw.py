"""Draw the pictures of idea.md: `python docs/draw.py` writes docs/pictures/*.svg.

Transparent ground and middle tones, so that they can be read on white and on black.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

FILMS = ("Comet", "Harbour", "Lantern", "Orchard")
YS = {
    "collaborative": (0.6, 0.2, 0.1, 0.1),
    "content": (0.2, 0.1, 0.6, 0.1),
    "knowledge": (0.4, 0.3, 0.2, 0.1),
}
COLOURS = {"collaborative": "#4a7fe0", "content": "#3f9d7c", "knowledge": "#cf5fa8"}
GREY = "#78828d"
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#78828d}"
    ".big{font-size:15px;font-weight:600}.small{font-size:12px}"
    ".end{text-anchor:end}.mid{text-anchor:middle}"
)
LETTER = 8.2  # pixels, of a heading; generous


def svg(width: int, height: int, label: str, parts: Sequence[str]) -> str:
    """Return a picture."""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def text(x: float, y: float, words: str, css: str = "", colour: str | None = None) -> str:
    """Return a line of text whose baseline starts, ends or is centred at a point."""
    fill = f' style="fill:{colour}"' if colour else ""
    return f'<text x="{x:g}" y="{y:g}" class="{css}"{fill}>{words}</text>'


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    """Return a filled rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"/>'


def line(points: Sequence[tuple[float, float]], colour: str = GREY, more: str = "") -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" {more}/>'


def arrow(x: float, top: float, bottom: float) -> list[str]:
    """Return an arrow that points down."""
    head = [(x - 5, bottom - 7), (x, bottom), (x + 5, bottom - 7)]
    return [line([(x, top), (x, bottom)]), line(head)]


def bars(
    x: float, base: float, scale: float, parts: Sequence[tuple[str, Sequence[float]]]
) -> list[str]:
    """Return four stacked bars with their sums above and the films below.

    Args:
        x: left edge.
        base: where the bars stand.
        scale: pixels of a probability of 1.
        parts: colour and four heights, from the bottom up.
    """
    drawn = [line([(x, base), (x + 216, base)])]
    for f, film in enumerate(FILMS):
        left, height = x + 6 + 54 * f, 0.0
        for colour, values in parts:
            top = base - scale * (height + values[f])
            drawn.append(box(left, top, 42, scale * values[f], colour))
            height += values[f]
        number = f"{height:.3f}".rstrip("0")
        drawn.append(text(left + 21, base - scale * height - 5, number, "mid"))
        drawn.append(text(left + 21, base + 17, film, "mid small"))
    return drawn


def weighted(weights: Sequence[float]) -> list[tuple[str, list[float]]]:
    """Return each network's part of the weighted mean."""
    total = sum(weights)
    return [
        (COLOURS[name], [w / total * p for p in ys])
        for w, (name, ys) in zip(weights, YS.items(), strict=True)
    ]


def mean() -> str:
    """Draw three softmaxes that meet in two means."""
    drawn: list[str] = []
    for number, (name, ys) in enumerate(YS.items()):
        left = 12 + 252 * number
        drawn.append(text(left + 108, 22, name, "big mid", COLOURS[name]))
        drawn += bars(left, 140, 140, [(COLOURS[name], ys)])
        drawn.append(line([(left + 108, 166), (left + 108, 186)]))
    drawn.append(line([(120, 186), (624, 186)]))
    for left, words, weights in (
        (96, "plain mean", (1, 1, 1)),
        (432, "content counted twice", (1, 2, 1)),
    ):
        drawn += arrow(left + 108, 186, 212)
        drawn.append(text(left + 108, 234, words, "big mid"))
        drawn += bars(left, 400, 340, weighted(weights))
    label = "Three distributions over four films, and their plain and weighted means"
    return svg(744, 426, label, drawn)


SITUATIONS = (
    ("a regular, known films", (1, 1, 1)),
    ("a new user, known films", (0, 0, 1)),
    ("a regular, new films", (0, 1, 1)),
    ("a new user, new films", (0, 0, 1)),
)


def gaps() -> str:
    """Draw who speaks for whom: the weights of the networks in four situations."""
    drawn, left, width = [], 190, 420
    for number, (words, speaks) in enumerate(SITUATIONS):
        top, x = 14 + 62 * number, float(left)
        drawn.append(text(left - 16, top + 23, words, "end"))
        silent = [name for name, s in zip(YS, speaks, strict=True) if not s]
        for name, speaking in zip(YS, speaks, strict=True):
            if speaking:
                wide = width / sum(speaks)
                drawn.append(box(x + 1, top, wide - 2, 36, COLOURS[name]))
                drawn.append(text(x + wide / 2, top + 23, name, "mid", "#fff"))
                x += wide
        x += 14
        for name in silent:
            wide = LETTER * len(name)
            dashed = 'fill="none" stroke-dasharray="4 4"'
            drawn.append(
                f'<rect x="{x:g}" y="{top}" width="{wide:g}" height="36" '
                f'stroke="{COLOURS[name]}" {dashed}/>'
            )
            drawn.append(text(x + wide / 2, top + 23, name, "mid", COLOURS[name]))
            x += wide + 8
    drawn.append(text(left, 268, "filled: has a share of the answer"))
    drawn.append(text(left + width + 14, 268, "dashed: has nothing to say"))
    return svg(824, 280, "Which networks answer in four situations, with equal weights", drawn)


CASES = (
    ("they take turns, 3 to 1", (0.6, 0.6, 0.6, 0.1), (0.1, 0.1, 0.1, 0.6), "#4a7fe0"),
    ("one knows nothing", (0.6, 0.6, 0.6, 0.6), (0.25, 0.25, 0.25, 0.25), "#c9772a"),
)


def loss(w: float, a: Sequence[float], b: Sequence[float]) -> float:
    """Return the mean of -log p where a counts w and b the rest."""
    return -sum(math.log(w * p + (1 - w) * q) for p, q in zip(a, b, strict=True)) / len(a)


def weights() -> str:
    """Draw how likely held-out events are by the weight of the better of two networks."""
    left, base, width = 60, 270, 460
    steps = [n / 100 for n in range(101)]

    def at(w: float, height: float) -> tuple[float, float]:
        return left + width * w, base - 150 * (height - 0.4)

    drawn = [line([(left, 20), (left, base), (left + width, base)])]
    drawn += [text(at(w, 0)[0], base + 18, f"{w:g}", "mid") for w in (0, 0.25, 0.5, 0.75, 1)]
    drawn += [text(left - 8, at(0, y)[1] + 4, f"{y:g}", "end") for y in (0.5, 1, 1.5, 2)]
    drawn.append(text(left + width / 2, base + 38, "weight of the better network", "mid"))
    drawn.append(text(left + 10, 28, "-log p of what was taken (lower is better)"))
    drawn.append(line([at(0.5, 0.4), at(0.5, 1.75)], GREY, 'stroke-dasharray="3 4"'))
    drawn.append(text(at(0.5, 0)[0], at(0, 1.8)[1], "plain mean", "mid"))
    for name, a, b, colour in CASES:
        drawn.append(line([at(w, loss(w, a, b)) for w in steps], colour, 'stroke-width="2.5"'))
        best = min(steps, key=lambda w, a=a, b=b: loss(w, a, b))
        x, y = at(best, loss(best, a, b))
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        end = at(1, loss(1, a, b))
        drawn.append(text(end[0] + 12, end[1] + 4, name, "", colour))
        drawn.append(text(end[0] + 12, end[1] + 22, f"best at {best:g}", "", colour))
    return svg(690, 316, "Loss of a mean of two networks by weight, in two cases", drawn)


MEASURED = {  # NDCG@10 on MovieLens 100k, from docs/gaps.md: the best without the mean, the mean
    "nothing known": ("popularity", 0.1773, 0.1888),
    "1 event": ("transition", 0.2478, 0.2479),
    "2 or 3 events": ("transition", 0.2147, 0.2128),
    "all these": ("transition", 0.1693, 0.2156),
}


def newcomers() -> str:
    """Draw new users: the best member of each group beside the mean."""
    drawn, left, scale = [], 130, 1500
    for number, (words, (best, member, mean)) in enumerate(MEASURED.items()):
        top = 14 + 66 * number
        drawn.append(text(left - 14, top + 27, words, "end"))
        for row, (name, value, colour) in enumerate(
            [(f"best member: {best}", member, GREY), ("mean", mean, COLOURS["collaborative"])]
        ):
            y = top + 24 * row
            drawn.append(box(left, y, scale * value, 20, colour))
            drawn.append(text(left + scale * value + 8, y + 15, f"{value:.3f} {name}"))
    drawn.append(line([(left, 8), (left, 268)]))
    return svg(744, 280, "NDCG@10 of the mean and of its best member among new users", drawn)


def main(folder: Path) -> None:
    """Write the pictures."""
    for draw in (mean, gaps, weights, newcomers):
        (folder / f"{draw.__name__}.svg").write_text(draw())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
