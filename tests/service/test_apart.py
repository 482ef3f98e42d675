"""Answers that are computed in a process of their own."""

import os
import signal

import pytest
from fastapi.testclient import TestClient

import ysmean as ym
from models import hotter
from waiting import until
from ysmean.service import models
from ysmean.service.app import create_app
from ysmean.service.loaded import Loaded
from ysmean.service.settings import Settings

AT = 1_750_000_000


@pytest.fixture
def app(folder):
    with TestClient(create_app(Settings(model=folder, apart=True))) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def process_of(app):
    return app.app.state.service.model.apart.process.process


def ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_answers_events_and_refusals_are_those_of_one_process(app, trained):
    asked = [{"user_id": "u0007"}, {"history": ["t0001", "t0002"], "k": 3}, {"user_id": "new"}]
    expected = trained.recommend_many([ym.Request(**one, at=AT) for one in asked])
    body = {"requests": [{**one, "at": AT} for one in asked]}
    answers = app.post("/v1/recommend/batch", json=body).json()["answers"]
    for told, answer in zip(answers, expected, strict=True):
        assert [i["item_id"] for i in told["items"]] == [i.item_id for i in answer.items]
        for item, known in zip(told["items"], answer.items, strict=True):
            assert item["score"] == pytest.approx(known.score, rel=1e-5)
            assert item["shares"] == pytest.approx(known.shares, rel=1e-4)
    assert app.get("/v1/items/t0001/similar").json()["model"] == trained.model_id

    facts = {"networks": trained.parts.network_facts(), "catalogue": len(trained.parts.catalogue)}
    assert app.get("/v1/model/networks").json() == facts
    assert app.get("/v1/model").json()["networks"] == list(trained.parts.networks)
    here = app.app.state.service.model.recommender.parts
    assert not here.networks  # which would be a second copy

    first = answers[2]["items"][0]["item_id"]
    event = {"user_id": "new", "item_id": first, "request_id": answers[2]["request_id"]}
    assert app.post("/v1/events", json=event).json()["new"] == 1
    later = app.post("/v1/recommend", json={"user_id": "new"}).json()
    assert later["cohort"] == "1" and first not in [i["item_id"] for i in later["items"]]

    refused = app.post("/v1/recommend", json={"where": "yaer > 2000"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "where"
    text = app.get("/metrics").text
    assert 'ysmean_compilations_total{when="serving"} 0.0' in text
    assert 'ysmean_encodings_total{result="made"} 0.0' not in text
    assert 'ysmean_clicks_total{arm=""} 1.0' in text


def test_a_process_holds_the_model_and_the_one_before_and_no_more(app, folder, trained):
    old, process = trained.model_id, app.app.state.service.model.apart.process
    pid = process_of(app).pid
    new = hotter(trained)
    new.save(folder)
    assert app.post("/v1/model/reload").json()["result"] == "loaded"
    assert app.post("/v1/recommend", json={}).json()["model"] == new.model_id
    assert process.models == 2
    assert app.post("/v1/model/reload").json()["result"] == "unchanged"

    place = trained.save(folder)
    (place / "weights" / "popularity.safetensors").write_bytes(b"altered")
    refused = app.post("/v1/model/reload")
    assert refused.status_code == 409 and "was altered" in refused.json()["detail"]
    assert app.post("/v1/recommend", json={}).json()["model"] == new.model_id

    assert app.post("/v1/model/rollback").json()["model"] == old
    assert app.post("/v1/recommend", json={}).json()["model"] == old
    new.save(folder)
    assert app.post("/v1/model/reload").json()["result"] == "loaded"
    assert process.models == 2  # nobody can go back to the one before
    assert app.post("/v1/recommend", json={}).json()["model"] == new.model_id
    assert process_of(app).pid == pid


def test_a_signal_to_all_processes_does_not_end_the_computation(app):
    pid = process_of(app).pid
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert app.post("/v1/recommend", json={}).status_code == 200
    assert process_of(app).pid == pid


def test_a_process_that_is_killed_is_started_anew(app, trained):
    first = process_of(app).pid
    os.kill(first, signal.SIGKILL)
    lost = until(lambda: (r := app.post("/v1/recommend", json={})).status_code != 200 and r)
    assert lost.status_code == 503 and "started anew" in lost.json()["detail"]
    assert "retry-after" in lost.headers
    assert app.get("/health/ready").status_code == 503
    until(lambda: app.get("/health/ready").status_code == 200)
    assert app.post("/v1/recommend", json={}).json()["model"] == trained.model_id
    assert process_of(app).pid != first
    assert app.post("/v1/model/rollback").status_code == 409  # to what has died there is no way


def test_a_version_that_became_current_meanwhile_is_not_served_as_another(
    app, folder, trained, monkeypatch
):
    new = hotter(trained)
    monkeypatch.setattr(models, "read", lambda folder, networks: Loaded(new))
    refused = app.post("/v1/model/reload")
    assert refused.status_code == 409
    assert "Another version became current meanwhile" in refused.json()["detail"]
    assert app.post("/v1/recommend", json={}).json()["model"] == trained.model_id


def test_processes_end_with_the_service(folder):
    with TestClient(create_app(Settings(model=folder, apart=True))) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        pid = process_of(client).pid
    until(lambda: ended(pid))
