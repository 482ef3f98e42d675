"""LightFM with what items are, on targets that nobody has taken yet; for ../cold_items.py --peers.

    PEERS/bin/python benchmarks/accuracy/cold_peer.py FOLDER

FOLDER holds what the benchmark wrote: taken.npz (users x items, 1 where taken in training),
features.npz (items x features, rows of norm 1), asked.npz (users, targets, among: classes of the
cold items, allowed: bool (n, cold)). It writes ranks.npz, the targets' ranks among the cold items,
counting from 1, by setting. An item is the sum of its features and of itself; a user is itself.
"""

import argparse
from pathlib import Path

import numpy as np
from lightfm import LightFM
from scipy import sparse

SETTINGS = {
    "LightFM, 32 numbers, 10 epochs": (32, 10),
    "LightFM, 32 numbers, 30 epochs": (32, 30),
    "LightFM, 128 numbers, 10 epochs": (128, 10),
    "LightFM, 128 numbers, 30 epochs": (128, 30),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    taken = sparse.load_npz(given.folder / "taken.npz").tocoo()
    features = sparse.load_npz(given.folder / "features.npz")
    items = sparse.hstack([features, sparse.identity(features.shape[0])]).tocsr()
    items = items.astype(np.float32)
    asked = np.load(given.folder / "asked.npz")
    found = {}
    for name, (size, epochs) in SETTINGS.items():
        model = LightFM(no_components=size, loss="warp", random_state=given.seed)
        model.fit(taken, item_features=items, epochs=epochs)
        # What a new item is beside its features was never learned: only those count.
        known = items[asked["among"]][:, : features.shape[1]]
        biases, vectors = (a[: features.shape[1]] for a in model.get_item_representations())
        _, people = model.get_user_representations()
        scores = people[asked["users"]] @ (known @ vectors).T + known @ biases
        found[name] = ranks(scores, asked["targets"], asked["among"], asked["allowed"])
        print(f"{name}: done", flush=True)
    np.savez(given.folder / "ranks.npz", **found)


def ranks(scores, targets, among, allowed):
    """Return the targets' ranks among allowed items, int (n,), equal scores in order of class."""
    scores = np.where(allowed, scores, -np.inf)
    place = np.searchsorted(among, targets)
    own = scores[np.arange(len(scores)), place][:, None]
    earlier = np.arange(len(among)) < place[:, None]
    return 1 + ((scores > own) | ((scores == own) & earlier)).sum(1)


if __name__ == "__main__":
    main()
