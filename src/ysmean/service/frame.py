"""What lies around every request: its id, the limit of its body, headers of the answer."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ysmean.service.problems import ProblemError, response
from ysmean.service.service import Service

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

QUIET = ("/health/live", "/health/ready", "/metrics")  # asked every few seconds by machines
FAILED = ProblemError(
    HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed; its log names the request by its id."
)

log = structlog.get_logger()


class Frame:
    """Middleware around the whole application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service, self.settings = app, service, service.settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        status, began, started = 500, time.perf_counter(), False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = int(message["status"]), True
                out = MutableHeaders(scope=message)
                out["X-Request-ID"] = request_id
                for name, value in _HEADERS.items():
                    out.setdefault(name, value)
            await send(message)

        length = headers.get("content-length", "0")
        try:
            if length.isdecimal() and int(length[:20]) > self.settings.max_body:
                await response(self._too_large())(scope, receive, sending)
            else:
                await self.app(scope, self._limited(receive), sending)
        except Exception:
            log.exception("failed", request_id=request_id)
            if not started:
                await response(FAILED)(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, took: float) -> None:
        """Measure and log a request that is done."""
        # Paths that lead nowhere share one label: anybody could make up new ones.
        route = getattr(scope.get("route"), "path", "none").replace(":path}", "}")
        self.service.metrics.requests.labels(route, str(status)).observe(took)
        if route in QUIET:
            return
        state = scope["state"]
        user = state.get("user_id")
        log.info(
            "request",
            request_id=state["request_id"],
            method=scope["method"],
            route=route,
            status=status,
            seconds=round(took, 6),
            **({} if user is None else {"user": self._hashed(user)}),
            **{name: state[name] for name in ("model", "arm") if state.get(name) is not None},
        )

    def _hashed(self, user_id: str) -> str:
        salt = self.settings.log_salt.get_secret_value().encode()[:64]
        return hashlib.blake2b(user_id.encode(), key=salt, digest_size=8).hexdigest()

    def _limited(self, receive: Receive) -> Receive:
        """Count the bytes of a body whose length was not stated, or not truly."""
        total, problem = 0, self._too_large()

        async def receiving() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self.settings.max_body:
                raise HTTPException(problem.status, problem.detail)
            return message

        return receiving

    def _too_large(self) -> ProblemError:
        detail = f"The body is larger than {self.settings.max_body:,} bytes."
        return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
