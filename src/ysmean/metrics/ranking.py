"""Ranking metrics from the rank of one target a request.

A rank is 1-based among all allowed items, so 1 is best. 0 says that the target was not ranked
(the network abstained, or does not cover it); it stays in the mean and counts 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ysmean.errors import ConfigError, DataError
from ysmean.metrics.checks import DoubleArray, integers, probabilities_of, vector


def ndcg(ranks: npt.ArrayLike, k: int) -> DoubleArray:
    """Return each request's normalised discounted cumulative gain at k, float64 (n,).

    DCG@k = Σ_{r <= k} gain_r / log2(1 + r), divided by that of the ideal order (Järvelin and
    Kekäläinen, 2002). With one relevant item the ideal is 1, so a rank r within k gives
    1 / log2(1 + r), and every other rank 0.

    Args:
        ranks: of the targets (n,), 1 = best, 0 = not ranked.
        k: length of the list.
    """
    r = _ranks(ranks)
    return np.where(_within(r, k), 1.0 / np.log2(1.0 + np.maximum(r, 1)), 0.0)


def hit_rate(ranks: npt.ArrayLike, k: int) -> DoubleArray:
    """Return 1 for each request whose target is among the first k, else 0, float64 (n,).

    With one relevant item this equals recall@k.

    Args:
        ranks: of the targets (n,), 1 = best, 0 = not ranked.
        k: length of the list.
    """
    return _within(_ranks(ranks), k).astype(np.float64)


def reciprocal_rank(ranks: npt.ArrayLike) -> DoubleArray:
    """Return 1 / rank of each request, 0 where unranked, float64 (n,); its mean is the MRR.

    Without a cutoff: every rank counts (Voorhees, 1999).

    Args:
        ranks: of the targets (n,), 1 = best, 0 = not ranked.
    """
    r = _ranks(ranks)
    return np.where(r > 0, 1.0 / np.maximum(r, 1), 0.0)


def mean_nll(probabilities: npt.ArrayLike) -> float | None:
    """Return the mean of -ln p, in nats, over targets with p > 0; None if there are none.

    Args:
        probabilities: of the targets (n,); 0 = none was given.
    """
    p = probabilities_of("probabilities", probabilities)
    p = p[p > 0]
    return float(-np.log(p).mean()) if len(p) else None


def coverage(recommended: npt.ArrayLike, catalogue: int) -> float:
    """Return the share of the catalogue that appears in any list.

    Distinct recommended items / N, the catalogue coverage of Ge, Delgado-Battenfeld and Jannach
    (2010).

    Args:
        recommended: class indices (n, k), -1 = none.
        catalogue: N, how many items there are.
    """
    if catalogue < 1:
        raise ConfigError(f"catalogue={catalogue}; expected the number of items, at least 1.")
    classes = np.unique(integers("recommended", recommended))
    classes = classes[classes >= 0]
    if len(classes) > catalogue:
        raise DataError(
            f"recommended names {len(classes)} classes; expected at most the {catalogue} items "
            "of the catalogue. Pass the number of items that could be recommended."
        )
    return len(classes) / catalogue


def percentiles(counts: npt.ArrayLike) -> DoubleArray:
    """Return each value's place among all of them, float64 (n,) between 0 and 1.

    The share of smaller values, and half of the share of equal ones: the mean over all is 0.5.

    Args:
        counts: such as the events of each item, (n,).
    """
    v = vector("counts", counts)
    ordered = np.sort(v)
    below = np.searchsorted(ordered, v, "left") + np.searchsorted(ordered, v, "right")
    return np.asarray(below / (2 * max(1, len(v))))


def _within(ranks: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.bool_]:
    if k < 1:
        raise ConfigError(f"k={k}; expected the length of a list, at least 1.")
    return (ranks > 0) & (ranks <= k)


def _ranks(ranks: npt.ArrayLike) -> npt.NDArray[np.int64]:
    r = integers("ranks", ranks)
    if r.ndim != 1:
        raise DataError(f"ranks has the shape {r.shape}; expected (n,), one a request.")
    if len(r) and r.min() < 0:
        raise DataError(f"ranks has {r.min()}; expected 1 for the best, 0 for not ranked.")
    return r
