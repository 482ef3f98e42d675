"""The service itself, without HTTP: the model, the queue and what they are asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

from ysmean.data.requests import Request
from ysmean.errors import YsMeanError
from ysmean.service.batching import Answers, Batcher, QueueFullError, RefusedError
from ysmean.service.loaded import Loaded, load
from ysmean.service.problems import busy, refused
from ysmean.service.settings import Settings


class Service:
    """What the routes call.

    Attributes:
        settings: as given.
        failed: why the first model could not be loaded, if it could not.
        on_failure: is called then.
        draining: whether the service is about to stop.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.failed: YsMeanError | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.draining = False
        self._model: Loaded | None = None
        self._batcher: Batcher | None = None

    def start(self) -> None:
        """Begin to compute, and load the model beside."""
        limits = self.settings
        self._batcher = Batcher(self._compute, limits.max_batch, limits.max_queued)
        threading.Thread(target=self._first, name="ysmean-load", daemon=True).start()

    def stop(self) -> None:
        """Answer what waits, then stop."""
        self.draining = True
        if self._batcher is not None:
            self._batcher.close()

    @property
    def ready(self) -> bool:
        """Whether requests are answered and wanted."""
        return self._model is not None and not self.draining

    @property
    def model(self) -> Loaded:
        """The model that answers now.

        Raises:
            ProblemError: 503, while none is loaded.
        """
        if self._model is None:
            raise busy("The model is not loaded yet.")
        return self._model

    async def answer(
        self, model: Loaded, requests: Sequence[Request], places: Sequence[str] = ("",)
    ) -> Answers:
        """Answer requests together with whatever else waits.

        Args:
            model: that shall answer.
            requests: of one call.
            places: their paths in the body, for problems.

        Raises:
            ProblemError: 4xx for a bad request; 503 when too many wait, or one waits too long.
        """
        assert self._batcher is not None
        try:
            future = self._batcher.submit(model, requests)
        except QueueFullError:
            raise busy(f"{self._batcher.queued:,} requests wait already.") from None
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.settings.timeout)
        except RefusedError as error:
            raise refused(error.error, places[error.number]) from None
        except TimeoutError:
            raise busy(f"No answer within {self.settings.timeout:g} seconds.") from None

    def _compute(self, model: Loaded, requests: Sequence[Request]) -> Answers:
        return model.recommender.recommend_many(requests)

    def _first(self) -> None:
        try:
            self._model = load(self.settings.model, self.settings.batch_sizes)
        except YsMeanError as error:
            self.failed = error
            self.on_failure()
