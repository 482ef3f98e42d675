"""Errors as RFC 9457 problem details: what is wrong, in which field, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ysmean.errors import RequestError, StoreError, UnknownItemError, YsMeanError

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that is wrong."""

    field: str = Field(description="path of the field, such as requests[3].k")
    detail: str = Field(description="what was expected")


class ProblemDetails(BaseModel):
    """A problem as of RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


class ProblemError(Exception):
    """A problem to be answered with."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.headers = list(errors), dict(headers or {})


def busy(detail: str, seconds: int = 1) -> ProblemError:
    """Return a 503 that says when to come back."""
    headers = {"Retry-After": str(seconds)}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)


def refused(error: YsMeanError, where: str = "") -> ProblemError:
    """Return what the library refused as a problem.

    Args:
        error: of the library.
        where: path of the request in the body, such as `requests[3]`.
    """
    if isinstance(error, StoreError):
        return busy(str(error))
    if isinstance(error, UnknownItemError):
        return ProblemError(HTTPStatus.NOT_FOUND, str(error))
    field = error.field if isinstance(error, RequestError) else None
    path = ".".join(part for part in (where, field) if part)
    errors = [FieldProblem(field=path, detail=str(error))] if path else []
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors)


def within(problems: Sequence[FieldProblem]) -> None:
    """Refuse fields that are beyond the limits; nothing happens without any.

    Raises:
        ProblemError: 422, with all of them.
    """
    if problems:
        raise wrong_fields(problems)


def wrong_fields(problems: Sequence[FieldProblem]) -> ProblemError:
    """Return a 422 that names all of the fields."""
    more = f" ({len(problems)} fields are wrong)" if len(problems) > 1 else ""
    said = f"{problems[0].field}: {problems[0].detail}{more}"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, said, problems)


def response(problem: ProblemError) -> Response:
    """Return a problem as a response."""
    details = ProblemDetails(
        title=problem.status.phrase,
        status=problem.status,
        detail=problem.detail,
        errors=problem.errors or None,
    )
    # Escaped, because a field may be named by half a surrogate pair, which UTF-8 cannot say.
    content = json.dumps(details.model_dump(exclude_none=True))
    return Response(content, problem.status, problem.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI, fields: Mapping[str, Sequence[str]]) -> None:
    """Let every error of an app be answered with a problem.

    Args:
        app: the application.
        fields: that bodies may have, by route: one of them is suggested for a misspelt one.
    """

    async def problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return response(error)

    async def library(_: Request, error: Exception) -> Response:
        assert isinstance(error, YsMeanError)
        return response(refused(error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return response(invalid_body(error, fields.get(request.url.path, ())))

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = error.headers
        return response(ProblemError(HTTPStatus(error.status_code), error.detail, headers=headers))

    app.add_exception_handler(ProblemError, problem)
    app.add_exception_handler(YsMeanError, library)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def invalid_body(error: RequestValidationError, fields: Sequence[str]) -> ProblemError:
    """Return what pydantic found as a problem, with the paths of the fields."""
    if isinstance(error.body, bytes):
        detail = "Expected JSON with the header Content-Type: application/json."
        return ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    found: dict[str, list[str]] = {}
    for one in error.errors():
        place, *path = one["loc"]
        if one["type"] == "json_invalid":
            said = f"The body is no JSON: {one['ctx']['error']} at character {path[0]}."
            return ProblemError(HTTPStatus.BAD_REQUEST, said)
        field = _path(path, error.body, one["type"]) if place == "body" else str(path[0])
        said = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            close = get_close_matches(str(path[-1]), fields, n=1)
            said = "there is no such field" + (f"; did you mean {close[0]!r}?" if close else "")
        found.setdefault(field or "body", []).append(said)
    return wrong_fields(
        [
            FieldProblem(field=field, detail="; or: ".join(dict.fromkeys(said)))
            for field, said in found.items()
        ]
    )


def _path(parts: Sequence[Any], body: Any, kind: str) -> str:
    """Return where in the body an error is; pydantic's names of union members are left out."""
    path = ""
    for number, part in enumerate(parts):
        if isinstance(body, list) and isinstance(part, int) and part < len(body):
            path, body = f"{path}[{part}]", body[part]
        elif isinstance(body, dict) and part in body:
            path, body = f"{path}.{part}", body[part]
        elif kind == "missing" and number == len(parts) - 1:
            path = f"{path}.{part}"
    return re.sub(r"^\.", "", path)
