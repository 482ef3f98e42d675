"""Wrong metadata: how well it is found where it was planted, and what it costs where it is used.

    python benchmarks/wrong_metadata.py [--seeds 5]
    python benchmarks/wrong_metadata.py FOLDER [--corrupt 0.3] [--networks content ...] [--seed 0]

Without a folder: planted in the simulated service, and shuffled on purpose. It prints, by share
shuffled and by seed, the share of wrong items among those checked, among the first 10, 20 and n,
where n is how many are wrong, and among those with a disagreement of 0 or above.

FOLDER holds events.parquet and items.parquet, and users.parquet where there is one. All is learned
twice, with the features as they are and with those of a share of the items shuffled; last events
are asked among the items with events. It prints NDCG@10 of every row both ways, and the weights
that were fitted: of warm items the mean over the requests, of new ones those of whole histories.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from folder import read

import ysmean as ym
from ysmean import metrics
from ysmean.data.corrupt import shuffle_features
from ysmean.data.items import Items
from ysmean.data.joined import Data
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.evaluation.suspicious import check_metadata
from ysmean.training.progress import Progress, default_progress
from ysmean.training.train import learn


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--corrupt", type=float, default=0.3)
    parser.add_argument("--networks", nargs="+", help="by name; the default ones without")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    if given.folder is None:
        planted(given.seeds)
    else:
        costs(given)


def costs(given):
    """Print what every row loses when features are wrong, and how the weights answer."""
    data = read(given.folder)
    split = make_split("leave-last-out", data.histories, len(data.catalogue), given.seed)
    found, weights = [], []
    for share in (0.0, given.corrupt):
        catalogue = data.catalogue
        items, _ = shuffle_features(Items(catalogue.frame, catalogue.schema), share, given.seed)
        wrong = replace(data, catalogue=replace(catalogue, frame=items.frame))
        base = catalogue.warm
        parts = learn(wrong, split, given.networks, base, given.seed, "default", default_progress())
        answers = ask(parts, wrong.questions(split.test), base, "exclude", Progress())
        found.append({row: metrics.ndcg(answers.ranks(row), 10) for row in answers.names})
        cold = parts.proportions.weights[1, -1]
        weights.append((answers.weights.mean(0), cold))
    names = list(parts.proportions.names)
    print(f"{'':14} {'clean':>8} {'wrong':>8} {'kept':>8}   weights, warm   weights, new")
    for row in found[0]:
        a, b = (values[row] for values in found)
        line = f"{row:14} {a.mean():8.4f} {b.mean():8.4f} {b.mean() / a.mean():8.1%}"
        if row in names:
            k = names.index(row)
            (warm, cold), (warm_, cold_) = ((w[k], c[k]) for w, c in weights)
            line += f"   {warm:.3f} -> {warm_:.3f}   {cold:.3f} -> {cold_:.3f}"
        print(line)
    d = metrics.paired_bootstrap(found[1]["mean"], found[0]["mean"])
    print(f"mean, wrong less clean: {d.mean:+.4f} ({d.low:+.4f} to {d.high:+.4f})")


def planted(seeds):
    """Print how many of the items that disagree most are wrong."""
    for share in (0.0, 0.1, 0.3):
        rows = []
        for seed in range(seeds):
            service = ym.simulate(seed)
            items, ids = shuffle_features(service.items, share, seed)
            data = Data.join(service.events, items, service.users)
            found = check_metadata(data.histories, data.catalogue, seed)
            wrong = np.isin(found.classes, data.catalogue.classes([*ids, *service.wrong]))
            n, called = wrong.sum(), found.scores >= 0
            first = [wrong[:size].mean() for size in (None, 10, 20, n)]
            rows.append([*first, called.sum(), wrong[called].mean(), found.explained])
        head = "wrong of all, first 10, first 20, first n; at 0 or above, of them wrong; explained"
        print(f"corrupt={share}, {seeds} seeds: {head}")
        for seed, row in enumerate([*rows, np.mean(rows, 0)]):
            name = "mean" if seed == seeds else f"seed {seed}"
            print(f"  {name}: " + "  ".join(f"{value:.3g}" for value in row))


if __name__ == "__main__":
    main()
