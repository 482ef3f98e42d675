"""Serve, post events, train again on the bundle and the store, swap: nothing counts twice."""

import sys

import pytest
from fastapi.testclient import TestClient

import ysmean as ym
from models import service as simulated
from waiting import until
from ysmean.cli import main
from ysmean.service.app import create_app
from ysmean.service.settings import Settings


@pytest.fixture
def ysmean(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ysmean", *map(str, arguments)])
        try:
            main()
        except SystemExit as left:
            assert not left.code, capsys.readouterr().err

    return run


def test_the_whole_loop(fresh_store, ysmean, tmp_path):
    model, items, store = tmp_path / "model", tmp_path / "items.parquet", str(fresh_store())
    simulated().items.frame.write_parquet(items)
    simulated().events.frame.drop("weight", "excludes").write_parquet(tmp_path / "events.parquet")
    settings = tmp_path / "settings.toml"
    settings.write_text('networks = ["transition", "popularity"]\n[event_weights]\nview = 1\n')
    ysmean(
        *("train", "--out", model, "--config", settings, "--items", items),
        *("--events", tmp_path / "events.parquet"),
    )
    with TestClient(create_app(Settings(model=model, events_db=store))) as app:
        until(lambda: app.get("/health/ready").status_code == 200)

        def history(user):
            found = app.get(f"/v1/users/{user}/history?limit=1000").json()["items"]
            return [(item["item_id"], item["timestamp"]) for item in found]

        def post(number, user, item):
            event = {"event_id": f"e{number}", "user_id": user, "item_id": item, "event": "view"}
            response = app.post("/v1/events", json=event)
            assert response.status_code == 200, response.text
            return response.json()["new"]

        before = len(history("u0007"))
        assert [post(1, "u0007", "t0001"), post(2, "new", "t0002")] == [1, 1]
        app.delete("/v1/users/u0014/history")
        post(3, "u0014", "t0003")
        pasts = {user: history(user) for user in ("u0007", "new", "u0014", "u0021")}
        assert len(pasts["u0007"]) == before + 1
        assert len(pasts["new"]) == len(pasts["u0014"]) == 1 and len(pasts["u0021"]) > 1

        ysmean(
            *("train", "--out", model, "--config", settings, "--items", items),
            *("--events", model, "--events", f"store:{store}"),
        )
        post(4, "u0021", "t0004")  # while training went on
        pasts["u0021"] = history("u0021")
        swapped = app.post("/v1/model/reload").json()
        assert swapped["result"] == "loaded"
        assert {user: history(user) for user in pasts} == pasts
        assert post(1, "u0007", "t0001") == 0
        assert history("u0007") == pasts["u0007"]

        known = ym.Recommender.load(model).parts.histories
        assert known.index.keys() >= {"u0007", "new"}
        assert len(known.past(known.index["u0014"])) == 1
        assert len(known.past(known.index["u0021"])) == len(pasts["u0021"]) - 1

        app.delete("/v1/users/new/history")
        ysmean(
            *("train", "--out", model, "--config", settings, "--items", items),
            *("--events", model, "--events", f"store:{store}"),
        )
        app.post("/v1/model/reload")
        assert history("new") == []
        assert {user: history(user) for user in pasts if user != "new"} == {
            user: past for user, past in pasts.items() if user != "new"
        }
        assert "new" not in ym.Recommender.load(model).parts.histories.index
