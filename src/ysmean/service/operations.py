"""Routes for those who run the service: swap the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ysmean.service.common import PROBLEMS, Asked, needs
from ysmean.service.models import Swap, SwapError
from ysmean.service.problems import ProblemError
from ysmean.service.replies import Swapped

router = APIRouter(
    prefix="/v1/model", tags=["model"], responses=PROBLEMS, dependencies=[needs("admin")]
)


@router.post("/reload", response_model=Swapped)
async def reload(
    service: Asked,
    force: Annotated[bool, Query(description="take a significantly worse model, too")] = False,
) -> JSONResponse:
    """Load the bundle's current version beside, check it, and switch; a bad one changes nothing."""
    return await _swap(lambda: service.models.reload(force=force))


@router.post("/rollback", response_model=Swapped)
async def rollback(service: Asked) -> JSONResponse:
    """Go back at once to the model that was loaded before."""
    return await _swap(service.models.rollback)


async def _swap(how: Callable[[], Swap]) -> JSONResponse:
    try:
        done = await asyncio.to_thread(how)
    except SwapError as error:
        raise ProblemError(HTTPStatus.CONFLICT, str(error)) from None
    replaced = done.replaced.id if done.replaced else None
    return JSONResponse({"result": done.result, "model": done.model.id, "replaced": replaced})
