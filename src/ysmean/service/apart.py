"""Compute answers in a process of its own.

HTTP and the networks then do not share an interpreter, of which only one thread runs at a time.
The process loads another model beside, with what is compiled and imported already.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ysmean.data.requests import Request
from ysmean.service.compilations import COMPUTE
from ysmean.service.computing import Asked, Change, Counted, Held, Version, live
from ysmean.service.served import Served
from ysmean.service.settings import Settings


class GoneError(Exception):
    """The process has ended."""

    def __init__(self) -> None:
        super().__init__("the process that computes was ended, as for want of memory")


class Apart:
    """A process that holds models: one thread may ask it while another one changes them.

    Args:
        settings: which folder, and what to warm up for.
        told: is called with what was counted, after every call.
        gone: is called when the process has ended and nobody asked it to.

    Attributes:
        models: how many it holds, as last heard.
    """

    def __init__(
        self, settings: Settings, told: Callable[[Counted], None], gone: Callable[[], None]
    ) -> None:
        context = get_context("spawn")  # a fork would take JAX's threads for alive
        (self._asked, asked), (self._changes, changes) = context.Pipe(), context.Pipe()
        self.process: BaseProcess = context.Process(
            target=live, args=(asked, changes, settings), name=COMPUTE, daemon=True
        )
        self.process.start()
        for theirs in (asked, changes):  # so that the process's end is heard of here
            theirs.close()
        self.models, self._told = 0, told
        self._numbers, self._left = count(), deque[int]()
        self._ended, wanted = threading.Event(), threading.Event()
        self.close = weakref.finalize(self, _end, wanted, [self._asked, self._changes])
        threading.Thread(
            target=_watch, args=(self.process, self._ended, wanted, gone), daemon=True
        ).start()

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return not self._ended.is_set()

    def load(self) -> ModelApart:
        """Load the folder's current version; it is let go of when nobody holds what is returned.

        Raises:
            BundleError: as of `loaded.load`.
            GoneError: if the process ends before the model is loaded.
        """
        number = next(self._numbers)
        version = self._change(number).version
        assert version is not None
        model = ModelApart(self, number, version)
        weakref.finalize(model, self._left.append, number)
        return model

    def tidy(self) -> None:
        """Let go of the models that nobody holds any more.

        Raises:
            GoneError: if the process has ended.
        """
        if self._left:
            self._change(None)

    def answer(self, asked: Asked) -> list[Served]:
        """Answer requests; raises as of `ModelApart.answer`."""
        answers: list[Served] = self._call(self._asked, asked)
        return answers

    def _change(self, number: int | None) -> Held:
        gone = [self._left.popleft() for _ in range(len(self._left))]
        held: Held = self._call(self._changes, Change(gone, number))
        self.models = held.models
        return held

    def _call(self, pipe: Connection, wanted: Asked | Change) -> Any:
        try:
            pipe.send(wanted)
            found, counted = pipe.recv()
        except (EOFError, OSError):
            self._ended.set()
            raise GoneError from None
        self._told(counted)
        if isinstance(found, Exception):
            raise found
        return found


class ModelApart:
    """A model that a process holds.

    Attributes:
        process: it.
        networks: what each network is, as plain data.
    """

    def __init__(self, process: Apart, number: int, version: Version) -> None:
        self.process, self._number, self._version = process, number, version
        self.networks = version.networks

    def is_of(self, model_id: str, manifest: Mapping[str, Any]) -> bool:
        """Return whether it is this very version that was loaded."""
        return (self._version.id, self._version.manifest) == (model_id, manifest)

    def answer(self, requests: Sequence[Request]) -> list[Served]:
        """Answer requests; to be called by one thread at a time.

        Raises:
            YsMeanError: as of `Recommender.recommend_many`.
            GoneError: if the process has ended.
        """
        return self.process.answer(Asked(self._number, requests))


def _end(wanted: threading.Event, ours: Sequence[Connection]) -> None:
    wanted.set()
    for pipe in ours:
        pipe.close()


def _watch(
    process: BaseProcess, ended: threading.Event, wanted: threading.Event, gone: Callable[[], None]
) -> None:
    process.join()
    ended.set()
    if not wanted.is_set():
        gone()
