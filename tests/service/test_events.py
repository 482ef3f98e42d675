"""Events that are posted now change the next answer."""

import time
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

import ysmean as ym
from waiting import until
from ysmean.data.store import open_store
from ysmean.service.app import create_app
from ysmean.service.settings import Settings


@pytest.fixture(scope="module")
def app(bundle, tmp_path_factory):
    store = tmp_path_factory.mktemp("events") / "events.db"
    with TestClient(create_app(Settings(model=bundle, events_db=store))) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def recommend(app, **asked):
    response = app.post("/v1/recommend", json=asked)
    assert response.status_code == 200
    return response.json()


def ids(answer):
    return [item["item_id"] for item in answer["items"]]


def post(app, *events):
    response = app.post("/v1/events", json=list(events))
    assert response.status_code == 200, response.text
    return response.json()


def test_an_event_changes_the_next_answer(app, trained):
    before = recommend(app, user_id="u0007")
    taken = ids(before)[0]
    assert post(app, {"user_id": "u0007", "item_id": taken})["new"] == 1
    after = recommend(app, user_id="u0007")
    assert taken not in ids(after)
    known = trained.parts.histories.past(trained.parts.histories.index["u0007"])
    history = app.get("/v1/users/u0007/history").json()
    assert history["length"] == len(known) + 1
    assert history["items"][-1]["item_id"] == taken
    assert abs(history["items"][-1]["timestamp"] - time.time()) < 60


def test_a_new_user_with_events_is_answered_as_with_that_history(app, trained):
    assert recommend(app, user_id="a new one")["cohort"] == "0"
    for number, item in enumerate(["t0001", "t0002"]):
        event = {"event_id": f"n{number}", "user_id": "a new one", "item_id": item}
        assert app.post("/v1/events", json=event).json()["event_ids"] == [f"n{number}"]
    answer = recommend(app, user_id="a new one", at=2e9)
    stated = trained.recommend(history=["t0001", "t0002"], at=2e9)
    assert answer["cohort"] == "2-3"
    assert ids(answer) == [i.item_id for i in stated]


def test_a_hidden_item_is_not_shown_again_to_that_user(app):
    shown = ids(recommend(app, user_id="u0021"))[0]
    post(app, {"user_id": "u0021", "item_id": shown, "event": "hide"})
    assert shown not in ids(recommend(app, user_id="u0021", seen="allow", k=80))
    assert shown not in ids(recommend(app, user_id="u0021", history=["t0001"], k=79))
    assert shown in ids(recommend(app, user_id="another", seen="allow", k=80))
    assert shown in app.get("/v1/users/u0021/history").json()["hidden"]


def test_an_event_sent_again_is_kept_once(app):
    event = {"event_id": "once", "user_id": "twice", "item_id": "t0003"}
    assert post(app, event, event) == {
        "event_ids": ["once", "once"],
        "new": 1,
        "duplicates": 1,
        "unknown_items": [],
    }
    assert post(app, event)["duplicates"] == 1
    assert app.get("/v1/users/twice/history").json()["length"] == 1


def test_an_event_on_an_unknown_item_is_kept_and_said(app):
    kept = post(app, {"user_id": "early", "item_id": "next year's"})
    assert kept["new"] == 1 and kept["unknown_items"] == ["next year's"]
    assert app.get("/v1/users/early/history").json()["length"] == 0
    assert recommend(app, user_id="early")["cohort"] == "0"


def test_a_deletion_hides_what_the_model_knows_too(app):
    post(app, {"user_id": "u0028", "item_id": "t0001"})
    assert recommend(app, user_id="u0028")["cohort"] != "0"
    deleted = app.delete("/v1/users/u0028/history").json()
    assert deleted == {"user_id": "u0028", "live_events": 1}
    assert app.get("/v1/users/u0028/history").json()["items"] == []
    assert recommend(app, user_id="u0028")["cohort"] == "0"
    post(app, {"user_id": "u0028", "item_id": "t0002"})
    assert recommend(app, user_id="u0028")["cohort"] == "1"


def test_events_are_counted_and_clicks_credited_to_networks(app):
    answer = recommend(app, user_id="clicker", k=2)
    item = answer["items"][0]
    event = {"user_id": "clicker", "item_id": item["item_id"], "event_id": "click"}
    before = metrics(app)
    post(app, {**event, "request_id": answer["request_id"]}, {**event, "request_id": "unknown"})
    after = metrics(app)
    assert after['ysmean_clicks_total{arm=""}'] - before.get('ysmean_clicks_total{arm=""}', 0) == 1
    for name, share in item["shares"].items():
        key = f'ysmean_click_share_total{{arm="",network="{name}"}}'
        assert after[key] - before.get(key, 0) == pytest.approx(share)


def metrics(app):
    lines = [line for line in app.get("/metrics").text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_answers_are_counted_with_their_shares_abstentions_and_routes(app):
    before = metrics(app)
    answers = [recommend(app), recommend(app, user_id="u0014", weights="equal")]
    app.get("/nothing/like/this")
    after = metrics(app)
    change = {key: value - before.get(key, 0) for key, value in after.items()}
    assert change['ysmean_answers_total{arm=""}'] == 2 and change["ysmean_cold_requests_total"] == 1
    assert change['ysmean_abstentions_total{network="transition"}'] == 1
    served = [v for k, v in change.items() if k.startswith("ysmean_share_served_total")]
    assert sum(served) == pytest.approx(2)
    mean = sum(
        item["shares"].get("popularity", 0) / len(a["items"])
        for a in answers
        for item in a["items"]
    )
    assert change['ysmean_share_served_total{arm="",network="popularity"}'] == pytest.approx(mean)
    counted = "ysmean_request_duration_seconds_count"
    assert change[f'{counted}{{route="/v1/recommend",status="200"}}'] == 2
    assert change[f'{counted}{{route="none",status="404"}}'] == 1
    assert change["ysmean_batch_size_sum"] == 2 == change["ysmean_queue_seconds_count"]
    assert after[f'ysmean_model_info{{model="{answers[0]["model"]}"}}'] == 1
    assert 0 < after["ysmean_model_age_seconds"] < 3600


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"item_id": "t0001"}, "user_id", "Field required"),
        ([{"user_id": "a", "item_id": "t0001"}, {"user_id": "a"}], "[1].item_id", "required"),
        ({"user_id": "a", "item_id": "t", "timestamp": "soon"}, "timestamp", "timestamp='soon'"),
        ({"user_id": "a", "item_id": "t", "timestamp": 1.7e12}, "timestamp", "less than"),
        ([{"user_id": "a", "item_id": "t", "timestamp": 1e10}], "[0].timestamp", "a day ahead"),
        ({"user_id": "a", "item_id": "t", "weight": 1}, "weight", "there is no such field"),
        ([], "body", "at least 1 item"),
        ("text", "body", "valid dictionary"),
        ([{"user_id": "a", "item_id": "t"}] * 1001, "body", "1,001 events; at most 1,000"),
    ],
)
def test_a_bad_event_is_refused_and_none_of_its_call_is_kept(app, body, field, said):
    response = app.post("/v1/events", json=body)
    assert response.status_code == 422
    error = response.json()["errors"][0]
    assert error["field"] == field and said in error["detail"]
    assert app.get("/v1/users/a/history").json()["length"] == 0


def test_only_events_beyond_the_watermark_are_joined(trained, tmp_path):
    store = open_store(tmp_path / "model.events.db")
    store.close()
    manifest = {**trained.parts.manifest, "watermark": {"store": store.id, "last": 1}}
    ym.Recommender(replace(trained.parts, manifest=manifest)).save(tmp_path / "model")
    with TestClient(create_app(Settings(model=tmp_path / "model"))) as app:
        until(lambda: app.get("/health/ready").status_code == 200)
        post(app, {"user_id": "somebody", "item_id": "t0001"})  # which training has seen
        post(app, {"user_id": "somebody", "item_id": "t0002"})
        items = app.get("/v1/users/somebody/history").json()["items"]
    assert [item["item_id"] for item in items] == ["t0002"]
    assert (tmp_path / "model.events.db").is_file()


def test_the_watermark_of_another_store_means_nothing(trained, tmp_path):
    other = {"watermark": {"store": "another one", "last": 1000}}
    manifest = {**trained.parts.manifest, **other}
    ym.Recommender(replace(trained.parts, manifest=manifest)).save(tmp_path / "model")
    with TestClient(create_app(Settings(model=tmp_path / "model"))) as app:
        until(lambda: app.get("/health/ready").status_code == 200)
        post(app, {"user_id": "somebody", "item_id": "t0001"})
        assert app.get("/v1/users/somebody/history").json()["length"] == 1


def test_events_mean_what_they_meant_in_training(trained, tmp_path):
    manifest = {
        **trained.parts.manifest,
        "event_weights": {"buy": 3, "skip": "ignore", "no": "exclude"},
    }
    ym.Recommender(replace(trained.parts, manifest=manifest)).save(tmp_path / "model")
    with TestClient(create_app(Settings(model=tmp_path / "model"))) as app:
        until(lambda: app.get("/health/ready").status_code == 200)
        kinds = ["buy", "skip", "no", ""]
        post(
            app, *({"user_id": "x", "item_id": f"t000{n}", "event": k} for n, k in enumerate(kinds))
        )
        history = app.get("/v1/users/x/history").json()
        assert [i["item_id"] for i in history["items"]] == ["t0000", "t0003"]
        assert history["hidden"] == ["t0002"]
        refused = app.post("/v1/events", json=[{"user_id": "x", "item_id": "t0004", "event": "by"}])
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "[0].event"
        assert "Did you mean 'buy'" in refused.json()["detail"]


def test_while_the_store_cannot_be_read_users_with_an_id_are_told_to_come_back(bundle, tmp_path):
    with TestClient(create_app(Settings(model=bundle, events_db=tmp_path / "e.db"))) as app:
        until(lambda: app.get("/health/ready").status_code == 200)
        app.app.state.service.store._reader.close()
        response = app.post("/v1/recommend", json={"user_id": "u0007"})
        assert response.status_code == 503 and response.headers["retry-after"]
        assert "cannot be read" in response.json()["detail"]
        assert app.get("/v1/users/u0007/history").status_code == 503
        assert app.post("/v1/recommend", json={"history": ["t0001"]}).status_code == 200
