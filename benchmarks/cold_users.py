"""New users: the mean beside its best member, by what little is known of them.

    python benchmarks/cold_users.py FOLDER [--share 0.1] [--networks content ...] [--seeds 0 1 2]

FOLDER holds events.parquet and, where there are any, items.parquet and users.parquet. A share of
the users leaves training with all their events, and is asked after their first 0, 1, 2, 3, 5, 8 and
13 events. Users who have just come, with 3 events at most, are pooled. The best member is told by
the very requests it is compared on, popularity included: an advantage that the mean does not get.
"""

import argparse
from pathlib import Path

import numpy as np
from folder import read

from ysmean import metrics
from ysmean.data.histories import COHORTS
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.training.progress import Progress, default_progress
from ysmean.training.train import learn

FEW = ("0", "1", "2-3")
POOLED = "0 to 2-3"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--networks", nargs="+", help="by name; the default ones without")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    given = parser.parse_args()
    data = read(given.folder)
    found = []
    for seed in given.seeds:
        split = make_split(f"cold-users:{given.share}", data.histories, len(data.catalogue), seed)
        base = data.catalogue.warm
        parts = learn(data, split, given.networks, base, seed, "default", default_progress())
        answers = ask(parts, data.questions(split.test), base, "exclude", Progress())
        found.append(answers)
        tell(f"seed {seed}", [answers], list(parts.networks))
    if len(found) > 1:
        tell(f"{len(found)} seeds", found, list(parts.networks))


def tell(title, found, members):
    """Print NDCG@10 of every row by cohort, and the mean less its best member."""
    cohorts = np.concatenate([answers.cohorts for answers in found])
    values = {
        row: np.concatenate([metrics.ndcg(answers.ranks(row), 10) for answers in found])
        for row in found[0].names
    }
    masks = {POOLED: np.isin(cohorts, FEW), **{c: cohorts == c for c in COHORTS}}
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    print(f"\n{title}: NDCG@10 by events known\n{'':14}" + "".join(f"{n:>10}" for n in masks))
    print(f"{'requests':14}" + "".join(f"{mask.sum():10,}" for mask in masks.values()))
    for row, each in values.items():
        print(f"{row:14}" + "".join(f"{each[mask].mean():10.4f}" for mask in masks.values()))
    for name, mask in masks.items():
        best = max(members, key=lambda row: values[row][mask].mean())
        mean, other = values["mean"][mask], values[best][mask]
        d = metrics.paired_bootstrap(mean, other)
        print(
            f"{name}: the mean beside {best} {mean.mean() / other.mean() - 1:+.1%} "
            f"({d.mean:+.4f}, 95% interval {d.low:+.4f} to {d.high:+.4f}, p = {d.p_value:.4f})"
        )


if __name__ == "__main__":
    main()
