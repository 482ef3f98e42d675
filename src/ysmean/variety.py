"""Variety: an answer's items chosen so that they resemble each other less, or within caps.

Maximal marginal relevance (Carbonell and Goldstein, 1998): of the best items of the mean the next
one is always that with the highest

    (1 - diversity) * score / best score - diversity * (similarity to the most similar one chosen),

of equals the one with the higher score. Similarity is the cosine of items' categorical values: 1
where they are the same, 0 where none is shared. Scores and shares stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ysmean.data.attributes import Attributes
from ysmean.data.catalogue import Catalogue
from ysmean.data.requests import Request
from ysmean.mean.topk import Top

POOL = 100  # of how many best items an answer is chosen,
TIMES = 10  # or of how many times k, where that is more
DEEPER = 4  # times as many, while caps leave fewer than k of them

FloatArray = npt.NDArray[np.float64]


def varied(
    requests: Sequence[Request],
    k: Sequence[int],
    catalogue: Catalogue,
    top_of: Callable[[int], Top],
) -> Top:
    """Return the items of B answers, in their order.

    Requests that ask for no variety get the best k; if none does, `top_of(max(k))` as it is.

    Args:
        requests: B of them.
        k: how many items each asks for.
        catalogue: says what the items carry.
        top_of: gives the best items of every request, given how many.
    """
    wanting = [b for b, request in enumerate(requests) if request.diversity or request.caps]
    pools = {b: max(POOL, TIMES * k[b]) for b in wanting}
    top = top_of(max([*k, *pools.values()]))
    if not wanting:
        return top
    chosen: dict[int, list[int]] = {}
    for b in wanting:
        while True:
            candidates = min(pools[b], int(top.counts[b]))
            classes, scores = top.classes[b, :candidates], top.scores[b, :candidates]
            chosen[b] = _chosen(requests[b], k[b], classes, scores, catalogue.attributes)
            if len(chosen[b]) == k[b] or candidates < pools[b]:
                break
            pools[b] *= DEEPER
            if pools[b] > top.classes.shape[1]:
                top = top_of(pools[b])
    return _picked(top, chosen, max(k))


def choose(
    relevance: FloatArray,
    similarity: FloatArray,
    k: int,
    diversity: float,
    carries: npt.NDArray[np.bool_],
    caps: npt.NDArray[np.int64],
) -> list[int]:
    """Return which of n items to show, in order; at most k.

    Args:
        relevance: (n,), descending.
        similarity: (n, n).
        k: at least 1.
        diversity: 0 to 1.
        carries: bool (n, V), whether an item has a value.
        caps: (V,), how many of the chosen may have it.
    """
    free, room = np.ones(len(relevance), bool), caps.copy()
    nearest = np.zeros(len(relevance))
    chosen: list[int] = []
    while len(chosen) < k and free.any():
        value = (1 - diversity) * relevance - diversity * nearest
        best = int(np.argmax(np.where(free, value, -np.inf)))
        chosen.append(best)
        nearest = np.maximum(nearest, similarity[best])
        room = room - carries[best]
        free[best] = False
        free &= ~carries[:, room <= 0].any(1)
    return chosen


def _chosen(
    request: Request,
    k: int,
    classes: npt.NDArray[np.int32],
    scores: npt.NDArray[np.float32],
    attributes: Attributes,
) -> list[int]:
    carries, values = attributes.carried(classes)
    capped = [v for v, (feature, _) in enumerate(values) if feature in request.caps]
    n = len(classes)
    caps = np.array([min(request.caps[values[v][0]], n) for v in capped], np.int64)
    relevance = scores.astype(np.float64) / max(float(scores.max(initial=0)), 1e-300)
    similarity = _cosine(carries) if request.diversity else np.zeros((n, n))
    return choose(relevance, similarity, k, request.diversity, carries[:, capped], caps)


def _cosine(carries: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the cosine between every two rows (n, V), (n, n); 0 for a row without values."""
    rows = carries.astype(np.float64)
    sizes = rows.sum(1)
    return np.asarray(rows @ rows.T / np.sqrt(np.maximum(np.outer(sizes, sizes), 1.0)))


def _picked(top: Top, chosen: Mapping[int, list[int]], k: int) -> Top:
    """Return the chosen places of some requests, and the best k of the others."""
    places = np.tile(np.arange(k), (len(top.counts), 1))
    counts = np.minimum(top.counts, k)
    for b, order in chosen.items():
        places[b, : len(order)] = order
        counts[b] = len(order)
    inside = np.arange(k) < counts[:, None]
    return Top(
        np.where(inside, np.take_along_axis(top.classes, places, 1), -1),
        np.where(inside, np.take_along_axis(top.scores, places, 1), np.float32(0)),
        np.take_along_axis(top.parts, places[:, :, None], 1),
        counts,
    )
