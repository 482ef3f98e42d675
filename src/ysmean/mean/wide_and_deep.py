"""The whole system as one functional Keras model: networks side by side, one weighted mean."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from ysmean.mean.consensus import CONSENSUS
from ysmean.mean.layer import YsMean
from ysmean.mean.product_softmax import ProductSoftmax
from ysmean.mean.proportions import Proportions
from ysmean.mean.stream import SEGMENTS
from ysmean.mean.tile import BoolArray
from ysmean.networks.network import Network, keras_inputs
from ysmean.networks.softmax import MaskedSoftmax


def members(
    networks: Mapping[str, Network], cold: BoolArray, consensus: bool = False
) -> list[tuple[int, int]]:
    """Return the (network, segment) pairs that cover any class, in order.

    Those of the consensus come last, under the number K, where two networks meet.
    """
    pairs = [
        (k, segment)
        for k, network in enumerate(networks.values())
        for segment in range(2)
        if (network.coverage & (cold == bool(segment))).any()
    ]
    both = [s for s in range(2) if sum(segment == s for _, segment in pairs) > 1]
    return pairs + [(len(networks), segment) for segment in both if consensus]


def wide_and_deep(
    networks: Mapping[str, Network], proportions: Proportions, cold: BoolArray
) -> keras.Model:
    """Return the functional model of a mean.

    Its inputs are the batch's arrays by name, `allowed` (B, N) bool and `weights` (B, M), the
    resolved weights of the M members, and with a consensus its `exponents` (B, K, 2); its output
    is the mean (B, N).

    Args:
        networks: by name, in the order of the proportions.
        proportions: for the temperatures.
        cold: bool (N,), the classes of the cold segment.
    """
    together = proportions.exponents is not None
    pairs = members(networks, cold, together)
    taken = [name for network in networks.values() for name in network.takes]
    inputs = keras_inputs(dict.fromkeys(taken))
    scores = {
        name: network.scorer(name)({key: inputs[key] for key in network.takes})
        for name, network in networks.items()
    }
    inputs["allowed"] = allowed = keras.Input((len(cold),), dtype="bool", name="allowed")
    inputs["weights"] = keras.Input((len(pairs),), dtype="float32", name="weights")
    if together:
        inputs["exponents"] = keras.Input((len(networks), 2), dtype="float32", name="exponents")
    names, softmaxes = list(networks), []
    for k, segment in pairs:
        inside = cold == bool(segment)
        if k == len(networks):
            softmax = product_softmax(networks, inside, segment)
            own = inputs["exponents"][:, :, segment]
            softmaxes.append(softmax(list(scores.values()), allowed, exponents=own))
            continue
        network = networks[names[k]]
        member = MaskedSoftmax(
            network.coverage & inside,
            network.prior if segment == 0 else None,
            float(proportions.temperatures[k, segment]),
            name=f"{names[k]}_{SEGMENTS[segment]}",
        )
        softmaxes.append(member(scores[names[k]], allowed))
    mean = YsMean(name="ys_mean")(softmaxes, weights=inputs["weights"])
    return keras.Model(inputs, mean, name="ysmean")


def product_softmax(
    networks: Mapping[str, Network], inside: BoolArray, segment: int
) -> ProductSoftmax:
    """Return the consensus of networks over a segment's classes, `inside` bool (N,)."""
    none = np.zeros(len(inside), np.float32)
    priors = [none if segment or n.prior is None else n.prior for n in networks.values()]
    return ProductSoftmax(
        np.stack([network.coverage & inside for network in networks.values()]),
        np.stack(priors),
        name=f"{CONSENSUS}_{SEGMENTS[segment]}",
    )


def member_weights(
    weights: npt.NDArray[np.float64], pairs: list[tuple[int, int]]
) -> npt.NDArray[np.float32]:
    """Return resolved weights (B, K, 2) in the order of the model's members, (B, M)."""
    return np.stack([weights[:, k, s] for k, s in pairs], axis=1).astype(np.float32)
