"""Networks alone on validation events, where settings are chosen; the test events stay unread.

    python benchmarks/validation.py FOLDER [--config settings.toml] [--users 2500]

FOLDER holds events.parquet and, where there are any, items.parquet and users.parquet. Networks and
settings are those of the TOML file, as of `ysmean train --config`. Each network learns from all but
the last two events of users with three or more, and is asked the last but one among the items with
events.
"""

import argparse
from pathlib import Path

import numpy as np

import ysmean as ym
from ysmean import metrics
from ysmean.config import load_config
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.training.progress import Progress, default_progress
from ysmean.training.train import Data, learn


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--users", type=int, help="ask this many, drawn by seed; all by default")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    readers = (ym.read_events, ym.read_items, ym.read_users)
    files = [given.folder / f"{name}.parquet" for name in ("events", "items", "users")]
    tables = [read(f) if f.exists() else None for read, f in zip(readers, files, strict=True)]
    data = Data.join(*tables)
    split = make_split("leave-last-out", data.histories, len(data.catalogue), given.seed)
    base = data.catalogue.warm
    specs = load_config(given.config).specs()
    parts = learn(data, split, specs, base, given.seed, "default", default_progress())
    questions = data.questions(split.validation)
    if given.users:
        order = np.random.default_rng(given.seed).permutation(len(questions))
        questions = questions[np.sort(order[: given.users])]
    answers = ask(parts, questions, base, "exclude", Progress())
    print(f"{len(answers):,} validation events\n{'':14} NDCG@10   HR@10     NLL")
    for row, name in enumerate(answers.names):
        if name in parts.networks:  # the means were fitted on these events
            ranks = answers.ranks(name)
            nats = metrics.mean_nll(answers.standing.probabilities[row])
            ndcg, hit = metrics.ndcg(ranks, 10).mean(), metrics.hit_rate(ranks, 10).mean()
            print(f"{name:14} {ndcg:7.4f} {hit:7.4f} {nats:7.3f}")


if __name__ == "__main__":
    main()
