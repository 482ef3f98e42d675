"""What all routes share: the service itself, and the problems they may answer with."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from ysmean.service.problems import MEDIA_TYPE, ProblemDetails
from ysmean.service.service import Service

_REASONS = {
    400: "The body is no JSON.",
    401: "The key is missing or unknown.",
    403: "The key does not allow this.",
    404: "There is no such thing.",
    413: "The body is too large.",
    415: "The body is no application/json.",
    422: "A field is wrong or beyond a limit.",
    503: "Not ready, or too much to do; Retry-After says when to come back.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": reason, "content": {MEDIA_TYPE: {}}}
    for status, reason in _REASONS.items()
}


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Asked = Annotated[Service, Depends(_service)]
