"""The whole system as one functional Keras model: networks side by side, one weighted mean."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from ysmean.mean.layer import YsMean
from ysmean.mean.proportions import Proportions
from ysmean.mean.stream import SEGMENTS, BoolArray
from ysmean.networks.network import Network, keras_inputs
from ysmean.networks.softmax import MaskedSoftmax


def members(networks: Mapping[str, Network], cold: BoolArray) -> list[tuple[int, int]]:
    """Return the (network, segment) pairs that cover any class, in order."""
    return [
        (k, segment)
        for k, network in enumerate(networks.values())
        for segment in range(2)
        if (network.coverage & (cold == bool(segment))).any()
    ]


def wide_and_deep(
    networks: Mapping[str, Network], proportions: Proportions, cold: BoolArray
) -> keras.Model:
    """Return the functional model of a mean.

    Its inputs are the batch's arrays by name, `allowed` (B, N) bool and `weights` (B, M), the
    resolved weights of the M members; its output is the mean (B, N).

    Args:
        networks: by name, in the order of the proportions.
        proportions: for the temperatures.
        cold: bool (N,), the classes of the cold segment.
    """
    pairs = members(networks, cold)
    taken = [name for network in networks.values() for name in network.takes]
    inputs = keras_inputs(dict.fromkeys(taken))
    allowed = keras.Input((len(cold),), dtype="bool", name="allowed")
    weights = keras.Input((len(pairs),), dtype="float32", name="weights")
    scores = {
        name: network.scorer(name)({key: inputs[key] for key in network.takes})
        for name, network in networks.items()
    }
    names, softmaxes = list(networks), []
    for k, segment in pairs:
        network = networks[names[k]]
        softmax = MaskedSoftmax(
            network.coverage & (cold == bool(segment)),
            network.prior if segment == 0 else None,
            float(proportions.temperatures[k, segment]),
            name=f"{names[k]}_{SEGMENTS[segment]}",
        )
        softmaxes.append(softmax(scores[names[k]], allowed))
    mean = YsMean(name="ys_mean")(softmaxes, weights=weights)
    return keras.Model({**inputs, "allowed": allowed, "weights": weights}, mean, name="ysmean")


def member_weights(
    weights: npt.NDArray[np.float64], pairs: list[tuple[int, int]]
) -> npt.NDArray[np.float32]:
    """Return resolved weights (B, K, 2) in the order of the model's members, (B, M)."""
    return np.stack([weights[:, k, s] for k, s in pairs], axis=1).astype(np.float32)
