"""Keys with scopes; nothing beyond this machine without them; a log that tells no secrets."""

import json
import logging

import pytest
import structlog
from fastapi.testclient import TestClient

from waiting import until
from ysmean.errors import ConfigError
from ysmean.service import logs
from ysmean.service.app import create_app
from ysmean.service.keys import NO_KEYS, Keys, check_exposure
from ysmean.service.settings import Settings

READ, WRITE, ADMIN = ("read-key-0123456789", "both-key-0123456789", "admin-key-0123456789")
TEXT = f"# who: what\nread {READ}\n\nread,write {WRITE} # the shop\nadmin {ADMIN}\n"
EVENT = {"user_id": "secret-user", "item_id": "t0001"}


@pytest.fixture
def app(bundle, tmp_path):
    settings = Settings(model=bundle, events_db=tmp_path / "events.db")
    keys = Keys.parse(TEXT, "keys")
    with TestClient(create_app(settings, keys)) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield client


ROUTES = [
    ("POST", "/v1/recommend", {}, "read"),
    ("POST", "/v1/recommend/batch", {"requests": [{}]}, "read"),
    ("GET", "/v1/items/t0001/similar", None, "read"),
    ("GET", "/v1/items", None, "read"),
    ("GET", "/v1/model", None, "read"),
    ("GET", "/v1/users", None, "read"),
    ("GET", "/v1/items/described", None, "read"),
    ("GET", "/v1/features", None, "read"),
    ("GET", "/v1/values", None, "read"),
    ("GET", "/v1/model/networks", None, "read"),
    ("GET", "/v1/model/versions", None, "read"),
    ("GET", "/metrics", None, "read"),
    ("GET", "/v1/users/a/history", None, "read"),
    ("DELETE", "/v1/users/a/history", None, "write"),
    ("POST", "/v1/events", EVENT, "write"),
    ("POST", "/v1/model/reload", None, "admin"),
    ("POST", "/v1/model/rollback", None, "admin"),
]


@pytest.mark.parametrize(("method", "path", "body", "scope"), ROUTES)
def test_a_route_needs_a_key_with_its_scope(app, method, path, body, scope):
    def status(key):
        headers = {} if key is None else {"X-API-Key": key}
        return app.request(method, path, json=body, headers=headers).status_code

    assert [status(key) for key in (None, "", "unknown", READ[:-1])] == [401] * 4
    allows = {READ: {"read"}, WRITE: {"read", "write"}, ADMIN: {"admin"}}
    for key, scopes in allows.items():
        assert (status(key) == 403) == (scope not in scopes)


def test_every_route_of_the_document_is_one_of_these_or_tells_only_health(app):
    found = {
        (method.upper(), path)
        for path, methods in app.get("/openapi.json").json()["paths"].items()
        for method in methods
    }
    filled = {"{item_id}": "t0001", "{user_id}": "a"}
    for name, value in filled.items():
        found = {(method, path.replace(name, value)) for method, path in found}
    guarded = {(method, path) for method, path, *_ in ROUTES}
    assert found == guarded | {("GET", "/health/live"), ("GET", "/health/ready")}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_without_keys_this_machine_alone_is_served(host):
    check_exposure(host, NO_KEYS, insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org"])
def test_beyond_this_machine_keys_or_insecure_are_needed(host):
    with pytest.raises(ConfigError, match=r"--keys FILE or in YSMEAN_API_KEYS.*--insecure"):
        check_exposure(host, NO_KEYS, insecure=False)
    check_exposure(host, NO_KEYS, insecure=True)
    check_exposure(host, Keys.parse(TEXT, "keys"), insecure=False)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("read", "line 2: expected scopes and a key"),
        ("reed 0123456789abcdef", "Scopes: read, write, admin"),
        ("read,  0123456789abcdef", "expected scopes"),
        ("read too-short", "9 characters; expected at least 16"),
    ],
)
def test_a_bad_line_of_keys_is_named_without_the_key(line, said):
    with pytest.raises(ConfigError, match=said) as refused:
        Keys.parse(f"\n{line}", "keys")
    assert line.split()[-1] not in str(refused.value) or line == "read"


def test_keys_come_from_a_file_or_else_from_the_environment(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"admin {ADMIN}\n")
    environment = {"YSMEAN_API_KEYS": f"read {READ}"}
    assert Keys.find(file, environment).scopes(ADMIN) == {"admin"}
    assert Keys.find(None, environment).scopes(READ) == {"read"}
    assert not Keys.find(None, {})
    assert READ not in repr(Keys.find(None, environment))
    file.write_text("# none\n")
    with pytest.raises(ConfigError, match="holds no key"):
        Keys.find(file, environment)
    with pytest.raises(ConfigError, match="cannot be read"):
        Keys.find(tmp_path / "missing", environment)


@pytest.fixture
def logged(capsys):
    before = logging.root.handlers[:], logging.root.level
    logs.configure()
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.reset_defaults()
    logging.root.handlers[:], logging.root.level = before


def test_the_log_has_ids_and_hashes_but_no_user_and_no_key(logged, app, trained):
    logged()  # what the start said
    headers = {"X-API-Key": WRITE, "X-Request-ID": "mine"}
    for _ in range(2):
        app.post("/v1/recommend", json={"user_id": "secret-user"}, headers=headers)
    app.post("/v1/events", json=EVENT, headers=headers)
    app.get("/v1/users/secret-user/history", headers={"X-API-Key": "a wrong key"})
    lines = logged()
    requests = [line for line in lines if line["event"] == "request"]
    assert [r["route"] for r in requests[:2]] == ["/v1/recommend"] * 2
    assert requests[0]["request_id"] == "mine" and requests[0]["status"] == 200
    assert requests[0]["model"] == trained.model_id
    assert requests[0]["user"] == requests[1]["user"] and len(requests[0]["user"]) == 16
    assert requests[3]["status"] == 401
    text = json.dumps(lines)
    assert all(word not in text for word in ("secret-user", WRITE, "a wrong key"))


def test_a_fault_of_our_own_is_a_500_that_the_log_tells_by_the_request_id(logged, app, monkeypatch):
    monkeypatch.setattr(app.app.state.service, "_batcher", None)
    headers = {"X-API-Key": READ, "X-Request-ID": "mine"}
    response = app.post("/v1/recommend", json={}, headers=headers)
    monkeypatch.undo()
    assert response.status_code == 500 and response.headers["x-request-id"] == "mine"
    assert response.headers["content-type"] == "application/problem+json"
    failed = [line for line in logged() if line["event"] == "failed"]
    assert failed[0]["request_id"] == "mine" and "AssertionError" in failed[0]["exception"]
