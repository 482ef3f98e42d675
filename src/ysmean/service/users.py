"""Routes about users: what they do now, and what is known of them."""

from __future__ import annotations

import math
import time
import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from ysmean.data.live import LiveEvent
from ysmean.data.signals import EventWeights, code_of
from ysmean.data.times import seconds
from ysmean.errors import RequestError, nearest
from ysmean.service.common import PROBLEMS, Asked, Noted, needs
from ysmean.service.problems import FieldProblem, busy, within
from ysmean.service.replies import Deleted, EventsKept, History
from ysmean.service.schemas import Event, Events
from ysmean.service.service import Service

AHEAD = 86_400  # seconds that a client's clock may be ahead

router = APIRouter(prefix="/v1", tags=["users"], responses=PROBLEMS)
UserId = Annotated[str, Path(min_length=1, max_length=256)]


@router.post("/events", response_model=EventsKept, dependencies=[needs("write")])
async def events(body: Events, service: Asked) -> JSONResponse:
    """Keep one event or a list of them; the next answer heeds them.

    An acknowledged event survives a kill and a power cut. Sent again with its id it is kept once.
    """
    many = body if isinstance(body, list) else [body]
    single, model = not isinstance(body, list), service.model
    kept = _live_events(many, single=single, most=service.settings.max_events)
    within(_meaningless(many, model.event_weights, single=single))
    if service.store.waiting >= service.settings.max_queued:
        raise busy(f"{service.store.waiting:,} writes wait already.")
    catalogue = model.recommender.parts.catalogue
    new = await service.written(service.store.append(kept))
    _count(service, kept, new, model.event_weights)
    items = dict.fromkeys(e.item_id for e in kept)
    return JSONResponse(
        {
            "event_ids": [e.event_id for e in kept],
            "new": sum(new),
            "duplicates": len(new) - sum(new),
            "unknown_items": [item for item in items if item not in catalogue.index],
        }
    )


@router.get("/users/{user_id:path}/history", response_model=History, dependencies=[needs("read")])
def history(
    service: Asked, noted: Noted, user_id: UserId, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> JSONResponse:
    """Return a user's last items, live events included; empty for a stranger."""
    noted["user_id"] = user_id
    model = service.model
    past = model.whole_past(user_id, service.store)
    catalogue = model.recommender.parts.catalogue
    classes, times = past.classes[-limit:], past.times[-limit:]
    rows = zip(classes.tolist(), catalogue.titles(classes), times.tolist(), strict=True)
    return JSONResponse(
        {
            "user_id": user_id,
            "length": len(past),
            "items": [
                {
                    "item_id": catalogue.item_ids[c],
                    "title": title,
                    "timestamp": None if math.isnan(moment) else moment,
                }
                for c, title, moment in rows
            ],
            "hidden": [catalogue.item_ids[c] for c in dict.fromkeys(past.hidden.tolist())],
        }
    )


@router.delete(
    "/users/{user_id:path}/history", response_model=Deleted, dependencies=[needs("write")]
)
async def forget(service: Asked, noted: Noted, user_id: UserId) -> JSONResponse:
    """Delete a user's history: the live events, and what the model knows of it."""
    noted["user_id"] = user_id
    count = await service.written(service.store.forget(user_id))
    return JSONResponse({"user_id": user_id, "live_events": count})


def _live_events(many: list[Event], *, single: bool, most: int) -> list[LiveEvent]:
    """Return events as the store keeps them; refuse times that are none or lie ahead."""
    if len(many) > most:
        within([FieldProblem(field="body", detail=f"{len(many):,} events; at most {most:,}")])
    now, kept, problems = time.time(), [], []
    for number, event in enumerate(many):
        field = "timestamp" if single else f"[{number}].timestamp"
        try:
            moment = now if event.timestamp is None else seconds(event.timestamp)
        except RequestError as error:
            said = str(error).replace("at=", "timestamp=", 1)
            problems.append(FieldProblem(field=field, detail=said))
            continue
        if moment > now + AHEAD:
            problems.append(FieldProblem(field=field, detail="lies more than a day ahead"))
        kept.append(
            LiveEvent(
                event.event_id or uuid.uuid4().hex,
                event.user_id,
                event.item_id,
                moment,
                event.event,
                event.request_id,
            )
        )
    within(problems)
    return kept


def _meaningless(
    many: list[Event], weights: EventWeights | None, *, single: bool
) -> list[FieldProblem]:
    """Return which events are of a type that training knows nothing of; one needs no type."""
    if weights is None:
        return []
    return [
        FieldProblem(
            field="event" if single else f"[{number}].event",
            detail=f"{event.event!r} has no weight in the model." + nearest(event.event, weights),
        )
        for number, event in enumerate(many)
        if event.event and event.event not in weights
    ]


def _count(
    service: Service, events: list[LiveEvent], new: list[bool], weights: EventWeights | None
) -> None:
    """Count events, and credit those that follow an answer to its networks."""
    service.metrics.events.labels("new").inc(sum(new))
    service.metrics.events.labels("duplicate").inc(len(new) - sum(new))
    for event, first in zip(events, new, strict=True):
        followed = service.recent.followed(event.request_id, event.item_id)
        if first and followed is not None and code_of(event.event, weights) > 0:
            service.metrics.clicked(*followed)
