"""Exact top-10 of a mean of three softmaxes, beside its floor and beside the plain way.

The floor is the bare matrix products of the same shapes; the plain way holds (B, N) softmaxes and
sorts them. All three run alternately in one process; ratios are medians over rounds with the
smallest and the largest in brackets.

    python benchmarks/latency.py [--rounds 7] [--json FILE]
"""

import argparse
import json
import time

import numpy as np

from ysmean.data.allowed import AllowedSets
from ysmean.mean.stream import Stream
from ysmean.mean.topk import top_k_of_mean
from ysmean.networks.network import Head

NETWORKS, WIDTH, K = 3, 64, 10
SHAPES = ((1, 4_000), (256, 4_000), (1, 100_000), (64, 100_000), (1, 1_000_000))


def problem(batch, size, seed=0):
    rng = np.random.default_rng(seed)
    queries = rng.normal(0, 1, (NETWORKS, batch, WIDTH)).astype(np.float32)
    vectors = rng.normal(0, 0.3, (NETWORKS, size, WIDTH)).astype(np.float32)
    seen = rng.integers(0, size, (batch, 50)).astype(np.int32)
    return queries, vectors, seen


def ours(queries, vectors, seen):
    batch, size = queries.shape[1], vectors.shape[1]
    heads = [
        Head(
            lambda lo, hi, q=q, v=v: q @ v[lo:hi].T,
            np.ones(batch, bool),
            np.ones(size, bool),
        )
        for q, v in zip(queries, vectors, strict=True)
    ]
    allowed = AllowedSets(
        base=np.ones(size, bool),
        mask_of=np.full(batch, -1),
        masks=(),
        rows=np.repeat(np.arange(batch), seen.shape[1]),
        classes=seen.ravel(),
        at=np.full(batch, np.nan),
    )
    stream = Stream(heads, np.zeros(size, bool), np.ones((NETWORKS, 2)), allowed)
    weights = stream.answering / stream.answering.sum(1, keepdims=True).clip(1)
    return top_k_of_mean(stream, weights, K).classes


def floor(queries, vectors, seen):
    for q, v in zip(queries, vectors, strict=True):
        q @ v.T


def plain(queries, vectors, seen):
    total = 0.0
    for q, v in zip(queries, vectors, strict=True):
        z = q @ v.T
        np.put_along_axis(z, seen, -np.inf, axis=1)
        p = np.exp(z - z.max(1, keepdims=True))
        total = total + p / p.sum(1, keepdims=True) / NETWORKS
    return np.argsort(-total, axis=1, kind="stable")[:, :K]


def measure(batch, size, rounds):
    given = problem(batch, size)
    agree = float((ours(*given) == plain(*given)).mean())
    times = {"ours": [], "floor": [], "plain": []}
    for _ in range(rounds):
        for way in (ours, floor, plain):
            began = time.perf_counter()
            way(*given)
            times[way.__name__].append(time.perf_counter() - began)
    t = {name: np.array(values) for name, values in times.items()}
    return {
        "batch": batch,
        "items": size,
        "ours_ms": float(np.median(t["ours"]) * 1e3),
        "over_floor": spread(t["ours"] / t["floor"]),
        "plain_over_ours": spread(t["plain"] / t["ours"]),
        "same_classes": agree,
    }


def spread(ratio):
    return [float(np.median(ratio)), float(ratio.min()), float(ratio.max())]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", default=None, help="write the results to a file")
    options = parser.parse_args()
    results = []
    head = f"{'batch':>6} {'items':>9} {'ms':>9}  {'times the floor':>22}  {'plain / ours':>20}"
    print(f"{head}  same")
    for batch, size in SHAPES:
        r = measure(batch, size, options.rounds)
        results.append(r)
        over, gain = (
            f"{m:.2f} [{lo:.2f}, {hi:.2f}]" for m, lo, hi in (r["over_floor"], r["plain_over_ours"])
        )
        print(
            f"{batch:>6} {size:>9,} {r['ours_ms']:>9.2f}  {over:>22}  {gain:>20}  "
            f"{r['same_classes']:.3f}"
        )
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
