"""The model that answers, and its swap for another one while requests go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import structlog

from ysmean.errors import BundleError, YsMeanError
from ysmean.service.apart import Apart, GoneError
from ysmean.service.computing import Counted
from ysmean.service.gate import worse
from ysmean.service.loaded import Loaded, load, read, settle
from ysmean.service.settings import Settings

log = structlog.get_logger()

LONGEST_PAUSE = 30.0  # seconds between attempts to start a lost process anew


class SwapError(Exception):
    """A model was not swapped, and the old one goes on."""


@dataclass(frozen=True)
class Swap:
    """What a swap did: `result` is loaded, unchanged or rolled-back."""

    result: str
    model: Loaded
    replaced: Loaded | None


class Models:
    """The current model and the one before it.

    Args:
        settings: which folder, and what to warm up for.
        told: is called with the result of every swap and the model that answers after it.
        encoded: is called as of `Recommender.keep_encodings`.
        counted: is called with what a process that computes has counted.
    """

    def __init__(
        self,
        settings: Settings,
        told: Callable[[str, Loaded | None], None],
        encoded: Callable[[int, int], None],
        counted: Callable[[Counted], None],
    ) -> None:
        self._settings, self._told = settings, told
        self._encoded, self._counted = encoded, counted
        self._swapping, self._closed = threading.Lock(), False
        self._process: Apart | None = None
        self.current: Loaded | None = None
        self.previous: Loaded | None = None

    def reload(self, *, force: bool = False) -> Swap:
        """Load the bundle's current version beside, and switch to it when it is ready.

        Requests that came before are answered by the model they came to.

        Args:
            force: switch to a worse model, too.

        Raises:
            SwapError: why the old model was kept.
        """
        with self._alone():
            old, found = self.current, self._take(self._read)
            same = old is not None and _same(old, found)
            if old is not None and same and old.alive:
                return self._done("unchanged", old, old)
            if old is not None and not force and (reason := self._worse(old, found)):
                self._tell("refused", reason)
                raise SwapError(reason)
            found = self._take(lambda: self._ready(found))
            if not same:
                self.previous = old
            self.current = found
            self._settle(swapped=old is not None)
            return self._done("loaded", found, old)

    def rollback(self) -> Swap:
        """Go back to the model before; done twice, it comes back.

        Raises:
            SwapError: if there was none.
        """
        with self._alone():
            if self.previous is None or self.current is None:
                raise SwapError("No other model was loaded since the service started.")
            if not self.previous.alive:
                raise SwapError("The process of the model before has ended; load that model again.")
            old, back = self.current, self.previous
            self.previous, self.current = old, back
            return self._done("rolled-back", back, old)

    def first(self) -> None:
        """Load the first model.

        Raises:
            BundleError: if it cannot serve.
        """
        try:
            self.reload()
        except SwapError as error:
            raise BundleError(str(error)) from error

    def close(self) -> None:
        """End the process that computes."""
        self._closed = True
        if self._process is not None:
            self._process.close()

    def _take(self, found: Callable[[], Loaded]) -> Loaded:
        """Return what is found; whatever a bad bundle does, the old model goes on."""
        try:
            return found()
        except Exception as error:
            self._tell("failed", str(error))
            if isinstance(error, YsMeanError):
                raise SwapError(str(error)) from error
            raise SwapError(f"{type(error).__name__}: {error}") from error

    def _read(self) -> Loaded:
        settings = self._settings
        if settings.apart:
            found = read(settings.model, networks=False)
        else:
            found = load(settings.model, settings.batch_sizes)
            found.recommender.keep_encodings(settings.encodings, self._encoded)
        if settings.experiment is not None:
            settings.experiment.check(found.recommender)
        return found

    def _ready(self, found: Loaded) -> Loaded:
        """Return a model that was read, ready to answer."""
        if not self._settings.apart:
            return found
        if self._process is None or not self._process.alive:
            self._process = Apart(self._settings, self._counted, self._lost)
        apart = self._process.load()
        if not apart.is_of(found.id, found.recommender.parts.manifest):
            raise BundleError("Another version became current meanwhile. Load that one.")
        return replace(found, apart=apart)

    def _settle(self, *, swapped: bool) -> None:
        """Forget what was swapped out, here and where answers are computed."""
        settle(swapped=swapped)
        if self._process is not None:
            with suppress(GoneError):  # which is heard of elsewhere, too
                self._process.tidy()

    def _lost(self) -> None:
        """Start the current model's process anew if it is the one that has ended."""
        pause = 1.0
        while self.current is not None and not self.current.alive and not self._closed:
            log.error("the process that computes has ended", model=self.current.id)
            try:
                self.reload(force=True)
            except SwapError:  # logged
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _worse(self, old: Loaded, new: Loaded) -> str | None:
        """Return why the gate refuses a model; None where it does not, or there is no gate."""
        if self._settings.gate is None:
            return None
        current, candidate = old.recommender.parts.manifest, new.recommender.parts.manifest
        return worse(current, candidate, self._settings.gate)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Swap alone: a second one at the same time is refused rather than queued."""
        if not self._swapping.acquire(blocking=False):
            raise SwapError("Another model is being loaded. Try again when that is done.")
        try:
            yield
        finally:
            self._swapping.release()

    def _done(self, result: str, model: Loaded, replaced: Loaded | None) -> Swap:
        self._tell(result, None)
        return Swap(result, model, replaced)

    def _tell(self, result: str, reason: str | None) -> None:
        self._told(result, self.current)
        model = self.current.id if self.current else None
        log.info("model", result=result, model=model, **({"reason": reason} if reason else {}))


def _same(a: Loaded, b: Loaded) -> bool:
    """Return whether two are the same version: as trained, and with the same histories."""
    return a.id == b.id and a.recommender.parts.manifest == b.recommender.parts.manifest
