"""Fixtures shared by all tests."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import postgresql
import ysmean  # noqa: F401 - chooses the backend before any test imports Keras

# Tests compile far longer than they compute: XLA does it in a hurry, and JAX keeps the result for
# all processes of the run, which inherit these settings. What was chosen outside is respected.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    _compiled = tempfile.TemporaryDirectory(prefix="ysmean-compiled-")  # removed when we end
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

settings.register_profile(
    "ysmean",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("ysmean")

LONG = (
    "test_demo.py",
    "test_docs.py",
    "contracts/test_networks.py",
    "contracts/test_growth.py",
    "test_cli.py",
    "service/test_process.py",
    "service/test_apart.py",
    "training/test_train.py",
    "training/test_fit.py",
)


def pytest_collection_modifyitems(items):
    """Begin with the longest files: two processes that share them end at about the same time."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, len(LONG)))


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data that YSMEAN_DATA names."""
    folder = os.environ.get("YSMEAN_DATA")
    if not folder:
        pytest.skip("YSMEAN_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def postgresql_url():
    """The URL of a PostgreSQL server that runs while the tests do; they skip without one."""
    with postgresql.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_store(request, tmp_path_factory):
    """What names a new, empty store whenever it is called."""
    if request.param == "sqlite":
        return lambda: tmp_path_factory.mktemp("store") / "events.db"
    url = request.getfixturevalue("postgresql_url")
    return lambda: postgresql.emptied(url)
