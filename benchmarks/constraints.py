"""How long constraints take over many items.

Items are random but seeded: a year (2% unknown), one of three languages and one to four of twenty
genres each. Reading the text is included; reported are medians over rounds with the smallest and
the largest in brackets.

    python benchmarks/constraints.py [--items 1000000] [--rounds 15] [--json FILE]
"""

import argparse
import json
import time

import numpy as np
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.data.where import parse_where, where_mask

SCHEMA = {
    "year": FeatureType.NUMBER,
    "language": FeatureType.CATEGORY,
    "genres": FeatureType.CATEGORIES,
}
WHERES = (
    "year >= 1990",
    "year >= 1990 and language = French",
    "year >= 1990 and genres in (Genre1, Genre2)",
    "(year < 1970 or not language in (English, Italian)) and genres contains all (Genre1, Genre2)",
)
TARGET_MS = 50  # for two clauses over a million items


def items(size, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, size)
    genres = np.array([f"Genre{n}" for n in range(20)])[rng.integers(0, 20, lengths.sum())]
    owners = np.repeat(np.arange(size), lengths)
    listed = pl.DataFrame({"item": owners, "genres": genres}).group_by("item", maintain_order=True)
    years = np.where(rng.random(size) < 0.02, np.nan, rng.integers(1950, 2025, size))
    languages = np.array(["English", "French", "Italian"])[rng.integers(0, 3, size)]
    return pl.DataFrame(
        {
            "year": pl.Series(years).fill_nan(None),
            "language": languages,
            "genres": listed.agg("genres").get_column("genres"),
        }
    )


def measure(text, frame, rounds):
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        mask = where_mask(parse_where(text), frame, SCHEMA)
        times.append(1e3 * (time.perf_counter() - began))
    spread = [float(f(times)) for f in (np.median, np.min, np.max)]
    return {"where": text, "items": len(frame), "fulfil": int(mask.sum()), "ms": spread}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", default=None, help="write the results to a file")
    options = parser.parse_args()
    frame = items(options.items)
    results = []
    print(f"{'ms':>20}  {'fulfil':>9}  where   (two clauses: below {TARGET_MS} ms)")
    for text in WHERES:
        r = measure(text, frame, options.rounds)
        results.append(r)
        print(f"{'{:.1f} [{:.1f}, {:.1f}]'.format(*r['ms']):>20}  {r['fulfil']:>9,}  {text}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
