"""The errors a caller may want to catch, all under one root.

Every message says what was received, what was expected and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 20  # known names that a hint lists


class YsMeanError(Exception):
    """Root of all errors that Ys-Mean raises on purpose."""


class DataError(YsMeanError):
    """An input table cannot be used as it is; names the file, column, row or id."""


class StoreError(DataError):
    """Live events cannot be kept or read, now or at all."""


class UnknownItemError(DataError):
    """An item id is not in the catalogue."""


class ConfigError(YsMeanError):
    """A setting is unknown, out of range or does not fit the others."""


class RequestError(YsMeanError):
    """A request for recommendations cannot be answered as asked.

    Attributes:
        field: of the request that is wrong, such as `k`, where it is one.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class WhereError(RequestError):
    """A `where` constraint cannot be parsed or does not fit the items' features."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "where")


class BundleError(YsMeanError):
    """A folder is not a complete, unaltered bundle that this version can read."""


class TrainingError(YsMeanError):
    """Training cannot go on; names the network, epoch, step and learning rate."""


class NothingToLearn(TrainingError):
    """The data holds nothing that a network could learn from; the others can go on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known name nearest to an unknown one.

    Args:
        name: what was received.
        known: the names that would have been understood.

    Returns:
        For example `" Did you mean 'content'? Known: collaborative, content."`.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    more = f", ... ({len(names):,} in all)" if len(names) > SHOWN else ""
    return f"{hint} Known: {', '.join(names[:SHOWN]) or 'none'}{more}."
