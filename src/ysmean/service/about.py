"""Routes about the model, its items and the health of the service."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ysmean.service.common import PROBLEMS, Asked, needs
from ysmean.service.problems import busy
from ysmean.service.replies import Health, ItemList, ModelFacts

router = APIRouter(responses=PROBLEMS)


@router.get("/v1/items", response_model=ItemList, tags=["model"], dependencies=[needs("read")])
def items(
    service: Asked,
    query: Annotated[str, Query(max_length=256, description="part of a title or an id")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    """Search items by title and id, whatever the case; those that begin so come first."""
    loaded = service.model
    catalogue = loaded.recommender.parts.catalogue
    classes = loaded.search(query, limit)
    titles = catalogue.titles(np.array(classes, np.int32))
    found = [
        {"item_id": catalogue.item_ids[c], "title": title, "warm": bool(catalogue.warm[c])}
        for c, title in zip(classes, titles, strict=True)
    ]
    return JSONResponse({"items": found})


@router.get("/v1/model", response_model=ModelFacts, tags=["model"], dependencies=[needs("read")])
def model(service: Asked) -> JSONResponse:
    """Say what the model is made of: data, networks, proportions."""
    return JSONResponse(service.model.recommender.parts.facts())


@router.get(
    "/metrics", tags=["health"], response_class=PlainTextResponse, dependencies=[needs("read")]
)
def metrics(service: Asked) -> Response:
    """Say what the service measures, in the text format of Prometheus."""
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/health/live", response_model=Health, tags=["health"])
async def live() -> JSONResponse:
    """Say that the service lives."""
    return JSONResponse({"status": "alive"})


@router.get("/health/ready", response_model=Health, tags=["health"])
async def ready(service: Asked) -> JSONResponse:
    """Say whether the service wants requests: a model is loaded, and nobody stops it."""
    if service.draining:
        raise busy("The service is about to stop.")
    _ = service.model
    return JSONResponse({"status": "ready"})
