"""What each network adds to the fitted mean: the mean without it, and the order that gains most.

    python benchmarks/ablation.py FOLDER [--config settings.toml] [--keep MODEL] [--greedy] [--test]

FOLDER holds events.parquet and, where there are any, items.parquet and users.parquet. Networks
learn from all but the last two events of users with three or more. Proportions are fitted on the
last but one event of half of the users and measured on that of the other half, among the items with
events: the last events stay unread. With `--test` they are fitted on that of all users, and
measured on the last events: to be looked at once. Each line names the networks, the likelihood of
the mean in nats, its ranking with and without the consensus, and the plain mean; the p-value is
that of the difference in NDCG@10 from the first line. With `--keep`, trained networks are kept
there and taken up again.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from folder import read

import ysmean as ym
from ysmean import metrics
from ysmean.config import load_config
from ysmean.data.beginnings import beginnings
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.training.progress import Progress, default_progress
from ysmean.training.proportions import fit_proportions
from ysmean.training.train import draw_pseudo_cold, learn, pseudo_questions


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--greedy", action="store_true", help="add one network after the other")
    parser.add_argument("--test", action="store_true", help="measure on the last events")
    parser.add_argument("--seed", type=int, default=0)
    bench = Bench(parser.parse_args())
    every = tuple(bench.parts.networks)
    seconds = {n: log["seconds"] for n, log in bench.parts.manifest["training"].items()}
    print("seconds to train: " + ", ".join(f"{n} {seconds[n]:.0f}" for n in every))
    bench.alone(every)
    print(
        f"\n{'networks':58} {'NLL':>7} {'NDCG@10':>8} {'HR@10':>7} {'pure':>7} {'plain':>7}      p"
    )
    bench.line("all", every)
    for name in every:
        bench.line(f"without {name}", tuple(n for n in every if n != name))
    if bench.given.greedy:
        chosen = ()
        while len(chosen) < len(every):
            rest = [n for n in every if n not in chosen]
            best = min(rest, key=lambda n: bench.measure((*chosen, n))["nll"])
            chosen = (*chosen, best)
            bench.line(" + ".join(chosen), chosen)


class Bench:
    """Trained networks, and halves of the users to fit and to measure on."""

    def __init__(self, given):
        self.given, self.done, self.reference = given, {}, None
        data = read(given.folder)
        split = make_split("leave-last-out", data.histories, len(data.catalogue), given.seed)
        self.base = data.catalogue.warm
        if given.keep and given.keep.exists():
            self.parts = ym.Recommender.load(given.keep).parts
        else:
            specs = load_config(given.config).specs()
            self.parts = learn(
                data, split, specs, self.base, given.seed, "default", default_progress()
            )
            if given.keep:
                ym.Recommender(self.parts).save(given.keep)
        self.pseudo_cold = draw_pseudo_cold(self.parts.catalogue, given.seed)
        begun = beginnings(data.histories, split.train, given.seed)
        self.begun = data.questions(np.flatnonzero(begun))
        split = replace(split, train=split.train & ~begun)
        self.pseudo = pseudo_questions(data, split, self.pseudo_cold, given.seed)
        held_out = data.questions(split.validation)
        half = np.random.default_rng([given.seed, 17]).random(len(held_out)) < 0.5
        self.fitted_on = held_out if given.test else held_out[half]
        self.measured_on = data.questions(split.test) if given.test else held_out[~half]

    def measure(self, names):
        """Return how the means of these networks answer the other half."""
        if frozenset(names) not in self.done:
            networks = {name: self.parts.networks[name] for name in names}
            proportions, _ = fit_proportions(
                networks,
                self.parts.catalogue,
                self.pseudo_cold,
                self.fitted_on,
                self.pseudo,
                self.begun,
                self.base,
                self.given.seed,
            )
            parts = replace(
                self.parts,
                networks=networks,
                specs={name: self.parts.specs[name] for name in names},
                proportions=proportions,
            )
            answers = ask(parts, self.measured_on, self.base, "exclude", Progress())
            pure = "mean-pure" if "mean-pure" in answers.names else "mean"
            mean = answers.names.index("mean")
            self.done[frozenset(names)] = {
                "nll": metrics.mean_nll(answers.standing.probabilities[mean]),
                "hit": metrics.hit_rate(answers.ranks("mean"), 10).mean(),
                **{row: metrics.ndcg(answers.ranks(row), 10) for row in ("mean", "mean-equal")},
                "mean-pure": metrics.ndcg(answers.ranks(pure), 10),
            }
        return self.done[frozenset(names)]

    def alone(self, names):
        """Print how each network answers alone."""
        answers = ask(self.parts, self.measured_on, self.base, "exclude", Progress())
        for row, name in enumerate(answers.names):
            if name in names:
                nats = metrics.mean_nll(answers.standing.probabilities[row])
                ranks = answers.ranks(name)
                ndcg, hit = metrics.ndcg(ranks, 10).mean(), metrics.hit_rate(ranks, 10).mean()
                print(f"{name + ' alone':58} {nats:7.3f} {ndcg:8.4f} {hit:7.4f}")

    def line(self, label, names):
        """Print one line."""
        found = self.measure(names)
        self.reference = found if self.reference is None else self.reference
        p = metrics.paired_bootstrap(found["mean"], self.reference["mean"]).p_value
        print(
            f"{label:58} {found['nll']:7.3f} {found['mean'].mean():8.4f} {found['hit']:7.4f} "
            f"{found['mean-pure'].mean():7.4f} {found['mean-equal'].mean():7.4f} {p:6.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
