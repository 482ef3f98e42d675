"""Memory under mixed load: recommendations, events, histories, deletions, searches and reloads.

    python benchmarks/serving/memory.py MODEL [--minutes 20] [--warm 5]

Prints the resident memory every minute, and how much it grew after the first `--warm` ones.
"""

import argparse
import http.client
import json
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlsplit

from service import serving
from ysmean.bundle import read_histories


def client(url, users, items, stop, counts, seed):
    place, draw = urlsplit(url), random.Random(seed)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    while not stop.is_set():
        user, item = draw.choice(users), draw.choice(items)
        method, path, body = draw.choices(
            [
                ("POST", "/v1/recommend", {"user_id": user}),
                ("POST", "/v1/recommend", {"history": draw.sample(items, 20)}),
                ("POST", "/v1/recommend", {"user_id": user, "diversity": 0.3, "why": True}),
                ("POST", "/v1/recommend/batch", {"requests": [{"user_id": user}] * 10}),
                ("POST", "/v1/events", {"user_id": user, "item_id": item}),
                ("GET", f"/v1/users/{quote(user, safe='')}/history", None),
                ("DELETE", f"/v1/users/{quote(user, safe='')}/history", None),
                ("GET", f"/v1/items/{quote(item, safe='')}/similar", None),
                ("GET", "/v1/items?query=a", None),
                ("POST", "/v1/recommend", {"k": 0}),
                ("GET", "/metrics", None),
            ],
            [30, 20, 3, 5, 20, 5, 2, 5, 3, 2, 1],
        )[0]
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        counts[response.status] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--warm", type=float, default=5)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    catalogue, histories, _ = read_histories(given.model)
    users = [*histories.user_ids.to_list(), *(f"new {n}" for n in range(1000))]
    with (
        tempfile.TemporaryDirectory() as name,
        serving(given.model, "--events-db", Path(name) / "events.db") as service,
    ):
        stop, counts = threading.Event(), Counter()
        clients = [
            threading.Thread(
                target=client, args=(service.url, users, catalogue.item_ids, stop, counts, n)
            )
            for n in range(given.clients)
        ]
        for one in clients:
            one.start()
        began, sizes = time.monotonic(), []
        while (minute := (time.monotonic() - began) / 60) < given.minutes:
            sizes.append((minute, service.resident))
            if len(sizes) % 6 == 1:
                print(f"{minute:5.1f} min  {service.resident / 2**20:7.1f} MiB", flush=True)
            time.sleep(min(10.0, given.minutes * 6))
        stop.set()
        for one in clients:
            one.join()
    # The mean over the minute after the warm-up, and over the last one.
    start = [size for minute, size in sizes if given.warm <= minute < given.warm + 1]
    end = [size for minute, size in sizes if minute >= given.minutes - 1]
    growth = (sum(end) / len(end)) / (sum(start) / len(start)) - 1
    print(f"{sum(counts.values()):,} requests, by status {dict(counts)}")
    print(f"growth from minute {given.warm:g} to {given.minutes:g}: {growth:+.2%}")


if __name__ == "__main__":
    main()
