"""One small model and one service of it, shared by the tests of this folder."""

import pytest
from fastapi.testclient import TestClient

import ysmean as ym
from models import service as simulated
from waiting import until
from ysmean.service.app import create_app
from ysmean.service.settings import Settings

QUICK = ym.Fitting(batch=64, max_steps=8, max_epochs=1)


@pytest.fixture(scope="session")
def trained():
    s = simulated()
    specs = [ym.Transition(), ym.Knowledge(width=8, hidden=8, fitting=QUICK), ym.Popularity()]
    return ym.train(s.events, s.items, s.users, networks=specs, seed=1)


@pytest.fixture(scope="session")
def bundle(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service") / "model"
    trained.save(folder)
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A bundle of the test's own, to be changed."""
    trained.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="session")
def client(bundle):
    """A service that only answers; tests that change something start their own."""
    with TestClient(create_app(Settings(model=bundle)), raise_server_exceptions=False) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield client
