"""Count what JAX compiles: in warm-up it is meant to, under load it makes somebody wait."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Protocol

import keras

COMPUTE = "ysmean-compute"  # the name of the thread, and of the process, that computes answers
COMPILED = "/jax/core/compile/backend_compile_duration"


class Listener(Protocol):
    """Who wants to know."""

    def compiled(self, when: str) -> None:
        """Hear of one compilation: `"warm-up"`, or `"serving"` by the thread that computes."""


_listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
_registered: list[Callable[..., None]] = []


def tell(listener: Listener) -> None:
    """Tell a listener of every compilation; other backends do not compile answers."""
    _listeners.add(listener)
    if keras.backend.backend() == "jax" and not _registered:  # JAX never forgets one
        import jax

        _registered.append(_compiled)
        jax.monitoring.register_event_duration_secs_listener(_compiled)


def _compiled(event: str, duration: float, **_: object) -> None:
    if event == COMPILED:
        when = "serving" if threading.current_thread().name == COMPUTE else "warm-up"
        for listener in list(_listeners):
            listener.compiled(when)
