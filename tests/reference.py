"""Slow, plain implementations that the fast ones are measured against."""

import numpy as np

from ysmean.data.allowed import AllowedSets
from ysmean.mean.stream import Stream
from ysmean.networks.network import Head


def allowed_sets(allowed):
    """Turn a boolean table (B, N) into allowed sets."""
    batch, size = allowed.shape
    rows, classes = np.nonzero(~allowed)
    return AllowedSets(
        base=np.ones(size, bool),
        mask_of=np.full(batch, -1),
        masks=(),
        rows=rows.astype(np.int64),
        classes=classes.astype(np.int32),
        at=np.full(batch, np.nan),
    )


def head(logits, answers=None, coverage=None, prior=None):
    """Make a head of a table of logits (B, N)."""
    batch, size = logits.shape
    return Head(
        scores=lambda lo, hi: logits[:, lo:hi].astype(np.float32),
        answers=np.ones(batch, bool) if answers is None else answers,
        coverage=np.ones(size, bool) if coverage is None else coverage,
        prior=prior,
    )


def stream(logits, allowed, cold=None, temperatures=None, tile_size=None, **heads):
    """Make a stream of K tables of logits (K, B, N)."""
    networks, _, size = logits.shape
    parts = {key: heads.get(key, [None] * networks) for key in ("answers", "coverage", "prior")}
    return Stream(
        [head(z, *(parts[key][k] for key in parts)) for k, z in enumerate(logits)],
        np.zeros(size, bool) if cold is None else cold,
        np.ones((networks, 2)) if temperatures is None else temperatures,
        allowed_sets(allowed),
        tile_size,
    )


def softmax(z):
    """Softmax of a vector in float64."""
    e = np.exp(z - z.max())
    return e / e.sum()


def conditional(logits, inside):
    """Softmax of a vector over a set; zeros where the set is empty."""
    p = np.zeros(len(logits))
    if inside.any():
        p[inside] = softmax(np.asarray(logits, np.float64)[inside])
    return p


def mean(s, v, cold_odds, own=None):
    """The mean of a stream, one request and one segment at a time, in float64.

    Args:
        s: a stream.
        v: (2, B, M), each member's weight by segment and request, before normalisation.
        cold_odds: of a cold item against a warm one.
        own: (B, N) of the consensus, the last member, where there is one.

    Returns:
        (B, N), and the parts of the members, (B, N, M).
    """
    batch, size = s.allowed.shape
    allowed = s.allowed.tile(0, size)
    members = len(s.heads) + (own is not None)
    parts = np.zeros((batch, size, members))
    for b in range(batch):
        shares, omegas = [], []
        for segment, inside in enumerate((~s.cold, s.cold)):
            p = np.zeros((size, members))
            w = np.zeros(members)
            if own is not None and own[b, inside].any():
                p[inside, -1], w[-1] = own[b, inside], v[segment][b, -1]
            for k, h in enumerate(s.heads):
                member = allowed[b] & inside & h.coverage
                if h.answers[b] and member.any():
                    z = h.scores(0, size)[b].astype(np.float64)
                    if segment == 0 and h.prior is not None:
                        z = z + h.prior
                    p[:, k] = conditional(z / s.temperatures[k, segment], member)
                    w[k] = v[segment][b, k]
            if w.sum() > 0:
                odds = 1.0 if segment == 0 else cold_odds
                omegas.append(odds * (allowed[b] & inside).sum())
                shares.append(p * (w / w.sum()))
        for omega, share in zip(omegas, shares, strict=True):
            parts[b] += omega / sum(omegas) * share
    return parts.sum(2), parts


def best(scores, k):
    """Classes of the k highest scores above -1, ties by lower class."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [i for i in order if scores[i] >= 0][:k]


def log2_consensus(s, product):
    """log2 p of the consensus of a stream, one request and one segment at a time, in float64.

    Args:
        s: a stream.
        product: (B, K, 2), exponents on logits before temperature; 0 = not in the product.

    Returns:
        (B, N), -inf outside A and what no network of the product covers.
    """
    batch, size = s.allowed.shape
    allowed = s.allowed.tile(0, size)
    logs = np.full((batch, size), -np.inf)
    for b in range(batch):
        for segment, inside in enumerate((~s.cold, s.cold)):
            total, covered = np.zeros(size), np.zeros(size, bool)
            for k, h in enumerate(s.heads):
                a = product[b, k, segment]
                member = allowed[b] & inside & h.coverage
                if a > 0 and member.any():
                    z = h.scores(0, size)[b].astype(np.float64)
                    if segment == 0 and h.prior is not None:
                        z = z + h.prior
                    total += a * np.where(h.coverage, z, z[member].mean())
                    covered |= member
            if covered.any():
                chosen = total[covered]
                top = chosen.max()
                logs[b, covered] = (chosen - top - np.log(np.exp(chosen - top).sum())) / np.log(2)
    return logs


def consensus(s, product):
    """The consensus of a stream, (B, N), in float64."""
    return np.exp2(log2_consensus(s, product))
