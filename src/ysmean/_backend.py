"""Choose the Keras backend before Keras is imported: JAX, unless somebody chose another."""

from __future__ import annotations

import importlib.util
import json
import os
import sys


def choose_backend() -> None:
    """Set KERAS_BACKEND to jax where no working choice has been made.

    A choice is an imported Keras, the variable KERAS_BACKEND, or a keras.json that names a
    backend installed here. Keras itself writes a keras.json that says tensorflow when it is first
    imported anywhere, so one that names a missing backend is nobody's choice.
    """
    # Keras reads an empty KERAS_BACKEND as none.
    if "keras" in sys.modules or os.environ.get("KERAS_BACKEND"):
        return
    named = _configured()
    if not named.isidentifier() or importlib.util.find_spec(named) is None:
        os.environ["KERAS_BACKEND"] = "jax"


def _configured() -> str:
    home = os.environ.get("KERAS_HOME")
    if home is None:
        # Keras falls back to /tmp in the same way.
        user = os.path.expanduser("~")
        home = os.path.join(user if os.access(user, os.W_OK) else "/tmp", ".keras")
    try:
        with open(os.path.expanduser(os.path.join(home, "keras.json")), encoding="utf-8") as file:
            settings = json.load(file)
    except (OSError, ValueError):
        return ""
    backend = settings.get("backend") if isinstance(settings, dict) else None
    return backend if isinstance(backend, str) else ""
