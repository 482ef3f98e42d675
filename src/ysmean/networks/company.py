"""Items by the company they keep: what they were taken with, as a few numbers.

Two items that never met are alike if they met the same others. A table of vectors that are learned
one by one finds that out slowly, and hardly at all for items with few events; counting and a
singular value decomposition tell it at once (Levy and Goldberg, 2014, "Neural word embedding as
implicit matrix factorization").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ysmean.data.histories import Histories
from ysmean.networks.network import BoolArray, FloatArray

APART = 10  # steps within which two items meet
SMOOTHING = 0.75  # of how frequent the others are (Levy, Goldberg and Dagan, 2015)


def company(histories: Histories, learnable: BoolArray, width: int, seed: int) -> FloatArray:
    """Return what items were taken with, float32 (N, width), of norm 1 in the root mean square.

    The left singular vectors, times the roots of the singular values, of the positive pointwise
    mutual information of items that met: PMI(i, j) = log p(i, j) / (p(i) p(j)^0.75 / Σ p^0.75).

    Args:
        histories: the training events, of N classes.
        learnable: bool (N,), the items whose events may tell something; rows of others are 0.
        width: how many numbers; fewer where fewer items met, the rest are 0.
        seed: of the decomposition.
    """
    from sklearn.utils.extmath import randomized_svd

    found = np.zeros((len(learnable), width), np.float32)
    if not width:
        return found
    information = mutual_information(met(histories, learnable))
    known = np.diff(information.indptr) > 0
    kept = min(width, int(known.sum()))
    if kept:
        left, values, _ = randomized_svd(information, kept, random_state=seed)
        found[known, :kept] = (left * np.sqrt(values))[known]
        found /= np.sqrt((found[known] ** 2).sum(1).mean())
    return found


def met(histories: Histories, learnable: BoolArray) -> sparse.csr_array:
    """Return how often two items met, one over the steps between them, symmetric (N, N)."""
    classes, users, size = histories.classes, histories.users, len(learnable)
    total = sparse.csr_array((size, size), dtype=np.float64)
    for apart in range(1, APART + 1):
        a, b = slice(None, -apart), slice(apart, None)
        both = (users[a] == users[b]) & learnable[classes[a]] & learnable[classes[b]]
        at = (classes[a][both], classes[b][both])
        total += sparse.coo_array((np.full(len(at[0]), 1 / apart), at), shape=(size, size)).tocsr()
    return sparse.csr_array(total + total.T)


def mutual_information(counts: sparse.csr_array) -> sparse.csr_array:
    """Return the positive pointwise mutual information of symmetric counts (N, N)."""
    each = np.asarray(counts.sum(1))  # (N,)
    others = each**SMOOTHING
    pairs = counts.tocoo()
    expected: npt.NDArray[np.float64] = each[pairs.row] * others[pairs.col] / others.sum()
    values = np.maximum(np.log(pairs.data / expected), 0)
    found = sparse.csr_array((values, (pairs.row, pairs.col)), shape=pairs.shape)
    found.eliminate_zeros()
    return found
