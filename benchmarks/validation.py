"""Networks alone on validation events, where settings are chosen; the test events stay unread.

    python benchmarks/validation.py FOLDER [--config settings.toml] [--events NAME] [--users 2500]
                                    [--save answers.npz] [--against other.npz]

FOLDER holds events.parquet and, where there are any, items.parquet and users.parquet; --events
names another file of events. Networks and settings are those of the TOML file, as of
`ysmean train --config`. Each network learns from all but the last two events of users with three or
more, and is asked the last but one among the items with events. --save keeps the ranks and
probabilities; --against compares with those of another run by a paired bootstrap.
"""

import argparse
from pathlib import Path

import numpy as np
from folder import read

from ysmean import metrics
from ysmean.config import load_config
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.training.progress import Progress, default_progress
from ysmean.training.train import learn


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--events", default="events.parquet", help="file of the events")
    parser.add_argument("--save", type=Path, help="keep ranks and probabilities, as .npz")
    parser.add_argument("--against", type=Path, help="what another run saved")
    parser.add_argument("--users", type=int, help="ask this many, drawn by seed; all by default")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = read(given.folder, given.events)
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
    kept = {}
    for row, name in enumerate(answers.names):
        if name in parts.networks:  # the means were fitted on these events
            ranks, p = answers.ranks(name), answers.standing.probabilities[row]
            kept |= {f"{name}/ranks": ranks, f"{name}/p": p}
            print(f"{name:14} {ndcg(ranks).mean():7.4f} {hit(ranks).mean():7.4f} {nll(p):7.3f}")
    if given.against:
        tell_differences(kept, np.load(given.against))
    if given.save:
        np.savez(given.save, **kept)


def ndcg(ranks):
    return metrics.ndcg(ranks, 10)


def hit(ranks):
    return metrics.hit_rate(ranks, 10)


def nll(probabilities):
    return metrics.mean_nll(probabilities)


def tell_differences(ours, theirs):
    """Print this run less the other one, network by network."""
    print("\nless the other run  difference  95% interval        p")
    for key in sorted(set(ours) & set(theirs)):
        name, _, what = key.partition("/")
        pairs = {"NLL": lambda p: -np.log(p)} if what == "p" else {"NDCG@10": ndcg, "HR@10": hit}
        for metric, values in pairs.items():
            d = metrics.paired_bootstrap(values(ours[key]), values(theirs[key]))
            print(
                f"{name:11} {metric:7} {d.mean:+10.4f}  {d.low:+.4f} to {d.high:+.4f}  "
                f"{d.p_value:.4f}"
            )


if __name__ == "__main__":
    main()
