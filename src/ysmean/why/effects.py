"""How much each cause counted for each item of an answer, network by network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.answer import Reason
from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.mean.leave_one_out import Variants, bits_lost, without_fields, without_items
from ysmean.mean.stream import Streamed
from ysmean.mean.tile import DoubleArray
from ysmean.networks.network import Network
from ysmean.parts import Parts
from ysmean.why.words import SLOTS, Names

EXACT, LEFT_OUT, SHARED = "exact", "leave-one-out", "shared"
VARIANTS: dict[str, Callable[[Batch], Variants]] = {
    "item": without_items,
    "user": partial(without_fields, name="user_fields"),
    "context": partial(without_fields, name="context"),
}

Keyed = Mapping[int, DoubleArray]


@dataclass(frozen=True)
class Effects:
    """What causes of one type did within one network, for R requests with up to n items each.

    Attributes:
        network, kind, type, unit: as of `Reason`.
        of: for each request the effects of each cause, float64 (n,).
    """

    network: str
    kind: str
    type: str
    unit: str
    of: Sequence[Keyed]

    def reason(self, row: int, place: int, key: int, names: Names) -> Reason:
        """Return what one cause did for one item."""
        cause, title = names.of(self.type, key)
        effect = float(self.of[row][key][place])
        return Reason(self.network, self.kind, self.type, cause, title, effect, self.unit, 0.0)


def effects(
    parts: Parts,
    stream: Streamed,
    batch: Batch,
    rows: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    heard: set[str],
) -> list[Effects]:
    """Return what counted within each network that is heard.

    Args:
        parts: of the recommender.
        stream: the networks' answers to all requests.
        batch: R of them.
        rows: int64 (R,), their numbers in the stream.
        classes: int32 (R, n), the items of their answers; below 0 for none.
        heard: names of networks.
    """
    networks = [(k, n, net) for k, (n, net) in enumerate(parts.networks.items()) if n in heard]
    temperatures = parts.proportions.temperatures
    heats = temperatures[:, stream.cold[classes].astype(np.int64)]  # (K, R, n)
    found = [e for k, n, net in networks for e in exact(n, net, batch, classes, heats[k])]
    for type_, leave_out in VARIANTS.items():
        able = [(k, n, net) for k, n, net in networks if type_ in net.left_out]
        variants = leave_out(batch)
        if not able or not len(variants):
            continue
        asked = [(k, net) for k, _, net in able]
        bits = bits_lost(stream, temperatures, asked, variants, rows, classes)
        keys = variants.tokens + SLOTS * variants.slots * (type_ == "context")
        for number, (_, name, _) in enumerate(able):
            of = _keyed(len(rows), zip(variants.owners, keys, bits[:, :, number], strict=True))
            found.append(Effects(name, LEFT_OUT, type_, "bits", of))
    return found


def exact(
    name: str,
    network: Network,
    batch: Batch,
    classes: npt.NDArray[np.int32],
    temperatures: DoubleArray,
) -> Iterator[Effects]:
    """Yield the effects that are parts of a sum.

    Args:
        name: of the network.
        network: it.
        batch: R requests.
        classes: int32 (R, n).
        temperatures: float64 (R, n), of the classes' segments.
    """
    for causes in network.causes(batch, classes):
        amounts, unit = causes.effects, causes.unit
        if unit == "logit":
            amounts, unit = amounts / (temperatures * np.log(2.0))[:, :, None], "bits"
        rows, columns = np.nonzero(causes.tokens)
        cells = zip(rows, causes.tokens[rows, columns], amounts[rows, :, columns], strict=True)
        yield Effects(name, EXACT, causes.type, unit, _keyed(len(batch), cells))


def _keyed(count: int, cells: Iterable[tuple[Any, Any, DoubleArray]]) -> list[Keyed]:
    """Return for each request the effects by cause; of one that occurs twice, the sum."""
    found: list[dict[int, DoubleArray]] = [{} for _ in range(count)]
    for row, key, amounts in cells:
        found[row][int(key)] = found[row].get(int(key), 0.0) + amounts
    return list(found)


def shared_values(
    catalogue: Catalogue, items: Effects, row: int, place: int, class_: int
) -> Iterator[Reason]:
    """Yield the values that an item has in common with those of the history that counted for it.

    A value counts as many bits as it takes to tell who has it, log2(N / items with it), times
    its carriers' part of what the history's items did for the item. A value that is the id of an
    item of the history is a relation to that one, which counts as a carrier; so does one whose
    own value is the item's id.
    """
    attributes, ids = catalogue.attributes, catalogue.item_ids
    counted = {key - 1: float(e[place]) for key, e in items.of[row].items() if e[place] > 0}
    total = sum(counted.values())
    carried = {c: set(attributes.rows_of(c)) for c in counted}

    def reason(number: int, cause: str, title: str | None, counts: Iterable[float]) -> Reason:
        carriers = int(np.diff(attributes.offsets[number : number + 2])[0])
        bits = sum(counts) / total * float(np.log2(len(catalogue) / carriers))
        return Reason(items.network, SHARED, "attribute", cause, title, bits, "bits", 0.0)

    for number in attributes.rows_of(class_) if counted else ():
        feature, value = attributes.values[number]
        related = [c for c in counted if ids[c] == value]
        carriers = (e for c, e in counted.items() if number in carried[c] or c in related)
        title = f"{feature}: {_title(catalogue, related[0])}" if related else None
        yield reason(number, f"{feature}={value}", title, carriers)
    for c in counted:
        for number in carried[c]:
            feature, value = attributes.values[number]
            if value == ids[class_] and number not in attributes.rows_of(class_):
                title = f"{feature} of {_title(catalogue, c)}"
                yield reason(number, f"{feature}<-{ids[c]}", title, [counted[c]])


def _title(catalogue: Catalogue, class_: int) -> str:
    return catalogue.titles(np.array([class_], np.int32))[0] or catalogue.item_ids[class_]
