"""A feature encoder as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.blocks import Block, CategoryBlock, NumberBlock, TextBlock, VectorBlock
from ysmean.data.features import FeatureEncoder

KINDS: dict[str, type[Block]] = {
    "text": TextBlock,
    "categories": CategoryBlock,
    "numbers": NumberBlock,
    "vector": VectorBlock,
}
Arrays = dict[str, npt.NDArray[Any]]


def to_plain(encoder: FeatureEncoder) -> tuple[list[dict[str, Any]], Arrays]:
    """Return one JSON-serialisable description a block, and named arrays."""
    described, arrays = [], {}
    names = {cls: kind for kind, cls in KINDS.items()}
    for number, (feature, block) in enumerate(encoder.blocks.items()):
        settings: dict[str, Any] = {}
        for name, value in vars(block).items():
            if isinstance(value, np.ndarray):
                arrays[f"{number}/{name}"] = value
            else:
                settings[name] = list(value) if isinstance(value, tuple) else value
        described.append(
            {
                "feature": feature,
                "kind": names[type(block)],
                "scales": list(encoder.scales[feature]),
                "settings": settings,
            }
        )
    return described, arrays


def from_plain(described: list[dict[str, Any]], arrays: Mapping[str, Any]) -> FeatureEncoder:
    """Return the encoder that `to_plain` described.

    Raises:
        KeyError: if something of it is missing.
    """
    blocks: dict[str, Block] = {}
    scales = {}
    for number, part in enumerate(described):
        settings = {n: tuple(v) if isinstance(v, list) else v for n, v in part["settings"].items()}
        cls: Any = KINDS[part["kind"]]
        stored = {
            f.name: arrays[f"{number}/{f.name}"] for f in fields(cls) if f.name not in settings
        }
        blocks[part["feature"]] = cls(**settings, **stored)
        narrow, wide = part["scales"]
        scales[part["feature"]] = (narrow, wide)
    return FeatureEncoder(blocks, scales)
