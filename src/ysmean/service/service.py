"""The service itself, without HTTP: the model, the queue and what they are asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from ysmean.data.live import EventStore
from ysmean.data.requests import Request
from ysmean.data.store import open_store
from ysmean.errors import DataError, YsMeanError
from ysmean.service.apart import GoneError
from ysmean.service.batching import Answers, Batcher, QueueFullError, RefusedError
from ysmean.service.keys import Keys
from ysmean.service.loaded import Loaded
from ysmean.service.metrics import Metrics
from ysmean.service.models import Models
from ysmean.service.problems import busy, refused
from ysmean.service.recent import Recent
from ysmean.service.settings import Settings

Written = TypeVar("Written")

LOST = "The process that computes has ended; it is being started anew."


class Service:
    """What the routes call.

    Attributes:
        settings: as given.
        keys: who may do what.
        models: the one that answers, and its swap.
        metrics: what is measured.
        store: of the live events.
        recent: the latest answers, for events that refer to them.
        failed: why the first model could not be loaded, if it could not.
        on_failure: is called then.
        draining: whether the service is about to stop.
    """

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self.settings, self.keys = settings, keys
        self.failed: YsMeanError | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.draining = False
        self.metrics = Metrics()
        self.store: EventStore = open_store(settings.store)
        self.recent = Recent(settings.remembered)
        self.models = Models(settings, self._swapped, self.metrics.encoded, self.metrics.counted)
        self._batcher: Batcher | None = None

    def start(self) -> None:
        """Begin to compute, and load the model beside."""
        limits = self.settings
        self._batcher = Batcher(
            self._compute, limits.max_batch, limits.max_queued, self.metrics.batch
        )
        self.metrics.queued.set_function(lambda: self._batcher.queued if self._batcher else 0)
        threading.Thread(target=self._first, name="ysmean-load", daemon=True).start()

    def stop(self) -> None:
        """Answer what waits, then stop."""
        self.draining = True
        if self._batcher is not None:
            self._batcher.close()
        self.models.close()
        self.store.close()

    @property
    def model(self) -> Loaded:
        """The model that answers now.

        Raises:
            ProblemError: 503, while none is loaded.
        """
        if self.models.current is None:
            raise busy("The model is not loaded yet.")
        if not self.models.current.alive:
            raise busy(LOST)
        return self.models.current

    async def answer(
        self,
        model: Loaded,
        requests: Sequence[Request],
        places: Sequence[str] = ("",),
        arms: Sequence[str | None] | None = None,
    ) -> Answers:
        """Answer requests together with whatever else waits.

        Args:
            model: that shall answer.
            requests: of one call.
            places: their paths in the body, for problems.
            arms: of an experiment, for the metrics.

        Raises:
            ProblemError: 4xx for a bad request; 503 when too many wait, or one waits too long.
        """
        assert self._batcher is not None
        try:
            future = self._batcher.submit(model, requests)
        except QueueFullError:
            raise busy(f"{self._batcher.queued:,} requests wait already.") from None
        try:
            answers = await asyncio.wait_for(asyncio.wrap_future(future), self.settings.timeout)
        except RefusedError as error:
            raise refused(error.error, places[error.number]) from None
        except GoneError:
            raise busy(LOST) from None
        except TimeoutError:
            raise busy(f"No answer within {self.settings.timeout:g} seconds.") from None
        self.metrics.answered(answers, arms)
        return answers

    def assigned(self, requests: Sequence[Request]) -> tuple[list[Request], list[str | None]]:
        """Return requests with the proportions of their users' arms, and the arms."""
        experiment = self.settings.experiment
        if experiment is None:
            return list(requests), [None] * len(requests)
        pairs = [experiment.assign(request) for request in requests]
        return [request for request, _ in pairs], [arm for _, arm in pairs]

    async def written(self, future: Future[Written]) -> Written:
        """Wait until a write to the store is safe.

        Raises:
            ProblemError: 503, when it cannot be written, or not in time.
        """
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.settings.timeout)
        except DataError as error:
            raise busy(str(error)) from None
        except TimeoutError:
            raise busy("Not written in time. Send it again with the same event ids.") from None

    def _compute(self, model: Loaded, requests: Sequence[Request]) -> Answers:
        return model.answer(requests, self.store)

    def _first(self) -> None:
        try:
            self.models.first()
        except YsMeanError as error:
            self.failed = error
            self.on_failure()

    def _swapped(self, result: str, model: Loaded | None) -> None:
        self.metrics.swaps.labels(result).inc()
        if model is not None:
            self.metrics.serve(model.id, model.created)
