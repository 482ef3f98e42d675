"""Blocks over right-aligned tokens, and the attention of a causal transformer, as Keras layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ysmean.networks.elapsed import LONGEST, moments
from ysmean.networks.initial import Initial
from ysmean.networks.network import BoolArray

Mixer = Callable[[Any], Any]  # what a block knows of its places (B, T, d) -> what each hears


def trunk(
    x: Any,
    mixers: Sequence[Mixer],
    dropout: float,
    initial: Initial,
    mixing: str = "attention",
    *,
    last: bool = False,
) -> Any:
    """Return the states (B, T, d) after a block for each mixer, normalized.

    Args:
        x: (B, T, d), what the tokens mean.
        mixers: let places know of those before them, (B, T, d) -> (B, T, any).
        dropout: of each layer's output in training.
        initial: of the weights.
        mixing: what the mixers do, for the names of layers.
        last: whether only the state of the last place is wanted, (B, d); others then end where
            no place hears of them any more.
    """
    for number, mix in enumerate(mixers):
        ends = last and number == len(mixers) - 1
        x = block(x, mix, number, dropout, initial, mixing, ends=ends)
    return layers.LayerNormalization(epsilon=1e-6, name="norm")(x)


def block(
    x: Any,
    mix: Mixer,
    number: int,
    dropout: float,
    initial: Initial,
    mixing: str,
    *,
    ends: bool = False,
) -> Any:
    """Return x (B, T, d) after one block: a mixer, then a gated feed-forward layer.

    Both are normalized on the way in (Xiong et al., 2020) and added with a gate that the state
    itself sets, as in LiGR (Borisyuk et al., 2025); the feed-forward layer is SwiGLU (Shazeer,
    2020).

    Args:
        x: states.
        mix: of the places.
        number: of the block, for the names of its layers.
        dropout: share of what is added that is dropped in training.
        initial: of the weights.
        mixing: what the mixer does, for the names of its layers.
        ends: whether only the last place goes on after the mixer, (B, d).
    """
    width, name = x.shape[-1], f"block_{number}"
    for part in (mixing, "feed"):
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_{part}_norm")(x)
        if part == mixing:
            y = mix(y)
            if ends:
                x, y = Last(name=f"{name}_last")(x), Last(name=f"{name}_{part}_last")(y)
        else:
            gate = initial.dense(2 * width, f"{name}_feed_gate", "silu")(y)
            y = layers.Multiply(name=f"{name}_feed")(
                [gate, initial.dense(2 * width, f"{name}_feed_in")(y)]
            )
        y = initial.dense(width, f"{name}_{part}_out")(y)
        y = initial.dropout(dropout, f"{name}_{part}_dropout")(y)
        gate = initial.dense(width, f"{name}_{part}_share", "sigmoid")(x)
        y = layers.Multiply(name=f"{name}_{part}_gated")([y, gate])
        x = layers.Add(name=f"{name}_{part}_sum")([x, y])
    return x


def attending(
    tokens: Any,
    history: int,
    blocks: int,
    heads: int,
    initial: Initial,
    biases: Sequence[Any] = (),
) -> list[Mixer]:
    """Return causal attention for each block.

    Args:
        tokens: int32 (B, T), 0 where there is nothing to attend to.
        history: T at most.
        blocks: how many.
        heads: of each attention; they divide d.
        initial: of the weights.
        biases: one a block, (B, heads, T, T), added to the logits of its attention; or none.
    """

    def mixer(number: int) -> Mixer:
        name = f"block_{number}"

        def mix(y: Any) -> Any:
            qkv = initial.dense(3 * y.shape[-1], f"{name}_qkv")(y)
            attention = CausalAttention(heads, history, name=f"{name}_attention")
            return attention(qkv, tokens, *biases[number : number + 1])

        return mix

    return [mixer(number) for number in range(blocks)]


@keras.saving.register_keras_serializable(package="ysmean")
class Known(layers.Layer):
    """Tokens (B, any) -> the last of them (B, T), known items alone, right-aligned.

    T is what it is given, at least 1 and at most `history`. Items that are not known say nothing;
    dropping them keeps a known item in last place. With gaps (B, any) it returns (tokens, moments),
    those of the items that are kept.
    """

    def __init__(self, history: int, size: int, longest: int = LONGEST, **kwargs: Any) -> None:
        """Make the layer.

        Args:
            history: how many tokens it returns at most.
            size: of the catalogue, all of its items unknown until `learn`.
            longest: the most seconds that a gap counts.
            kwargs: of every layer.
        """
        super().__init__(**kwargs)
        self.history, self.size, self.longest = history, size, longest
        self.known = self.add_weight(
            shape=(size + 1,), initializer="zeros", trainable=False, name="known"
        )

    def learn(self, known: BoolArray) -> None:
        """Set which items are known, bool (N,)."""
        self.known.assign(np.append(False, known).astype(np.float32))

    def call(self, tokens: Any, gaps: Any = None) -> Any:
        """Return tokens (B, T), with gaps also moments (B, 2, T + 1)."""
        tokens = tokens[:, -self.history :]
        tokens = ops.where(tokens <= self.size, tokens, 0)
        known = ops.take(self.known, tokens, axis=0) > 0.5
        length = ops.shape(tokens)[1]
        place = ops.arange(length, dtype="int32") + length * ops.cast(known, "int32")
        order = ops.argsort(place, axis=1)
        kept = ops.take_along_axis(ops.where(known, tokens, 0), order, axis=1)
        if gaps is None:
            return kept
        # An item that is dropped leaves its gap to the one before: moments move, gaps would not.
        order = ops.pad(order, [[0, 0], [0, 1]], constant_values=length)
        gaps = gaps[:, -self.history :]
        return kept, ops.take_along_axis(moments(gaps, self.longest), order[:, None], axis=2)

    def compute_output_shape(self, tokens_shape: Any, gaps_shape: Any = None) -> Any:
        """Return (B, T), with gaps also (B, 2, T + 1)."""
        batch, given = tokens_shape
        length = None if given is None else min(given, self.history)
        more = None if length is None else length + 1
        return (batch, length) if gaps_shape is None else ((batch, length), (batch, 2, more))

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        own = {"history": self.history, "size": self.size, "longest": self.longest}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="ysmean")
class CausalAttention(layers.Layer):
    """Queries, keys and values side by side (B, T, 3 d) -> (B, T, d).

    A place attends to itself and to known items before it. Each head adds a learned number for
    the distance between the two (Raffel et al., 2020, without their buckets): what counts is how
    far back an item lies, wherever in a crop that is.
    """

    def __init__(self, heads: int, history: int, **kwargs: Any) -> None:
        """Make the layer for T up to `history`; `heads` divides d."""
        super().__init__(**kwargs)
        self.heads, self.history = heads, history
        self.distance = self.add_weight(
            shape=(heads, history), initializer="zeros", name="distance"
        )

    def call(self, qkv: Any, tokens: Any, bias: Any = None) -> Any:
        """Attend.

        Args:
            qkv: (B, T, 3 d).
            tokens: (B, T), 0 where there is nothing.
            bias: (B, heads, T, T) that is added to the logits; None adds nothing.
        """
        length, width = ops.shape(qkv)[1], qkv.shape[2] // 3
        parts = ops.reshape(qkv, (-1, length, 3, self.heads, width // self.heads))
        q, k, v = ops.unstack(ops.transpose(parts, (2, 0, 3, 1, 4)), axis=0)  # (B, h, T, d / h)
        logits = ops.matmul(q * (width // self.heads) ** -0.5, ops.transpose(k, (0, 1, 3, 2)))
        place = ops.arange(length)
        back = place[:, None] - place[None]  # (T, T)
        logits = logits + ops.take(self.distance, ops.maximum(back, 0), axis=1)
        if bias is not None:
            logits = logits + bias
        before = (back > 0) & (tokens > 0)[:, None, None, :]
        shares = ops.softmax(ops.where((back == 0) | before, logits, -1e9))
        y = ops.transpose(ops.matmul(shares, v), (0, 2, 1, 3))
        return ops.reshape(y, (-1, length, width))

    def compute_output_shape(
        self, qkv_shape: Any, tokens_shape: Any, bias_shape: Any = None
    ) -> Any:
        """Return (B, T, d)."""
        return (*qkv_shape[:-1], qkv_shape[-1] // 3)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "heads": self.heads, "history": self.history}


@keras.saving.register_keras_serializable(package="ysmean")
class Last(layers.Layer):
    """States (B, T, d) -> the last one, (B, d)."""

    def call(self, x: Any) -> Any:
        """Return the last state."""
        return x[:, -1]

    def compute_output_shape(self, x_shape: Any) -> Any:
        """Return (B, d)."""
        return x_shape[0], x_shape[2]
