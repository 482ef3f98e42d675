"""Micro-batching: one thread computes, and what waits together is computed together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from ysmean.data.requests import Request
from ysmean.errors import YsMeanError
from ysmean.service.compilations import COMPUTE
from ysmean.service.loaded import Loaded
from ysmean.service.served import Served

Answers = list[Served]
Compute = Callable[[Loaded, Sequence[Request]], Answers]


class QueueFullError(Exception):
    """More requests wait than may."""


class RefusedError(Exception):
    """The library refused one of a call's requests."""

    def __init__(self, number: int, error: YsMeanError) -> None:
        super().__init__(str(error))
        self.number, self.error = number, error


@dataclass(frozen=True)
class Work:
    """The requests of one call, and whom to tell the answers.

    Attributes:
        model: the one that was current when the call came; it answers, whatever is swapped.
        requests: at most as many as fit in one computation.
        future: gets the answers, or a `RefusedError`.
        since: when it began to wait, of `time.perf_counter`.
    """

    model: Loaded
    requests: Sequence[Request]
    future: Future[Answers] = field(default_factory=Future)
    since: float = field(default_factory=time.perf_counter)


class Batcher:
    """A queue of requests and the one thread that answers them.

    Nothing waits for company: while one batch is computed the next one gathers.

    Args:
        compute: answers the requests of a batch.
        max_batch: requests in one computation.
        max_queued: requests that may wait.
        observe: is told the size of a batch, how long each call waited and what it took, seconds.
    """

    def __init__(
        self,
        compute: Compute,
        max_batch: int,
        max_queued: int,
        observe: Callable[[int, list[float], float], None] = lambda size, waits, took: None,
    ) -> None:
        self._compute, self._observe = compute, observe
        self._max_batch, self._max_queued = max_batch, max_queued
        self._waiting: deque[Work] = deque()
        self._queued, self._closed = 0, False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=COMPUTE, daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return self._queued

    def submit(self, model: Loaded, requests: Sequence[Request]) -> Future[Answers]:
        """Queue a call's requests.

        Raises:
            QueueFullError: if too many wait already.
        """
        work = Work(model, requests)
        with self._changed:
            if self._closed or self._queued + len(requests) > self._max_queued:
                raise QueueFullError
            self._waiting.append(work)
            self._queued += len(requests)
            self._changed.notify()
        return work.future

    def close(self) -> None:
        """Answer what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while works := self._next():
            wanted = [w for w in works if w.future.set_running_or_notify_cancel()]
            if wanted:
                self._answer(wanted)

    def _next(self) -> list[Work]:
        """Return the oldest works of one model that fit in a batch; nothing when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            works: list[Work] = []
            room = self._max_batch
            while self._waiting:
                work = self._waiting[0]
                if works and (work.model is not works[0].model or len(work.requests) > room):
                    break
                works.append(self._waiting.popleft())
                room -= len(work.requests)
                self._queued -= len(work.requests)
            return works

    def _answer(self, works: list[Work]) -> None:
        began = time.perf_counter()
        model = works[0].model
        try:
            answers = self._compute(model, [r for w in works for r in w.requests])
        except YsMeanError as error:
            self._part(works, error)
            return
        except Exception as error:
            for work in works:
                work.future.set_exception(error)
            return
        waits = [began - work.since for work in works]
        self._observe(len(answers), waits, time.perf_counter() - began)
        for work in works:
            work.future.set_result(answers[: len(work.requests)])
            answers = answers[len(work.requests) :]

    def _part(self, works: list[Work], error: YsMeanError) -> None:
        """Answer the good works of a batch that holds a bad request, and refuse the bad ones."""
        good = []
        for work in works:
            try:
                for number, request in enumerate(work.requests):  # noqa: B007
                    work.model.recommender.check(request)
                good.append(work)
            except YsMeanError as reason:
                work.future.set_exception(RefusedError(number, reason))
        if len(good) < len(works):
            if good:
                self._answer(good)
        elif len(works) == 1:
            works[0].future.set_exception(error)
        else:  # what only some need is not to be had, such as the events of users with an id
            for work in works:
                self._answer([work])
