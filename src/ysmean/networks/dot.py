"""Networks whose logits are dot products: query . item vector + bias."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.networks.encodings import Encodings, Shown
from ysmean.networks.growth import Changed, fitted_to
from ysmean.networks.network import BoolArray, FloatArray, Network
from ysmean.networks.scores import ItemScores

PLACES = ("tokens", "gaps")  # arrays with a place for each item of the history
SHORT = 32  # places are enough where all histories of a batch are short: others are only padding


class DotNetwork(Network):
    """A Keras encoder of requests and one vector for each item.

    Attributes:
        encoder: dict of the batch's arrays -> query (B, d).
        history: how many of the last tokens it sees, where it takes fewer as well; or None.
        encodings: the latest queries, where they are kept.
        item_vectors: float32 (N, d), kept column by column: products with few queries at a time,
            such as a service's, then take half the time or less, and no others take more.
        item_bias: float32 (N,).
    """

    name: str
    encoder: keras.Model
    history: int | None = None
    encodings: Encodings | None = None
    item_bias: FloatArray
    _vectors: FloatArray

    @property
    def item_vectors(self) -> FloatArray:
        """The item vectors."""
        return self._vectors

    @item_vectors.setter
    def item_vectors(self, vectors: FloatArray) -> None:
        self._vectors = np.asfortranarray(vectors)

    def scores(self, batch: Batch) -> Callable[[int, int], FloatArray]:
        """Return the dot products of the encoded requests."""
        query = self.queries(batch)
        return lambda lo, hi: query @ self.item_vectors[lo:hi].T + self.item_bias[lo:hi]

    def queries(self, batch: Batch) -> FloatArray:
        """Return the encoded requests, (B, d)."""
        shown = self.shown(batch)
        if self.encodings is None:
            return self._encode(shown)
        return self.encodings(shown, self._encode)

    def shown(self, batch: Batch) -> Shown:
        """Return what the encoder is shown, and nothing that it does not look at."""
        arrays = batch.arrays()
        return {name: _last(name, arrays[name], self.history) for name in self.encoder.input}

    def _encode(self, shown: Shown) -> FloatArray:
        if self.history is not None and not shown["tokens"][:, :-SHORT].any():
            shown = {name: _last(name, array, SHORT) for name, array in shown.items()}
        return encode(self.encoder, shown, self._encoder_key, self._variables)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> Self:
        """Return a network that knows of the new items, and covers none of them."""
        other, size = copy.copy(self), len(catalogue)
        other.coverage = fitted_to(self.coverage, size)
        other.item_vectors = fitted_to(self.item_vectors, size)
        other.item_bias = fitted_to(self.item_bias, size)
        return other

    @cached_property
    def _encoder_key(self) -> str:
        return str(self.encoder.to_json())

    @cached_property
    def _variables(self) -> list[Any]:
        return list(self.encoder.variables)  # to look for them takes as long as a small encoder

    def keras_scores(self, inputs: Mapping[str, Any]) -> Any:
        """Return the same dot products from Keras layers."""
        query = self.encoder({name: inputs[name] for name in self.encoder.input})
        layer = ItemScores.of(self.item_vectors, self.item_bias, name=f"{self.name}_scores")
        return layer(query)


def keep_encodings(
    networks: Iterable[Network],
    size: int,
    told: Callable[[int, int], None] = lambda kept, made: None,
) -> None:
    """Let networks with an encoder keep the latest `size` encodings; 0 forgets them.

    Args:
        networks: any.
        size: of each one's memory.
        told: as of `Encodings`.
    """
    for network in networks:
        if isinstance(network, DotNetwork):
            network.encodings = Encodings(size, told) if size else None


def _last(name: str, array: npt.NDArray[Any], places: int | None) -> npt.NDArray[Any]:
    """Return the last places of an array that has one for each item of the history."""
    return array if places is None or name not in PLACES else array[:, -places:]


@keras.saving.register_keras_serializable(package="ysmean")
class Recent(keras.layers.Layer):
    """Tokens (B, T) -> the last `history` of them; tokens above `size` are unknown, 0."""

    def __init__(self, history: int, size: int, **kwargs: Any) -> None:
        """Make the layer for a catalogue of `size` items."""
        super().__init__(**kwargs)
        self.history, self.size = history, size

    def call(self, tokens: Any) -> Any:
        """Return tokens (B, history)."""
        recent = tokens[:, -self.history :]
        return ops.where(recent <= self.size, recent, 0)

    def compute_output_shape(self, tokens_shape: Any) -> tuple[Any, int]:
        """Return (B, history)."""
        return tokens_shape[0], self.history

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes."""
        return {**super().get_config(), "history": self.history, "size": self.size}


def encode(
    model: keras.Model,
    arrays: Mapping[str, npt.NDArray[Any]],
    key: str,
    variables: Sequence[Any],
) -> FloatArray:
    """Run an encoder on the arrays it names, compiled once for each padded batch size.

    Args:
        model: dict of arrays -> (B, d).
        arrays: at least the model's inputs, each (B, ...).
        key: the model's configuration; equal ones share one compiled function.
        variables: the model's.

    Returns:
        float32 (B, d).
    """
    inputs = {name: arrays[name] for name in model.input}
    batch = len(next(iter(inputs.values())))
    padded = max(8, 1 << (batch - 1).bit_length())
    full = {
        name: np.concatenate([a, np.zeros((padded - batch, *a.shape[1:]), a.dtype)])
        for name, a in inputs.items()
    }
    if keras.backend.backend() == "jax":
        weights = [v.value for v in variables]
        out = _compiled(_Shape(model, key))(weights, full)
    else:
        out = ops.convert_to_numpy(model(full, training=False))
    return np.asarray(out)[:batch]


class _Shape:
    """A model under the key of its configuration."""

    def __init__(self, model: keras.Model, key: str) -> None:
        self.model, self.key = model, key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=64)
def _compiled(shape: _Shape) -> Callable[..., Any]:
    import jax

    model = shape.model
    trainable = {id(v) for v in model.trainable_variables}

    def run(weights: list[Any], inputs: dict[str, Any]) -> Any:
        kept = [w for w, v in zip(weights, model.variables, strict=True) if id(v) in trainable]
        rest = [w for w, v in zip(weights, model.variables, strict=True) if id(v) not in trainable]
        return model.stateless_call(kept, rest, inputs, training=False)[0]

    compiled: Callable[..., Any] = jax.jit(run)
    return compiled


def named_weights(model: keras.Model) -> dict[str, npt.NDArray[Any]]:
    """Return a model's weights by layer and weight name, such as `hidden_0/kernel`."""
    return {
        f"{layer.name}/{weight.name}": np.asarray(ops.convert_to_numpy(weight))
        for layer in model.layers
        for weight in layer.weights
        if "seed" not in weight.name
    }


def set_named_weights(model: keras.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Give a model the weights that `named_weights` returned."""
    for layer in model.layers:
        for weight in layer.weights:
            if "seed" not in weight.name:
                weight.assign(arrays[f"{layer.name}/{weight.name}"])


def answers_to_history(batch: Batch, known: BoolArray, history: int) -> BoolArray:
    """Return which requests have one of the known items (N,) among their last `history`."""
    tokens = np.minimum(batch.tokens[:, -history:], len(known))
    return np.asarray(np.append(False, known)[tokens].any(1))
