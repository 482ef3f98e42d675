"""The fused cross-entropy beside its floor and beside plain autodiff: loss and both gradients.

The rate counts 6 M N d operations, those of the three matrix products that are needed whatever is
done: logits, gradient of the queries, gradient of the item vectors. Beside it run the square
matrix product of the machine, the bare three products in blocks as large as the loss's own, and
JAX's own gradient of the plain formula, which holds the logits (M, N). All run alternately in one
process, which keeps what it frees as `ysmean train` does; ratios are medians over rounds, with the
smallest and the largest in brackets. With `--big`, a process of its own takes optimizer steps over
512 tokens and a million classes, and reports the most memory it held over vectors + gradient +
AdamW's two moments.

    python benchmarks/speed.py [--big] [--rounds 7] [--json FILE]
"""

import argparse
import json
import multiprocessing
import time

from ysmean.cli.memory import keep_memory

if __name__ == "__main__":
    keep_memory()  # counts only before there are threads, and importing JAX starts some

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ysmean.networks import loss_jax
from ysmean.networks.loss import fused_cross_entropy, plain_cross_entropy

SMALL, BIG = (12_800, 3_420, 64), (512, 1_000_000, 64)
SQUARE = 2048


def problem(tokens, size, width, seed=0):
    rng = np.random.default_rng(seed)
    return (
        jnp.asarray(rng.normal(0, 1, (tokens, width)), jnp.float32),
        jnp.asarray(rng.standard_normal((size, width), np.float32) * 0.3),
        jnp.asarray(rng.integers(0, size, tokens), jnp.int32),
    )


@jax.jit
def ours(q, v, y):
    return jax.value_and_grad(lambda q, v: fused_cross_entropy(q, v, y), (0, 1))(q, v)


@jax.jit
def plain(q, v, y):
    def loss(q, v):
        return plain_cross_entropy(q, v, y, jnp.ones(len(q)), None)

    return jax.value_and_grad(loss, (0, 1))(q, v)


@jax.jit
def products(q, v, y):
    """The three products, of blocks of tokens with all classes, or with tiles of them."""
    size, width = v.shape
    tokens, tile = min(640, len(q)), min(size, loss_jax.TILE)
    blocks = q[: len(q) // tokens * tokens].reshape(-1, tokens, width)
    tiles = v[: size // tile * tile].reshape(-1, tile, width)

    def step(block):
        def inner(dq, part):
            z = block @ part.T
            return dq + z @ part, z.T @ block

        return lax.scan(inner, jnp.zeros_like(block), tiles)

    if len(tiles) > 1:
        return step(blocks[0])  # one block of tokens is all there is

    def outer(g, block):
        z = block @ v.T
        return g + z.T @ block, z @ v

    return lax.scan(outer, jnp.zeros_like(v), blocks)


@jax.jit
def square(a):
    return a @ a


def seconds(function, *args):
    began = time.perf_counter()
    jax.block_until_ready(function(*args))
    return time.perf_counter() - began


def measure(shape, rounds, with_plain):
    given = problem(*shape)
    a = jnp.asarray(np.random.default_rng(1).normal(size=(SQUARE, SQUARE)), jnp.float32)
    ways = {"ours": (ours, given), "products": (products, given), "square": (square, (a,))}
    if with_plain:
        ways["plain"] = (plain, given)
    work = dict.fromkeys(ways, 6 * np.prod(shape, dtype=np.float64))
    work["square"] = 2.0 * SQUARE**3
    for function, args in ways.values():
        seconds(function, *args)
    rates = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (function, args) in ways.items():
            # The square product is short: as many as take about as long as ours.
            times = 8 if name == "square" else 1
            spent = sum(seconds(function, *args) for _ in range(times)) / times
            rates[name].append(work[name] / spent / 1e9)
    r = {name: np.array(values) for name, values in rates.items()}
    ratios = {f"ours_over_{name}": spread(r["ours"] / r[name]) for name in r if name != "ours"}
    return {"shape": shape, "gflops": {k: spread(x) for k, x in r.items()}, **ratios}


def spread(values):
    return [float(np.median(values)), float(values.min()), float(values.max())]


def memory(shape, steps=3):
    """Return the peak memory of AdamW steps on the vectors over what they must hold.

    Called in a fresh process; the peak counts from before the vectors are made.
    """
    tokens, size, width = shape
    q, _, y = problem(tokens, 8, width)
    y = jnp.asarray(np.random.default_rng(0).integers(0, size, tokens), jnp.int32)

    def step(q, v, m, s):
        loss, g = jax.value_and_grad(lambda v: fused_cross_entropy(q, v, y))(v)
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        return v - 1e-3 * (m / (jnp.sqrt(s) + 1e-8) + 0.01 * v), m, s, loss

    def start():
        return jax.random.normal(jax.random.key(0), (size, width)) * 0.3

    step = jax.jit(step, donate_argnums=(1, 2, 3))
    shapes = [jax.ShapeDtypeStruct((size, width), jnp.float32)] * 3
    step = step.lower(q, *shapes).compile()
    before = resident()
    v, m, s = start(), jnp.zeros((size, width)), jnp.zeros((size, width))
    for _ in range(steps):
        v, m, s, loss = jax.block_until_ready(step(q, v, m, s))
    peak = (peak_resident() - before) / 1e9
    needed = 4 * 4 * size * width / 1e9
    return {"peak_gb": peak, "needed_gb": needed, "ratio": peak / needed, "loss": float(loss)}


def resident():
    return kilobytes("VmRSS") * 1024


def peak_resident():
    return kilobytes("VmHWM") * 1024


def kilobytes(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))


def show(result):
    tokens, size, width = result["shape"]
    print(f"{tokens:,} tokens x {size:,} classes x {width}, float32, GFLOP/s:")
    for name, (median, low, high) in result["gflops"].items():
        line = f"  {name:<9} {median:7.1f} [{low:.1f}, {high:.1f}]"
        if name != "ours":
            median, low, high = result[f"ours_over_{name}"]
            line += f"   ours / {name} {median:.2f} [{low:.2f}, {high:.2f}]"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--big", action="store_true", help="a million classes too")
    parser.add_argument("--json", default=None, help="write the results to a file")
    options = parser.parse_args()
    results = {}
    if options.big:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            results["memory"] = process.apply(memory, (BIG,))
        m = results["memory"]
        print(
            f"{BIG[0]:,} tokens x {BIG[1]:,} classes, AdamW steps: peak {m['peak_gb']:.2f} GB, "
            f"{m['ratio']:.2f} times vectors + gradient + moments ({m['needed_gb']:.2f} GB)"
        )
    shapes = [(SMALL, True), *([(BIG, False)] if options.big else [])]
    for name, (shape, with_plain) in zip(("small", "big"), shapes, strict=False):
        results[name] = measure(shape, options.rounds, with_plain)
        show(results[name])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
