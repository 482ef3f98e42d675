"""Wait for what another thread or process does."""

import time


def until(done, seconds=60):
    """Return what `done` returns as soon as it is true; fail when it is not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := done():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not done within {seconds} seconds")
