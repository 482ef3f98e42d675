"""Requests a second beside a stub recommender and a constant answer, under bounded load.

    python benchmarks/serving/throughput.py MODEL [--seconds 10] [--rounds 3] [--connections 16]
        [--together]

The real service and the stub (`stub.py`) run side by side and are loaded one after the other, in
rounds; the table shows medians over rounds. Known users are those of the model, and have asked once
before; histories never seen are drawn anew for every request: 20 items each. With `--together` the
service computes in the process that speaks HTTP (`ysmean serve --no-apart`).
"""

import argparse
import json
import os
import random
import statistics
import tempfile
from pathlib import Path

from load import load

from service import serving
from ysmean.bundle import read_histories

ROUTES = [
    ("stub", "users", "/v1/recommend"),
    ("stub", "users", "/constant"),
    ("service", "users", "/v1/recommend"),
    ("service", "histories", "/v1/recommend"),
]
NAMES = {
    ("stub", "users", "/v1/recommend"): "stub recommender, known users",
    ("stub", "users", "/constant"): "constant answer",
    ("service", "users", "/v1/recommend"): "known users",
    ("service", "histories", "/v1/recommend"): "histories never seen",
}


def bodies(model, folder):
    """Write the bodies of requests, a line each."""
    catalogue, histories, _ = read_histories(model)
    users = histories.user_ids.to_list()
    draw = random.Random(0)
    draw.shuffle(users)
    asked = {
        "users": [{"user_id": user} for user in users],
        "histories": [{"history": draw.sample(catalogue.item_ids, 20)} for _ in range(50_000)],
    }
    for name, lines in asked.items():
        (folder / name).write_text("\n".join(map(json.dumps, lines)) + "\n")


def greet(service, file):
    """Ask for every user once."""
    lines = file.read_text().splitlines()
    for lo in range(0, len(lines), 64):
        body = {"requests": [json.loads(line) for line in lines[lo : lo + 64]]}
        status, answer = service.ask("POST", "/v1/recommend/batch", body)
        assert status == 200, answer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--together", action="store_true")
    given = parser.parse_args()
    options = ["--no-apart"] if given.together else []
    found = {route: [] for route in ROUTES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bodies(given.model, folder)
        with (
            serving(given.model, "--events-db", folder / "a.db", *options) as service,
            serving(given.model, "--events-db", folder / "b.db", stub=True) as stub,
        ):
            processes = {"service": service, "stub": stub}
            greet(service, folder / "users")
            for number in range(given.rounds + 1):
                for route in ROUTES:
                    who, asked, path = route
                    process = processes[who]
                    before = process.busy
                    one = load(
                        process.url + path,
                        folder / asked,
                        given.seconds if number else 2,
                        given.connections,
                    )
                    one["busy"] = 1e3 * (process.busy - before) / one["requests"]
                    if number:  # the first round warms up
                        found[route].append(one)
            compiled = service.metric('ysmean_compilations_total{when="serving"}')
            batch = service.metric("ysmean_batch_size_sum") / service.metric(
                "ysmean_batch_size_count"
            )
            compute = service.metric("ysmean_compute_seconds_sum") / service.metric(
                "ysmean_compute_seconds_count"
            )
    report(found)
    print(f"\ncompilations under load {compiled:.0f}; requests a computation {batch:.1f}, ", end="")
    print(f"{1e3 * compute:.1f} ms; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def report(found):
    rate = {r: statistics.median(x["rate"] for x in ones) for r, ones in found.items()}
    print(
        "| | requests/s | p50, ms | p99, ms | processor, ms a request | failed |\n"
        "| --- | --- | --- | --- | --- | --- |"
    )
    for route, ones in found.items():
        p50, p99, busy = (statistics.median(x[q] for x in ones) for q in ("p50", "p99", "busy"))
        failed = sum(x["failed"] for x in ones)
        cells = [f"{rate[route]:.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{busy:.2f}", str(failed)]
        print(f"| {NAMES[route]} | {' | '.join(cells)} |")
    stub, constant, users, histories = (rate[route] for route in ROUTES)
    spent = [statistics.median(x["busy"] for x in found[route]) for route in ROUTES]
    print(f"\nknown users {users / stub:.2f} of the stub, ", end="")
    print(f"histories never seen {histories / constant:.2f} of the constant answer; ", end="")
    print(f"by processor time {spent[0] / spent[2]:.2f} and {spent[1] / spent[3]:.2f}")


if __name__ == "__main__":
    main()
