"""The cross-entropy of `loss` on JAX: softmax and gradient in one pass, nothing of size M x N.

The gradient of a softmax cross-entropy needs nothing but the softmax itself, so it is taken on the
way forward while a block of logits is still in the cache; the way back only multiplies it by the
cotangent. With p = softmax(q V' + b), c = weights / their sum, and y the targets:

    dq = c (p V - V[y])      dV = p' (c q) - (c q at y)      db = p' c - (c at y)

Where the softmax leaves some classes out, with a part r of all exponentials, p and the loss's sum
are those over the others: p / (1 - r) before the left-out classes are taken away, which is done by
the gradient of r itself.

That logits need never be held is the idea of Cut Cross-Entropy (Wijmans et al., arXiv 2411.09009).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ysmean.networks.loss import HIDDEN, LEAST

BLOCK = 1 << 21  # logits held at once: 8 MB, a share of the last cache
TOKENS = (128, 1280)  # tokens in a block, at least and at most
WIDE_BLOCK = 1 << 26  # logits held at once by an accelerator, which wants few large products
ONE_PASS = 1 << 16  # classes; more are streamed in tiles, twice
TILE_TOKENS = 512
TILE = 4096  # classes in a tile


@jax.custom_vjp
def mean_cross_entropy(
    queries: jax.Array,
    vectors: jax.Array,
    targets: jax.Array,
    weights: jax.Array,
    bias: jax.Array | None,
    without: jax.Array | None,
) -> jax.Array:
    """Return the weighted mean cross-entropy; the arguments are those of `loss`, unmasked."""
    return _forward(queries, vectors, targets, weights, bias, without)[0]


def _forward(
    queries: jax.Array,
    vectors: jax.Array,
    targets: jax.Array,
    weights: jax.Array,
    bias: jax.Array | None,
    without: jax.Array | None,
) -> tuple[jax.Array, tuple[Any, ...]]:
    share = weights / jnp.maximum(weights.sum(), 1e-30)
    hidden = jnp.full_like(share, HIDDEN) if without is None else without
    log_sums, expected, d_vectors, d_bias = _softmax_moments(queries, vectors, bias, share, hidden)
    left = _left(hidden, log_sums)
    shown = vectors[targets]  # (M, d)
    nats = log_sums + jnp.log(left) - (queries * shown).sum(1)
    d_queries = share[:, None] * (expected / left[:, None] - shown)
    d_without = None if without is None else share * (1 - 1 / left)
    d_vectors = d_vectors.at[targets].add(-share[:, None] * queries)
    if bias is not None:
        nats = nats - bias[targets]
        d_bias = d_bias.at[targets].add(-share)
    return (share * nats).sum(), (d_queries, d_vectors, d_bias, d_without)


def _backward(gradients: tuple[Any, ...], cotangent: jax.Array) -> tuple[Any, ...]:
    queries, vectors, bias, without = jax.tree.map(lambda g: cotangent * g, gradients)
    return queries, vectors, None, None, bias, without


mean_cross_entropy.defvjp(_forward, _backward)


def _left(without: jax.Array, log_sums: jax.Array) -> jax.Array:
    """Return the share of each token's softmax beside the classes left out, (M,)."""
    return jnp.maximum(1 - jnp.exp(jnp.minimum(without - log_sums, 0)), LEAST)


def _softmax_moments(
    queries: jax.Array,
    vectors: jax.Array,
    bias: jax.Array | None,
    share: jax.Array,
    without: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array, Any]:
    """Return what a softmax's gradient is made of, block by block of tokens.

    Tokens that have no share are put last, and blocks of them alone are skipped: padding is free.

    Returns:
        log of the sums of exponentials (M,), p V (M, d), p' (share q / left) (N, d) and
        p' (share / left) (N,), None without a bias; p is over all classes, `left` the share of
        those not left out. Anything finite for tokens without a share.
    """
    tokens, size = len(queries), len(vectors)
    block = _one_pass if size <= ONE_PASS else _two_passes
    blocks = -(-tokens // _block_tokens(size))
    each = -(-tokens // blocks)
    extra = blocks * each - tokens
    place = _counted_first(share != 0)
    order = jnp.zeros_like(place).at[place].set(jnp.arange(tokens), unique_indices=True)
    q = jnp.pad(queries[order], ((0, extra), (0, 0))).reshape(blocks, each, -1)
    c, r = (jnp.pad(x[order], (0, extra)).reshape(blocks, each) for x in (share, without))

    def body(sums: tuple[jax.Array, Any], given: tuple[jax.Array, jax.Array, jax.Array]) -> Any:
        def skip(*_: Any) -> Any:
            return sums, (jnp.zeros_like(given[1]), jnp.zeros_like(given[0]))

        return lax.cond((given[1] != 0).any(), block, skip, vectors, bias, sums, *given)

    start = jnp.zeros_like(vectors), None if bias is None else jnp.zeros_like(bias)
    if blocks == 1:
        (g, h), (log_sums, expected) = block(vectors, bias, start, q[0], c[0], r[0])
    else:
        (g, h), (log_sums, expected) = lax.scan(body, start, (q, c, r))
    return log_sums.reshape(-1)[place], expected.reshape(-1, q.shape[2])[place], g, h


def _counted_first(counts: jax.Array) -> jax.Array:
    """Return each token's place where those that count come first, in the same order, (M,)."""
    before = jnp.cumsum(counts)
    return jnp.where(counts, before, before[-1] + jnp.cumsum(~counts)) - 1


def _block_tokens(size: int) -> int:
    if size > ONE_PASS:
        return TILE_TOKENS
    least, most = TOKENS
    if jax.default_backend() != "cpu":
        return max(WIDE_BLOCK // size, least)
    return min(max(BLOCK // size, least), most)


def _one_pass(
    vectors: jax.Array,
    bias: jax.Array | None,
    sums: tuple[jax.Array, Any],
    q: jax.Array,
    c: jax.Array,
    r: jax.Array,
) -> Any:
    """Add a block of tokens (T, d) to the sums, from its logits (T, N)."""
    g, h = sums
    z = q @ vectors.T
    if bias is not None:
        z = z + bias
    top = z.max(1)
    e = jnp.exp(z - top[:, None])
    s = e.sum(1)
    log_sums = top + jnp.log(s)
    c = c / (s * _left(r, log_sums))
    # Dividing q and e @ V instead of e saves two passes over (T, N).
    g = g + lax.optimization_barrier(_turned(q * c[:, None]) @ e).T
    h = None if bias is None else h + c @ e
    return (g, h), (log_sums, (e @ vectors) / s[:, None])


def _two_passes(
    vectors: jax.Array,
    bias: jax.Array | None,
    sums: tuple[jax.Array, Any],
    q: jax.Array,
    c: jax.Array,
    r: jax.Array,
) -> Any:
    """Add a block of tokens to the sums, from tiles of its logits (T, TILE), computed twice."""
    size = len(vectors)
    width = min(TILE, size)
    tiles = -(-size // width)

    def tile(number: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        # The last tile reaches back over the one before; what that one counted is hidden.
        start = jnp.minimum(number * width, size - width)
        b = jnp.where(start + jnp.arange(width) < number * width, HIDDEN, 0.0)
        if bias is not None:
            b = b + lax.dynamic_slice_in_dim(bias, start, width)
        v = lax.dynamic_slice_in_dim(vectors, start, width)
        return start, v, q @ v.T + b

    def normalize(number: jax.Array, seen: tuple[jax.Array, jax.Array]) -> Any:
        top, s = seen
        z = tile(number)[2]
        higher = jnp.maximum(top, z.max(1))
        return higher, s * jnp.exp(top - higher) + jnp.exp(z - higher[:, None]).sum(1)

    def add(number: jax.Array, sums: tuple[jax.Array, Any, jax.Array]) -> Any:
        g, h, expected = sums
        start, v, z = tile(number)
        p = jnp.exp(z - log_sums[:, None])
        g = _add_at(g, start, lax.optimization_barrier(weighted @ p).T)
        h = None if bias is None else _add_at(h, start, c @ p)
        return g, h, expected + p @ v

    none = jnp.full_like(c, HIDDEN), jnp.zeros_like(c)
    top, s = lax.fori_loop(0, tiles, normalize, none)
    log_sums = top + jnp.log(s)
    c = c / _left(r, log_sums)
    weighted = _turned(q * c[:, None])
    g, h, expected = lax.fori_loop(0, tiles, add, (*sums, jnp.zeros_like(q)))
    return (g, h), (log_sums, expected)


def _turned(rows: jax.Array) -> jax.Array:
    """Return the transpose, (d, T), laid out as such.

    Turning this small block makes the gradient a product that reads the exponentials (T, N) as they
    lie. Left to itself the compiler reads their columns, which takes half as long again.
    """
    return lax.optimization_barrier(rows.T)


def _add_at(total: jax.Array, start: jax.Array, part: jax.Array) -> jax.Array:
    there = lax.dynamic_slice_in_dim(total, start, len(part))
    return lax.dynamic_update_slice_in_dim(total, there + part, start, 0)
