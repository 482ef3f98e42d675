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
    answers = []
    for b, request in enumerate(requests):
        count = min(int(top.counts[b]), encoded.k[b])
        heard = [k for k in range(len(names)) if answering[b, k]]
        by_name = {names[k]: float(weights[b, k].sum()) for k in heard}
        speaking = [name for name, weight in by_name.items() if weight > 0]
        bits = None if evidence is None else evidence[b]
        answers.append(
            Recommendations(
                request_id=uuid.uuid4().hex,
                user_id=request.user_id,
                cohort=COHORTS[encoded.batch.cohorts[b]],
                items=_items(parts, top, b, count, by_name, bits),
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


def _items(
    parts: Parts,
    top: Top,
    b: int,
    count: int,
    weights: Mapping[str, float],
    bits: DoubleArray | None,
) -> list[Recommendation]:
    """Return one request's items; `bits` is its evidence (k, K), where there is a consensus."""
    catalogue = parts.catalogue
    numbers = {name: k for k, name in enumerate(parts.proportions.names)}
    heard = [numbers[name] for name in weights]
    classes = top.classes[b, :count]
    items = []
    for place, (c, title) in enumerate(zip(classes, catalogue.titles(classes), strict=True)):
        amounts = top.parts[b, place, heard].astype(np.float64)
        if not amounts.any():  # a score too small for float32
            amounts = np.array(list(weights.values()))
        amounts = amounts / amounts.sum()
        shares = dict(zip(weights, amounts.tolist(), strict=True))
        evidence, spread = {}, dict(shares)
        if spread.pop(CONSENSUS, 0.0) > 0 and bits is not None:
            evidence = {name: float(bits[place, numbers[name]]) for name in spread}
            by_evidence = contributions(amounts, bits[place, heard[:-1]])
            spread = dict(zip(spread, by_evidence.tolist(), strict=True))
        score = float(top.scores[b, place])
        item_id = catalogue.item_ids[int(c)]
        items.append(Recommendation(item_id, title, score, shares, evidence, spread))
    return items


def network_masses(stream: Streamed, cold_odds: float) -> DoubleArray:
    """Return each member's probability of A before restriction, (B, M).

    A network's segments count as they do in the mean, by their allowed items.
    """
    counts = stream.normalizers[2]
    odds = counts[:, None, :] * np.array([1.0, cold_odds]) * stream.answering
    total = np.maximum(odds.sum(2), 1e-300)
    return np.asarray((odds * np.exp(log_masses(stream))).sum(2) / total)
