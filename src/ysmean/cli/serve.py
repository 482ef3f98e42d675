"""The command that serves a model over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ysmean.cli.common import Model
from ysmean.errors import ConfigError


def serve(
    model: Model,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    events_db: Annotated[
        str | None,
        typer.Option(
            help="store of live events, a file (MODEL.events.db by default) or postgresql://...",
            envvar="YSMEAN_EVENTS_DB",
            show_envvar=True,
        ),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="file of API keys, lines of 'read,write,admin KEY'")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="serve beyond this machine without keys")
    ] = False,
    drain: Annotated[
        float, typer.Option(min=0, help="seconds to go on serving after SIGTERM")
    ] = 2.0,
) -> None:
    """Serve a model over HTTP: recommendations, live events, swaps, metrics."""
    from ysmean.service.keys import Keys, check_exposure

    known = Keys.find(keys, os.environ)
    check_exposure(host, known, insecure=insecure)
    try:
        from ysmean.service.run import run
        from ysmean.service.settings import Settings
    except ModuleNotFoundError as error:
        if error.name in ("fastapi", "uvicorn", "prometheus_client", "structlog"):
            raise ConfigError(
                f"Serving needs {error.name}. Install it with: pip install 'ysmean[service]'"
            ) from None
        raise
    from pydantic import SecretStr

    # Absolute, so that even `.` has a name for the file beside it; links are kept.
    settings = Settings(model=Path(os.path.abspath(model)), events_db=events_db)
    if salt := os.environ.get("YSMEAN_LOG_SALT"):
        settings = settings.model_copy(update={"log_salt": SecretStr(salt)})
    run(settings, known, host, port, drain)
