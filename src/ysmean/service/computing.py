"""The process that computes: it holds models, answers requests, and loads a model beside."""

from __future__ import annotations

import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from ysmean.data.requests import Request
from ysmean.data.store import open_store
from ysmean.service import compilations
from ysmean.service.compilations import COMPUTE
from ysmean.service.loaded import Loaded, load, settle
from ysmean.service.served import Served
from ysmean.service.settings import Settings

Counted = Counter[str]  # encodings "kept" and "made"; compilations in "warm-up" and "serving"


class Asked(NamedTuple):
    """Requests for one of the models."""

    model: int
    requests: Sequence[Request]


class Change(NamedTuple):
    """What shall become of the models: let some go, then load one, unless there is no number."""

    gone: Sequence[int]
    model: int | None


class Version(NamedTuple):
    """What was loaded."""

    id: str
    manifest: Mapping[str, Any]
    networks: list[dict[str, Any]]


class Held(NamedTuple):
    """What a process has loaded, and how many models it holds now."""

    version: Version | None
    models: int


def live(asked: Connection, changes: Connection, settings: Settings) -> None:
    """Answer and load until the other ends are closed, also by a kill.

    Args:
        asked: `Asked` comes, a list of `Served` goes back, by the thread that computes.
        changes: `Change` comes, `Held` goes back, by a second thread. In both what goes back is
            beside what was counted since, and an error takes its place.
        settings: which folder, and what to warm up for.
    """
    # A terminal and systemd signal all processes; this one goes on until the service has drained.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with threadpool_limits(settings.threads, user_api="blas"):
        models = _Models(settings)
        threading.Thread(
            target=_serve, args=(changes, models.change, models), name="ysmean-load", daemon=True
        ).start()
        threading.current_thread().name = COMPUTE  # what it compiles makes somebody wait
        _serve(asked, models.answer, models)


class _Models:
    """The models that are held, by number, and what was counted of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._store = settings, open_store(settings.store)
        self._held: dict[int, Loaded] = {}
        self._counted, self._counting = Counted(), threading.Lock()
        compilations.tell(self)

    def answer(self, asked: Asked) -> list[Served]:
        return self._held[asked.model].answer(asked.requests, self._store)

    def change(self, change: Change) -> Held:
        for number in change.gone:
            self._held.pop(number, None)
        version = None
        if change.model is not None:
            loaded = load(self._settings.model, self._settings.batch_sizes)
            loaded.recommender.keep_encodings(self._settings.encodings, self.encoded)
            manifest = dict(loaded.recommender.parts.manifest)
            version = Version(loaded.id, manifest, loaded.network_facts)
            self._held[change.model] = loaded
        settle(swapped=bool(change.gone))
        return Held(version, len(self._held))

    def compiled(self, when: str) -> None:
        with self._counting:
            self._counted[when] += 1

    def encoded(self, kept: int, made: int) -> None:
        with self._counting:
            self._counted.update(kept=kept, made=made)

    def taken(self) -> Counted:
        """Return the counts, and begin anew."""
        with self._counting:
            counted, self._counted = self._counted, Counted()
        return counted


def _serve(pipe: Connection, does: Callable[[Any], Any], models: _Models) -> None:
    """Do what comes through a pipe and send what is found, until it is closed."""
    try:
        while True:
            pipe.send((_found(does, pipe.recv()), models.taken()))
    except (EOFError, OSError):
        pass


def _found(does: Callable[[Any], Any], wanted: Any) -> Any:
    try:
        return does(wanted)
    except Exception as error:
        error.add_note(traceback.format_exc())  # the log shall say where
        return error.with_traceback(None)  # which would keep a half-loaded model
