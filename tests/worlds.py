"""Small data with a known answer."""

import numpy as np
import polars as pl

import ysmean as ym
from ysmean.data.joined import Data
from ysmean.data.splits import production
from ysmean.networks.learner import Learner
from ysmean.networks.network import TrainingData
from ysmean.training.fit import fit
from ysmean.training.progress import Progress

GENRES = ("red", "green", "blue")


def table(histories, timestamps=False):
    """Return events of histories {user: [items]}."""
    rows = [
        {"user_id": u, "item_id": i, **({"timestamp": 3600.0 * t} if timestamps else {})}
        for u, items in histories.items()
        for t, i in enumerate(items)
    ]
    return ym.Events.from_frame(pl.DataFrame(rows))


def checkerboard(users=60, items=12, seed=0):
    """Even users take even items, odd ones odd items, in any order."""
    rng = np.random.default_rng(seed)
    return table(
        {
            f"u{u}": [f"i{i}" for i in rng.permutation(np.arange(u % 2, items, 2))]
            for u in range(users)
        }
    )


def markov_chain(users=80, items=10, length=6, seed=0):
    """After item i comes item i + 1 (modulo the number of items), always."""
    rng = np.random.default_rng(seed)
    return table(
        {
            f"u{u}": [f"i{(start + t) % items}" for t in range(length)]
            for u, start in enumerate(rng.integers(0, items, users))
        }
    )


def content_rule(users=90, items=30, new=6, seed=0):
    """Each user takes items of one genre only; the last `new` items have no events."""
    rng = np.random.default_rng(seed)
    genre = np.arange(items) % 3
    events = {}
    for u in range(users):
        own = np.flatnonzero(genre[: items - new] == u % 3)
        events[f"u{u}"] = [f"i{i}" for i in rng.permutation(own)[:6]]
    frame = pl.DataFrame(
        {
            "item_id": [f"i{i}" for i in range(items)],
            "title": [f"the {GENRES[g]} thing number {i}" for i, g in enumerate(genre)],
            "genres": [[GENRES[g]] for g in genre],
        }
    )
    people = pl.DataFrame({"user_id": list(events), "taste": [GENRES[u % 3] for u in range(users)]})
    return table(events), ym.Items.from_frame(frame), ym.Users.from_frame(people)


def material(events, items=None, users=None, pseudo_cold=None, seed=0):
    """Return what `fit_spec` needs: joined data, training data and held-out questions."""
    data = Data.join(events, items, users)
    split = production(data.histories, seed)
    training = data.histories.only(split.train)
    size = len(data.catalogue)
    held = np.zeros(size, bool)
    if pseudo_cold is not None:
        held[data.catalogue.classes(pseudo_cold)] = True
    return (
        data,
        TrainingData(data.catalogue, training, data.fields, data.user_fields, held, seed),
        data.questions(split.validation),
    )


def fit_spec(spec, events, items=None, users=None, pseudo_cold=None, seed=0):
    """Fit one network; return it with the joined data."""
    data, training, held_out = material(events, items, users, pseudo_cold, seed)
    begun = spec.begin(training, seed)
    if isinstance(begun, Learner):
        begun, _ = fit("it", begun, training.histories, held_out, seed, Progress())
    return begun, data


def probabilities(network, data, requests):
    """Return the network's softmax over its coverage for requests, (B, N)."""
    from ysmean.data.requests import encode

    encoded = encode(requests, data.catalogue, data.histories, data.user_fields)
    head = network.head(encoded.batch)
    z = head.scores(0, len(data.catalogue)).astype(np.float64)
    if head.prior is not None:
        z = z + head.prior
    z[:, ~head.coverage] = -np.inf
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)
