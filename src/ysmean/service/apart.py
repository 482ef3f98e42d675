"""Compute a model's answers in a process of its own.

HTTP and the networks then do not share an interpreter, of which only one thread runs at a time.
A process loads one model: another one is loaded beside it, and it ends with the model's last call.
"""

from __future__ import annotations

import signal
import threading
import traceback
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from threadpoolctl import threadpool_limits

from ysmean.data.requests import Request
from ysmean.data.store import open_store
from ysmean.service import compilations
from ysmean.service.compilations import COMPUTE
from ysmean.service.loaded import Loaded, load, settle
from ysmean.service.served import Served
from ysmean.service.settings import Settings

Counted = Counter[str]  # encodings "kept" and "made"; compilations in "warm-up" and "serving"


class GoneError(Exception):
    """The process has ended."""

    def __init__(self) -> None:
        super().__init__("the process that computes was ended, as for want of memory")


class Apart:
    """A process that holds a model and answers requests, one call after the other.

    Args:
        settings: which folder, and what to warm up for.
        told: is called with what was counted, after loading and after every call.
        gone: is called when the process has ended and nobody asked it to.

    Raises:
        BundleError: as of `load`.
        GoneError: if the process ends before the model is loaded.
    """

    def __init__(
        self, settings: Settings, told: Callable[[Counted], None], gone: Callable[[], None]
    ) -> None:
        context = get_context("spawn")  # a fork would take JAX's threads for alive
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_live, args=(theirs, settings), name=COMPUTE, daemon=True
        )
        self._process.start()
        theirs.close()  # so that the process's end is heard of here
        self._told, self._ended, wanted = told, threading.Event(), threading.Event()
        self.close = weakref.finalize(self, _end, wanted, self._ours)
        try:
            self._holds: tuple[str, Mapping[str, Any]] = self._receive()
        except BaseException:
            self.close()
            self._process.join(10)
            raise
        threading.Thread(
            target=_watch, args=(self._process, self._ended, wanted, gone), daemon=True
        ).start()

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return not self._ended.is_set()

    def holds(self, loaded: Loaded) -> bool:
        """Return whether it is this very version that the process has loaded."""
        return self._holds == (loaded.id, loaded.recommender.parts.manifest)

    def answer(self, requests: Sequence[Request]) -> list[Served]:
        """Answer requests; to be called by one thread at a time.

        Raises:
            YsMeanError: as of `Recommender.recommend_many`.
            GoneError: if the process has ended.
        """
        try:
            self._ours.send(requests)
        except OSError:
            self._ended.set()
            raise GoneError from None
        answers: list[Served] = self._receive()
        return answers

    def _receive(self) -> Any:
        try:
            found, counted = self._ours.recv()
        except (EOFError, OSError):
            self._ended.set()
            raise GoneError from None
        self._told(counted)
        if isinstance(found, Exception):
            raise found
        return found


def _end(wanted: threading.Event, ours: Connection) -> None:
    wanted.set()
    ours.close()


def _watch(
    process: BaseProcess, ended: threading.Event, wanted: threading.Event, gone: Callable[[], None]
) -> None:
    process.join()
    ended.set()
    if not wanted.is_set():
        gone()


class _Counts:
    """What is counted in the process between two calls."""

    def __init__(self) -> None:
        self._counted: Counted = Counter()

    def compiled(self, when: str) -> None:
        self._counted[when] += 1

    def encoded(self, kept: int, made: int) -> None:
        self._counted.update(kept=kept, made=made)

    def taken(self) -> Counted:
        """Return the counts, and begin anew."""
        counted, self._counted = self._counted, Counter()
        return counted


def _live(theirs: Connection, settings: Settings) -> None:
    """Load the model, then answer until the other end is closed, also by a kill."""
    # A terminal and systemd signal all processes; this one goes on until the service has drained.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    counts = _Counts()
    compilations.tell(counts)
    try:
        with threadpool_limits(settings.threads, user_api="blas"):
            _serve(theirs, settings, counts)
    except (EOFError, OSError):
        pass


def _serve(theirs: Connection, settings: Settings, counts: _Counts) -> None:
    try:
        loaded = load(settings.model, settings.batch_sizes)
        loaded.recommender.keep_encodings(settings.encodings, counts.encoded)
        store = open_store(settings.store)
    except Exception as error:
        error.add_note(traceback.format_exc())
        theirs.send((error, counts.taken()))
        return
    settle()
    theirs.send(((loaded.id, dict(loaded.recommender.parts.manifest)), counts.taken()))
    threading.current_thread().name = COMPUTE  # what is compiled from now on makes somebody wait
    while True:
        requests: Sequence[Request] = theirs.recv()
        try:
            found: list[Served] | Exception = loaded.answer(requests, store)
        except Exception as error:
            error.add_note(traceback.format_exc())  # the log shall say where
            found = error
        theirs.send((found, counts.taken()))
