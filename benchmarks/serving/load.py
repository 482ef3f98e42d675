"""Bounded load from a second process: wrk where it is installed, or this file.

    python benchmarks/serving/load.py URL BODIES [--seconds 10] [--connections 16]

posts the lines of BODIES in turn over so many connections, each of which waits for its answer, and
prints one line of JSON.
"""

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
HEADERS = {"Content-Type": "application/json"}


def load(url, bodies, seconds, connections):
    """Return requests a second, p50 and p99 in milliseconds, and how many failed."""
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
        command += ["-s", HERE / "bodies.lua", url]
    else:
        command = [sys.executable, HERE / "load.py", url, bodies]
        command += ["--seconds", seconds, "--connections", connections]
    environment = {**os.environ, "BODIES": str(bodies)}
    done = subprocess.run(
        [*map(str, command)], check=True, capture_output=True, text=True, env=environment
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {
        "requests": found["requests"],
        "rate": found["requests"] / found["seconds"],
        "p50": 1e3 * found["p50"],
        "p99": 1e3 * found["p99"],
        "failed": found["failed"],
    }


def post(url, bodies, seconds, connections):
    """Do without wrk: a thread a connection."""
    place, end = urlsplit(url), time.monotonic() + seconds
    taken, failed = [], []

    def client(number):
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        turn = number
        while time.monotonic() < end:
            began = time.perf_counter()
            connection.request("POST", place.path, bodies[turn % len(bodies)], HEADERS)
            response = connection.getresponse()
            response.read()
            taken.append(time.perf_counter() - began)
            failed.extend([response.status] * (response.status >= 400))
            turn += connections

    began = time.monotonic()
    threads = [threading.Thread(target=client, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.sort()
    p50, p99 = (taken[int(q * (len(taken) - 1))] for q in (0.5, 0.99))
    seconds = time.monotonic() - began
    return {
        "requests": len(taken),
        "seconds": seconds,
        "p50": p50,
        "p99": p99,
        "failed": len(failed),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    given = parser.parse_args()
    lines = given.bodies.read_text().splitlines()
    print(json.dumps(post(given.url, lines, given.seconds, given.connections)))
