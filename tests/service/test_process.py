"""The service as a process: killed, told to stop, and swapped under load."""

import signal
import subprocess
import sys
import threading

import httpx2 as httpx
import pytest

from models import hotter
from processes import YSMEAN, Process
from waiting import until
from ysmean.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture
def serve(folder):
    started = []

    def start(*options, **how):
        started.append(Process(folder, *options, **how))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_an_acknowledged_event_survives_a_kill_and_sigterm_ends_in_order(serve):
    first = serve()
    acknowledged = []

    def post(client):
        for number in range(10_000):
            event = {"event_id": f"{client}-{number}", "user_id": client, "item_id": "t0001"}
            try:
                if httpx.post(f"{first.client.base_url}/v1/events", json=event).status_code == 200:
                    acknowledged.append(event["event_id"])
            except httpx.HTTPError:
                return

    clients = [threading.Thread(target=post, args=(f"client{n}",)) for n in range(4)]
    for client in clients:
        client.start()
    until(lambda: len(acknowledged) > 40)
    first.send(signal.SIGKILL)
    for client in clients:
        client.join()

    second = serve()
    again = [{"event_id": e, "user_id": "x", "item_id": "t0001"} for e in acknowledged]
    kept = second.client.post("/v1/events", json=again[:1000]).json()
    assert kept["new"] == 0 and kept["duplicates"] == len(again[:1000])
    assert second.client.get("/v1/users/client0/history").json()["length"] > 0

    second.send(signal.SIGTERM)
    until(lambda: second.client.get("/health/ready").status_code == 503)
    answer = second.client.post("/v1/recommend", json={"user_id": "client0"})
    assert answer.status_code == 200  # until the load balancer has noticed
    assert second.process.wait(30) == 0
    until(lambda: second.said("stopped"))


def test_models_are_swapped_under_load_without_a_failed_or_mixed_answer(serve, folder, trained):
    new = hotter(trained)
    at = 1_750_000_000
    expected = {
        r.model_id: [(i.item_id, i.score) for i in r.recommend("u0007", at=at)]
        for r in (trained, new)
    }
    assert len({str(items) for items in expected.values()}) == 2
    service, stop = serve(), threading.Event()
    seen, wrong = [], []

    def ask():
        with httpx.Client(base_url=service.client.base_url, timeout=30) as client:
            while not stop.is_set():
                response = client.post("/v1/recommend", json={"user_id": "u0007", "at": at})
                if response.status_code != 200:
                    wrong.append(response.text)
                    continue
                answer = response.json()
                seen.append(answer["model"])
                for item, (item_id, score) in zip(
                    answer["items"], expected[answer["model"]], strict=True
                ):
                    if item["item_id"] != item_id or abs(item["score"] / score - 1) > 1e-3:
                        wrong.append((item, item_id, score))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    until(lambda: len(seen) > 20)
    new.save(folder)
    service.send(signal.SIGHUP)
    until(lambda: seen[-1] == new.model_id)
    back = service.client.post("/v1/model/rollback").json()
    assert back["result"] == "rolled-back"
    until(lambda: seen[-1] == trained.model_id)
    stop.set()
    for client in clients:
        client.join()
    assert not wrong and set(seen) == set(expected)
    metrics = service.client.get("/metrics").text
    assert 'ysmean_compilations_total{when="serving"} 0.0' in metrics
    loaded = [line["result"] for line in service.said("model")]
    assert loaded == ["loaded", "loaded", "rolled-back"]

    place = next(p for p in (folder / "versions").iterdir() if p.name in _current(folder))
    (place / "catalogue.parquet").write_bytes(b"altered")
    service.send(signal.SIGHUP)
    refused = until(lambda: service.said("not reloaded"))
    assert "catalogue.parquet was altered" in refused[0]["reason"]
    answer = service.client.post("/v1/recommend", json={})
    assert answer.json()["model"] == trained.model_id


def _current(folder):
    return (folder / "CURRENT").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "nothing does not exist"),
        (["model", "--events-db", "nowhere/e.db"], "Live events cannot be kept in nowhere/e.db"),
    ],
)
def test_a_service_that_cannot_start_says_why(arguments, said, folder):
    command = [YSMEAN, "serve", *arguments, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not list(folder.parent.glob("nothing*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "Give keys with --keys FILE"),
        (["--host", "999.1.1.1"], "--insecure"),
        (["--keys", "nowhere"], "keys in nowhere cannot be read"),
        (["--gate", "5"], "--gate 5; expected a level between 0 and 1"),
        (["--experiment", "nowhere"], "Experiment nowhere cannot be read"),
    ],
)
def test_a_service_that_may_not_start_says_why(options, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ysmean", "serve", "model", *options])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2 and said in capsys.readouterr().err


def test_every_setting_of_the_service_has_a_flag(monkeypatch, tmp_path):
    (tmp_path / "arms.toml").write_text("name = 'x'\n[arms.a]\n")
    given = {
        "experiment": tmp_path / "arms.toml",
        "gate": 0.05,
        "max_body": 2048,
        "max_k": 5,
        "max_batch": 7,
        "max_history": 8,
        "max_values": 9,
        "max_events": 10,
        "max_queued": 11,
        "timeout": 1.5,
        "remembered": 12,
        "encodings": 13,
        "threads": 3,
    }
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    flags, given = [*flags, "--no-apart"], {**given, "apart": False}
    served = []
    monkeypatch.setattr("ysmean.service.run.run", lambda *told: served.append(told))
    monkeypatch.setattr(sys, "argv", ["ysmean", "serve", "model", *flags])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    settings = served[0][0]
    assert settings.experiment.arms.keys() == {"a"}
    for name, value in given.items():
        assert name == "experiment" or getattr(settings, name) == value
    assert given.keys() == type(settings).model_fields.keys() - {"model", "events_db", "log_salt"}
