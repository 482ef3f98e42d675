"""Choose the Keras backend before Keras is imported: JAX, unless somebody chose another."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

BACKENDS = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}


def choose_backend() -> None:
    """Set KERAS_BACKEND to jax where no working choice has been made.

    A choice is an imported Keras, the variable KERAS_BACKEND, or a keras.json that names a
    backend installed here. Keras itself writes a keras.json that says tensorflow when it is first
    imported anywhere, so one that names a missing backend is nobody's choice.
    """
    if "keras" in sys.modules or os.environ.get("KERAS_BACKEND"):
        return
    named = _configured()
    installed = named in BACKENDS and importlib.util.find_spec(BACKENDS[named]) is not None
    os.environ["KERAS_BACKEND"] = named if named and installed else "jax"


def _configured() -> str | None:
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        backend = json.loads((Path(home) / "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    return backend if isinstance(backend, str) else None
