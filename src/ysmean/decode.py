"""The way back: from the mean's best classes to answers with ids, titles and shares."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ysmean.answer import Recommendation, Recommendations
from ysmean.data.histories import COHORTS
from ysmean.data.requests import Encoded, Request
from ysmean.mean.consensus import CONSENSUS, Joined, contributions
from ysmean.mean.stream import Streamed, log_masses
from ysmean.mean.tile import BoolArray, DoubleArray
from ysmean.mean.topk import Top
from ysmean.parts import Parts
from ysmean.shortfall import Shortfalls


def decode(
    parts: Parts,
    requests: Sequence[Request],
    encoded: Encoded,
    stream: Streamed,
    weights: DoubleArray,
    top: Top,
) -> list[Recommendations]:
    """Return the answers to B requests.

    Args:
        parts: of the recommender.
        requests: B of them.
        encoded: the same as arrays.
        stream: the members' answers.
        weights: float64 (B, M, 2), theirs.
        top: the best items of the mean.
    """
    names = parts.proportions.names
    answering = np.asarray(stream.answering.any(2))  # (B, M)
    masses = network_masses(stream, parts.proportions.cold_odds)
    shortfalls = Shortfalls(requests, encoded, parts.catalogue, parts.proportions, stream)
    rows = _rows(stream, weights.sum(2), answering, top)
    answers = []
    for b, request in enumerate(requests):
        heard = [k for k in range(len(names)) if answering[b, k]]
        by_name = {names[k]: float(weights[b, k].sum()) for k in heard}
        speaking = [name for name, weight in by_name.items() if weight > 0]
        count = min(int(top.counts[b]), encoded.k[b])
        answers.append(
            Recommendations(
                request_id=uuid.uuid4().hex,
                user_id=request.user_id,
                cohort=COHORTS[encoded.batch.cohorts[b]],
                items=_items(parts, [column[b][:count] for column in rows], heard),
                weights=by_name,
                mass={names[k]: float(masses[b, k]) for k in heard if names[k] != CONSENSUS},
                abstained=[n for k, n in enumerate(names) if k not in heard],
                last_resort=speaking == ["popularity"],
                unknown_items=encoded.unknown[b],
                model=parts.model_id,
                shortfall=shortfalls.of(b, count),
            )
        )
    return answers


def _rows(
    stream: Streamed, weights: DoubleArray, answering: BoolArray, top: Top
) -> list[list[Any]]:
    """Return what is told of each item as plain lists (B, k, ...), in the order of `_items`.

    Args:
        stream: the members' answers.
        weights: (B, M).
        answering: bool (B, M).
        top: the best items of the mean.
    """
    shares = top.parts.astype(np.float64)  # (B, k, M)
    silent = np.asarray(~shares.any(2))  # scores too small for float32
    shares[silent] = weights[np.nonzero(silent)[0]]
    shares /= np.maximum(shares.sum(2, keepdims=True), 1e-300)
    spread, told, evident = shares, shares, np.zeros(silent.shape, bool)
    if isinstance(stream, Joined):
        told, evident = stream.evidence(top.classes), shares[:, :, -1] > 0
        by_evidence = contributions(shares, told, answering[:, None, :-1])
        spread = np.where(evident[:, :, None], by_evidence, shares[:, :, :-1])
    return [c.tolist() for c in (top.classes, top.scores, shares, told, spread, evident)]


def _items(
    parts: Parts, columns: Sequence[Sequence[Any]], heard: Sequence[int]
) -> list[Recommendation]:
    """Return one request's items.

    Args:
        parts: of the recommender.
        columns: their classes, scores, shares, evidence, contributions, and whether there is
            evidence.
        heard: the numbers of the members that answer.
    """
    names = [parts.proportions.names[k] for k in heard]
    own = [k for k in heard if parts.proportions.names[k] != CONSENSUS]
    of_all, of_own = _named(names, heard), _named(names, own)
    catalogue = parts.catalogue
    titles = catalogue.titles(np.array(columns[0], np.int32))
    return [
        Recommendation(
            catalogue.item_ids[class_],
            title,
            score,
            of_all(shares),
            of_own(told) if evident else {},
            of_own(spread),
        )
        for title, class_, score, shares, told, spread, evident in zip(
            titles, *columns, strict=True
        )
    ]


def _named(
    names: Sequence[str], numbers: Sequence[int]
) -> Callable[[Sequence[float]], dict[str, float]]:
    """Return what makes a dict of some of a row's values, the first names' ones."""
    if list(numbers) == list(range(len(numbers))):  # an answer has many rows, and most are whole
        return lambda row: dict(zip(names, row, strict=False))
    return lambda row: {name: row[k] for name, k in zip(names, numbers, strict=False)}


def network_masses(stream: Streamed, cold_odds: float) -> DoubleArray:
    """Return each member's probability of A before restriction, (B, M).

    A network's segments count as they do in the mean, by their allowed items.
    """
    counts = stream.normalizers[2]
    odds = counts[:, None, :] * np.array([1.0, cold_odds]) * stream.answering
    total = np.maximum(odds.sum(2), 1e-300)
    return np.asarray((odds * np.exp(log_masses(stream))).sum(2) / total)
