"""The split on disk and where a target stands: shared by both environments, so without ysmean."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Events as rows of (user, item, time), in integers, a user's in order of time.

    train, validation, test: int64 (n, 3), times in seconds, 0 where they are unknown.
    items: int64 (m,), classes that may be answered with.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    items: np.ndarray

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            columns = ["user", "item", "time"]
            pl.DataFrame(getattr(self, part), schema=columns, orient="row").write_parquet(
                folder / f"{part}.parquet"
            )
        pl.DataFrame({"item": self.items}).write_parquet(folder / "items.parquet")

    @classmethod
    def read(cls, folder):
        parts = [pl.read_parquet(Path(folder) / f"{part}.parquet").to_numpy() for part in PARTS]
        return cls(*parts, pl.read_parquet(Path(folder) / "items.parquet")["item"].to_numpy())

    @property
    def size(self):
        """Classes of the catalogue that can appear, N."""
        return 1 + max(int(self.items.max()), *(int(getattr(self, p)[:, 1].max()) for p in PARTS))

    @property
    def timed(self):
        """Whether the events tell when they happened."""
        return bool(self.train[:, 2].any())

    def requests(self, part):
        """Return histories and targets of the requests of "validation" or "test".

        A history is what the user had before, the validation event included when test is asked. An
        event on an item of its own history, or on none of `items`, is not asked.
        """
        events, befores = self._asked(part)
        return [before[:, 1] for before in befores], events[:, 1]

    def moments(self, part):
        """Return when each history's events and, last, the target happened, in seconds."""
        events, befores = self._asked(part)
        return [np.append(b[:, 2], e[2]) for b, e in zip(befores, events, strict=True)]

    def _asked(self, part):
        """Return the events that are asked, (n, 3), and the rows of (user, item, time) before."""
        before = self.train if part == "validation" else np.vstack([self.train, self.validation])
        before = before[np.argsort(before[:, 0], kind="stable")]
        events = getattr(self, part)
        starts = np.searchsorted(before[:, 0], events[:, 0], "left")
        ends = np.searchsorted(before[:, 0], events[:, 0], "right")
        befores = [before[a:b] for a, b in zip(starts, ends, strict=True)]
        asked = np.isin(events[:, 1], self.items)
        asked &= [event[1] not in b[:, 1] for event, b in zip(events, befores, strict=True)]
        return events[asked], [b for b, chosen in zip(befores, asked, strict=True) if chosen]


def allowed_sets(histories, items, size):
    """Return bool (B, size): `items` without those of each history."""
    allowed = np.zeros((len(histories), size), bool)
    allowed[:, items] = True
    for row, history in zip(allowed, histories, strict=True):
        row[history] = False
    return allowed


def ranks(scores, targets, allowed):
    """Return how many allowed items stand before each target; -1 where it has no score.

    Higher scores stand before lower ones, and of equal ones the lower class.

    scores: (B, N), -inf = none.
    targets: int (B,).
    allowed: bool (B, N).
    """
    own = np.take_along_axis(scores, targets[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < targets[:, None]
    before = (scores > own) | ((scores == own) & earlier)
    return np.where(np.isfinite(own[:, 0]), (before & allowed).sum(1), -1)


def log_probabilities(scores, targets, allowed):
    """Return ln of the targets' softmax among allowed items, (B,); -inf where not scored."""
    kept = np.where(allowed, scores, -np.inf).astype(np.float64)
    own = np.take_along_axis(kept, targets[:, None], axis=1)[:, 0]
    return own - np.where(np.isfinite(own), np.logaddexp.reduce(kept, axis=1), 0.0)


def ndcg(found, k=10):
    """Return the mean NDCG@k of ranks that count from 0; -1 counts nothing."""
    within = (found >= 0) & (found < k)
    return float(np.where(within, 1 / np.log2(2.0 + np.maximum(found, 0)), 0.0).mean())


def answer(score, histories, targets, items, size, chunk=256):
    """Return ranks and log-probabilities of the targets by a function that scores histories."""
    found, logs = [], []
    for lo in range(0, len(targets), chunk):
        some, asked = histories[lo : lo + chunk], targets[lo : lo + chunk]
        scores, allowed = score(some), allowed_sets(some, items, size)
        found.append(ranks(scores, asked, allowed))
        logs.append(log_probabilities(scores, asked, allowed))
    return np.concatenate(found), np.concatenate(logs)


def spread(split, classes, scores):
    """Return scores of some classes (B, m) among those of all (B, N), -inf for the others."""
    whole = np.full((len(scores), split.size), -np.inf, np.float32)
    whole[:, classes] = scores
    return whole
