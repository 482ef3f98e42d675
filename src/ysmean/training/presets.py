"""How long the networks are trained: one word instead of many settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ysmean.errors import ConfigError, nearest
from ysmean.networks.registry import Spec

STEPS = {"fast": 0.15, "default": 1.0, "best": 3.0}


def with_preset(spec: Spec, preset: str) -> Spec:
    """Return a spec whose budget of steps and patience follow a preset.

    Args:
        spec: of a network; closed forms stay as they are.
        preset: `"fast"` 15% of the steps, `"default"`, or `"best"` three times as many and
            one more evaluation of patience.

    Raises:
        ConfigError: for an unknown preset.
    """
    if preset not in STEPS:
        raise ConfigError(f"Unknown preset {preset!r}." + nearest(preset, STEPS))
    fitting = getattr(spec, "fitting", None)
    if fitting is None or preset == "default":
        return spec
    longer = replace(
        fitting,
        max_steps=max(1, int(fitting.max_steps * STEPS[preset])),
        max_epochs=max(1, int(fitting.max_epochs * max(1.0, STEPS[preset]))),
        patience=fitting.patience + (preset == "best"),
    )
    changed: Any = spec
    made: Spec = replace(changed, fitting=longer)
    return made
