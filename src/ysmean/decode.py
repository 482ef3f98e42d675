"""The way back: from the mean's best classes to answers with ids, titles and shares."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import numpy as np

from ysmean.answer import Recommendation, Recommendations
from ysmean.data.histories import COHORTS
from ysmean.data.requests import Encoded, Request
from ysmean.mean.consensus import CONSENSUS, Joined, contributions
from ysmean.mean.stream import DoubleArray, Streamed, log_masses
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
    answering = np.asarray(stream.answering.any(2))
    masses = network_masses(stream, parts.proportions.cold_odds)
    evidence = stream.evidence(top.classes) if isinstance(stream, Joined) else None
    shortfalls = Shortfalls(requests, encoded, parts.catalogue, parts.proportions, stream)
    counts = np.minimum(top.counts, encoded.k)
    shown = np.concatenate([top.classes[b, :n] for b, n in enumerate(counts)])
    titles = np.split(np.array(parts.catalogue.titles(shown), object), np.cumsum(counts)[:-1])
    answers = []
    for b, request in enumerate(requests):
        heard = [k for k in range(len(names)) if answering[b, k]]
        by_name = {names[k]: float(weights[b, k].sum()) for k in heard}
        speaking = [name for name, weight in by_name.items() if weight > 0]
        bits = None if evidence is None else evidence[b]
        answers.append(
            Recommendations(
                request_id=uuid.uuid4().hex,
                user_id=request.user_id,
                cohort=COHORTS[encoded.batch.cohorts[b]],
                items=_items(parts, top, b, titles[b].tolist(), by_name, bits),
                weights=by_name,
                mass={names[k]: float(masses[b, k]) for k in heard if names[k] != CONSENSUS},
                abstained=[n for k, n in enumerate(names) if k not in heard],
                last_resort=speaking == ["popularity"],
                unknown_items=encoded.unknown[b],
                model=parts.model_id,
                shortfall=shortfalls.of(b, int(counts[b])),
            )
        )
    return answers


def _items(
    parts: Parts,
    top: Top,
    b: int,
    titles: Sequence[str | None],
    weights: Mapping[str, float],
    bits: DoubleArray | None,
) -> list[Recommendation]:
    """Return one request's items, as many as titles.

    Args:
        parts: of the recommender.
        top: the best items of every request.
        b: the request.
        titles: of its items.
        weights: its weights by network, those that were heard.
        bits: its evidence (k, K), where there is a consensus.
    """
    count, names = len(titles), list(weights)
    heard = [k for k, name in enumerate(parts.proportions.names) if name in weights]
    amounts = top.parts[b, :count][:, heard].astype(np.float64)  # (count, heard)
    amounts[~amounts.any(1)] = list(weights.values())  # scores too small for float32
    amounts /= amounts.sum(1, keepdims=True)
    joined = names[-1:] == [CONSENSUS]
    own = names[:-1] if joined else names
    spread, by_evidence = amounts[:, : len(own)], np.zeros(count, bool)
    told = np.zeros((count, len(own)))
    if joined and bits is not None:
        told, by_evidence = bits[:count][:, heard[:-1]], amounts[:, -1] > 0
        spread = np.where(by_evidence[:, None], contributions(amounts, told), spread)
    ids = parts.catalogue.item_ids
    columns = (top.classes[b, :count], top.scores[b, :count], amounts, told, spread, by_evidence)
    rows = zip(titles, *(column.tolist() for column in columns), strict=True)
    return [
        Recommendation(
            ids[c],
            title,
            score,
            dict(zip(names, shares, strict=True)),
            dict(zip(own, evidence, strict=True)) if given else {},
            dict(zip(own, parts_of_it, strict=True)),
        )
        for title, c, score, shares, evidence, parts_of_it, given in rows
    ]


def network_masses(stream: Streamed, cold_odds: float) -> DoubleArray:
    """Return each member's probability of A before restriction, (B, M).

    A network's segments count as they do in the mean, by their allowed items.
    """
    counts = stream.normalizers[2]
    odds = counts[:, None, :] * np.array([1.0, cold_odds]) * stream.answering
    total = np.maximum(odds.sum(2), 1e-300)
    return np.asarray((odds * np.exp(log_masses(stream))).sum(2) / total)
