"""The model that answers, and its swap for another one while requests go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from ysmean.errors import BundleError, YsMeanError
from ysmean.service.gate import worse
from ysmean.service.loaded import Loaded, load
from ysmean.service.settings import Settings

log = structlog.get_logger()


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
    """

    def __init__(
        self,
        settings: Settings,
        told: Callable[[str, Loaded | None], None],
        encoded: Callable[[int, int], None],
    ) -> None:
        self._settings, self._told, self._encoded = settings, told, encoded
        self._swapping = threading.Lock()
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
            try:
                found = load(self._settings.model, self._settings.batch_sizes)
                found.recommender.keep_encodings(self._settings.encodings, self._encoded)
                if self._settings.experiment is not None:
                    self._settings.experiment.check(found.recommender)
            except Exception as error:  # whatever a bad bundle does, the old model goes on
                self._tell("failed", str(error))
                if isinstance(error, YsMeanError):
                    raise SwapError(str(error)) from error
                raise SwapError(f"{type(error).__name__}: {error}") from error
            old = self.current
            if old is not None and _same(old, found):
                return self._done("unchanged", old, old)
            if old is not None and not force and (reason := self._worse(old, found)):
                self._tell("refused", reason)
                raise SwapError(reason)
            self.previous, self.current = old, found
            return self._done("loaded", found, old)

    def rollback(self) -> Swap:
        """Go back to the model before; done twice, it comes back.

        Raises:
            SwapError: if there was none.
        """
        with self._alone():
            if self.previous is None or self.current is None:
                raise SwapError("No other model was loaded since the service started.")
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
