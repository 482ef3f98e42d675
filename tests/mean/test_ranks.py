"""The best of many scores, found without sorting them all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ysmean.mean.ranks import candidates


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_candidates_hold_the_best_k_and_of_equals_the_lowest(k, seed):
    rng = np.random.default_rng(seed)
    n, steps = rng.integers(1, 2000), rng.choice([3, 1000])  # few steps: most scores are equal
    scores = (rng.integers(-1, steps, n) / steps).astype(np.float32)
    scores[scores < 0] = -1
    found = candidates(scores, k)
    order = sorted((-score, c) for c, score in enumerate(scores) if score >= 0)
    assert sorted((-scores[c], c) for c in found)[:k] == order[:k]
    assert len(found) <= 64 * k
