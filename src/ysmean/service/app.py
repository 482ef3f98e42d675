"""The application: routes, problems and what lies around every request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ysmean import __version__
from ysmean.service import (
    about,
    answers,
    browse,
    operations,
    problems,
    schemas,
    studio,
    users,
)
from ysmean.service.frame import Frame
from ysmean.service.keys import NO_KEYS, Keys
from ysmean.service.service import Service
from ysmean.service.settings import Settings


def create_app(settings: Settings, keys: Keys = NO_KEYS) -> FastAPI:
    """Return the application that serves a model.

    The model is loaded when the application starts, beside: until then `/health/ready` says 503.

    Args:
        settings: the model and the limits.
        keys: who may do what; without any, everybody may do everything.

    Raises:
        DataError: if live events cannot be kept where they shall be.
    """
    service = Service(settings, keys)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await asyncio.to_thread(service.stop)

    # No pages of documentation: they would fetch scripts from elsewhere.
    app = FastAPI(
        title="Ys-Mean",
        version=__version__,
        summary="Recommendations as the weighted mean of several networks' softmaxes.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    problems.install(app, schemas.FIELDS)
    for room in (answers, users, about, browse, operations, studio):
        app.include_router(room.router)
    app.add_middleware(Frame, service=service)
    return app
