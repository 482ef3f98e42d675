"""What all routes share: the service itself, and the problems they may answer with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from ysmean.service.keys import Scope
from ysmean.service.problems import MEDIA_TYPE, ProblemDetails, ProblemError
from ysmean.service.service import Service

_REASONS = {
    400: "The body is no JSON.",
    401: "The key is missing or unknown.",
    403: "The key does not allow this.",
    404: "There is no such thing.",
    409: "It cannot be done now.",
    413: "The body is too large.",
    415: "The body is no application/json.",
    422: "A field is wrong or beyond a limit.",
    503: "Not ready, or too much to do; Retry-After says when to come back.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": reason, "content": {MEDIA_TYPE: {}}}
    for status, reason in _REASONS.items()
}


# These are coroutines because FastAPI sends plain functions to another thread and back.
async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _noted(request: Request) -> dict[str, Any]:
    noted: dict[str, Any] = request.scope["state"]
    return noted


def needs(scope: Scope) -> Any:
    """Return the dependency of routes that need a key with a scope, where there are keys."""

    async def check(
        service: Asked,
        key: Annotated[str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False))],
    ) -> None:
        if not service.keys:
            return
        allowed = service.keys.scopes(key or "")
        if not allowed:
            detail = "Send a known key in the header X-API-Key."
            headers = {"WWW-Authenticate": 'ApiKey header="X-API-Key"'}
            raise ProblemError(HTTPStatus.UNAUTHORIZED, detail, headers=headers)
        if scope not in allowed:
            detail = f"The key allows {', '.join(sorted(allowed))}; this needs {scope}."
            raise ProblemError(HTTPStatus.FORBIDDEN, detail)

    return Depends(check)


Noted = Annotated[dict[str, Any], Depends(_noted)]
Asked = Annotated[Service, Depends(_service)]
