"""Training on what can be answered: items of the history are in no softmax."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from ysmean.data.histories import Histories

REPEATS = 0.05  # share of events on items the user had before, from which on they must be learned
SEEN = 128  # items of the history that are left out
HIDDEN = -1e9


def unseen(histories: Histories) -> bool:
    """Return whether training leaves out the items of the history, as answers do.

    Else networks spend much of what they learn on not repeating them. Where people do take items
    again, requests with `seen="allow"` want to know which.
    """
    return histories.repeats() < REPEATS


def hiding_seen(model: keras.Model, histories: Histories) -> keras.Model:
    """Return a model of logits (B, N) that takes `seen`, tokens to be hidden, as well.

    Where items are taken again it is the model itself.
    """
    if not unseen(histories):
        return model
    seen = keras.Input((None,), dtype="int32", name="seen")
    hidden = HideSeen(name="unseen")(model.output, seen)
    return keras.Model({**model.input, "seen": seen}, hidden, name=model.name)


def seen_tokens(
    window: npt.NDArray[np.int32], targets: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Return the tokens (B, T) to be hidden: those of the history, but for the target's."""
    return np.where(window == targets[:, None] + 1, 0, window).astype(np.int32)


class HideSeen(layers.Layer):
    """Logits (B, N) and tokens (B, T) -> logits, with those of the tokens' classes hidden."""

    def call(self, logits: Any, seen: Any) -> Any:
        """Return the logits; token 0 hides nothing."""
        rows, size = ops.shape(seen)[0], logits.shape[1]
        places = ops.arange(rows, dtype="int32")[:, None] * (size + 1) + seen  # in (B, N + 1), flat
        places = ops.reshape(places, (-1, 1))
        counts = ops.scatter(places, ops.ones_like(places[:, 0]), (rows * (size + 1),))
        hidden = ops.reshape(counts, (-1, size + 1))[:, 1:] > 0
        return ops.where(hidden, HIDDEN, logits)

    def compute_output_shape(self, logits_shape: Any, seen_shape: Any) -> Any:
        """Return (B, N)."""
        return logits_shape
