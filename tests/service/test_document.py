"""Whatever is sent, the answer is one that the OpenAPI document promises, and never a 500."""

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks

from waiting import until
from ysmean.service.app import create_app
from ysmean.service.settings import Settings

checks.load_all_checks()
PROMISES = checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)


def running(app):
    """Return an app that is not started and stopped around every call."""

    async def call(scope, receive, send):
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while True:
            what = (await receive())["type"]
            await send({"type": f"{what}.complete"})
            if what == "lifespan.shutdown":
                return

    return call


@pytest.fixture(scope="module")
def document(bundle, tmp_path_factory):
    store = tmp_path_factory.mktemp("document") / "events.db"
    app = create_app(Settings(model=bundle, events_db=store))
    with TestClient(app) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield schemathesis.openapi.from_asgi("/openapi.json", running(app))


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_document_promises(document, mode):
    asked, statuses = [], set()
    for found in document.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not takes(operation):
            continue

        @given(operation.as_strategy(generation_mode=mode))
        @settings(max_examples=20, suppress_health_check=list(HealthCheck))
        def ask(case):
            response = case.call_and_validate(checks=PROMISES)
            statuses.add(response.status_code)

        ask()
        asked.append(operation.label)
    assert 503 not in statuses
    assert "POST /v1/recommend" in asked and "DELETE /v1/users/{user_id}/history" in asked


def takes(operation):
    """Return whether an operation takes anything that could be wrong."""
    return any((operation.path_parameters, operation.query, operation.body))
