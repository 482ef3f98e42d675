"""What an item's own features counted for: each left out in turn, the network asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.answer import Reason
from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.data.schema import FeatureType
from ysmean.mean.ranks import log_probabilities
from ysmean.mean.stream import Streamed
from ysmean.mean.tile import DoubleArray
from ysmean.networks.towers import TowerNetwork
from ysmean.parts import Parts
from ysmean.why.effects import LEFT_OUT

LEAST = 0.1  # bits; what counts less is no reason, and may be rounding
SHOWN = (FeatureType.CATEGORY, FeatureType.CATEGORIES, FeatureType.NUMBER)  # with their values


@dataclass(frozen=True)
class Poorer:
    """Items without one of their features, or without one of several categories.

    Attributes:
        frame: V rows, as those of the catalogue.
        owners: int64 (V,), the class that each was.
        causes: what each lacks: `feature=value`, or the feature where values are long.
    """

    frame: pl.DataFrame
    owners: npt.NDArray[np.int64]
    causes: list[str]

    @classmethod
    def of(cls, catalogue: Catalogue, classes: npt.NDArray[np.int64]) -> Poorer:
        """Leave out one thing at a time of some items."""
        whole = catalogue.frame.select(list(catalogue.schema))[classes]
        lacks: list[tuple[int, str, object]] = []
        for name, kind in catalogue.schema.items():
            for row, value in enumerate(whole.get_column(name).to_list()):
                if kind is FeatureType.CATEGORIES:
                    lacks += [(row, name, one) for one in value or ()]
                elif value is not None:
                    lacks.append((row, name, value))
        rows = np.array([row for row, _, _ in lacks], np.int64)
        frame = whole[rows]
        for name, kind in catalogue.schema.items():
            column = frame.get_column(name)
            values = column.to_list()
            for v, (_, feature, gone) in enumerate(lacks):
                if feature == name:
                    several = kind is FeatureType.CATEGORIES
                    values[v] = [one for one in values[v] if one != gone] if several else None
            frame = frame.with_columns(pl.Series(name, values, column.dtype))
        return cls(frame, classes[rows], [_said(*lack[1:], catalogue) for lack in lacks])


def feature_reasons(
    parts: Parts,
    stream: Streamed,
    batch: Batch,
    rows: npt.NDArray[np.int64],
    classes: npt.NDArray[np.int32],
    heard: set[str],
) -> Mapping[tuple[str, int, int], Sequence[Reason]]:
    """Return by network, request and place what each feature of the item counted for, in bits.

    The effect is how far log2 p of the item falls when it lacks the feature and all other items
    stay as they are; less than a tenth of a bit is not told. Networks that do not know items by
    what they are have no such reasons.

    Args:
        parts: of the recommender.
        stream: the networks' answers to all requests.
        batch: R of them.
        rows: int64 (R,), their numbers in the stream.
        classes: int32 (R, n), the items of their answers; below 0 for none.
        heard: names of networks.
    """
    owned = {
        name: (k, network)
        for k, (name, network) in enumerate(parts.networks.items())
        if name in heard and isinstance(network, TowerNetwork)
    }
    if parts.encoder is None or not owned or not (classes >= 0).any():
        return {}
    answered = np.unique(classes[classes >= 0]).astype(np.int64)
    poorer = Poorer.of(parts.catalogue, answered)
    features = [parts.encoder(frame) for frame in (parts.catalogue.frame[answered], poorer.frame)]
    before = _before(stream, rows, classes)
    found: dict[tuple[str, int, int], list[Reason]] = {}
    for name, (k, network) in owned.items():
        whole, part = (network.scores_of(batch, each) for each in features)
        heat = parts.proportions.temperatures[k][stream.cold.astype(np.int64)]  # (N,)
        places = np.searchsorted(answered, poorer.owners)
        change = (part - whole[:, places]) / heat[poorer.owners]  # (R, V)
        for row, place, p in _scored(classes, before[:, :, k]):
            own = np.flatnonzero(poorer.owners == classes[row, place])
            bits = _lost(change[row, own].astype(np.float64), p)
            found[name, row, place] = [
                Reason(name, LEFT_OUT, "feature", poorer.causes[v], None, float(b), "bits", 0.0)
                for v, b in zip(own, bits, strict=True)
                if b >= LEAST
            ]
    return found


def _before(
    stream: Streamed, rows: npt.NDArray[np.int64], classes: npt.NDArray[np.int32]
) -> DoubleArray:
    """Return log p of the answers' items by network, (R, n, K)."""
    whole = np.full((stream.allowed.shape[0], classes.shape[1]), -1, np.int32)
    whole[rows] = classes
    return log_probabilities(stream, whole)[rows]


def _scored(classes: npt.NDArray[np.int32], logs: DoubleArray) -> Iterator[tuple[int, int, float]]:
    for row, place in zip(*np.nonzero((classes >= 0) & np.isfinite(logs)), strict=True):
        yield int(row), int(place), float(np.exp(logs[row, place]))


def _lost(change: DoubleArray, p: float) -> DoubleArray:
    """Return the bits that log2 p loses when the item's logit changes, others' staying.

    p' = p e^change / (1 - p + p e^change).
    """
    return np.asarray((np.log1p(p * np.expm1(change)) - change) / np.log(2.0))


def _said(feature: str, value: object, catalogue: Catalogue) -> str:
    if catalogue.schema[feature] not in SHOWN:
        return feature
    return f"{feature}={value:g}" if isinstance(value, float) else f"{feature}={value}"
