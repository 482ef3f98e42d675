"""Why an item is recommended: what counted most within each network, as data and as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ysmean.answer import Reason, Recommendation, Recommendations
from ysmean.data.batch import Batch
from ysmean.mean.stream import Streamed
from ysmean.networks.towers import TowerNetwork
from ysmean.parts import Parts
from ysmean.why.effects import Effects, effects, shared_values
from ysmean.why.features import feature_reasons
from ysmean.why.words import Names, sentence

CHUNK = 12  # requests whose histories' last 20 items are left out in one call of the networks
MOST = 3  # reasons of a kind within a network


def with_reasons(
    parts: Parts,
    stream: Streamed,
    batch: Batch,
    answers: Sequence[Recommendations],
    asked: Sequence[int],
) -> list[Recommendations]:
    """Return answers with the reasons for their items, where they are asked for.

    Args:
        parts: of the recommender.
        stream: the networks' answers to the batch.
        batch: B requests.
        answers: B of them.
        asked: which ones are to have reasons.
    """
    told, classes_of = list(answers), parts.catalogue.classes
    for lo in range(0, len(asked), CHUNK):
        rows = np.array(asked[lo : lo + CHUNK], np.int64)
        lists = [answers[b].items for b in rows]
        classes = np.full((len(rows), max(1, *map(len, lists))), -1, np.int32)
        for row, items in enumerate(lists):
            classes[row, : len(items)] = classes_of(item.item_id for item in items)
        heard = {name for items in lists for item in items for name in _heard(item)}
        found = effects(parts, stream, batch[rows], rows, classes, heard)
        described = feature_reasons(parts, stream, batch[rows], rows, classes, heard)
        for row, b in enumerate(rows):
            items = _explained(parts, found, described, row, classes[row], lists[row])
            told[b] = replace(told[b], items=items)
    return told


def _heard(item: Recommendation) -> list[str]:
    return [name for name, part in item.contributions.items() if part > 0]


def _explained(
    parts: Parts,
    found: Sequence[Effects],
    described: Mapping[tuple[str, int, int], Sequence[Reason]],
    row: int,
    classes: npt.NDArray[np.int32],
    items: Sequence[Recommendation],
) -> list[Recommendation]:
    """Return the items of one request with their reasons."""
    names, told = Names(parts), []
    for place, item in enumerate(items):
        every, kept = [], []
        for network in _heard(item):
            own = [one for one in found if one.network == network]
            keys = [(one, key) for one in own for key in one.of[row]]
            causes = _parts(one.reason(row, place, key, names) for one, key in keys)
            of_items = [one for one in own if one.type == "item"]
            of_items = of_items if _by_what_it_is(parts, network, int(classes[place])) else []
            values = _parts(
                reason
                for one in of_items
                for reason in shared_values(parts.catalogue, one, row, place, int(classes[place]))
            )
            features = _parts(described.get((network, row, place), ()))
            every += [*causes, *values, *features]
            kept += [*causes[:MOST], *values[:MOST], *features[:MOST]]
        told.append(replace(item, reasons=kept, why=sentence(item.contributions, every)))
    return told


def _by_what_it_is(parts: Parts, network: str, class_: int) -> bool:
    """Return whether a network scored an item by its features."""
    fitted = parts.networks[network]
    return isinstance(fitted, TowerNetwork) or (
        fitted.knows_cold and not parts.catalogue.warm[class_]
    )


def _parts(reasons: Iterable[Reason]) -> list[Reason]:
    """Return the reasons that counted for the item, most first, with their parts."""
    positive = sorted((r for r in reasons if r.effect > 0), key=lambda r: (-r.effect, r.cause))
    total = sum(reason.effect for reason in positive)
    return [replace(reason, part=reason.effect / total) for reason in positive]
