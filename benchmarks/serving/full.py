"""The disk of the events is full: events are refused with 503, recommendations go on.

    python benchmarks/serving/full.py MODEL [FOLDER]

FOLDER is on a small file system of its own, such as one made by
`mount -t tmpfs -o size=2m tmpfs FOLDER`; without it one is mounted here, which needs root.
"""

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from service import serving


def fill(service):
    """Post events until they are refused; return how many were kept, and the refusal."""
    for number in range(10_000):
        many = [
            {"event_id": f"{number}-{n}", "user_id": f"u{n}" * 20, "item_id": "x" * 100}
            for n in range(100)
        ]
        status, said = service.ask("POST", "/v1/events", many)
        if status != 200:
            return 100 * number, status, said
    raise SystemExit("the disk was never full")


def measure(model, folder):
    with serving(model, "--events-db", folder / "events.db") as service:
        kept, status, said = fill(service)
        print(f"{kept:,} events kept, then {status}: {json.loads(said)['detail']}")
        statuses = Counter()
        for number in range(200):
            asked = {"user_id": "u1" * 20} if number % 2 else {}
            statuses["recommend", service.ask("POST", "/v1/recommend", asked)[0]] += 1
            event = {"event_id": f"later {number}", "user_id": "u" * 200, "item_id": "x" * 200}
            statuses["event", service.ask("POST", "/v1/events", event)[0]] += 1
        statuses["ready", service.ask("GET", "/health/ready")[0]] += 1
        print(dict(statuses))
        (folder / "ballast").unlink()
        event = {"event_id": "after", "user_id": "u", "item_id": "x"}
        print("with room again, an event:", service.ask("POST", "/v1/events", event)[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        if given.folder is None:
            mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", name]
            subprocess.run(mount, check=True)
        try:
            (folder / "ballast").write_bytes(b"x" * 600_000)
            measure(given.model, folder)
        finally:
            if given.folder is None:
                subprocess.run(["umount", name], check=True)


if __name__ == "__main__":
    main()
