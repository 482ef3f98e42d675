"""Hypothesis strategies: random members, allowed sets and abstentions."""

import numpy as np
from hypothesis import strategies as st

from reference import stream


@st.composite
def streams(draw, extreme=False):
    """Draw a stream of up to 4 networks over up to 30 classes in two segments."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    networks, batch, size = draw(st.tuples(*[st.integers(1, n) for n in (4, 5, 30)]))
    scale = draw(st.sampled_from([1.0, 10.0, *([1e4, 1e30] if extreme else [])]))
    logits = rng.normal(0, scale, (networks, batch, size)).round(draw(st.sampled_from([0, 6])))
    return stream(
        logits,
        allowed=rng.random((batch, size)) < draw(st.sampled_from([0.0, 0.3, 0.9, 1.0])),
        cold=rng.random(size) < draw(st.sampled_from([0.0, 0.3, 1.0])),
        temperatures=rng.uniform(0.3, 3.0, (networks, 2)),
        tile_size=draw(st.sampled_from([None, 1, 3, 7])),
        answers=list(rng.random((networks, batch)) < draw(st.sampled_from([0.0, 0.7, 1.0]))),
        coverage=list(rng.random((networks, size)) < draw(st.sampled_from([0.5, 1.0]))),
        prior=[rng.normal(0, 1, size).astype(np.float32) for _ in range(networks)],
    )


def proportions_for(s, seed=0):
    """Draw fitted proportions for a stream."""
    from ysmean.data.histories import COHORTS
    from ysmean.mean.proportions import Proportions

    rng = np.random.default_rng(seed)
    networks = len(s.heads)
    weights = rng.dirichlet(np.ones(networks), size=(2, len(COHORTS)))
    names = tuple(f"n{k}" for k in range(networks))
    return Proportions(names, weights, s.temperatures, cold_odds=rng.uniform(0.05, 1.0))


def exponents_for(s, seed=0):
    """Draw a consensus's exponents (B, K, 2) for a stream, some of them 0."""
    rng = np.random.default_rng([seed, 1])
    a = rng.uniform(0, 1.5, (s.allowed.shape[0], len(s.heads), 2))
    return a * (rng.random(a.shape) < 0.8)
