"""Items that nobody has taken yet: our networks and means beside neighbours in content.

    python benchmarks/cold_items.py FOLDER [--share 0.2] [--networks content ...] [--seed 0]
        [--peers PEERS/bin/python]

FOLDER holds events.parquet and items.parquet, and users.parquet where there is one. A share of the
items leaves training with all their events; users' last events are asked. Targets on withheld items
are ranked among those (cold) and among all items with events (cold among all); the other targets
among all (warm).

The peer is content item-kNN with scikit-learn: TF-IDF over the words of text features and the
values of categorical ones, cosine similarity, summed over the last items of the history, fading by
recency; it is shown with several lengths of the history, and compared in its best, as told by the
targets themselves: an advantage that ours do not get.

With `--peers`, the environment that accuracy/peers.py describes, LightFM takes part with the same
features, in several settings; it, too, is compared in its best.

The last rows are the same model asked with other odds of new items (they are told apart by the
test, so none is chosen by it), and with one softmax a network over all items, mixed by the same
weights for all.
"""

import argparse
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from folder import read
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

from ysmean import metrics
from ysmean.data.schema import FeatureType
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask, tell_items_apart
from ysmean.mean.stream import SEGMENTS
from ysmean.training.progress import Progress, default_progress
from ysmean.training.train import learn

ODDS = (0.05, 0.2, 0.5, 1.0)
LENGTHS = {"last 5": (5, 0.8), "last 20": (20, 0.9), "last 128": (128, 1.0)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--networks", nargs="+", help="by name; the default ones without")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers", help="Python of the environment that has LightFM")
    given = parser.parse_args()
    if given.peers and not shutil.which(given.peers):  # better said before training
        parser.error(f"--peers {given.peers} is no program; expected PEERS/bin/python")
    data = read(given.folder)
    name = f"cold-items:{given.share}"
    split = make_split(name, data.histories, len(data.catalogue), given.seed)
    base = data.catalogue.warm
    parts = learn(data, split, given.networks, base, given.seed, "default", default_progress())
    questions = data.questions(split.test)
    answers = ask(parts, questions, base, "exclude", Progress())
    told, (cold,) = tell_items_apart(answers, parts, questions, base, "exclude", Progress())
    print(f"{name}, seed {given.seed}: {len(cold):,} cold targets, {len(told):,} targets in all")
    print(f"{'':22} {'cold':>8} {'cold among all':>15} {'warm':>8}   NDCG@10")
    for row in answers.names:
        values = metrics.ndcg(told.ranks(row), 10)
        apart = [values[told.cohorts == c].mean() for c in ("cold-among-all", "warm")]
        alone = metrics.ndcg(cold.ranks(row), 10).mean()
        print(f"{row:22} {alone:8.4f} {apart[0]:15.4f} {apart[1]:8.4f}")
    among = base & ~parts.catalogue.warm
    peers = {k: metrics.ndcg(knn(parts, cold.questions, among, *v), 10) for k, v in LENGTHS.items()}
    peers = {f"kNN, {name}": values for name, values in peers.items()}
    kinds = {"the best kNN": list(peers)}
    if given.peers:
        learned = lightfm(given, data, split, parts, cold.questions, among)
        peers |= learned
        kinds["the best LightFM"] = list(learned)
    for name, values in peers.items():
        print(f"{name:32} {values.mean():8.4f}")
    mean = metrics.ndcg(cold.ranks("mean"), 10)
    for kind, names in kinds.items():
        best = max((peers[name] for name in names), key=np.mean)
        p = metrics.paired_bootstrap(mean, best).p_value
        ratio = mean.mean() / best.mean()
        print(f"cold: the mean has {ratio:.2f}x the NDCG@10 of {kind}, p = {p:.4f}")
    weights = parts.proportions.weights[SEGMENTS.index("cold")]
    print(
        "fitted weights, cold:",
        dict(zip(parts.proportions.names, weights[-1].round(3).tolist(), strict=True)),
    )
    others = {f"cold_odds {odds:g}": with_odds(parts, odds) for odds in ODDS}
    others["no segments"] = without_segments(parts)
    for name, changed in others.items():
        ranks = ask(changed, questions, base, "exclude", Progress()).ranks("mean")
        values = metrics.ndcg(ranks, 10)
        apart = [values[told.cohorts == c].mean() for c in ("cold-among-all", "warm")]
        print(f"{'mean, ' + name:22} {'':8} {apart[0]:15.4f} {apart[1]:8.4f}")


def with_odds(parts, odds):
    """Return parts in which an allowed new item weighs so much beside a warm one."""
    return replace(parts, proportions=replace(parts.proportions, cold_odds=odds))


def without_segments(parts):
    """Return parts of one softmax a network over all items, mixed by the same weights for all."""
    p = parts.proportions
    weights = np.broadcast_to(p.weights[0, -1], p.weights.shape)
    everything = replace(parts.catalogue, warm=np.ones(len(parts.catalogue), bool))
    return replace(parts, catalogue=everything, proportions=replace(p, weights=weights))


def knn(parts, questions, among, length, fade):
    """Return the targets' ranks by content item-kNN, int (n,), counting from 1."""
    vectors = described(parts.catalogue)
    places = np.flatnonzero(among)
    ranks = []
    for some in questions.chunks(512):
        tokens = some.batch(length).tokens  # (B, T)
        weights = fade ** np.arange(tokens.shape[1])[::-1] * (tokens > 0)
        rows = np.repeat(np.arange(len(tokens)), tokens.shape[1])
        chosen = (weights.ravel(), (rows, np.maximum(tokens.ravel() - 1, 0)))
        history = sparse.csr_array(chosen, shape=(len(tokens), vectors.shape[0]))
        scores = ((history @ vectors) @ vectors[places].T).toarray()
        allowed = some.allowed(among, available=parts.catalogue.available).tile(0, len(among))
        scores[~allowed[:, places]] = -np.inf
        target = np.searchsorted(places, some.targets)
        own = scores[np.arange(len(scores)), target][:, None]
        earlier = np.arange(len(places)) < target[:, None]
        ranks.append(1 + ((scores > own) | ((scores == own) & earlier)).sum(1))
    return np.concatenate(ranks)


def lightfm(given, data, split, parts, questions, among):
    """Return NDCG@10 of every target by LightFM, (n,), for each of its settings."""
    training = data.histories.only(split.train)
    at = (training.users, training.classes)
    shape = (len(training), len(parts.catalogue))
    taken = sparse.coo_array((np.ones(len(at[0]), np.float32), at), shape=shape)
    taken.sum_duplicates()
    places = np.flatnonzero(among)
    allowed = [
        some.allowed(among, available=parts.catalogue.available).tile(0, len(among))[:, places]
        for some in questions.chunks(512)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sparse.save_npz(folder / "taken.npz", sparse.coo_matrix(taken))
        sparse.save_npz(folder / "features.npz", sparse.csr_matrix(described(parts.catalogue)))
        asked = {"users": questions.users, "targets": questions.targets, "among": places}
        np.savez(folder / "asked.npz", allowed=np.concatenate(allowed), **asked)
        script = Path(__file__).with_name("accuracy") / "cold_peer.py"
        command = [given.peers, "-W", "ignore", script, folder, "--seed", given.seed]
        subprocess.run([*map(str, command)], check=True)
        found = np.load(folder / "ranks.npz")
        return {setting: metrics.ndcg(found[setting], 10) for setting in found.files}


def described(catalogue):
    """Return items as sparse rows of norm 1, (N, f): words and categorical values by TF-IDF."""
    blocks = []
    for name, kind in catalogue.schema.items():
        column = catalogue.frame.get_column(name)
        if kind is FeatureType.TEXT:
            blocks.append(TfidfVectorizer().fit_transform(column.fill_null("").to_list()))
        elif kind in (FeatureType.CATEGORY, FeatureType.CATEGORIES):
            column = column.list.join("|") if column.dtype == pl.List else column
            words = TfidfVectorizer(token_pattern=r"[^|]+", use_idf=True)
            blocks.append(words.fit_transform(column.fill_null("").to_list()))
    joined = sparse.csr_array(sparse.hstack(blocks))
    return sparse.csr_array(TfidfTransformer(use_idf=False).fit_transform(joined))


if __name__ == "__main__":
    main()
