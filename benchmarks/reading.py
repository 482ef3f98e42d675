"""Reading Parquet into histories, beside Polars' own read and sort by user and time.

Events are random but seeded: users are equally likely, items Zipf-like. Both ways run alternately,
each run in a process of its own, so that peak memory is that of one run; reported are medians
with the smallest and the largest in brackets. The file has just been written, so neither way pays
for a cold disk.

    python benchmarks/reading.py [--events 25000000] [--runs 3] [--json FILE]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from ysmean.data.catalogue import Catalogue
from ysmean.data.events import read_events
from ysmean.data.histories import Histories

PER_USER = 25  # events, on average
ITEMS = 100_000
EXPONENT = 0.8  # of the items' popularity by rank
SPAN = 3 * 365 * 86_400  # seconds between the first and the last event
TARGET_RATIO, TARGET_GB = 2.0, 4.0


def write_events(path, events, *, strings, seed=0):
    """Write seeded events in no order."""
    rng = np.random.default_rng(seed)
    shares = np.cumsum(np.arange(1, ITEMS + 1) ** -EXPONENT)
    users = rng.integers(0, max(1, events // PER_USER), events)
    ranks = np.searchsorted(shares, rng.random(events) * shares[-1])
    items = rng.permutation(ITEMS)[ranks]
    frame = pl.DataFrame(
        {
            "user_id": users,
            "item_id": items,
            "timestamp": 1.6e9 + rng.integers(0, SPAN, events).astype(np.float64),
        }
    )
    if strings:
        frame = frame.with_columns(
            pl.format("user-{}", "user_id").alias("user_id"),
            pl.format("item-{}", "item_id").alias("item_id"),
        )
    frame.write_parquet(path)


def ours(path):
    catalogue, events = Catalogue.build(read_events(path))
    return len(Histories.from_events(events, catalogue).classes)


def polars(path):
    return len(pl.read_parquet(path).sort(["user_id", "timestamp"], maintain_order=True))


WAYS = {"ours": ours, "polars": polars}


def run_here(way, path):
    """Run one way in this process and print what it took."""
    began = time.perf_counter()
    rows = WAYS[way](path)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes(), "rows": rows}))


def peak_bytes():
    """Return this process's peak memory; Linux counts it in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def run_apart(way, path):
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--file", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(kind, events, runs, folder):
    path = Path(folder) / f"{kind}.parquet"
    # Written elsewhere, so that no memory of it counts in the runs.
    strings = ["--strings"] if kind == "strings" else []
    command = [sys.executable, __file__, "--write", str(path), "--events", str(events), *strings]
    subprocess.run(command, check=True)
    taken = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            taken[way].append(run_apart(way, path))
    ratio = [a["seconds"] / b["seconds"] for a, b in zip(*taken.values(), strict=True)]
    result = {"ids": kind, "events": events, "runs": runs, "file_bytes": path.stat().st_size}
    for way, values in taken.items():
        result[way] = {
            "seconds": spread([v["seconds"] for v in values]),
            "peak_gb": spread([v["peak_bytes"] / 1e9 for v in values]),
            "rows": values[0]["rows"],
        }
    path.unlink()
    return {**result, "ratio": spread(ratio)}


def spread(values):
    return [statistics.median(values), min(values), max(values)]


def show(values):
    return "{:.2f} [{:.2f}, {:.2f}]".format(*values)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=25_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ids", nargs="+", default=["integers", "strings"])
    parser.add_argument("--json", default=None, help="write the results to a file")
    for hidden in ("--way", "--file", "--write"):
        parser.add_argument(hidden, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--strings", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        return write_events(options.write, options.events, strings=options.strings)
    if options.way:
        return run_here(options.way, options.file)
    print(f"{'ids':>8} {'way':>7}  {'seconds':>22}  {'peak GB':>22}  ours / polars")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.ids:
            r = measure(kind, options.events, options.runs, folder)
            results.append(r)
            for way in WAYS:
                ratio = show(r["ratio"]) if way == "ours" else ""
                print(
                    f"{kind:>8} {way:>7}  {show(r[way]['seconds']):>22}  "
                    f"{show(r[way]['peak_gb']):>22}  {ratio}",
                    flush=True,
                )
            ok = r["ratio"][0] <= TARGET_RATIO and r["ours"]["peak_gb"][2] <= TARGET_GB
            goal = f"at most {TARGET_RATIO:g} times Polars and {TARGET_GB:g} GB"
            print(f"{kind:>8} {goal}: {'kept' if ok else 'missed'}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    return None


if __name__ == "__main__":
    main()
