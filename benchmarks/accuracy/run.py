"""Ours and the peers of RecTools: the same split, the same requests, the same metrics.

    python benchmarks/accuracy/run.py FOLDER --out OUT --peers PEERS/bin/python [--seed 0]
        [--minutes 60] [--models popularity ease als sasrec hstu ysmean] [--config settings.toml]
        [--events events.parquet]

FOLDER holds events.parquet and, where there are any, items.parquet and users.parquet. All models
learn from all but the last two events of users with three or more; the last but one is for
validation; the last is asked, with everything before it as history, and ranked among all items with
events that the history lacks. PEERS is the environment that peers.py describes.

OUT/split holds the split, OUT/seed-0 a Parquet file with every target's rank and a JSON file with
the facts of each model. What is there is not trained again: delete a model's JSON file to train it
anew. A model, or a network of ours, stops after `--minutes` and says so. The table is printed and
written to OUT/seed-0/report.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
from split import Split, ndcg
from table import report

from ysmean.config import load_config
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.training.progress import LineProgress, Progress
from ysmean.training.train import learn

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where folder.py stands
from folder import read

PEERS = ("popularity", "ease", "als", "sasrec", "hstu")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peers", help="Python of the peers' environment")
    parser.add_argument("--models", nargs="+", choices=[*PEERS, "ysmean"])
    parser.add_argument("--config", type=Path, help="networks of ours, as of ysmean train")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--events", default="events.parquet", help="name of the file in FOLDER")
    given = parser.parse_args()
    models = given.models or [*PEERS, "ysmean"]
    task = Task(given)
    for name in models:
        if not (task.out / f"{name}.json").exists():
            print(f"{name}: training", flush=True)
            task.ours() if name == "ysmean" else task.peer(name)
    report(task, [name for name in models if (task.out / f"{name}.json").exists()])


class Task:
    """The data, its split, and where results are kept."""

    def __init__(self, given):
        self.given, self.out = given, given.out / f"seed-{given.seed}"
        self.out.mkdir(parents=True, exist_ok=True)
        self.data = read(given.folder, given.events)
        histories = self.data.histories
        assert not len(histories.hidden), "peers know nothing of hidden items"
        self.parts = make_split("leave-last-out", histories, len(self.data.catalogue), given.seed)
        self.base = self.data.catalogue.warm
        times = np.zeros_like(histories.classes) if histories.times is None else histories.times
        events = np.stack([histories.users, histories.classes, times], axis=1).astype(np.int64)
        self.split = Split(
            events[self.parts.train],
            events[self.parts.validation],
            events[self.parts.test],
            np.flatnonzero(self.base),
        )
        self.targets = self.split.requests("test")[1]
        if not (given.out / "split" / "items.parquet").exists():
            self.split.write(given.out / "split")
        kept = Split.read(given.out / "split")
        same = all(np.array_equal(getattr(kept, n), v) for n, v in vars(self.split).items())
        assert same, f"{given.out}/split is that of other data; use another folder"

    def peer(self, name):
        """Train a peer in its own environment."""
        if self.given.peers is None:
            print(f"{name}: left out; --peers names no environment to train it in")
            return
        given, script = self.given, Path(__file__).with_name("peers.py")
        command = [given.peers, "-W", "ignore", script, name, given.out / "split", self.out]
        command += ["--data", given.folder.name, "--seed", given.seed, "--minutes", given.minutes]
        done = subprocess.run([*map(str, command)])
        if done.returncode:
            print(f"{name}: left out; its training failed")

    def ours(self):
        """Train our networks and their mean, and ask them the test requests."""
        given, began = self.given, time.perf_counter()
        specs = load_config(given.config).specs() if given.config else None
        bounded = Bounded(60 * given.minutes)
        parts = learn(self.data, self.parts, specs, self.base, given.seed, "default", bounded)
        seconds = time.perf_counter() - began
        answers = ask(parts, self.data.questions(self.parts.test), self.base, "exclude", Progress())
        held_out = ask(
            parts, self.data.questions(self.parts.validation), self.base, "exclude", Progress()
        )
        with np.errstate(divide="ignore"):
            logs = np.log(answers.standing.probabilities)
        frames = [
            pl.DataFrame(
                {
                    "row": [name] * len(answers),
                    "target": answers.targets,
                    "rank": answers.ranks(name) - 1,
                    "log_probability": logs[row],
                }
            )
            for row, name in enumerate(answers.names)
        ]
        pl.concat(frames).write_parquet(self.out / "ysmean.parquet")
        facts = {
            "seconds": seconds,
            "training": parts.manifest["training"],
            "validation_ndcg@10": {n: ndcg(held_out.ranks(n) - 1) for n in parts.networks},
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "versions": {n: version(n) for n in ("ysmean", "keras", "jax", "numpy")},
        }
        (self.out / "ysmean.json").write_text(json.dumps(facts, indent=1) + "\n")


class Bounded(LineProgress):
    """Ends a network's training at the first evaluation after some seconds."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.began = seconds, {}

    def start(self, name, total):
        task = super().start(name, total)
        self.began[task] = time.perf_counter()
        return task

    def note(self, task, held_out):
        super().note(task, held_out)
        if time.perf_counter() - self.began[task] > self.seconds:
            raise KeyboardInterrupt  # the best weights are kept, and the log says "interrupted"


if __name__ == "__main__":
    main()
