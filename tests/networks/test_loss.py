"""The fused cross-entropy against a float64 oracle, its gradients and its laws."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from ysmean.networks.loss import fused_cross_entropy, plain_cross_entropy

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="the JAX path")


def oracle(q, v, y, w=None, b=None, mask=None):
    """Return loss and gradients by q, v, b in float64, from the whole softmax."""
    q, v = q.astype(np.float64), v.astype(np.float64)
    w = np.ones(len(q)) if w is None else w.astype(np.float64)
    z = q @ v.T + (0 if b is None else b.astype(np.float64))
    if mask is not None:
        z[:, ~mask] = -np.inf
        w = w * mask[y]
    z = z - z.max(1, keepdims=True)
    p = np.exp(z)
    sums = p.sum(1, keepdims=True)
    rows = np.arange(len(q))
    with np.errstate(invalid="ignore"):
        nats = np.where(w > 0, np.log(sums[:, 0]) - np.where(w > 0, z[rows, y], 0), 0)
    total = w.sum()
    loss = (w * nats).sum() / total
    delta = p / sums
    delta[rows, y] -= 1
    delta *= (w / total)[:, None]
    return loss, (delta @ v, delta.T @ q, delta.sum(0))


def problem(tokens, size, width, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, scale, (tokens, width)).astype(np.float32),
        rng.normal(0, 0.5, (size, width)).astype(np.float32),
        rng.integers(0, size, tokens).astype(np.int32),
        rng.random(tokens).astype(np.float32),
        rng.normal(0, 1, size).astype(np.float32),
        rng.random(size) < 0.8,
    )


def compiled(function):
    """Return a function compiled once for each shape, where the backend is JAX."""
    if keras.backend.backend() != "jax":
        return function
    import jax

    return jax.jit(function)


fused = compiled(fused_cross_entropy)


def value(*args, of=fused):
    return float(ops.convert_to_numpy(of(*args)))


@pytest.fixture(params=["one pass", "two passes", "tiles that do not divide"])
def way(request, monkeypatch):
    """Every way through the JAX path, with blocks and tiles small enough to be many."""
    from ysmean.networks import loss_jax

    if request.param == "one pass":
        monkeypatch.setattr(loss_jax, "TOKENS", (1, 7))
        return
    monkeypatch.setattr(loss_jax, "ONE_PASS", 1)
    monkeypatch.setattr(loss_jax, "TILE_TOKENS", 5)
    monkeypatch.setattr(loss_jax, "TILE", 10 if request.param == "two passes" else 7)


@on_jax
@pytest.mark.parametrize("given_", ["nothing", "weights", "bias", "mask", "all"])
def test_loss_and_gradients_are_those_of_a_float64_softmax(way, given_):
    import jax

    q, v, y, w, b, mask = problem(23, 30, 6)
    chosen = {"weights": w, "bias": b, "mask": mask}
    if given_ != "all":
        chosen = {k: x for k, x in chosen.items() if k == given_}
    expected, (dq, dv, db) = oracle(
        q, v, y, chosen.get("weights"), chosen.get("bias"), chosen.get("mask")
    )

    def loss(q, v, smooth):
        return fused_cross_entropy(q, v, y, **{**chosen, **smooth})

    smooth = {k: x for k, x in chosen.items() if k == "bias"}
    got, (gq, gv, gs) = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(q, v, smooth)
    close = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(got, expected, **close)
    np.testing.assert_allclose(gq, dq, **close)
    np.testing.assert_allclose(gv, dv, **close)
    if "bias" in gs:
        np.testing.assert_allclose(gs["bias"], db, **close)


def test_the_oracle_has_the_gradient_of_its_loss():
    q, v, y, w, b, mask = problem(4, 5, 3)
    _, (dq, dv, db) = oracle(q, v, y, w, b, mask)
    for number, (x, gradient) in enumerate(((q, dq), (v, dv), (b, db))):
        for at in np.ndindex(x.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [a.astype(np.float64) for a in (q, v, b)]
                moved[number][at] += step
                ends.append(oracle(moved[0], moved[1], y, w, moved[2], mask)[0])
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[at], abs=1e-7)


@on_jax
def test_gradients_are_right_where_most_tokens_are_padding(way):
    import jax

    q, v, y, w, *_ = problem(40, 30, 6)
    w = np.where(np.arange(40) % 3 == 1, w, 0).astype(np.float32)
    expected, (dq, dv, _) = oracle(q, v, y, w)
    loss = jax.jit(jax.value_and_grad(lambda q, v: fused_cross_entropy(q, v, y, w), (0, 1)))
    got, (gq, gv) = loss(q, v)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    np.testing.assert_allclose(gq, dq, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gv, dv, rtol=1e-5, atol=1e-6)


def left_out(targets, size, seed=0):
    """Return which classes each token's softmax leaves out, bool (M, N), never its target."""
    chosen = np.random.default_rng(seed).random((len(targets), size)) < 0.3
    chosen[np.arange(len(targets)), targets] = False
    chosen[0] = False  # one token leaves out nothing
    return chosen


def oracle_without(q, v, y, w, b, out):
    """Return the loss of `oracle` with the logits of left-out classes at minus infinity."""
    q, v, w, b = (x.astype(np.float64) for x in (q, v, w, b))
    z = np.where(out, -np.inf, q @ v.T + b)
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows, c = np.arange(len(q)), w / w.sum()
    loss = -(c * np.log(p[rows, y])).sum()
    p[rows, y] -= 1
    delta = p * c[:, None]
    return loss, (delta @ v, delta.T @ q, delta.sum(0))


@on_jax
def test_classes_left_out_of_a_tokens_softmax_are_as_good_as_absent(way):
    import jax
    import jax.numpy as jnp

    q, v, y, w, b, _ = problem(23, 30, 6)
    out = left_out(y, 30)
    expected, gradients = oracle_without(q, v, y, w, b, out)

    def loss(q, v, b):
        logits = jnp.where(out, q @ v.T + b, -jnp.inf)
        without = jnp.where(out.any(1), jax.nn.logsumexp(logits, axis=1, where=out), -1e30)
        return fused_cross_entropy(q, v, y, w, b, without=without)

    got, ours = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(q, v, b)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    for mine, right in zip(ours, gradients, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-4, atol=2e-6)


def test_classes_left_out_are_absent_on_every_backend():
    q, v, y, w, b, _ = problem(23, 30, 6)
    out = left_out(y, 30)
    with np.errstate(divide="ignore"):
        without = np.log((np.exp(q @ v.T + b) * out).sum(1)).astype(np.float32)
    expected, _ = oracle_without(q, v, y, w, b, out)
    assert value(q, v, y, w, b, None, without) == pytest.approx(expected, rel=1e-5)


@on_jax
def test_the_way_back_multiplies_by_the_cotangent(way):
    import jax

    q, v, y, *_ = problem(12, 20, 4)
    _, (dq, _, _) = oracle(q, v, y)
    got = jax.grad(lambda q: -3.0 * fused_cross_entropy(q, v, y) + q.sum())(q)
    np.testing.assert_allclose(got, 1 - 3 * dq, rtol=1e-5, atol=1e-6)


def test_the_plain_formula_agrees_with_the_oracle_on_every_backend():
    q, v, y, w, b, mask = problem(40, 30, 6)
    expected, *_ = oracle(q, v, y, w, b, mask)
    assert value(q, v, y, w, b, mask) == pytest.approx(expected, rel=1e-5)
    expected, *_ = oracle(q, v, y, w, b)
    assert value(q, v, y, w, b, of=plain_cross_entropy) == pytest.approx(expected, rel=1e-5)


@on_jax
@pytest.mark.parametrize("shape", [(300, 1000, 16), (1500, 3420, 8)])
def test_both_paths_agree_in_loss_and_gradients_at_larger_shapes(shape):
    import jax

    q, v, y, w, b, _ = problem(*shape)
    both = [
        jax.jit(jax.value_and_grad(lambda *a, f=f: f(a[0], a[1], y, *a[2:]), (0, 1, 3)))
        for f in (fused_cross_entropy, plain_cross_entropy)
    ]
    ours_and_theirs = (jax.tree.leaves(f(q, v, w, b)) for f in both)
    for ours, theirs in zip(*ours_and_theirs, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@given(st.integers(0, 99), st.floats(-50, 50))
def test_adding_a_constant_to_all_logits_changes_nothing(seed, constant):
    q, v, y, w, b, _ = problem(9, 11, 3, seed)
    assert value(q, v, y, w, b + np.float32(constant)) == pytest.approx(
        value(q, v, y, w, b), rel=1e-4, abs=1e-4
    )


@given(st.integers(0, 99), st.lists(st.booleans(), min_size=9, max_size=9).filter(any))
def test_tokens_of_weight_zero_are_as_good_as_absent(seed, kept):
    q, v, y, w, *_ = problem(9, 11, 3, seed)
    kept = np.array(kept)
    w = w + 0.1
    a = value(q, v, y, np.where(kept, w, 0).astype(np.float32))
    assert a == pytest.approx(oracle(q[kept], v, y[kept], w[kept])[0], rel=1e-5)


@given(st.integers(0, 99))
def test_masked_classes_are_as_good_as_absent_and_so_are_their_tokens(seed):
    q, v, y, w, b, mask = problem(12, 11, 3, seed)
    mask[y[0]] = True
    kept = mask[y]
    renumbered = (np.cumsum(mask) - 1).astype(np.int32)[y[kept]]
    expected = oracle(q[kept], v[mask], renumbered, w[kept], b[mask])[0]
    assert value(q, v, y, w, b, mask) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@given(st.integers(0, 99), st.floats(0.1, 1e4))
def test_only_the_ratios_of_weights_count(seed, factor):
    q, v, y, w, *_ = problem(9, 11, 3, seed)
    assert value(q, v, y, w * np.float32(factor)) == pytest.approx(value(q, v, y, w), rel=1e-5)


def test_weights_of_zero_alone_give_zero():
    q, v, y, w, *_ = problem(9, 11, 3)
    assert value(q, v, y, np.zeros_like(w)) == 0


@on_jax
def test_huge_logits_neither_overflow_nor_lose_the_loss(way):
    q, v, y, *_ = problem(20, 30, 6, scale=3e3)
    assert value(q, v, y, of=fused_cross_entropy) == pytest.approx(oracle(q, v, y)[0], rel=1e-5)


@on_jax
def test_memory_does_not_grow_with_tokens_times_classes():
    import jax

    def held(tokens, size):
        q, v, y, *_ = problem(tokens, size, 8)
        step = jax.jit(jax.value_and_grad(lambda q, v: fused_cross_entropy(q, v, y), (0, 1)))
        return step.lower(q, v).compile().memory_analysis().temp_size_in_bytes

    from ysmean.networks import loss_jax

    for tokens, size in ((20_000, 2_000), (2_000, 70_000)):
        vectors = 4 * 8 * (tokens + size)
        assert held(tokens, size) < 3 * 4 * loss_jax.BLOCK + 8 * vectors < 4 * tokens * size
