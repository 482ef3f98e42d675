"""Normal equations, their solution and leave-one-out, beside examples written out one by one."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import ysmean as ym
from ysmean.data.joined import Data
from ysmean.networks.ridge import fading, left_out, normal_equations, solve, thin


def histories(log):
    """Return the histories of (user, item, weight) rows, and how many items they know."""
    columns = list(zip(*log, strict=True))
    data = Data.join(
        ym.Events.from_frame(
            pl.DataFrame(dict(zip(("user_id", "item_id", "weight"), columns, strict=True)))
        )
    )
    return data.histories, len(data.catalogue)


def examples(h, size, fade):
    """Return x (n, M), y (n, M) and w (n,) in float64, one event after the other."""
    xs, ys, ws = [], [], []
    for u in range(len(h)):
        own = h.classes[h.offsets[u] : h.offsets[u + 1]]
        weights = h.weights[h.offsets[u] : h.offsets[u + 1]]
        for p in range(1, len(own)):
            x = np.zeros(size)
            for steps in range(1, min(p, len(fade)) + 1):
                x[own[p - steps]] += fade[steps - 1]
            xs.append(x)
            ys.append(np.eye(size)[own[p]])
            ws.append(weights[p])
    shape = (-1, size)
    return np.reshape(xs, shape), np.reshape(ys, shape), np.array(ws, np.float64)


def random_log(seed, events=80, users=6, items=7):
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, users, events), rng.integers(0, items, events))
    return list(zip(*(a.tolist() for a in drawn), (0.5 + rng.random(events)).tolist(), strict=True))


rows = st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([0.5, 1.0, 3.0]))


@settings(max_examples=50, deadline=None)
@given(st.lists(rows, min_size=1, max_size=30), st.integers(1, 5), st.sampled_from([0.0, 0.7, 2.0]))
def test_pairs_of_events_add_up_to_the_sums_over_examples(log, history, recency):
    h, size = histories(log)
    fade = fading(history, recency)
    x, y, w = examples(h, size, fade)
    gram, cross = normal_equations(h, size, fade)
    np.testing.assert_allclose(np.tril(gram), np.tril(x.T @ (w[:, None] * x)), rtol=1e-5, atol=1e-6)
    assert not np.triu(gram, 1).any()
    np.testing.assert_allclose(cross, y.T @ (w[:, None] * x), rtol=1e-5, atol=1e-6)


def test_events_counted_in_parts_give_the_same_sums(monkeypatch):
    h, size = histories(random_log(0))
    whole = normal_equations(h, size, fading(4, 1.0))
    monkeypatch.setattr("ysmean.networks.ridge.CHUNK", 7)
    for part, one in zip(normal_equations(h, size, fading(4, 1.0)), whole, strict=True):
        np.testing.assert_allclose(part, one, rtol=1e-5, atol=1e-6)


def test_the_solution_is_that_of_the_regularised_normal_equations():
    h, size = histories(random_log(1))
    fade = fading(4, 1.0)
    x, y, w = examples(h, size, fade)
    left, right = x.T @ (w[:, None] * x) + 2.0 * np.eye(size), x.T @ (w[:, None] * y)
    _, weights = solve(*normal_equations(h, size, fade), 2.0)
    np.testing.assert_allclose(weights, np.linalg.solve(left, right), rtol=1e-4, atol=1e-5)


def test_leaving_an_example_out_equals_fitting_without_it():
    h, size = histories(random_log(2))
    fade = fading(3, 1.0)
    x, y, w = examples(h, size, fade)
    solved = solve(*normal_equations(h, size, fade), 1.5)
    shown = sparse.csr_array(x.astype(np.float32))
    answers = left_out(*solved, shown, y.argmax(1), w.astype(np.float32))
    for one in (0, 5, len(x) - 1):
        rest = np.arange(len(x)) != one
        left = x[rest].T @ (w[rest, None] * x[rest]) + 1.5 * np.eye(size)
        weights = np.linalg.solve(left, x[rest].T @ (w[rest, None] * y[rest]))
        np.testing.assert_allclose(answers[one], x[one] @ weights, rtol=1e-3, atol=1e-5)


def test_the_largest_entries_of_a_row_are_kept_whatever_their_sign():
    weights = np.array([[0.1, -3.0, 2.0], [5.0, 0.0, -6.0], [1.0, 2.0, 3.0]], np.float32)
    kept = thin(weights, 2).matrix().toarray()
    np.testing.assert_array_equal(kept, [[0, -3, 2], [5, 0, -6], [0, 2, 3]])


@pytest.mark.parametrize("neighbours", [3, 50])
def test_nothing_is_lost_where_all_entries_may_be_kept(neighbours):
    weights = np.arange(9, dtype=np.float32).reshape(3, 3)
    np.testing.assert_array_equal(thin(weights, neighbours).matrix().toarray(), weights)
