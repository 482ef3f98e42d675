"""Requests that wait together are computed together, and everybody gets an own answer."""

import re
import threading
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

import ysmean as ym
from waiting import until
from ysmean.errors import RequestError, StoreError
from ysmean.networks.dot import _compiled
from ysmean.service import models
from ysmean.service.app import create_app
from ysmean.service.batching import Batcher, QueueFullError, RefusedError
from ysmean.service.settings import Settings


@dataclass
class Fake:
    """A model whose answers are its name and the user's."""

    name: str = "model"

    @property
    def recommender(self):
        return self

    def check(self, request):
        if request.k == 0:
            raise RequestError("k=0", "k")


class Held:
    """A computation that is held up until it is let go."""

    def __init__(self):
        self.begun, self.go, self.batches = threading.Event(), threading.Event(), []

    def __call__(self, model, requests):
        self.begun.set()
        assert self.go.wait(30)
        for request in requests:
            if request.k == 99:
                raise ValueError("a fault of our own")
            model.check(request)
            if request.user_id == "needy":
                raise StoreError("the store is away")
        self.batches.append([r.user_id for r in requests])
        return [f"{model.name} {r.user_id}" for r in requests]


def asked(*users, **rest):
    return [ym.Request(user_id=user, **rest) for user in users]


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def batcher(held):
    batcher = Batcher(held, max_batch=4, max_queued=8)
    yield batcher
    held.go.set()
    batcher.close()


def test_what_waits_is_computed_together_up_to_the_limit(batcher, held):
    model = Fake()
    first = batcher.submit(model, asked("a"))
    held.begun.wait(10)
    rest = [batcher.submit(model, asked(*users)) for users in ("bc", "d", "ef", "g")]
    assert batcher.queued == 6
    held.go.set()
    answers = [f.result(10) for f in (first, *rest)]
    assert answers[1] == ["model b", "model c"] and answers[4] == ["model g"]
    assert held.batches == [["a"], ["b", "c", "d"], ["e", "f", "g"]]


def test_calls_are_answered_by_the_model_they_came_to(batcher, held):
    old, new = Fake("old"), Fake("new")
    first = batcher.submit(old, asked("a"))
    held.begun.wait(10)
    rest = [batcher.submit(m, asked("b")) for m in (old, new, old)]
    held.go.set()
    assert [f.result(10)[0] for f in (first, *rest)] == ["old a", "old b", "new b", "old b"]
    assert len(held.batches) == 4


def test_a_bad_request_is_refused_alone(batcher, held):
    model = Fake()
    batcher.submit(model, asked("a"))
    held.begun.wait(10)
    good, bad = batcher.submit(model, asked("b")), [*asked("c"), *asked("d", k=0)]
    bad, also = batcher.submit(model, bad), batcher.submit(model, asked("e"))
    held.go.set()
    assert good.result(10) == ["model b"] and also.result(10) == ["model e"]
    with pytest.raises(RefusedError) as refused:
        bad.result(10)
    assert refused.value.number == 1 and refused.value.error.field == "k"


def test_who_needs_nothing_of_a_store_that_is_away_is_answered(batcher, held):
    model = Fake()
    batcher.submit(model, asked("a"))
    held.begun.wait(10)
    calls = [batcher.submit(model, asked(user)) for user in ("b", "needy", "c")]
    held.go.set()
    assert calls[0].result(10) == ["model b"] and calls[2].result(10) == ["model c"]
    with pytest.raises(StoreError, match="away"):
        calls[1].result(10)


def test_more_than_may_wait_are_refused_and_nothing_is_lost(batcher, held):
    model = Fake()
    first = batcher.submit(model, asked("a"))
    held.begun.wait(10)
    kept = [batcher.submit(model, asked(*"bcd")), batcher.submit(model, asked(*"efgh"))]
    with pytest.raises(QueueFullError):
        batcher.submit(model, asked(*"ij"))
    kept.append(batcher.submit(model, asked("k")))
    held.go.set()
    assert [len(f.result(10)) for f in (first, *kept)] == [1, 3, 4, 1]
    assert batcher.queued == 0


def test_a_call_nobody_waits_for_any_more_is_not_computed(batcher, held):
    model = Fake()
    batcher.submit(model, asked("a"))
    held.begun.wait(10)
    gone, stays = batcher.submit(model, asked("b")), batcher.submit(model, asked("c"))
    gone.cancel()
    held.go.set()
    assert stays.result(10) == ["model c"]
    assert held.batches == [["a"], ["c"]]


def test_a_fault_of_our_own_reaches_those_it_hit_and_the_thread_lives(batcher, held):
    held.go.set()
    with pytest.raises(ValueError, match="a fault of our own"):
        batcher.submit(Fake(), asked("a", k=99)).result(10)
    assert batcher.submit(Fake(), asked("b")).result(10) == ["model b"]


def test_closing_answers_what_waits(held):
    batcher = Batcher(held, max_batch=4, max_queued=8)
    futures = [batcher.submit(Fake(), asked(user)) for user in "abc"]
    held.go.set()
    batcher.close()
    assert [f.result(0)[0] for f in futures] == ["model a", "model b", "model c"]
    with pytest.raises(QueueFullError):
        batcher.submit(Fake(), asked("d"))


def compiled(client):
    text = client.get("/metrics").text
    found = re.findall(r'ysmean_compilations_total\{when="([\w-]+)"\} ([\d.]+)', text)
    return {when: float(number) for when, number in found}


def started(bundle, tmp_path):
    _compiled.cache_clear()  # other tests compiled the same shapes
    return TestClient(create_app(Settings(model=bundle, events_db=tmp_path / "events.db")))


def test_after_the_warm_up_nothing_is_compiled_whatever_the_batch(bundle, tmp_path):
    with started(bundle, tmp_path) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        assert compiled(client)["warm-up"] >= 4  # sizes 8, 16, 32 and 64
        kinds = [
            {},
            {"user_id": "u0007"},
            {"history": ["t0001"] * 200, "k": 3},
            {"preferences": {"genres": ["Comedy"] * 9}, "where": "year > 1990"},
            {"scale": {"popularity": 2}, "weights": "equal", "seen": "allow"},
        ]
        for size in (1, 5, 9, 17, 33, 64):
            asked = [kinds[n % len(kinds)] for n in range(size)]
            response = client.post("/v1/recommend/batch", json={"requests": asked})
            assert response.status_code == 200
        assert compiled(client)["serving"] == 0


def test_what_is_compiled_under_load_is_counted(bundle, tmp_path, monkeypatch):
    load = models.load
    monkeypatch.setattr(models, "load", lambda folder, sizes: load(folder, [8]))
    with started(bundle, tmp_path) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        asked = [{"context": {"hour": hour}} for hour in range(9)]  # equal ones are encoded once
        client.post("/v1/recommend/batch", json={"requests": asked})
        assert compiled(client)["serving"] >= 1
