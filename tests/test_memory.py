"""Memory that is freed stays with a process that trains."""

import platform
import subprocess
import sys

import pytest

from ysmean.cli.memory import keep_memory

SCRIPT = """
import resource, sys, threading
from ysmean.cli.memory import keep_memory
assert sys.argv[1] == "give" or keep_memory()
def step():
    for _ in range(40):
        b"x" * 2**25
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for thread in [threading.Thread(target=step) for _ in range(2)]:  # one after the other
    thread.start()
    thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(what):
    command = [sys.executable, "-c", SCRIPT, what]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asked of glibc alone")
def test_freed_memory_is_mapped_once_and_shared_by_threads():
    pages = 2**25 // 4096
    assert faults("give") > 40 * pages
    assert faults("keep") < 2 * pages


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_memory()
