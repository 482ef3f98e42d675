"""What a caller asks, and its way into arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.allowed import AllowedSets
from ysmean.data.batch import MAX_HISTORY, Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.fields import context_tokens
from ysmean.data.histories import Histories, gaps_of, pad_tokens
from ysmean.data.past import NO_PAST, Past
from ysmean.data.preferences import Preferences, encode_preferences
from ysmean.data.times import seconds
from ysmean.data.variety import check_variety
from ysmean.data.where import Where, parse_where, where_mask
from ysmean.errors import RequestError


@dataclass(frozen=True)
class Request:
    """One request for recommendations.

    Attributes:
        user_id: whose history and features count; an unknown one is a new user.
        history: item ids, oldest first, instead of the user's own.
        preferences: liked values by item feature, `{"genres": ["Comedy"]}`, or strengths from
            -1 (dislike) to 1 (like) by value, `{"genres": {"Comedy": 0.5, "Horror": -1}}`; on
            numbers and times bounds, `{"year": ">= 2010"}`, `{"year": {">= 1990 and < 2000": 1}}`.
        context: hour (0-23) and weekday (0 = Monday) instead of those of `at`.
        where: hard constraint on item features, `"year >= 1990 and genres = 'Comedy'"`, or the
            same as plain data (see `ysmean.data.where`); an empty one constrains nothing.
        exclude: item ids never to be returned.
        seen: `"exclude"` leaves out the items of the history, `"allow"` keeps them.
        scale: multipliers by network, `{"content": 2}`.
        weights: `"fitted"`, `"equal"`, or absolute weights by network.
        k: how many items; by default 10, or all of a smaller catalogue.
        at: the time of the request: seconds since the epoch, a datetime or an ISO string.
        why: whether each item comes with the reasons for it.
        diversity: from 0, the best items, to 1, items that share as little as they can; see
            `ysmean.variety`.
        caps: how many items of the answer may have the same value of a categorical feature,
            `{"genres": 3}`; an item with several counts for each of them.
    """

    user_id: str | None = None
    history: Sequence[str] | None = None
    preferences: Preferences = field(default_factory=dict)
    context: Mapping[str, float] = field(default_factory=dict)
    where: str | Mapping[str, Any] | None = None
    exclude: Sequence[str] = ()
    seen: str = "exclude"
    scale: Mapping[str, float] = field(default_factory=dict)
    weights: str | Mapping[str, float] = "fitted"
    k: int | None = None
    at: float | datetime | str | None = None
    why: bool = False
    diversity: float = 0.0
    caps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Encoded:
    """Requests as arrays.

    Attributes:
        k: for each request, how many items it asks for.
        batch: what the networks see.
        allowed: the allowed sets.
        unknown: for each request, the item ids that the catalogue lacks.
        wheres: for each request, its constraint; the same one for requests that state the same.
        left_out: for each request, the classes that may not be answered because of `"exclude"`,
            `"seen"` and `"hidden"`, int32. Both are empty where that is not known.
    """

    k: list[int]
    batch: Batch
    allowed: AllowedSets
    unknown: list[list[str]]
    wheres: Sequence[Where | None] = ()
    left_out: Sequence[Mapping[str, npt.NDArray[np.int32]]] = ()


def encode(
    requests: Sequence[Request],
    catalogue: Catalogue,
    histories: Histories,
    user_fields: npt.NDArray[np.int32],
    pasts: Mapping[str, Past] | None = None,
) -> Encoded:
    """Turn requests into arrays.

    Args:
        requests: B of them.
        catalogue: N items.
        histories: of U users.
        user_fields: int32 (U, F), tokens of the users' features.
        pasts: by user id, what replaces the past that `histories` knows, of strangers too.

    Raises:
        RequestError: says which field of a request is wrong, and what was expected.
    """
    at = np.array([seconds(r.at) for r in requests])
    rows = np.array([_user(r, histories) for r in requests], np.int64)
    shown: list[Past] = []
    unknown: list[list[str]] = []
    for request, row in zip(requests, rows, strict=True):
        _check(request, catalogue)
        past, missing = _shown(request, _own(request, row, histories, pasts or {}), catalogue)
        shown.append(past)
        unknown.append(missing)
    lengths = np.array([len(past) for past in shown], np.int64)
    ends = np.cumsum(lengths)
    times = np.concatenate([past.times for past in shown])
    fields = np.where(rows[:, None] >= 0, user_fields[np.maximum(rows, 0)], 0)
    timed = histories.times is not None
    if not timed and any(r.context for r in requests):
        raise RequestError(
            "context was given, but the model was trained on events without timestamps, "
            "so it has learned nothing about hours or weekdays. Leave context out.",
            "context",
        )
    context = context_tokens(
        at if timed else np.full(len(at), np.nan), [r.context for r in requests]
    )
    stated = encode_preferences([r.preferences for r in requests], catalogue)
    batch = Batch(
        tokens=pad_tokens([past.classes for past in shown], MAX_HISTORY),
        gaps=gaps_of(times, ends - lengths, ends, at, MAX_HISTORY),
        lengths=lengths,
        user_fields=fields.astype(np.int32),
        context=context,
        preferences=stated.tokens,
        lows=stated.lows,
        highs=stated.highs,
        strengths=stated.strengths,
    )
    left_out = [_left_out(*row, catalogue) for row in zip(requests, shown, unknown, strict=True)]
    wheres = _wheres(requests)
    size = len(catalogue)
    return Encoded(
        k=[min(10, size) if r.k is None else r.k for r in requests],
        batch=batch,
        allowed=_allowed(wheres, left_out, catalogue, at),
        unknown=unknown,
        wheres=wheres,
        left_out=left_out,
    )


def _user(request: Request, histories: Histories) -> int:
    """Return the user's row; -1 for nobody and for strangers. Ids may be given as integers."""
    return -1 if request.user_id is None else histories.index.get(str(request.user_id), -1)


def _check(request: Request, catalogue: Catalogue) -> None:
    k, size = request.k, len(catalogue)
    if k is not None and not (isinstance(k, int) and 1 <= k <= size):
        raise RequestError(f"k={k}; expected 1 to {size:,}, the size of the catalogue.", "k")
    for name in ("history", "exclude"):
        if isinstance(getattr(request, name), str):
            raise RequestError(f"{name} is one text; expected a list of item ids.", name)
    if request.seen not in ("exclude", "allow"):
        raise RequestError(f"seen={request.seen!r}; expected 'exclude' or 'allow'.", "seen")
    if not isinstance(request.why, bool):
        raise RequestError(f"why={request.why!r}; expected True or False.", "why")
    if request.diversity != 0 or request.caps:
        check_variety(request.diversity, request.caps, catalogue.schema)


def _own(request: Request, row: int, histories: Histories, pasts: Mapping[str, Past]) -> Past:
    """Return the past of the user who asks."""
    own = None if request.user_id is None else pasts.get(str(request.user_id))
    if own is None:
        own = histories.past(row) if row >= 0 else NO_PAST
    return own


def _shown(request: Request, own: Past, catalogue: Catalogue) -> tuple[Past, list[str]]:
    """Return the past to be shown, and the ids of a stated history that are unknown."""
    if request.history is None:
        return own, []
    ids = [str(item) for item in request.history]
    found = catalogue.classes(ids)
    classes = found[found >= 0]
    missing = [i for i, c in zip(ids, found, strict=True) if c < 0]
    return Past(classes, np.full(len(classes), np.nan), own.hidden), missing


def _left_out(
    request: Request, past: Past, missing: list[str], catalogue: Catalogue
) -> dict[str, npt.NDArray[np.int32]]:
    """Return the classes a request may not be answered with; adds unknown ids to `missing`."""
    none = np.empty(0, np.int32)
    ids = [str(item) for item in request.exclude]
    excluded = catalogue.classes(ids)
    missing += [i for i, c in zip(ids, excluded, strict=True) if c < 0]
    return {
        "exclude": excluded[excluded >= 0],
        "seen": past.classes if request.seen == "exclude" else none,
        "hidden": past.hidden,
    }


def _wheres(requests: Sequence[Request]) -> list[Where | None]:
    """Return the constraints of requests, the same object for the same constraint."""
    found: list[Where | None] = []
    known: dict[str, Where] = {}
    for where in (request.where for request in requests):
        if not where:
            found.append(None)
        elif isinstance(where, str):
            if where not in known:
                known[where] = parse_where(where)
            found.append(known[where])
        else:
            tree = parse_where(where)
            found.append(known.setdefault(str(tree), tree))
    return found


def _allowed(
    wheres: Sequence[Where | None],
    left_out: Sequence[Mapping[str, npt.NDArray[np.int32]]],
    catalogue: Catalogue,
    at: npt.NDArray[np.float64],
) -> AllowedSets:
    together = [np.concatenate(list(parts.values())) for parts in left_out]
    distinct = list({id(w): w for w in wheres if w is not None}.values())
    numbers = {id(w): n for n, w in enumerate(distinct)}
    return AllowedSets(
        base=catalogue.offered,
        mask_of=np.array([numbers.get(id(w), -1) for w in wheres]),
        masks=tuple(where_mask(w, catalogue.frame, catalogue.schema) for w in distinct),
        rows=np.repeat(np.arange(len(wheres)), [len(c) for c in together]),
        classes=np.concatenate(together).astype(np.int32),
        at=at,
        available_from=catalogue.available[0],
        available_until=catalogue.available[1],
    )
