from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPORT = "import os, ysmean; print(os.environ.get('KERAS_BACKEND'))"
ABSENT = "import sys; sys.modules['tensorflow'] = None; "  # what an import of it then finds
STOOD_IN = "import sys; sys.path.insert(0, '.'); "


def run(code: str, folder: Path, **variables: str) -> str:
    """Return what a fresh interpreter prints whose only settings are in the folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KERAS_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "KERAS_HOME": str(folder), **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def configure(folder: Path, backend: object) -> None:
    (folder / "keras.json").write_text(json.dumps({"backend": backend}))


def test_jax_is_chosen_where_nobody_chose(tmp_path: Path) -> None:
    assert run(REPORT, tmp_path) == "jax"


def test_the_variable_is_respected(tmp_path: Path) -> None:
    assert run(REPORT, tmp_path, KERAS_BACKEND="torch") == "torch"


def test_an_empty_variable_is_no_choice(tmp_path: Path) -> None:
    assert run(REPORT, tmp_path, KERAS_BACKEND="") == "jax"


def test_an_imported_keras_is_left_alone(tmp_path: Path) -> None:
    stand_in = "import sys, types; sys.modules['keras'] = types.ModuleType('keras'); "
    assert run(stand_in + REPORT, tmp_path) == "None"


def test_a_configured_backend_that_is_installed_is_respected(tmp_path: Path) -> None:
    configure(tmp_path, "standin_backend")
    (tmp_path / "standin_backend.py").write_text("raise AssertionError('looked up, not imported')")
    assert run(STOOD_IN + REPORT, tmp_path) == "None"


def test_a_configured_backend_that_is_missing_is_nobodys_choice(tmp_path: Path) -> None:
    configure(tmp_path, "tensorflow")
    assert run(ABSENT + REPORT, tmp_path) == "jax"


def test_the_configuration_is_found_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    configure(tmp_path / ".keras", "standin_backend")
    (tmp_path / "standin_backend.py").touch()
    unset = "import os; del os.environ['KERAS_HOME']; "
    assert run(unset + STOOD_IN + REPORT, tmp_path, HOME=str(tmp_path)) == "None"


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", "{}", '{"backend": null}', '{"backend": "a.b"}']
)
def test_an_unreadable_configuration_is_no_choice(tmp_path: Path, text: str) -> None:
    (tmp_path / "keras.json").write_text(text)
    assert run(REPORT, tmp_path) == "jax"


def test_keras_runs_on_jax_despite_the_configuration_that_it_wrote(tmp_path: Path) -> None:
    code = "import ysmean, keras; print(keras.config.backend())"
    assert run(ABSENT + code, tmp_path) == "jax"
    assert json.loads((tmp_path / "keras.json").read_text())["backend"] == "tensorflow"
    assert run(ABSENT + code, tmp_path) == "jax"
