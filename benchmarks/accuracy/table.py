"""The table of all models on the same requests, and what differs; for run.py."""

import json
import os
import platform
from pathlib import Path

import numpy as np
import polars as pl

from ysmean import metrics

CUT_SHORT = ("limit of minutes", "interrupted")
MEANS = ("mean-equal", "mean-pure", "mean")


def rows_of(task, name):
    """Yield (row, frame, log-probabilities or None, seconds, why training ended) of a model."""
    facts = json.loads((task.out / f"{name}.json").read_text())
    frame = pl.read_parquet(task.out / f"{name}.parquet")
    if name != "ysmean":
        logs = frame["log_probability"].to_numpy() if "log_probability" in frame.columns else None
        yield name, frame, logs, facts["seconds"], facts["stopped"]
        return
    for (row,), part in frame.group_by("row", maintain_order=True):
        log = facts["training"].get(row, {})
        spent = facts["seconds"] if row in MEANS else log.get("seconds")
        yield f"our {row}", part, part["log_probability"].to_numpy(), spent, log.get("stopped")


def report(task, models):
    """Print the table and the comparisons, and write them."""
    found, table = {}, {}
    for name in models:
        for row, frame, logs, seconds, stopped in rows_of(task, name):
            same = np.array_equal(frame["target"].to_numpy(), task.targets)
            assert same, f"{row} answered other requests"
            ranks = frame["rank"].to_numpy() + 1
            found[row] = metrics.ndcg(ranks, 10)
            table[row] = {
                "ndcg@10": found[row].mean(),
                "hr@10": metrics.hit_rate(ranks, 10).mean(),
                "mrr": metrics.reciprocal_rank(ranks).mean(),
                "nll": None if logs is None else metrics.mean_nll(np.exp(logs)),
                "ranked": float((ranks > 0).mean()),
                "seconds": seconds,
                "stopped": stopped,
            }
    print(f"\n{len(task.targets):,} requests among {len(task.split.items):,} items")
    print(f"{'':18} NDCG@10   HR@10     MRR     NLL  ranked  seconds")
    for row, v in table.items():
        nll = "      -" if v["nll"] is None else f"{v['nll']:7.3f}"
        spent = "       -" if v["seconds"] is None else f"{v['seconds']:8.1f}"
        scores = f"{v['ndcg@10']:8.4f} {v['hr@10']:7.4f} {v['mrr']:7.4f}"
        print(f"{row:17} {scores} {nll} {v['ranked']:7.1%} {spent}")
    for row, v in table.items():
        if v["stopped"] in CUT_SHORT:
            print(f"{row} was cut short by --minutes; its numbers are not its best")
    facts = {n: json.loads((task.out / f"{n}.json").read_text()) for n in models}
    compared = compare(found, facts, [n for n in models if n != "ysmean"])
    whole = {
        "data": task.given.folder.name,
        "seed": task.given.seed,
        "requests": len(task.targets),
        "items": len(task.split.items),
        "rows": table,
        "differences": compared,
        "models": facts,
        "machine": machine(),
    }
    (task.out / "report.json").write_text(json.dumps(whole, indent=1, default=float) + "\n")


def compare(found, facts, peers):
    """Compare our mean, and our network that is best on validation events, with each peer."""
    if "ysmean" not in facts:
        return []
    held_out = facts["ysmean"]["validation_ndcg@10"]
    ours = ["our mean", f"our {max(held_out, key=held_out.get)}"]
    print(f"\n{'NDCG@10, difference':36} 95% interval         p")
    lines = []
    for a, b in ((a, b) for a in ours for b in peers):
        d = metrics.paired_bootstrap(found[a], found[b])
        lines.append({"a": a, "b": b, **vars(d)})
        label = f"{a} - {b}"
        print(f"{label:28} {d.mean:+.4f} {d.low:+.4f} to {d.high:+.4f} {d.p_value:7.4f}")
    return lines


def machine():
    """Return what numbers depend on besides the code."""
    info = Path("/proc/cpuinfo")
    names = [n for n in info.read_text().splitlines() if "model name" in n] if info.exists() else []
    return {
        "processor": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
    }
