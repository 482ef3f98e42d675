"""How well wrong metadata is found: planted in the simulated service, and shuffled on purpose.

    python benchmarks/wrong_metadata.py [--seeds 5]

prints, by share shuffled and by seed, the share of wrong items among those checked, among the first
10, 20 and n, where n is how many are wrong, and among those with a disagreement of 0 or above.
"""

import argparse

import numpy as np

import ysmean as ym
from ysmean.data.corrupt import shuffle_features
from ysmean.evaluation.suspicious import check_metadata
from ysmean.training.train import Data


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
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
