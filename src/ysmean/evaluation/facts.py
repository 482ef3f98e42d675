"""What the data of an evaluation is: sizes, features and times, for the reader of its report."""

from __future__ import annotations

from typing import Any

import numpy as np

from ysmean.data.splits import Split
from ysmean.parts import Parts


def facts(parts: Parts, split: Split) -> dict[str, Any]:
    """Return a summary of the data as plain data for JSON.

    Args:
        parts: with the whole histories, and a catalogue that is warm by training events.
        split: of the histories.
    """
    histories, catalogue = parts.histories, parts.catalogue
    return {
        "events": len(histories.classes),
        "training_events": int(split.train.sum()),
        "validation_events": len(split.validation),
        "test_events": len(split.test),
        "users": len(histories),
        "users_with_events": int((histories.lengths > 0).sum()),
        "longest_history": int(histories.lengths.max(initial=0)),
        "median_history": float(np.median(histories.lengths)) if len(histories) else 0.0,
        "items": len(catalogue),
        "cold_items": int((~catalogue.warm).sum()),
        "items_without_features": int((~catalogue.has_features).sum()),
        "item_features": {name: str(kind) for name, kind in catalogue.schema.items()},
        "user_features": {
            name: str(kind) for name, kind in (parts.users.schema if parts.users else {}).items()
        },
        "time": None if histories.times is None else _range(histories.times),
    }


def _range(times: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, str] | None:
    """Return the first and the last moment; None where they are beyond any calendar."""
    try:
        first, last = (str(np.datetime64(int(t), "s")) for t in (times.min(), times.max()))
    except (OverflowError, ValueError):
        return None
    return {"first": first, "last": last}
