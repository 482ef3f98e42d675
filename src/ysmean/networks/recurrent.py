"""Recurrent: a gated recurrence over the history, trained on every position of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
from keras import layers, ops

from ysmean.networks.causal import Causal
from ysmean.networks.causal_network import CausalNetwork
from ysmean.networks.elapsed import Spans
from ysmean.networks.initial import Initial
from ysmean.networks.transformer import Mixer

STATE = 2  # numbers that a place remembers, for each of the width


class RecurrentNetwork(CausalNetwork):
    """A trained `Recurrent`."""

    name = "recurrent"


@dataclass(frozen=True)
class Recurrent(Causal):
    """A recurrent network: each place remembers what the places before it left, and adds to it.

    It differs from `Sequential` in nothing else. What it remembers fades as the items seen since
    say, so that order and recency need not be learned from distances.
    """

    kind: ClassVar[str] = "recurrent"
    mixing: ClassVar[str] = "recurrence"
    network: ClassVar[type[CausalNetwork]] = RecurrentNetwork

    def mixers(
        self, tokens: Any, history: int, moments: Any, spans: Spans | None, initial: Initial
    ) -> Sequence[Mixer]:
        """Return a recurrence for each block; times reach it by the state of each place."""

        def mixer(number: int) -> Mixer:
            name = f"block_{number}"

            def mix(y: Any) -> Any:
                both = initial.dense(2 * STATE * y.shape[-1], f"{name}_gates")(y)
                return GatedRecurrence(history, name=f"{name}_recurrence")(both, tokens)

            return mix

        return [mixer(number) for number in range(self.blocks)]


@keras.saving.register_keras_serializable(package="ysmean")
class GatedRecurrence(layers.Layer):
    """Gates and candidates side by side (B, T, 2 s), tokens (B, T) -> states (B, T, s).

    h_t = (1 - z_t) h_{t-1} + z_t c_t, with the gate z = sigmoid(first half) and the candidate c =
    second half, neither of which looks at h: the minimal GRU of Feng et al. (2024, "Were RNNs all
    we needed?"). Places without an item change nothing.
    """

    def __init__(self, history: int, **kwargs: Any) -> None:
        """Make the layer for T up to `history`."""
        super().__init__(**kwargs)
        self.history = history

    def call(self, both: Any, tokens: Any) -> Any:
        """Return the states."""
        gate, candidate = ops.split(both, 2, axis=-1)
        gate = ops.sigmoid(gate) * ops.cast(tokens > 0, gate.dtype)[..., None]
        return recurrence(1 - gate, gate * candidate, self.history)

    def compute_output_shape(self, both_shape: Any, tokens_shape: Any) -> Any:
        """Return (B, T, s)."""
        return *both_shape[:-1], both_shape[-1] // 2

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "history": self.history}


def recurrence(kept: Any, added: Any, history: int) -> Any:
    """Return h (B, T, s) with h_t = kept_t h_{t-1} + added_t, from h = 0 on.

    On JAX's accelerators as a tree over the places, which takes few steps; elsewhere place after
    place, which moves the least memory; and by doubling where T is not known beforehand.

    Args:
        kept: (B, T, s).
        added: (B, T, s).
        history: T at most.
    """
    if added.shape[1] is None:
        return doubled(kept, added, history)
    if as_tree():

        def join(before: Any, after: Any) -> Any:
            return before[0] * after[0], after[0] * before[1] + after[1]

        return ops.associative_scan(join, (kept, added), axis=1)[1]

    def step(h: Any, place: Any) -> Any:
        h = place[0] * h + place[1]
        return h, h

    places = ops.transpose(kept, (1, 0, 2)), ops.transpose(added, (1, 0, 2))
    return ops.transpose(ops.scan(step, ops.zeros_like(added[:, 0]), places)[1], (1, 0, 2))


def doubled(kept: Any, added: Any, history: int) -> Any:
    """Return the same for any T: after n rounds every place has heard of 2^n - 1 before it."""
    back = 1
    while back < history:
        before, faded = (ops.pad(x, [[0, 0], [back, 0], [0, 0]])[:, :-back] for x in (added, kept))
        added, kept = added + kept * before, kept * faded
        back *= 2
    return added


def as_tree() -> bool:
    """Return whether there is an accelerator to visit many places at once: on JAX alone."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return bool(jax.default_backend() != "cpu")
