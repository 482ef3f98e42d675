"""Draw the wide-and-deep model: networks side by side, their softmaxes meeting in the mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from ysmean.errors import ConfigError
from ysmean.mean.stream import SEGMENTS
from ysmean.mean.wide_and_deep import members
from ysmean.parts import Parts

INK, PAPER, INPUT, SOFTMAX, MEAN = "#1f2933", "#e8eef4", "#ffffff", "#d3ead9", "#f6c453"
BOX, ROW = 2.0, 0.9  # inches from one box to the next
BLOCK = re.compile(r"block_(\d+)_")  # begins the names of a block's layers
MIXING = ("attention", "recurrence")  # ends the name of that which mixes the places


@dataclass(frozen=True)
class Node:
    """A box: its text, colour, and the boxes it is computed from."""

    text: str
    colour: str
    parents: tuple[str, ...]


Graph = dict[str, Node]


def draw_model(parts: Parts, path: Path) -> None:
    """Draw a trained model as a picture.

    Args:
        parts: of a recommender.
        path: ends in .png, .svg or .pdf.

    Raises:
        ConfigError: if matplotlib is missing, or cannot write such a file.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(
            "Drawing needs matplotlib. Install it with: pip install 'ysmean[report]'"
        ) from None
    columns = {name: network_graph(name, parts) for name in parts.networks}
    levels = {name: levels_of(graph) for name, graph in columns.items()}
    widths = {name: BOX * max(map(len, rows)) for name, rows in levels.items()}
    width, height = sum(widths.values()), ROW * (max(map(len, levels.values())) + 2.5)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    mean, left = (width / 2, 0.6 * ROW), 0.0
    for name, graph in columns.items():
        places = places_of(graph, levels[name], left, widths[name])
        _column(axes, name, graph, places, mean)
        left += widths[name]
    text = f"YsMean: the weighted mean  (batch, {len(parts.catalogue):,})"
    _box(axes, mean, text, MEAN, min(2.4 * BOX, width))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    try:
        figure.savefig(path, dpi=130, facecolor="white")
    except (ValueError, OSError) as error:
        raise ConfigError(f"Cannot draw to {path}: {error}. Use a name ending in .png.") from None


def network_graph(name: str, parts: Parts) -> Graph:
    """Return the boxes of one network, from its inputs to its softmaxes."""
    graph = folded(layer_graph(parts.networks[name].scorer(name)))
    scores = list(graph)[-1]
    names = list(parts.networks)
    for k, segment in members(parts.networks, ~parts.catalogue.warm):
        if names[k] == name:
            label = f"softmax over {SEGMENTS[segment]} items"
            graph[f"softmax {segment}"] = Node(label, SOFTMAX, (scores,))
    return graph


def layer_graph(model: keras.Model) -> Graph:
    """Return the layers of a functional model; those of models inside it are spread out."""
    graph: Graph = {}
    alias: dict[str, str] = {}  # a model inside stands for its last layer
    for config in model.get_config()["layers"]:
        name = config["name"]
        layer = model.get_layer(name)
        parents = tuple(alias.get(p, p) for p in dict.fromkeys(_sources(config["inbound_nodes"])))
        if isinstance(layer, keras.Model):
            inner = layer_graph(layer)
            # Inputs of a model inside carry the names of the outer ones.
            graph.update({key: node for key, node in inner.items() if node.parents})
            alias[name] = list(inner)[-1]
        elif parents:
            graph[name] = Node(f"{name}\n{_shape(layer)}", PAPER, parents)
        else:
            graph[name] = Node(name, INPUT, ())
    return graph


def folded(graph: Graph) -> Graph:
    """Return a graph in which the layers of each block over the history are one box."""

    def box(name: str) -> str:
        found = BLOCK.match(name)
        return f"block {found.group(1)}" if found else name

    mixing = {box(name): m for name in graph for m in MIXING if name.endswith(m)}
    result: Graph = {}
    for name, node in graph.items():
        own = box(name)
        before = result[own].parents if own in result else ()
        outside = (box(parent) for parent in node.parents)
        parents = tuple(dict.fromkeys([*before, *(p for p in outside if p != own)]))
        text = node.text if own == name else f"{mixing[own]}, feed-forward"
        text = text if own == name else text + "\n" + node.text.split("\n")[1]  # of its last layer
        result[own] = Node(text, node.colour, parents)
    return result


def _sources(nodes: Any) -> Iterator[str]:
    """Yield the names of the layers that a serialised call takes tensors from."""
    if isinstance(nodes, Mapping):
        if "keras_history" in nodes:
            yield nodes["keras_history"][0]
        for value in nodes.values():
            yield from _sources(value)
    elif isinstance(nodes, list | tuple):
        for value in nodes:
            yield from _sources(value)


def _shape(layer: Any) -> str:
    output = layer.output
    shape = (output[0] if isinstance(output, list | tuple) else output).shape
    return "(" + ", ".join("·" if part is None else f"{part:,}" for part in shape) + ")"


def levels_of(graph: Graph) -> list[list[str]]:
    """Return the boxes by their longest way to the end, those at the end first."""
    level = dict.fromkeys(graph, 0)
    for name in reversed(graph):  # children come after their parents
        for parent in graph[name].parents:
            level[parent] = max(level[parent], level[name] + 1)
    rows: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for name, number in level.items():
        rows[number].append(name)
    return rows


def places_of(
    graph: Graph, rows: list[list[str]], left: float, width: float
) -> dict[str, tuple[float, float]]:
    """Return the middle of each box, rows upwards from the bottom, parents above their children."""
    places: dict[str, tuple[float, float]] = {}
    for height, row in enumerate(rows):
        below = {
            name: [places[child][0] for child in places if name in graph[child].parents]
            for name in row
        }
        row.sort(key=lambda name: sum(below[name]) / max(1, len(below[name])))
        for number, name in enumerate(row):
            places[name] = (left + width * (number + 0.5) / len(row), (height + 1.9) * ROW)
    return places


def _column(
    axes: Any,
    name: str,
    graph: Graph,
    places: Mapping[str, tuple[float, float]],
    mean: tuple[float, float],
) -> None:
    children = {parent for node in graph.values() for parent in node.parents}
    for key, node in graph.items():
        for parent in node.parents:
            _arrow(axes, places[parent], places[key])
        if key not in children:
            _arrow(axes, places[key], mean)
        _box(axes, places[key], node.text, node.colour, 0.9 * BOX)
    middle = sum(x for x, _ in places.values()) / len(places)
    top = max(y for _, y in places.values())
    axes.text(middle, top + 0.45 * ROW, name, ha="center", fontsize=12, weight="bold", color=INK)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 0.8, "alpha": 0.7}
    gap = 0.27 * ROW
    axes.annotate(
        "", (end[0], end[1] + gap), (start[0], start[1] - gap), arrowprops=style, zorder=0
    )


def _box(axes: Any, middle: tuple[float, float], text: str, colour: str, width: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y, height = *middle, 0.54 * ROW
    style = "round,pad=0,rounding_size=0.07"
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=style,
            facecolor=colour,
            edgecolor=INK,
            lw=0.7,
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=8, color=INK)
