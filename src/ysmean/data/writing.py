"""One thread that does the writes of a store: what waits together is committed together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

TOGETHER = 1000  # writes in one transaction at most


Connection = TypeVar("Connection")


class Writer(Generic[Connection]):
    """A queue of writes and the thread that does them, begun by the first one.

    Args:
        commit: does writes in one transaction and returns their results, or raises and leaves
            nothing written.
    """

    def __init__(
        self, commit: Callable[[Sequence[Callable[[Connection], Any]]], Sequence[Any]]
    ) -> None:
        self._commit = commit
        self._writes: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._writes.qsize()

    def put(self, write: Callable[[Connection], Any]) -> Future[Any]:
        """Queue a write; its result comes when it is safe."""
        future: Future[Any] = Future()
        self._writes.put((write, future))
        with self._starting:
            if self._thread is None:
                name = "ysmean-events"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
        return future

    def close(self) -> None:
        """Do what waits, then stop."""
        if self._thread is not None:
            self._writes.put(None)
            self._thread.join()

    def _run(self) -> None:
        closed = False
        while not closed:
            group = [self._writes.get()]
            while len(group) < TOGETHER and not self._writes.empty():
                group.append(self._writes.get())
            closed = None in group
            self._answer([w for w in group if w and w[1].set_running_or_notify_cancel()])

    def _answer(self, group: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        """Do writes; tell nobody before they are safe."""
        if not group:
            return
        try:
            results = self._commit([write for write, _ in group])
        except Exception as error:
            for _, future in group:
                future.set_exception(error)
        else:
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)
