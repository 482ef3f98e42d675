"""Moments given by people: seconds since the epoch, datetimes, ISO 8601 text."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from datetime import UTC, datetime

from ysmean.errors import RequestError


def seconds(at: float | datetime | str | None) -> float:
    """Return a time as seconds since the epoch; now for None. Naive times are UTC.

    Raises:
        RequestError: if a text is neither a number nor an ISO 8601 time.
    """
    if at is None:
        return time.time()
    if isinstance(at, str):
        with suppress(ValueError):
            return seconds(float(at))
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            raise RequestError(
                f"at={at!r}; expected seconds since the epoch or a time like 2026-11-24T20:00.",
                "at",
            ) from None
    if isinstance(at, datetime):
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(at):
        raise RequestError(f"at={at}; expected a finite number of seconds since the epoch.", "at")
    return float(at)
