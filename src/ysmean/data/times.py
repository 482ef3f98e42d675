"""Moments given by people: seconds since the epoch, datetimes, ISO 8601 text."""

from __future__ import annotations

import time
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
        try:
            return float(at)
        except ValueError:
            pass
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            raise RequestError(
                f"at={at!r}; expected seconds since the epoch or a time like 2026-11-24T20:00."
            ) from None
    if isinstance(at, datetime):
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return float(at)
