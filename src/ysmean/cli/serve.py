"""The command that serves a model over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ysmean.cli.common import Model
from ysmean.errors import ConfigError

if TYPE_CHECKING:
    from ysmean.service.keys import Keys


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
    experiment: Annotated[
        Path | None, typer.Option(help="TOML file of arms that users are parted among")
    ] = None,
    gate: Annotated[
        float | None,
        typer.Option(help="refuse a model that is worse on held-out events at this level (0.05)"),
    ] = None,
    max_body: Annotated[int, typer.Option(min=1024, help="bytes of a request")] = 1 << 20,
    max_k: Annotated[int, typer.Option(min=1, help="items in an answer")] = 100,
    max_batch: Annotated[
        int, typer.Option(min=1, max=256, help="requests in a call, and computed together")
    ] = 64,
    max_history: Annotated[int, typer.Option(min=1, help="items in history and exclude")] = 1000,
    max_values: Annotated[int, typer.Option(min=0, help="values in preferences")] = 32,
    max_events: Annotated[int, typer.Option(min=1, help="events in a call")] = 1000,
    max_queued: Annotated[int, typer.Option(min=1, help="requests that may wait")] = 512,
    timeout: Annotated[float, typer.Option(min=0.001, help="seconds for an answer")] = 10.0,
    remembered: Annotated[
        int, typer.Option(min=0, help="answers that later events may refer to")
    ] = 5000,
    encodings: Annotated[
        int, typer.Option(min=0, help="requests whose encodings are kept, for each network")
    ] = 20_000,
    threads: Annotated[
        int, typer.Option(min=1, help="threads of a matrix product; more for large catalogues")
    ] = 1,
    apart: Annotated[
        bool, typer.Option(help="compute in a process of its own, which holds a second copy")
    ] = True,
    drain: Annotated[
        float, typer.Option(min=0, help="seconds to go on serving after SIGTERM")
    ] = 2.0,
) -> None:
    """Serve a model over HTTP: the studio, recommendations, live events, swaps, metrics."""
    from ysmean.service.keys import Keys, check_exposure

    if gate is not None and not 0 < gate < 1:
        raise ConfigError(f"--gate {gate:g}; expected a level between 0 and 1, such as 0.05.")
    known = Keys.find(keys, os.environ)
    check_exposure(host, known, insecure=insecure)
    check_installed()
    from ysmean.service.experiment import load_experiment

    start(
        model,
        known,
        host,
        port,
        drain,
        events_db=events_db,
        experiment=None if experiment is None else load_experiment(experiment),
        gate=gate,
        max_body=max_body,
        max_k=max_k,
        max_batch=max_batch,
        max_history=max_history,
        max_values=max_values,
        max_events=max_events,
        max_queued=max_queued,
        timeout=timeout,
        remembered=remembered,
        encodings=encodings,
        threads=threads,
        apart=apart,
    )


def start(
    model: Path,
    keys: Keys,
    host: str,
    port: int,
    drain: float,
    *,
    told: Callable[[str], None] = lambda url: None,
    **settings: Any,
) -> None:
    """Serve a model until a signal says to stop; `told` is called with the address.

    Args:
        model: bundle to serve.
        keys: who may call.
        host: address to listen on.
        port: 0 takes a free one.
        drain: seconds to go on serving after SIGTERM.
        told: is called with the address.
        settings: more of `ysmean.service.settings.Settings`.

    Raises:
        ConfigError: if the extra `service` is not installed, or the port is taken.
    """
    check_installed()
    from pydantic import SecretStr

    from ysmean.service.run import run
    from ysmean.service.settings import Settings

    if salt := os.environ.get("YSMEAN_LOG_SALT"):
        settings["log_salt"] = SecretStr(salt)
    # Absolute, so that even `.` has a name for the file beside it; links are kept.
    run(Settings(model=Path(os.path.abspath(model)), **settings), keys, host, port, drain, told)


def check_port(port: int) -> None:
    """Refuse a port of this machine that is taken.

    Raises:
        ConfigError: says so.
    """
    from ysmean.service.run import listen

    listen("127.0.0.1", port).close()


def check_installed() -> None:
    """Refuse to serve without what that takes.

    Raises:
        ConfigError: says what to install.
    """
    try:
        import ysmean.service.run  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name in ("fastapi", "uvicorn", "prometheus_client", "structlog"):
            raise ConfigError(
                f"Serving needs {error.name}. Install it with: pip install 'ysmean[service]'"
            ) from None
        raise
