"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import ysmean  # noqa: F401 - chooses the backend before any test imports Keras

settings.register_profile(
    "ysmean",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("ysmean")


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data that YSMEAN_DATA names."""
    folder = os.environ.get("YSMEAN_DATA")
    if not folder:
        pytest.skip("YSMEAN_DATA names no folder of real data")
    return Path(folder)
