"""What `Content` and `Knowledge` share: item vectors made from features, and how they learn."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from scipy.special import erf

from ysmean.data.batch import Batch
from ysmean.data.catalogue import Catalogue
from ysmean.networks.dot import DotNetwork, named_weights
from ysmean.networks.growth import Changed, fitted_to
from ysmean.networks.initial import Initial, constant
from ysmean.networks.network import BoolArray, FloatArray, TrainingData

SIDE = ("item_vectors", "item_bias", "prior", "coverage")


class TowerScores(keras.layers.Layer):
    """Query (B, d) -> logits (B, N) over items whose vectors are made from fixed features.

    The logits are query . vector + bias + strength . prior, where vector and bias come from the
    item's features by one hidden layer; with `shared`, the vector goes on with the item's linear
    embedding, the same that the history's items have. Items that must not be learned from,
    neither as targets nor as negatives, are masked.
    """

    def __init__(
        self,
        features: FloatArray,
        data: TrainingData,
        hidden: int,
        width: int,
        initial: Initial,
        *,
        shared: FeatureEmbedding | None = None,
        dropout: float = 0.0,
    ) -> None:
        """Make the tower.

        Args:
            features: float32 (N, f).
            data: for the counts of the prior, whose strength is learned, and what is learnable.
            hidden: width of the hidden layer.
            width: d.
            initial: of the weights.
            shared: embeds the items of the history.
            dropout: share of the features dropped in training, so that no item is known by the
                sum of its features alone.
        """
        super().__init__(name="item_tower")
        self.shared = shared
        self.features = constant(self, "features", features)
        self.prior = log_counts(data)
        self.learnable = data.learnable
        self.strength = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(0.7), name="prior_strength"
        )
        self.dropout = initial.dropout(dropout, "feature_dropout")
        self.hidden = initial.dense(hidden, "hidden", "gelu")
        self.vector = initial.dense(width, "vector")
        self.bias = initial.dense(1, "bias")
        self.hidden.build((None, features.shape[1]))
        self.vector.build((None, hidden))
        self.bias.build((None, hidden))
        self.built = True

    def items(self, training: bool = False) -> tuple[Any, Any]:
        """Return vectors (N, d), or (N, 2 d) with a shared embedding, and biases (N,)."""
        features = self.dropout(self.features, training=training)
        x = self.hidden(features)
        vectors = self.vector(x)
        if self.shared is not None:
            vectors = ops.concatenate([vectors, self.shared.embed(features)], axis=1)
        return vectors, self.bias(x)[:, 0]

    def classes(self, training: bool = False) -> tuple[Any, Any]:
        """Return the vectors and the biases with the prior."""
        vectors, bias = self.items(training)
        return vectors, bias + self.strength * ops.convert_to_tensor(self.prior)

    def call(self, query: Any, training: bool = False) -> Any:
        """Return masked logits (B, N)."""
        vectors, bias = self.classes(training)
        logits = ops.matmul(query, ops.transpose(vectors)) + bias
        return ops.where(ops.convert_to_tensor(self.learnable), logits, -1e9)

    def compute_output_shape(self, query_shape: Any) -> tuple[Any, int]:
        """Return (B, N)."""
        return query_shape[0], len(self.prior)

    def frozen(self) -> ItemSide:
        """Return what the tower has learned of all items."""
        vectors, bias = (np.asarray(ops.convert_to_numpy(x), np.float32) for x in self.items())
        prior = np.asarray(float(ops.convert_to_numpy(self.strength)) * self.prior, np.float32)
        features = np.asarray(ops.convert_to_numpy(self.features))
        weights = {
            f"{layer.name}_{weight.name}": np.asarray(ops.convert_to_numpy(weight))
            for layer in (self.hidden, self.vector, self.bias)
            for weight in layer.weights
        }
        if self.shared is not None:
            weights["shared_kernel"] = np.asarray(ops.convert_to_numpy(self.shared.kernel))
        return ItemSide(vectors, bias, prior, covered(features), weights)


@dataclass(frozen=True)
class ItemSide:
    """What a tower has learned of N items, and how it would see others.

    Attributes:
        vectors: float32 (N, d).
        bias: float32 (N,).
        prior: float32 (N,), log counts times their strength; 0 for items without events.
        coverage: bool (N,), items with features.
        weights: kernels and biases of the tower's layers.
    """

    vectors: FloatArray
    bias: FloatArray
    prior: FloatArray
    coverage: BoolArray
    weights: Mapping[str, FloatArray]

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> ItemSide:
        """Return the items' side of what `TowerNetwork.arrays` gave."""
        vectors, bias, prior, coverage = (arrays[n] for n in SIDE)
        return cls(vectors, bias, prior, coverage, under("tower/", arrays))

    def made_of(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return vectors (n, d) and biases (n,) of items with features (n, f)."""
        w = self.weights
        x = features @ w["hidden_kernel"] + w["hidden_bias"]
        x = x * (1 + erf(x / np.float32(2**0.5))) / 2  # GELU (Hendrycks and Gimpel, 2016)
        vectors = x @ w["vector_kernel"] + w["vector_bias"]
        if "shared_kernel" in w:
            vectors = np.concatenate([vectors, features @ w["shared_kernel"]], axis=1)
        return vectors, (x @ w["bias_kernel"] + w["bias_bias"])[:, 0]

    def with_items(self, size: int, changed: Changed) -> ItemSide:
        """Return the side of `size` items, some of them described anew."""
        arrays = [self.vectors, self.bias, self.prior, self.coverage]
        vectors, bias, prior, coverage = (fitted_to(a, size).copy("K") for a in arrays)
        vectors[changed.classes], bias[changed.classes] = self.made_of(changed.features)
        coverage[changed.classes] = covered(changed.features)
        return replace(self, vectors=vectors, bias=bias, prior=prior, coverage=coverage)


class TowerNetwork(DotNetwork):
    """A trained network with an item tower: it covers every item with features."""

    knows_cold = True
    prior: FloatArray

    def __init__(self, encoder: keras.Model, items: ItemSide) -> None:
        """Keep the request's side and the items' side."""
        self.encoder = encoder
        self._take(items)

    def _take(self, items: ItemSide) -> None:
        self.item_vectors, self.item_bias = items.vectors, items.bias
        self.items = replace(items, vectors=self.item_vectors)  # the same memory
        self.prior, self.coverage = items.prior, items.coverage

    def scores_of(self, batch: Batch, features: FloatArray) -> FloatArray:
        """Return the logits that items with features (n, f) would have, (B, n), priors left out."""
        vectors, bias = self.items.made_of(features)
        return np.asarray(self.queries(batch) @ vectors.T + bias, np.float32)

    def with_items(self, catalogue: Catalogue, changed: Changed) -> Self:
        """Return a network that covers what is new by what it is."""
        other = copy.copy(self)
        other._take(self.items.with_items(len(catalogue), changed))
        return other

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return both sides as named arrays."""
        return {
            **{name: getattr(self, name) for name in SIDE},
            **{f"tower/{name}": array for name, array in self.items.weights.items()},
            **{f"encoder/{name}": array for name, array in named_weights(self.encoder).items()},
        }


def under(folder: str, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays whose names begin with `folder`, without it."""
    return {
        name.removeprefix(folder): array
        for name, array in arrays.items()
        if name.startswith(folder)
    }


class FeatureEmbedding(keras.layers.Layer):
    """Tokens (B, T) -> (B, T, width): what an item in the history means, linear in its features."""

    def __init__(self, features: FloatArray, width: int, initial: Initial) -> None:
        """Make the layer for features (N, f)."""
        super().__init__(name="past")
        padded = np.concatenate([np.zeros_like(features[:1]), features])
        self.features = constant(self, "features", padded)
        self.kernel = self.add_weight(
            shape=(features.shape[1], width),
            initializer=initial.glorot(),
            name="kernel",
        )

    def embed(self, features: Any) -> Any:
        """Return the embedding of features (n, f), (n, width)."""
        return ops.matmul(features, self.kernel)

    def table(self) -> Any:
        """Return the embedding of every token, (N + 1, width)."""
        return self.embed(self.features)

    def call(self, tokens: Any) -> Any:
        """Look the tokens up."""
        return ops.take(self.table(), tokens, axis=0)

    def compute_output_shape(self, tokens_shape: Any) -> Any:
        """Return (B, T, width)."""
        return (*tokens_shape, self.kernel.shape[1])


def log_counts(data: TrainingData) -> FloatArray:
    """Return log(1 + events) of each class, centred, float32 (N,); 0 for pseudo-cold items."""
    counts = data.histories.counts(len(data.catalogue)) * data.learnable
    logs = np.log1p(counts)
    return np.asarray((logs - logs[data.learnable].mean()) * data.learnable, np.float32)


def covered(features: npt.NDArray[np.float32]) -> BoolArray:
    """Return which items have any feature, bool (N,)."""
    return np.asarray((features != 0).any(1))
