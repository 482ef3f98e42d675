"""The promotion gate: is a model significantly worse than the one that answers?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def worse(current: Mapping[str, Any], candidate: Mapping[str, Any], level: float) -> str | None:
    """Compare two models by their held-out events.

    What counts is the mean's gain over guessing among its items with events, in nats an event:
    log N - nll. Two models may have been asked different events, so this is Welch's test,
    one-sided, of their means and standard errors.

    Args:
        current: manifest of the model that answers.
        candidate: manifest of the other one.
        level: the probability of refusing a model that is as good.

    Returns:
        Why it is worse; None where it is not, or where either does not tell.
    """
    old, new = current.get("held_out_gain"), candidate.get("held_out_gain")
    if old is None or new is None:
        return None
    error = math.hypot(old["error"], new["error"])
    lost = old["mean"] - new["mean"]
    if lost <= 0 or error == 0:
        return None
    p = 0.5 * math.erfc(lost / error / math.sqrt(2))
    if p >= level:
        return None
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return (
        f"It is significantly worse: on held-out events it gains {_said(new)} nats over guessing, "
        f"the current model {_said(old)} ({shown}). Train it longer or on more, or force the swap."
    )


def _said(gain: Mapping[str, Any]) -> str:
    return f"{gain['mean']:.3f} ± {gain['error']:.3f} ({gain['requests']:,} events)"
