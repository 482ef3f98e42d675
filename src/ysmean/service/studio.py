"""The studio: the page at `/` and the files it is made of, as they lie in the package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Header, Path
from fastapi.responses import Response

from ysmean.service.problems import ProblemError

FOLDER = File(__file__).with_name("studio")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Scripts and styles of this origin alone, none of them inline; nothing is made from strings.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)

# The page itself holds no data, so it needs no key; what it asks for does.
router = APIRouter(include_in_schema=False)
Seen = Annotated[str, Header(alias="If-None-Match")]


@dataclass(frozen=True)
class Asset:
    """A file of the page."""

    content: bytes
    media_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """Return all files of the page by name; read once, so that no path leads elsewhere."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found[path.name] = Asset(content, TYPES[path.suffix], etag)
    return found


@router.get("/")
async def page(seen: Seen = "") -> Response:
    """Return the page."""
    return _sent("index.html", seen)


@router.get("/studio/{name}")
async def asset(name: Annotated[str, Path(max_length=100)], seen: Seen = "") -> Response:
    """Return a file of the page."""
    return _sent(name, seen)


def _sent(name: str, seen: str) -> Response:
    found = assets().get(name)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"The studio has no file {name!r}.")
    # Asked for anew each time, and answered with nothing where it is the same still.
    headers = {
        "ETag": found.etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if found.etag in seen:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(found.content, headers=headers, media_type=found.media_type)
