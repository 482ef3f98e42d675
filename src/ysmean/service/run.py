"""Run the service as a process: its socket, its signals and its end."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from ysmean.bundle import check_bundle
from ysmean.errors import ConfigError
from ysmean.service import logs
from ysmean.service.app import create_app
from ysmean.service.keys import Keys
from ysmean.service.models import SwapError
from ysmean.service.service import Service
from ysmean.service.settings import Settings

log = structlog.get_logger()

SWITCH = 0.0005  # seconds that a thread may keep others from running; the default is ten times that


def run(
    settings: Settings,
    keys: Keys,
    host: str,
    port: int,
    drain: float,
    told: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until a signal says to stop; requests that have begun are answered first.

    SIGHUP loads the bundle's current version. SIGTERM ends readiness, goes on serving for `drain`
    seconds so that a load balancer notices, answers what is left, and returns. SIGINT does so at
    once.

    Args:
        settings: the model and the limits.
        keys: who may do what.
        host: to listen on.
        port: to listen on; 0 takes a free one.
        drain: seconds.
        told: is called with the address, when it listens.

    Raises:
        YsMeanError: if the model cannot be loaded, or the port is taken.
    """
    check_bundle(settings.model)  # or a file of events would be made beside a misspelt name
    logs.configure()
    sys.setswitchinterval(SWITCH)
    app = create_app(settings, keys)
    service: Service = app.state.service
    listening = listen(host, port)
    server = _Server(_config(app, settings), service, drain)
    service.on_failure = server.leave
    # Uvicorn sends itself the signal again when it is done; that shall not be the end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, lambda *_: _reload_beside(service))
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{listening.getsockname()[1]}"
    log.info("listening", url=url)
    told(url)
    with threadpool_limits(settings.threads, user_api="blas"):
        server.run(sockets=[listening])
    log.info("stopped")
    if service.failed is not None:
        raise service.failed


class _Server(uvicorn.Server):
    """Uvicorn, which ends readiness before it stops to listen."""

    def __init__(self, config: uvicorn.Config, service: Service, drain: float) -> None:
        super().__init__(config)
        self._service, self._drain = service, drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal does not wait."""
        wait = sig == signal.SIGTERM and self._drain > 0 and not self._service.draining
        self._service.draining = True
        if wait:
            timer = threading.Timer(self._drain, self.leave)
            timer.daemon = True
            timer.start()
        else:
            super().handle_exit(sig, frame)

    def leave(self) -> None:
        """Stop to listen, answer what is left, and return."""
        self.should_exit = True


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.timeout) + 5,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: if the address or the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"Cannot listen on {host}, port {port}: {error}. "
            "Choose another --port, or another address."
        ) from None
    # Connections inherit it; without, an answer's body waits 40 ms for the client's late ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _reload_beside(service: Service) -> None:
    def reload() -> None:
        try:
            service.models.reload()
        except SwapError as error:
            log.warning("not reloaded", reason=str(error))

    threading.Thread(target=reload, name="ysmean-load", daemon=True).start()
