"""`ysmean serve` as a process of its own."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx2 as httpx

from waiting import until

YSMEAN = Path(sys.executable).parent / "ysmean"


class Process:
    """`ysmean serve` on a free port."""

    def __init__(self, model, *options, ready=True):
        command = [YSMEAN, "serve", str(model), "--port", "0", "--drain", "0.3", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()
        url = until(lambda: [line["url"] for line in self.lines if "url" in line])[0]
        self.client = httpx.Client(base_url=url, timeout=30)
        if ready:
            until(lambda: self.client.get("/health/ready").status_code == 200)

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(json.loads(line))

    def send(self, number):
        os.kill(self.process.pid, number)

    def said(self, event):
        return [line for line in self.lines if line["event"] == event]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.client.close()
        self.process.stderr.close()
