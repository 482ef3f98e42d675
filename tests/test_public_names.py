from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import ysmean

HEAVY = ("jax", "keras", "numpy", "polars", "sklearn", "tensorflow", "torch")


@pytest.mark.parametrize("name", ysmean.__all__)
def test_a_public_name_is_there_and_carries_its_own_name(name: str) -> None:
    assert getattr(ysmean, name).__name__ == name


def test_public_names_are_sorted_and_listed() -> None:
    assert sorted(ysmean.__all__) == ysmean.__all__
    assert set(ysmean.__all__) <= set(dir(ysmean))


def test_a_star_import_brings_every_public_name() -> None:
    brought: dict[str, object] = {}
    exec("from ysmean import *", brought)
    assert set(ysmean.__all__) <= set(brought)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'ysmean' has no attribute 'Recomender'"):
        getattr(ysmean, "Recomender")  # noqa: B009 - a type checker would refuse the plain form


def test_the_version_is_that_of_the_installed_package() -> None:
    assert ysmean.__version__ == version("ysmean")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, ysmean; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_the_errors_imports_nothing_heavy() -> None:
    code = f"import sys, ysmean.errors; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
