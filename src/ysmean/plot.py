"""Draw the wide-and-deep model: a column for each network, all meeting in the mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ysmean.bundle import Parts
from ysmean.errors import ConfigError
from ysmean.mean.stream import SEGMENTS
from ysmean.mean.wide_and_deep import members

INK, PAPER, MEAN = "#1f2933", "#e8eef4", "#f6c453"
COLUMN, ROW = 2.9, 0.82


def draw_model(parts: Parts, path: Path) -> None:
    """Draw a trained model as a picture.

    Args:
        parts: of a recommender.
        path: ends in .png, .svg or .pdf.

    Raises:
        ConfigError: if matplotlib is missing, or the path's ending is not known to it.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        raise ConfigError(
            "Drawing needs matplotlib. Install it with: pip install 'ysmean[report]'"
        ) from None
    columns = {name: layers_of(name, parts) for name in parts.networks}
    depth = max(map(len, columns.values()))
    width = COLUMN * len(columns)
    figure, axes = plt.subplots(figsize=(width, ROW * (depth + 4)))
    top = (depth + 2) * ROW
    for number, (name, layers) in enumerate(columns.items()):
        _column(axes, (number + 0.5) * COLUMN, name, layers, top)
        axes.plot(
            [(number + 0.5) * COLUMN, width / 2],
            [top - (len(layers) + 0.25) * ROW, 0.9 * ROW],
            color=INK,
            lw=0.8,
            alpha=0.5,
            zorder=0,
        )
    size = len(parts.catalogue)
    _box(axes, width / 2, 0.6 * ROW, f"YsMean   (batch, {size:,})", MEAN, 4.4)
    axes.text(
        width / 2,
        -0.1 * ROW,
        "weighted mean of the softmaxes: again a distribution",
        ha="center",
        va="center",
        fontsize=8,
        color=INK,
    )
    axes.set_xlim(0, width)
    axes.set_ylim(-0.5 * ROW, top + 0.9 * ROW)
    axes.axis("off")
    try:
        figure.savefig(path, dpi=140, bbox_inches="tight", facecolor="white")
    except ValueError as error:
        raise ConfigError(f"Cannot draw to {path}: {error}. Use a name ending in .png.") from None
    finally:
        plt.close(figure)


def layers_of(name: str, parts: Parts) -> list[str]:
    """Return one line a layer of a network, from its inputs to its softmaxes."""
    lines = [f"{layer.name}  {_shape(layer)}" for layer in _flat(parts.networks[name].scorer(name))]
    names = list(parts.networks)
    segments = [s for k, s in members(parts.networks, ~parts.catalogue.warm) if names[k] == name]
    return lines + [f"softmax over {SEGMENTS[s]} items" for s in segments]


def _flat(model: Any) -> list[Any]:
    """Return the layers of a model, those of nested models in their place."""
    layers: list[Any] = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            layers += [inner for inner in _flat(layer) if type(inner).__name__ != "InputLayer"]
        else:
            layers.append(layer)
    return layers


def _shape(layer: Any) -> str:
    output = layer.output
    shape = (output[0] if isinstance(output, list | tuple) else output).shape
    return "(" + ", ".join("·" if part is None else f"{part:,}" for part in shape) + ")"


def _column(axes: Any, x: float, name: str, layers: list[str], top: float) -> None:
    axes.text(x, top + 0.45 * ROW, name, ha="center", fontsize=11, weight="bold", color=INK)
    for number, text in enumerate(layers):
        y = top - number * ROW
        _box(axes, x, y, text, PAPER, COLUMN * 0.94)
        if number:
            axes.annotate(
                "",
                (x, y + 0.26 * ROW),
                (x, y + 0.74 * ROW),
                arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.8},
            )


def _box(axes: Any, x: float, y: float, text: str, colour: str, width: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    height = 0.5 * ROW
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=colour,
            edgecolor=INK,
            lw=0.7,
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=7.2, color=INK)
