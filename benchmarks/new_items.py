"""What time tells of new items: how often they are taken, and whether the young are taken more.

    python benchmarks/new_items.py FOLDER [--events NAME]

FOLDER holds events with timestamps, and items.parquet and users.parquet where there are any; `demo`
instead of a folder is the simulated service.

Odds: at a moment, the items that have had no event yet are new. The events after it tell what an
allowed new item weighs beside an allowed warm one, as `cold_odds` is fitted.

Age: popularity (log of decayed counts) alone, against popularity plus a number for the age of an
item when it is asked for. Ages count from an item's first training event, or from `available_from`
where items have it. The numbers are fitted on validation events (the last but one of every user)
and measured on test events, ranked among the warm items that are old enough and not seen.
"""

import argparse
from pathlib import Path

import numpy as np
from folder import read
from scipy.optimize import minimize

import ysmean as ym
from ysmean import metrics
from ysmean.data.batch import Questions
from ysmean.data.joined import Data
from ysmean.data.splits import make_split
from ysmean.mean.fitting import fit_cold_odds
from ysmean.mean.proportions import COLD_ODDS
from ysmean.networks.popularity import DAY, Popularity, decayed_counts

AGES = (7, 30, 90, 180, 365)  # days
MOST = 3000  # questions


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--events", default="events.parquet")
    given = parser.parse_args()
    if given.folder == "demo":
        service = ym.simulate(0)
        data = Data.join(service.events, service.items, service.users)
    else:
        data = read(Path(given.folder), given.events)
    tell_odds(data)
    tell_ages(data)


def tell_odds(data):
    """Print the odds of new items by moment."""
    histories, size = data.histories, len(data.catalogue)
    ever = np.bincount(histories.classes, minlength=size) > 0
    for share in (0.5, 0.7, 0.9):
        later = histories.times >= np.quantile(histories.times, share)
        warm = np.bincount(histories.classes[~later], minlength=size) > 0
        positions = np.flatnonzero(later)
        is_new = ~warm[histories.classes[positions]]
        seen = positions - histories.offsets[histories.users[positions]]
        new = int((ever & ~warm).sum())
        counts = np.stack([np.maximum(warm.sum() - seen, 0), np.full(len(seen), new)], axis=1)
        odds = fit_cold_odds(is_new, counts, COLD_ODDS)
        print(
            f"after {share:.0%} of the events: {new} new items, {is_new.sum():,} of {len(seen):,} "
            f"events on them, odds {odds:.2f}"
        )


def tell_ages(data):
    """Print what age adds to popularity."""
    split = make_split("leave-last-out", data.histories, len(data.catalogue), 0)
    training = data.histories.only(split.train)
    counts = decayed_counts(training, len(data.catalogue), Popularity().half_life_days)
    born = data.catalogue.available[0]
    if born is None:
        born = np.full(len(counts), np.inf)
        np.minimum.at(born, training.classes, training.times)
    born = np.where(np.isnan(born), -np.inf, born)
    warm = training.counts(len(counts)) > 0
    fitted_on, measured_on = (
        asked(data.questions(events), warm, born, np.log(counts + 1))
        for events in (split.validation, split.test)
    )
    found = minimize(lambda b: loss(b, *fitted_on), np.zeros(len(AGES) + 1), jac=True).x
    names = [*(f"< {age} days" for age in AGES), "older"]
    print("log factors by age:", dict(zip(names, found.round(2).tolist(), strict=True)))
    before, after = (standing(beta, *measured_on) for beta in (np.zeros_like(found), found))
    for name, a, b in zip(("NLL", "NDCG@10"), before, after, strict=True):
        d = metrics.paired_bootstrap(b, a)
        print(
            f"{name}: popularity {a.mean():.4f}, with age {b.mean():.4f} "
            f"({d.mean:+.4f}, {d.low:+.4f} to {d.high:+.4f}, {len(a):,} requests)"
        )


def asked(questions: Questions, warm, born, logits):
    """Return logits (n, N), -inf outside of A; age bins (n, N); targets (n,)."""
    order = np.random.default_rng(0).permutation(len(questions))[:MOST]
    questions = questions[np.sort(order)]
    age = questions.at[:, None] - born
    none = (None, None)
    allowed = questions.allowed(warm, available=none).tile(0, len(warm)) & (age >= 0)
    inside = allowed[np.arange(len(questions)), questions.targets]
    bins = np.digitize(age / DAY, AGES)
    return np.where(allowed, logits, -np.inf)[inside], bins[inside], questions.targets[inside]


def loss(beta, logits, bins, targets):
    """Return the mean negative log-likelihood, slightly shrunk, and its gradient."""
    z = logits + beta[bins]
    p = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    own = bins[np.arange(len(targets)), targets]
    nll = -np.log(p[np.arange(len(targets)), targets]).mean()
    slope = [((p * (bins == k)).sum(1) - (own == k)).mean() for k in range(len(beta))]
    return nll + 1e-3 * (beta**2).sum(), np.array(slope) + 2e-3 * beta


def standing(beta, logits, bins, targets):
    """Return the negative log-likelihood and NDCG@10 of each target."""
    z = logits + beta[bins]
    own = z[np.arange(len(targets)), targets]
    ranks = 1 + (z > own[:, None]).sum(1)
    return np.logaddexp.reduce(z, axis=1) - own, metrics.ndcg(ranks, 10)


if __name__ == "__main__":
    main()
