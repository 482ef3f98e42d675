"""A model is swapped for another while requests go on; a bad one changes nothing."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

import ysmean as ym
from models import hotter
from waiting import until
from ysmean.errors import BundleError
from ysmean.mean.topk import top_k_of_mean
from ysmean.service import loaded, models
from ysmean.service.app import create_app
from ysmean.service.gate import worse
from ysmean.service.loaded import Loaded, check
from ysmean.service.settings import Settings


@pytest.fixture
def app(folder):
    with TestClient(create_app(Settings(model=folder))) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def test_reload_switches_to_the_current_version_and_rollback_goes_back(app, folder, trained):
    old, new = trained.model_id, hotter(trained).model_id
    hotter(trained).save(folder)
    assert app.post("/v1/recommend", json={}).json()["model"] == old
    reloaded = app.post("/v1/model/reload").json()
    assert reloaded == {"result": "loaded", "model": new, "replaced": old}
    assert app.post("/v1/recommend", json={}).json()["model"] == new
    back = app.post("/v1/model/rollback").json()
    assert back == {"result": "rolled-back", "model": old, "replaced": new}
    assert app.post("/v1/recommend", json={}).json()["model"] == old
    text = app.get("/metrics").text
    assert 'ysmean_swaps_total{result="loaded"} 2.0' in text
    assert f'ysmean_model_info{{model="{old}"}} 1.0' in text
    assert 'ysmean_compilations_total{when="serving"} 0.0' in text


def test_the_same_version_again_is_left_alone(app, trained):
    unchanged = app.post("/v1/model/reload").json()
    assert unchanged["result"] == "unchanged" and unchanged["model"] == trained.model_id
    nothing = app.post("/v1/model/rollback")
    assert nothing.status_code == 409
    assert "No other model was loaded" in nothing.json()["detail"]


def test_an_altered_bundle_keeps_the_old_model_and_says_why(app, folder, trained):
    place = hotter(trained).save(folder)
    (place / "weights" / "popularity.safetensors").write_bytes(b"altered")
    refused = app.post("/v1/model/reload")
    assert refused.status_code == 409
    assert "popularity.safetensors was altered" in refused.json()["detail"]
    assert app.post("/v1/recommend", json={}).json()["model"] == trained.model_id
    assert app.get("/health/ready").status_code == 200
    assert 'ysmean_swaps_total{result="failed"} 1.0' in app.get("/metrics").text


def test_whatever_loading_raises_keeps_the_old_model(app, trained, monkeypatch):
    def load(*_):
        raise MemoryError("too large")

    monkeypatch.setattr(models, "load", load)
    refused = app.post("/v1/model/reload")
    assert refused.status_code == 409 and "MemoryError: too large" in refused.json()["detail"]
    assert app.post("/v1/recommend", json={}).json()["model"] == trained.model_id


def test_two_swaps_at_once_are_not_mixed(app, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    begun, go, load = Event(), Event(), models.load

    def held(*arguments):
        begun.set()
        assert go.wait(30)
        return load(*arguments)

    monkeypatch.setattr(models, "load", held)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(app.post, "/v1/model/reload")
        assert begun.wait(30)
        second = app.post("/v1/model/rollback")
        go.set()
    assert second.status_code == 409 and "being loaded" in second.json()["detail"]
    assert first.result().status_code == 200


@pytest.mark.parametrize("factor", [2.0, 0.9, np.nan])
def test_a_model_that_answers_with_nonsense_is_refused(trained, monkeypatch, factor):
    check(Loaded(trained))

    def nonsense(*arguments):
        top = top_k_of_mean(*arguments)
        return replace(top, scores=top.scores * factor)

    monkeypatch.setattr(loaded, "top_k_of_mean", nonsense)
    with pytest.raises(BundleError, match=r"sum to .*; expected 1"):
        check(Loaded(trained))


def with_gain(recommender, gain):
    manifest = {**recommender.parts.manifest, "held_out_gain": gain}
    return ym.Recommender(replace(recommender.parts, manifest=manifest))


def gain(mean, error=0.01, requests=1000):
    return {"mean": mean, "error": error, "requests": requests}


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        (gain(2.0), gain(1.9), True),  # z = 7.07
        (gain(2.0), gain(1.9768), False),  # z = 1.641, p = 0.0504
        (gain(2.0), gain(1.9766), True),  # z = 1.655, p = 0.0490
        (gain(2.0, 0.5), gain(1.9, 0.5), False),
        (gain(2.0), gain(2.1), False),
        (gain(2.0), gain(2.0), False),
        (gain(2.0, 0.0), gain(1.0, 0.0), False),  # no error, no test
        (None, gain(1.0), False),
        (gain(2.0), None, False),
    ],
)
def test_the_gate_refuses_what_is_significantly_worse(old, new, refused):
    reason = worse({"held_out_gain": old}, {"held_out_gain": new}, 0.05)
    assert (reason is not None) == refused
    if refused:
        assert f"gains {new['mean']:.3f} ± 0.010 (1,000 events)" in reason


def test_training_says_what_the_mean_gains_over_guessing(trained):
    manifest = trained.parts.manifest
    found = manifest["held_out_gain"]
    warm = int(trained.parts.catalogue.warm.sum())
    assert found["mean"] == pytest.approx(np.log(warm) - manifest["held_out_nll"]["mean"])
    assert found["error"] > 0 and 2 < found["requests"] <= manifest["held_out"]


def test_a_worse_model_is_refused_with_the_reason_unless_forced(trained, tmp_path):
    folder = tmp_path / "model"
    with_gain(trained, gain(2.0)).save(folder)
    with TestClient(create_app(Settings(model=folder, gate=0.05))) as app:
        until(lambda: app.get("/health/ready").status_code == 200)
        bad = with_gain(hotter(trained), gain(1.5))
        bad.save(folder)
        with capture_logs() as logs:
            refused = app.post("/v1/model/reload")
        assert refused.status_code == 409
        assert "significantly worse" in refused.json()["detail"]
        assert "gains 1.500 ± 0.010" in refused.json()["detail"]
        told = next(line for line in logs if line["event"] == "model")
        assert told["result"] == "refused" and told["reason"] == refused.json()["detail"]
        assert app.post("/v1/recommend", json={}).json()["model"] == trained.model_id
        assert 'ysmean_swaps_total{result="refused"} 1.0' in app.get("/metrics").text
        forced = app.post("/v1/model/reload?force=true").json()
        assert forced["result"] == "loaded" and forced["model"] == bad.model_id


def test_without_a_gate_a_worse_model_is_taken(app, folder, trained):
    with_gain(hotter(trained), gain(-5.0)).save(folder)
    assert app.post("/v1/model/reload").json()["result"] == "loaded"


def test_garbage_is_collected_once_and_what_is_there_is_passed_over_from_then_on():
    class Node:
        pass

    node = Node()
    node.itself = node
    gone = weakref.ref(node)
    del node
    loaded.settle(swapped=True)
    assert gone() is None and gc.get_freeze_count() > 0
