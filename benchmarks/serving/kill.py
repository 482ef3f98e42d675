"""kill -9 in the middle of a stream of events: what was acknowledged is there, once.

    python benchmarks/serving/kill.py MODEL [--times 50] [--events-db URL]

Every round starts the service on the same store, posts from 4 clients, kills it, and then compares
the store with what was acknowledged. What was sent but not answered may be there or not, but once.
"""

import argparse
import collections
import http.client
import json
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from service import serving
from ysmean.data.store import open_store


def post(url, name, acknowledged, sent):
    place, number = urlsplit(url), 0
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    while True:
        user = f"{name}-{number}"
        event = {"event_id": user, "user_id": user, "item_id": "1", "timestamp": 1.0}
        sent.append(user)
        try:
            connection.request("POST", "/v1/events", json.dumps(event), HEADERS)
            response = connection.getresponse()
            done = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return
        if response.status == 200 and done["new"] == 1:
            acknowledged.append(user)
        number += 1


HEADERS = {"Content-Type": "application/json"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--events-db")
    given = parser.parse_args()
    acknowledged, sent = [], []
    with tempfile.TemporaryDirectory() as folder:
        url = given.events_db or str(Path(folder) / "events.db")
        for number in range(given.times):
            with serving(given.model, "--events-db", url) as service:
                clients = [
                    threading.Thread(
                        target=post, args=(service.url, f"{number}-{n}", acknowledged, sent)
                    )
                    for n in range(4)
                ]
                for client in clients:
                    client.start()
                time.sleep(0.2 + 0.01 * number)
                service.kill()
                for client in clients:
                    client.join()
        with closing(open_store(url)) as store:
            kept = collections.Counter(store.log(0).frame["user_id"].to_list())
    lost = [user for user in acknowledged if user not in kept]
    doubled = [user for user, count in kept.items() if count > 1]
    unknown = kept.keys() - set(sent)
    print(f"killed {given.times} times; {len(sent):,} events sent, {len(acknowledged):,} ", end="")
    print(f"acknowledged, {len(kept):,} kept; lost {len(lost)}, doubled {len(doubled)}, ", end="")
    print(f"never sent {len(unknown)}")


if __name__ == "__main__":
    main()
