"""Where given classes stand: their probabilities, and their exact ranks under several means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ysmean.mean.held import Held, less_mean, softmax
from ysmean.mean.stream import Streamed
from ysmean.mean.tile import BoolArray, DoubleArray, FloatArray

IntArray = npt.NDArray[np.int64]
GROUP = 64  # classes of which only the best may be among the best of all


@dataclass(frozen=True)
class Standing:
    """How R rows (a network, or a mean) answer B requests whose target is known.

    Attributes:
        ranks: int64 (R, B), 1 = best; 0 where a row cannot score the target.
        probabilities: float64 (R, B) of the target; 0 where a row cannot score it.
        top_classes: int32 (R, B, k), best first; -1 = none.
        top_scores: float32 (R, B, k); 0 = none.
    """

    ranks: IntArray
    probabilities: DoubleArray
    top_classes: npt.NDArray[np.int32]
    top_scores: FloatArray

    def __getitem__(self, rows: slice) -> Standing:
        """Return some of the rows."""
        return Standing(*(getattr(self, f.name)[rows] for f in fields(self)))


def log_probabilities(stream: Streamed, classes: npt.NDArray[np.int32]) -> DoubleArray:
    """Return each network's log p(class | A, the class's segment) of several classes.

    Args:
        stream: the members' answers.
        classes: int32 (B, n); below 0 for none.

    Returns:
        float64 (B, n, K), -inf where abstaining, uncovered or not allowed, or no class.
    """
    normalizers = stream.normalizers[0]
    logs = np.full((*classes.shape, normalizers.shape[1]), -np.inf)
    for tile in stream.tiles():
        b, n, column = tile.find(classes)
        allowed = tile.allowed[b, column]
        for k, logits in enumerate(tile.logits):
            normalizer = normalizers[b, k, tile.segment]
            known = allowed & np.isfinite(normalizer)
            value = logits[b, column].astype(np.float64) - np.where(known, normalizer, 0.0)
            logs[b, n, k] = np.where(known, value, -np.inf)
    return logs


def standing(
    held: Sequence[Held],
    weights: DoubleArray,
    targets: npt.NDArray[np.int32],
    k: int = 10,
    factors: Sequence[DoubleArray] = (),
    listed: int | None = None,
) -> Standing:
    """Return ranks and probabilities of the targets under several rows of weights.

    Args:
        held: the K networks' answers on warm and on cold classes.
        weights: (R, B, M, 2), members' weights by row: those of the networks, then of each
            consensus.
        targets: int32 (B,).
        k: of the top lists.
        factors: the exponents of each consensus, (B, K, 2), on the logits held.
        listed: how many rows get top lists, the first ones; all for None.

    Returns:
        The standing; of equal scores the lower class index comes first.
    """
    rows, batch = weights.shape[:2]
    listed = rows if listed is None else listed
    found = Standing(
        np.zeros((rows, batch), np.int64),
        np.zeros((rows, batch)),
        np.full((listed, batch, k), -1, np.int32),
        np.zeros((listed, batch, k), np.float32),
    )
    segments = [(s, part) for s, part in enumerate(held) if len(part.classes)]
    for b in range(batch):
        sides = []
        for s, part in segments:
            members = voices(part.logits[b], [factor[b, :, s] for factor in factors])
            sides.append((part.classes, *members, weights[:, b, :, s].astype(np.float32)))
        for row in range(rows):
            totals = [(classes, mixed(p, known, w[row])) for classes, p, known, w in sides]
            found.ranks[row, b], found.probabilities[row, b] = place(totals, targets[b])
            if row < listed:
                classes, scores = best(totals, k)
                found.top_classes[row, b, : len(classes)] = classes
                found.top_scores[row, b, : len(classes)] = scores
    return found


def voices(z: FloatArray, factors: Sequence[DoubleArray]) -> tuple[FloatArray, BoolArray]:
    """Return what each member says of one segment's classes, in one request.

    Args:
        z: float32 (K, n), the networks' logits.
        factors: the exponents (K,) of each consensus, on those.

    Returns:
        float32 (M, n), conditional probabilities; bool (M, n), classes of A that it covers.
    """
    logits = np.zeros((len(z) + len(factors), z.shape[1]), np.float32)
    logits[: len(z)] = z
    x, known = less_mean(z)
    for a, total in zip(factors, logits[len(z) :], strict=True):
        inputs = np.flatnonzero(a)
        for k in inputs:  # not a matrix product, whose rounding differs by column: ties stay ties
            total += x[k] * np.float32(a[k])
        total[~known[inputs].any(0)] = -np.inf
    return softmax(logits), logits > -np.inf


def mixed(p: FloatArray, known: BoolArray, weights: FloatArray) -> FloatArray:
    """Return a mean of members (M, n), float32 (n,); -1 where none with a weight covers a class."""
    speaking = weights.nonzero()[0]
    if not len(speaking):
        return np.full(p.shape[1], -1, np.float32)
    total: FloatArray = p[speaking[0]] * weights[speaking[0]]
    for m in speaking[1:]:
        total += p[m] * weights[m]
    nothing = (total == 0).nonzero()[0]  # said, or not said: what rounds to 0 is a candidate
    total[nothing[~known[:, nothing][speaking].any(0)]] = -1
    return total


Totals = Sequence[tuple[IntArray, FloatArray]]  # by segment: classes (n,), ascending, and scores


def place(totals: Totals, target: int) -> tuple[int, float]:
    """Return the rank and the score of a class; 0 and 0 where it has none."""
    columns = [int(np.searchsorted(classes, target)) for classes, _ in totals]
    score = np.float32(-1)
    for (classes, scores), column in zip(totals, columns, strict=True):
        if column < len(classes) and classes[column] == target:
            score = scores[column]
    if score < 0:
        return 0, 0.0
    above = 0
    for (_, scores), column in zip(totals, columns, strict=True):  # equal ones before it come first
        above += int(np.count_nonzero(scores[:column] >= score))
        above += int(np.count_nonzero(scores[column:] > score))
    return above + 1, float(score)


def best(totals: Totals, k: int) -> tuple[IntArray, FloatArray]:
    """Return the classes and scores of the k best, best first; fewer where there are fewer."""
    chosen = [candidates(scores, k) for _, scores in totals]
    classes = np.concatenate([c[some] for (c, _), some in zip(totals, chosen, strict=True)])
    values = np.concatenate([s[some] for (_, s), some in zip(totals, chosen, strict=True)])
    order = np.lexsort((classes, -values))[:k]
    return classes[order], values[order]


def candidates(scores: FloatArray, k: int) -> IntArray:
    """Return columns that hold the k largest scores >= 0, and few others; of equals the lowest.

    The k-th largest of the groups' maxima is at most the k-th largest score.
    """
    groups = len(scores) // GROUP
    least = np.float32(0)
    if groups > k:
        tops = scores[: groups * GROUP].reshape(GROUP, groups).max(0)
        least = max(least, np.partition(tops, groups - k)[groups - k])
    found = (scores >= least).nonzero()[0]
    if len(found) > GROUP * k:  # many are equal
        found = found[np.argsort(-scores[found], kind="stable")[:k]]
    return found
