"""Answers over HTTP are those of the library, and what is wrong is said with its field."""

import json
import re

import pytest
from fastapi.testclient import TestClient

import ysmean as ym
from waiting import until
from ysmean.service.app import create_app
from ysmean.service.settings import Settings

PROBLEM = "application/problem+json"
AT = 1_750_000_000


def post(client, body, path="/v1/recommend"):
    headers = {"content-type": "application/json"}
    return client.post(path, content=json.dumps(body), headers=headers)


def same(answer, expected):
    """Compare answers; a batch is padded, so that scores may differ in the last digits."""
    assert [i["item_id"] for i in answer["items"]] == [i.item_id for i in expected]
    for got, item in zip(answer["items"], expected, strict=True):
        assert got["score"] == pytest.approx(item.score, rel=1e-4)
        assert got["shares"] == pytest.approx(item.shares, abs=1e-4)
    assert answer["model"] == expected.model


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"user_id": "u0007", "k": 5},
        {"user_id": "a stranger", "preferences": {"genres": ["Comedy"]}},
        {"history": ["t0001", "t0002", "nothing"], "scale": {"knowledge": 2}},
        {"where": "year >= 1990", "exclude": ["t0003"], "weights": "equal", "seen": "allow"},
        {"user_id": "u0007", "preferences": {"genres": {"Comedy": 0.5}, "year": {">=1990": -1}}},
        {"where": {"not": {"feature": "year", "op": "<", "value": 1990}}},
        {"preferences": {"year": ">= 2010"}},
        {"user_id": "u0014", "weights": {"popularity": 1}, "context": {"hour": 20}},
        {"user_id": "u0007", "diversity": 0.5, "caps": {"genres": 2}},
    ],
)
def test_an_answer_is_that_of_the_library(client, trained, asked):
    response = post(client, {**asked, "at": AT})
    assert response.status_code == 200
    same(response.json(), trained.recommend_many([ym.Request(**asked, at=AT)])[0])


def test_reasons_are_given_where_they_are_asked_for(client, trained):
    asked = {"user_id": "u0007", "k": 3, "at": AT}
    items = post(client, {**asked, "why": True}).json()["items"]
    expected = trained.recommend("u0007", k=3, at=AT, why=True)
    assert [item["why"] for item in items] == [item.why for item in expected]
    assert all(item["reasons"] for item in items)
    assert "reasons" not in post(client, asked).json()["items"][0]


def test_an_answer_that_is_short_says_what_costs_most(client):
    answer = post(client, {"k": 3, "where": "genres = Comedy and year > 3000"}).json()
    assert answer["items"] == []
    assert answer["shortfall"]["clause"] == "year > 3000" and answer["shortfall"]["gain"] > 0


def test_a_batch_is_answered_in_order(client, trained):
    asked = [{"user_id": "u0007", "at": AT}, {"history": ["t0001"], "k": 3, "at": AT}]
    response = post(client, {"requests": asked}, "/v1/recommend/batch")
    expected = trained.recommend_many([ym.Request(**one) for one in asked])
    for answer, one in zip(response.json()["answers"], expected, strict=True):
        same(answer, one)


def test_similar_items_are_those_of_the_library(client, trained):
    answer = client.get("/v1/items/t0001/similar", params={"k": 4}).json()
    same(answer, trained.similar("t0001", 4))
    unknown = client.get("/v1/items/nothing/similar")
    assert unknown.status_code == 404
    assert "'nothing' is not among the 80 items" in unknown.json()["detail"]


def test_items_are_found_by_title_and_id_those_that_begin_so_first(client, trained):
    frame = trained.parts.catalogue.frame
    title = frame["title"][5]
    first = client.get("/v1/items", params={"query": title.upper()}).json()["items"][0]
    assert first == {"item_id": "t0005", "title": title, "warm": True}
    found = client.get("/v1/items", params={"query": "7", "limit": 3}).json()["items"]
    assert [i["item_id"] for i in found] == ["t0007", "t0017", "t0027"]
    within = [t for t in frame["title"] if "re" in t.lower()]
    found = client.get("/v1/items", params={"query": "re", "limit": 100}).json()["items"]
    assert sorted(i["title"] for i in found) == sorted(within)
    begins = [i["title"].lower().startswith("re") for i in found]
    assert begins == sorted(begins, reverse=True) and True in begins


def test_the_model_tells_what_it_is_made_of(client, trained):
    facts = client.get("/v1/model").json()
    assert facts["model"] == trained.model_id
    assert facts["networks"] == ["transition", "knowledge", "popularity"]


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"k": 0}, "k", "greater than or equal to 1"),
        ({"k": True}, "k", "valid integer"),
        ({"k": 101}, "k", "101 items; expected at most 100"),
        ({"k": 81}, "k", "expected 1 to 80"),
        ({"user_id": 42}, "user_id", "valid string"),
        ({"user": "42"}, "user", "no such field; did you mean 'user_id'?"),
        ({"weigth": 1}, "weigth", "did you mean 'weights'?"),
        ({"context": {"houre": 1}}, "context.houre", "did you mean 'hour'?"),
        ({"history": ["t0001", 3]}, "history[1]", "valid string"),
        ({"history": ["t0001"] * 1001}, "history", "1,001 items; expected at most 1,000"),
        ({"history": ["\ud800"]}, "history[0]", "half a surrogate pair"),
        ({"preferences": {"genres": ["Comdy"]}}, "preferences", "Did you mean 'Comedy'"),
        ({"preferences": {"genres": ["Comedy"] * 33}}, "preferences", "at most 32"),
        ({"context": {"hour": 24}}, "context.hour", "less than or equal to 23"),
        ({"where": "yaer > 1"}, "where", "Did you mean 'year'"),
        ({"scale": {"popularity": -1}}, "scale.popularity", "greater than or equal to 0"),
        ({"scale": {"popularity": float("nan")}}, "scale.popularity", "finite number"),
        ({"scale": {"contnt": 1}}, "scale", "Unknown network 'contnt'"),
        ({"weights": "fited"}, "weights", "'fitted' or 'equal'"),
        ({"weights": {"popularity": 0}}, "weights", "all zero"),
        ({"seen": "never"}, "seen", "'exclude' or 'allow'"),
        ({"at": "soon"}, "at", "a time like"),
        ({"at": 1e300}, "at", "less than or equal to"),
        ([], "body", "valid dictionary"),
    ],
)
def test_a_bad_field_is_named_with_what_was_expected(client, asked, field, said):
    response = post(client, asked)
    assert response.status_code == 422
    assert response.headers["content-type"] == PROBLEM
    problem = response.json()
    assert problem["status"] == 422 and problem["title"]
    assert [e["field"] for e in problem["errors"]] == [field]
    assert said in problem["errors"][0]["detail"]


@pytest.mark.parametrize("bad", [{"k": 0}, {"k": 500}, {"scale": {"x": 1}}])
def test_a_bad_request_in_a_batch_is_named_by_its_place(client, bad):
    response = post(client, {"requests": [{}, bad]}, "/v1/recommend/batch")
    field = response.json()["errors"][0]["field"]
    assert response.status_code == 422 and field == f"requests[1].{next(iter(bad))}"


def test_a_batch_beyond_the_limit_is_refused(client):
    response = post(client, {"requests": [{}] * 65}, "/v1/recommend/batch")
    assert response.status_code == 422
    detail = "65 requests; expected at most 64"
    assert response.json()["errors"] == [{"field": "requests", "detail": detail}]


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        (b'{"k":', "application/json", 400, "no JSON: Expecting value at character 5"),
        (b"{}", "text/plain", 415, "Content-Type: application/json"),
        (b"", "application/json", 422, "body: Field required"),
        (b"[" * 100_000, "application/json", 400, ""),
        (b'{"k": ' + b"9" * 5000 + b"}", "application/json", 400, ""),
        (b"\xff\xfe", "application/json", 400, ""),
        (b" " * 2_000_000, "application/json", 413, "larger than 1,048,576 bytes"),
        ((b" " * 1000 for _ in range(2000)), "application/json", 413, "larger than"),
    ],
)
def test_a_bad_body_is_refused(client, content, kind, status, said):
    response = client.post("/v1/recommend", content=content, headers={"content-type": kind})
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM
    assert said in response.json()["detail"]


@pytest.mark.parametrize(("path", "status"), [("/v1/nothing", 404), ("/v1/recommend", 405)])
def test_a_wrong_path_or_method_is_a_problem_too(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM


def test_every_answer_has_security_headers_and_a_request_id(client):
    response = client.get("/health/live", headers={"X-Request-ID": "mine-1"})
    assert response.headers["x-request-id"] == "mine-1"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in response.headers
    odd = client.get("/health/live", headers={"X-Request-ID": "a b" * 50})
    assert len(odd.headers["x-request-id"]) == 32


def test_until_the_model_is_loaded_the_service_lives_but_is_not_ready(bundle, monkeypatch):
    from threading import Event

    from ysmean.service import models

    go, load = Event(), models.load
    monkeypatch.setattr(models, "load", lambda *args: go.wait(60) and load(*args))
    with TestClient(create_app(Settings(model=bundle))) as client:
        assert client.get("/health/live").status_code == 200
        for path in ("/health/ready", "/v1/model"):
            response = client.get(path)
            assert response.status_code == 503 and response.headers["retry-after"] == "1"
        assert post(client, {}).status_code == 503
        go.set()
        until(lambda: client.get("/health/ready").status_code == 200)


def test_when_too_much_waits_or_for_too_long_the_client_is_told_to_come_back(bundle, tmp_path):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    limits = {"max_queued": 2, "timeout": 0.5, "events_db": tmp_path / "events.db"}
    go, begun = Event(), Event()
    with TestClient(create_app(Settings(model=bundle, **limits))) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        batcher = client.app.state.service._batcher
        compute = batcher._compute

        def held(*asked):
            begun.set()
            assert go.wait(30)
            return compute(*asked)

        batcher._compute = held
        with ThreadPoolExecutor() as pool:
            late = pool.submit(post, client, {})
            assert begun.wait(30)
            waiting = pool.submit(post, client, {"requests": [{}, {}]}, "/v1/recommend/batch")
            until(lambda: batcher.queued == 2)
            full = post(client, {})
            assert [r.status_code for r in (full, late.result(), waiting.result())] == [503] * 3
            go.set()
        assert "2 requests wait already" in full.json()["detail"]
        assert "No answer within 0.5 seconds" in late.result().json()["detail"]
        assert full.headers["retry-after"] == late.result().headers["retry-after"] == "1"
        until(lambda: post(client, {}).status_code == 200)


def test_the_document_describes_requests_with_examples_that_are_answered(client):
    document = client.get("/openapi.json").json()
    assert "/v1/recommend" in document["paths"]
    examples = document["components"]["schemas"]["RecommendRequest"]["examples"]
    assert [post(client, example).status_code for example in examples] == [200] * len(examples)


def test_who_asks_again_is_not_encoded_again_and_the_metrics_say_so(client):
    def counted():
        text = client.get("/metrics").text
        found = re.findall(r'ysmean_encodings_total\{result="(kept|made)"\} ([\d.]+)', text)
        return {result: float(number) for result, number in found}

    body = {"user_id": "u0007", "context": {"hour": 3, "weekday": 2}}
    first = client.post("/v1/recommend", json=body).json()
    before = counted()
    second = client.post("/v1/recommend", json=body).json()
    assert first["items"] == second["items"]
    assert counted() == {**before, "kept": before["kept"] + 1}  # one network has an encoder
