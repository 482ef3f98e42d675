"""The Ys-Mean as a Keras layer: the weighted mean of several softmaxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ysmean.errors import ConfigError


@keras.saving.register_keras_serializable(package="ysmean")
class YsMean(keras.layers.Layer):
    """Weighted mean of K distributions over the same classes.

    ``YsMean()([y1, y2, y3])`` is the plain mean; ``YsMean([2, 1, 1])`` counts the first twice.
    Weights are non-negative and scaled to sum to 1, so a mean of distributions is one again.
    The sum is taken in float32, one distribution after the other, without stacking them.

    Example:
        >>> inputs = keras.Input((4,))
        >>> ys = [keras.layers.Dense(9, "softmax")(inputs) for _ in range(3)]
        >>> model = keras.Model(inputs, YsMean([2, 1, 1])(ys))
    """

    def __init__(self, weights: Sequence[float] | None = None, **kwargs: Any) -> None:
        """Make the layer.

        Args:
            weights: K numbers >= 0, not all zero; None for equal ones.
            **kwargs: as of `keras.layers.Layer`.

        Raises:
            ConfigError: if a weight is negative, not finite, or all are zero.
        """
        super().__init__(**kwargs)
        self._given = None if weights is None else [float(w) for w in np.ravel(weights)]
        if self._given is not None:
            check_weights(self._given)

    def build(self, input_shape: Any) -> None:
        """Check that there is one weight for each input."""
        if not isinstance(input_shape, list | tuple) or not _nested(input_shape):
            raise ConfigError(
                "YsMean expects a list of distributions, [y1, ..., yK]; "
                f"it received one of shape {input_shape}."
            )
        if self._given is not None and len(self._given) != len(input_shape):
            raise ConfigError(
                f"YsMean has {len(self._given)} weights but received {len(input_shape)} "
                "distributions; give one weight for each."
            )
        if len({shape[-1] for shape in input_shape}) != 1:
            raise ConfigError(
                "YsMean expects distributions over the same classes; "
                f"it received shapes {[tuple(shape) for shape in input_shape]}."
            )
        super().build(input_shape)

    def __call__(self, ys: Sequence[Any], weights: Any = None, **kwargs: Any) -> Any:
        """Check concrete weights, which Keras would turn into tensors, then call the layer."""
        if isinstance(weights, np.ndarray | list | tuple):
            check_weights(weights, len(ys))
            weights = np.asarray(weights, np.float32)
        return super().__call__(ys, weights=weights, **kwargs)

    def call(self, ys: Sequence[Any], weights: Any = None) -> Any:
        """Return the mean.

        Args:
            ys: K tensors (B, N).
            weights: (K,) or (B, K) for this call alone, instead of the layer's own. Concrete
                ones are checked; a row of zeros gives a row of zeros.

        Returns:
            float32 (B, N).
        """
        if weights is None:
            given = np.asarray(self._given or [1.0] * len(ys), np.float64)
            parts: Any = [float(w) for w in given / given.sum()]
        else:
            w = ops.cast(weights, "float32")
            w = w / ops.maximum(ops.sum(w, axis=-1, keepdims=True), 1e-30)
            parts = [w[..., k, None] for k in range(len(ys))]
        total = parts[0] * ops.cast(ys[0], "float32")
        for part, y in zip(parts[1:], ys[1:], strict=True):
            total = total + part * ops.cast(y, "float32")
        return total

    def compute_output_shape(self, input_shape: Any, *_: Any) -> Any:
        """Return the shape of one distribution, (B, N)."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "weights": self._given}


def check_weights(weights: Any, count: int | None = None) -> None:
    """Refuse weights that make no mean.

    Args:
        weights: (K,) or (B, K).
        count: K, where known.

    Raises:
        ConfigError: names the first bad weight by position.
    """
    w = np.asarray(weights, np.float64)
    if count is not None and w.shape[-1] != count:
        raise ConfigError(f"Received {w.shape[-1]} weights for {count} distributions.")
    bad = ~(np.isfinite(w) & (w >= 0))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        where = place[0] if len(place) == 1 else place
        raise ConfigError(
            f"Weight {where} is {w[place]}; expected finite numbers >= 0, such as [2, 1, 1]."
        )
    if not (w.sum(-1) > 0).all():
        raise ConfigError("All weights are zero; at least one must be above 0.")


def _nested(shape: Any) -> bool:
    return len(shape) > 0 and all(isinstance(part, list | tuple) for part in shape)
