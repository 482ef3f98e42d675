"""What the page on serving shows is what the service says."""

import re
import subprocess

import pytest

from processes import Process
from snippets import ROOT, _check, snippets
from ysmean.service.experiment import load_experiment
from ysmean.service.settings import Settings

PAGE = "docs/serving.md"


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_shows(bundle, tmp_path):
    service = Process(bundle, "--events-db", str(tmp_path / "events.db"))
    address = f"localhost:{service.client.base_url.port}"
    ran = 0
    try:
        for snippet in snippets(PAGE):
            if snippet.language == "sh" and "curl" in snippet.text:
                # A line each: the service ends its answers with none.
                script = re.sub(r"(?<!\\)\n", "; echo\n", snippet.text)
                script = script.replace("localhost:8000", address)
                done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
                _check(snippet.place, done.stdout, snippet.output)
                ran += 1
    finally:
        service.end()
    assert ran == 4


def test_the_experiment_of_the_page_is_one(tmp_path):
    (text,) = [s.text for s in snippets(PAGE) if s.language == "toml"]
    (tmp_path / "arms.toml").write_text(text)
    experiment = load_experiment(tmp_path / "arms.toml")
    assert {name: arm.share for name, arm in experiment.arms.items()} == {
        "as-fitted": 2,
        "content-twice": 1,
        "equal": 1,
    }


def test_the_limits_of_the_page_are_those_of_the_settings(tmp_path):
    text = (ROOT / PAGE).read_text()
    limits = Settings(model=tmp_path)
    assert limits.max_body == 1 << 20 and "| bytes of a body | 1 MiB |" in text
    for row in (
        f"| `k` | {limits.max_k}, and the size of the catalogue |",
        f"| requests in a batch, and in one computation | {limits.max_batch} |",
        f"| items in `history` and `exclude` | {limits.max_history:,} each |",
        f"| preference values | {limits.max_values} |",
        f"| events in a call | {limits.max_events:,} |",
        f"| requests that wait | {limits.max_queued}; the next gets 503 |",
        f"| seconds for an answer | {limits.timeout:g}; then 503 |",
    ):
        assert row in text
    assert f"The last {limits.remembered:,} answers are remembered" in text
    assert limits.batch_sizes == [8, 16, 32, 64]
