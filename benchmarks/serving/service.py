"""`ysmean serve` and its stub as processes of their own, for the measurements beside."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
YSMEAN = Path(sys.executable).parent / "ysmean"


class Service:
    """A process that serves, and what it logs."""

    def __init__(self, command, patience=600):
        self.process = subprocess.Popen(
            [*map(str, command)], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.url, self.lines, self.kept = None, [], threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        if not self.kept.wait(patience) or self.url is None:
            raise SystemExit(f"{' '.join(map(str, command))} does not listen")
        self.wait_until_ready(patience)

    def _read(self):
        for line in self.process.stderr:
            if not line.startswith("{"):
                print(line, end="", file=sys.stderr)
                continue
            said = json.loads(line)
            if said.get("event") == "listening":
                self.url = said["url"]
                self.kept.set()
            elif said.get("event") != "request":
                self.lines.append(said)
        self.kept.set()  # it has ended, and will never listen

    def wait_until_ready(self, patience):
        end = time.monotonic() + patience
        while self.ask("GET", "/health/ready")[0] != 200:
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"not ready: {self.lines}")
            time.sleep(0.1)

    def ask(self, method, path, body=None):
        """Return the status and the answer of one request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:
            return 0, str(error).encode()

    def metric(self, name):
        """Return a metric by its whole name, labels included; 0 where it is not there."""
        lines = self.ask("GET", "/metrics")[1].decode().splitlines()
        return next((float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith(f"{name} ")), 0.0)

    @property
    def busy(self):
        """Processor time used so far by it and those it has started, seconds."""
        ticks = 0
        for process in self._family():
            words = (process / "stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(words[11]) + int(words[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    @property
    def resident(self):
        """Resident memory of it and those it has started, bytes."""
        pages = sum(int((p / "statm").read_text().split()[1]) for p in self._family())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _family(self):
        """Return the process and those it has started, as folders of /proc."""
        own = Path(f"/proc/{self.process.pid}")
        started = {c for task in own.glob("task/*/children") for c in task.read_text().split()}
        return [own, *(Path(f"/proc/{child}") for child in sorted(started))]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


@contextmanager
def serving(model, *options, stub=False):
    """Serve a model while the block runs; with `stub`, without computing anything."""
    if stub:
        command = [sys.executable, HERE / "stub.py", model, *options]
    else:
        command = [YSMEAN, "serve", model, "--port", "0", *options]
    service = Service(command)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end()
