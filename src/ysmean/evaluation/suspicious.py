"""Items whose metadata disagrees with behaviour: what they are said to be is not how they are used.

An item's *behaviour* is a vector made of what is taken around it: the positive pointwise mutual
information with every other item, reduced by an SVD (Levy and Goldberg, 2014). A ridge regression
predicts it from the item's features, cross-validated, so that no item explains itself. Its own
features should come closer to its behaviour than those of other items; where they do not, they are
probably another item's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ysmean.data.catalogue import Catalogue
from ysmean.data.features import FeatureEncoder
from ysmean.data.histories import Histories
from ysmean.networks.pairs import count_pairs
from ysmean.networks.regression import directions, slopes

DoubleArray = npt.NDArray[np.float64]

LEAST_EVENTS = 20  # an item with fewer has no behaviour to be trusted
LEAST_ITEMS = 50  # fewer do not tell what features mean
WINDOW, WIDTH = 10, 32  # events apart that are together; width of behaviour
FOLDS = 5
ALPHAS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # of the ridge, on features of norm 1
SHOWN = 20


@dataclass(frozen=True)
class Disagreement:
    """How well the metadata of n items agrees with their behaviour.

    Attributes:
        classes: int64 (n,), those that can be told, the most suspicious first.
        scores: float64 (n,), see `disagreement`.
        explained: share of the variance of behaviour that features predict, cross-validated.
    """

    classes: npt.NDArray[np.int64]
    scores: DoubleArray
    explained: float


def check_metadata(histories: Histories, catalogue: Catalogue, seed: int = 0) -> Disagreement:
    """Compare what items are said to be with how they are used.

    Args:
        histories: the events to be trusted.
        catalogue: the items.
        seed: of SVD and folds.

    Returns:
        The items with features and at least `LEAST_EVENTS` events; none where there are too few
        of them, or where features predict nothing.
    """
    nothing = Disagreement(np.empty(0, np.int64), np.empty(0), 0.0)
    size = len(catalogue)
    counts = np.bincount(histories.classes, minlength=size)
    checked = np.flatnonzero((counts >= LEAST_EVENTS) & catalogue.has_features)
    if len(checked) < LEAST_ITEMS:
        return nothing
    features = FeatureEncoder.fit(catalogue.frame, catalogue.schema, seed)(catalogue.frame)
    x = unit(features[checked].astype(np.float64))
    y = behaviour(count_pairs(histories, size, WINDOW)[checked][:, checked], seed)
    folds = np.random.default_rng([seed, 29]).permutation(len(checked)) % FOLDS
    found = cross_validated(x, y, folds, ALPHAS)
    spread = max(float(((y - y.mean(0)) ** 2).sum()), 1e-12)
    errors = [float(((y - prediction) ** 2).sum()) / spread for prediction in found]
    best = int(np.argmin(errors))
    if errors[best] >= 1:
        return nothing
    scores = disagreement(y, found[best])
    order = np.lexsort((checked, -scores))
    return Disagreement(checked[order], scores[order], 1 - errors[best])


def behaviour(pairs: sparse.csr_array, seed: int) -> DoubleArray:
    """Return vectors of norm 1 that are close where items are taken around the same ones.

    Args:
        pairs: (n, n), how often one item is taken after another.
        seed: of the randomised SVD.

    Returns:
        float64 (n, at most `WIDTH`); 0 for items that are never taken beside others.
    """
    from sklearn.decomposition import TruncatedSVD

    both = (pairs + pairs.T).tocoo()
    total = np.asarray(both.sum(1), np.float64).ravel()
    row, column = both.coords
    information = np.log(both.data * total.sum() / (total[row] * total[column]))
    above = information > 0
    table = sparse.csr_array((information[above], (row[above], column[above])), shape=both.shape)
    width = min(WIDTH, both.shape[0] - 1)
    return unit(TruncatedSVD(width, random_state=seed).fit_transform(table))


def cross_validated(
    x: DoubleArray, y: DoubleArray, folds: npt.NDArray[np.int64], alphas: Sequence[float]
) -> list[DoubleArray]:
    """Return ridge regressions' predictions of y (n, d), each row's without that row's fold.

    Args:
        x: (n, f).
        y: (n, d).
        folds: int (n,), which fold a row is in.
        alphas: added to the diagonal of the normal equations, one regression each.
    """
    predicted = [np.empty_like(y) for _ in alphas]
    for fold in np.unique(folds):
        held = folds == fold
        centre, mean = x[~held].mean(0), y[~held].mean(0)
        known, right = x[~held] - centre, (x[~held] - centre).T @ (y[~held] - mean)
        spread, axes = directions(known.__getitem__, np.arange(len(known)))
        for one, alpha in zip(predicted, alphas, strict=True):
            one[held] = (x[held] - centre) @ slopes(spread, axes, right, alpha) + mean
    return predicted


def disagreement(behaved: DoubleArray, predicted: DoubleArray) -> DoubleArray:
    """Return how far each item's own prediction is from its behaviour, beside all others'.

    (own - mean) / standard deviation of the squared distances of an item's behaviour from the
    predictions of all items: well below 0 where its own features fit it; about 0 where they fit it
    as those of any item would.

    Args:
        behaved: float64 (n, d).
        predicted: float64 (n, d).

    Returns:
        float64 (n,).
    """
    own = ((behaved - predicted) ** 2).sum(1)
    length = (predicted**2).sum(1)
    scores = np.empty(len(behaved))
    for lo in range(0, len(behaved), 1024):
        some = slice(lo, lo + 1024)
        near = (behaved[some] ** 2).sum(1)[:, None] + length - 2 * behaved[some] @ predicted.T
        scores[some] = (own[some] - near.mean(1)) / np.maximum(near.std(1), 1e-12)
    return scores


def suspicious(
    histories: Histories, catalogue: Catalogue, shuffled: Collection[str], seed: int
) -> dict[str, Any]:
    """Return the items whose metadata disagrees most with behaviour, as plain data for JSON.

    Args:
        histories: the training events.
        catalogue: the items as they were trained on.
        shuffled: ids of those whose features are known to be another one's.
        seed: of what is random in it.
    """
    found = check_metadata(histories, catalogue, seed)
    counts = np.bincount(histories.classes, minlength=len(catalogue))
    first = found.classes[:SHOWN]
    titles = catalogue.titles(first.astype(np.int32))
    return {
        "checked": len(found.classes),
        "least_events": LEAST_EVENTS,
        "explained": found.explained,
        "as_any": int((found.scores >= 0).sum()),
        "items": [
            {
                "item_id": catalogue.item_ids[class_],
                "title": title,
                "events": int(counts[class_]),
                "disagreement": float(score),
            }
            for class_, title, score in zip(first, titles, found.scores, strict=False)
        ],
        "shuffled": _precision(found, catalogue, shuffled) if shuffled else None,
    }


def _precision(
    found: Disagreement, catalogue: Catalogue, shuffled: Collection[str]
) -> dict[str, Any]:
    """Return how many of the first n are shuffled ones, for n up to as many as there are."""
    known = np.isin(found.classes, catalogue.classes(shuffled))
    count = int(known.sum())
    sizes = sorted({n for n in (10, 20, 50, count) if 0 < n <= count})
    return {
        "checked": count,
        "share": float(known.mean()) if len(known) else 0.0,
        "precision": {str(n): float(known[:n].mean()) for n in sizes},
    }


def unit(rows: DoubleArray) -> DoubleArray:
    """Return rows of norm 1; those of zeros stay."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
