"""The exact softmax cross-entropy of queries against all item vectors."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

HIDDEN = -1e30  # the logit of a class that is not trained on; finite, so that no NaN can come of it
LEAST = 1e-3  # of a softmax that is left beside classes left out; less would be rounding error


def fused_cross_entropy(
    queries: Any,
    vectors: Any,
    targets: Any,
    weights: Any = None,
    bias: Any = None,
    mask: Any = None,
    without: Any = None,
) -> Any:
    """Return the weighted mean of -log softmax(queries . vectors + bias)[targets].

    It can be differentiated by queries, vectors, bias and `without`; weights are constants. On JAX
    nothing of the size M x N is ever held: see `loss_jax`. Other backends compute the formula as it
    stands.

    Args:
        queries: float32 (M, d), one a token.
        vectors: float32 (N, d), one a class.
        targets: int32 (M,), classes 0..N-1.
        weights: float32 (M,) at least 0, what a token counts; 1 for None. On JAX tokens of
            weight 0 cost no time.
        bias: float32 (N,), added to the logits.
        mask: bool (N,), classes that are trained on; the others are in no softmax, and tokens
            whose target is one of them count nothing.
        without: float32 (M,), log of the sum of exp(logit) over classes that a token's softmax
            leaves out, such as items already seen; the target is none of them. `HIDDEN` or -inf
            where there are none.

    Returns:
        float32 scalar in nats; 0 where the weights sum to 0.
    """
    weights = ops.ones_like(queries[:, 0]) if weights is None else weights
    if mask is not None:
        mask = ops.convert_to_tensor(mask)
        weights = ops.where(ops.take(mask, targets), weights, 0.0)
        hidden = ops.where(mask, 0.0, HIDDEN)
        bias = hidden if bias is None else bias + hidden
    if keras.backend.backend() == "jax":
        from ysmean.networks import loss_jax

        return loss_jax.mean_cross_entropy(queries, vectors, targets, weights, bias, without)
    return plain_cross_entropy(queries, vectors, targets, weights, bias, without)


def plain_cross_entropy(
    queries: Any, vectors: Any, targets: Any, weights: Any, bias: Any, without: Any = None
) -> Any:
    """Return the same from the whole logits (M, N) and the backend's own gradient."""
    logits = ops.matmul(queries, ops.transpose(vectors))  # (M, N)
    if bias is not None:
        logits = logits + bias
    shown = ops.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
    log_sums = ops.logsumexp(logits, axis=1)
    if without is not None:
        left = 1.0 - ops.exp(ops.minimum(without - log_sums, 0.0))
        log_sums = log_sums + ops.log(ops.maximum(left, LEAST))
    nats = log_sums - shown
    return ops.sum(weights * nats) / ops.maximum(ops.sum(weights), 1e-30)
