"""Load while models are swapped, a third of them corrupt, truncated or worse.

    python benchmarks/serving/swaps.py MODEL [--seconds 60] [--swaps 20] [--connections 8]

Works on a copy of MODEL. Every answer is checked: its status, that the model it names answered at
some time while it was asked, and that its scores are those of that model.
"""

import argparse
import http.client
import itertools
import json
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

import ysmean as ym
from service import serving

AT = 1_000_000_000
BAD = itertools.cycle(["corrupt", "truncated", "worse"])


def variant(recommender, factor, worse=False):
    """Return the model with other temperatures, and so with another id and other scores."""
    parts = recommender.parts
    proportions = replace(parts.proportions, temperatures=factor * parts.proportions.temperatures)
    manifest = dict(parts.manifest)
    gain = manifest.get("held_out_gain") or {"mean": 1.0, "error": 0.01, "requests": 1000}
    manifest["held_out_gain"] = {**gain, "mean": gain["mean"] - (1.0 if worse else 0.0)}
    return ym.Recommender(replace(parts, proportions=proportions, manifest=manifest))


def spoil(place, kind):
    """Do to a version what a bad disk or a broken copy does."""
    file = max(place.glob("weights/*"), key=lambda path: path.stat().st_size)
    content = bytearray(file.read_bytes())
    if kind == "corrupt":
        content[len(content) // 2] ^= 1
    else:
        del content[len(content) // 2 :]
    file.write_bytes(content)


class Load:
    """Clients that ask until they are told to stop, and check what they are answered."""

    def __init__(self, url, expected, user, connections):
        self.place, self.expected, self.user = urlsplit(url), expected, user
        self.stop = threading.Event()
        self.answered, self.wrong, self.by_model, self.slowest = 0, [], {}, 0.0
        self.threads = [threading.Thread(target=self.ask) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=60)
        body = json.dumps({"user_id": self.user, "at": AT, "k": 5})
        headers = {"Content-Type": "application/json"}
        while not self.stop.is_set():
            began = time.monotonic()
            connection.request("POST", "/v1/recommend", body, headers)
            response = connection.getresponse()
            content = response.read()
            self.slowest = max(self.slowest, time.monotonic() - began)
            if response.status != 200:
                self.wrong.append(content[:200])
                continue
            answer = json.loads(content)
            self.answered += 1
            self.by_model[answer["model"]] = self.by_model.get(answer["model"], 0) + 1
            scores = [item["score"] for item in answer["items"]]
            known = self.expected.get(answer["model"])
            if known is None or not np.allclose(scores, known, rtol=1e-3, atol=0):
                self.wrong.append((answer["model"], scores, known))

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        first = ym.Recommender.load(given.model)
        user = first.parts.histories.user_ids[0]
        good = [variant(first, factor) for factor in (1.0, 1.3)]
        bad = variant(first, 1.6, worse=True)
        expected = {
            r.model_id: [item.score for item in r.recommend(user, at=AT, k=5)] for r in (*good, bad)
        }
        good[0].save(folder)
        with serving(folder, "--events-db", Path(name) / "e.db", "--gate", "0.05") as service:
            load = Load(service.url, expected, user, given.connections)
            results, current, end = [], good[0].model_id, time.monotonic() + given.seconds
            for number in range(given.swaps):
                pause = (end - time.monotonic()) / (given.swaps - number + 1)
                time.sleep(max(0.0, pause))
                if number % 3 == 2:
                    kind = next(BAD)
                    place = (bad if kind == "worse" else good[(number + 1) % 2]).save(folder)
                    if kind != "worse":
                        spoil(place, kind)
                    status, said = service.ask("POST", "/v1/model/reload")
                    fine = status == 409
                else:
                    kind, new = "good", good[0 if current == good[1].model_id else 1]
                    new.save(folder)
                    status, said = service.ask("POST", "/v1/model/reload")
                    current = new.model_id
                    fine = status == 200 and json.loads(said)["model"] == current
                seen = json.loads(service.ask("POST", "/v1/recommend", {})[1])["model"]
                fine = fine and seen == current
                results.append((kind, fine))
                if not fine:
                    print(number, kind, status, said[:300])
            time.sleep(max(0.0, end - time.monotonic()))
            load.end()
            compiled = service.metric('ysmean_compilations_total{when="serving"}')
        shutil.rmtree(folder)
    kinds = {kind: sum(k == kind for k, _ in results) for kind, _ in results}
    print(f"swaps {kinds}, as they should be: {sum(fine for _, fine in results)}")
    print(f"answers {load.answered:,}, failed or wrong {len(load.wrong)}, ", end="")
    print(f"slowest {load.slowest:.2f} s, compilations under load {compiled:.0f}")
    for wrong in load.wrong[:3]:
        print(wrong)


if __name__ == "__main__":
    main()
