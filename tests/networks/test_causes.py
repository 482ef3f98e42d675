"""Exact causes: they add up to the scores that they explain."""

from dataclasses import replace

import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean.data.requests import encode
from ysmean.networks.causes import row_parts
from ysmean.networks.rows import RowTable, sum_rows

ASKED = [
    ym.Request(history=["i0", "i3", "i6", "i0", "i9"]),
    ym.Request("u1"),
    ym.Request(history=["i4", "unknown"], preferences={"genres": ["red", "blue"]}),
]


def fitted(spec):
    events, items, users = worlds.content_rule()
    network, data = worlds.fit_spec(spec, events, items, users)
    encoded = encode(ASKED, data.catalogue, data.histories, data.user_fields)
    classes = np.tile(np.arange(len(data.catalogue), dtype=np.int32), (len(ASKED), 1))
    return network, encoded.batch, classes


def added_up(causes):
    return sum(one.effects.sum(2) for one in causes)


def test_row_parts_equal_the_cells_of_the_table_and_add_up_to_its_sums():
    rng = np.random.default_rng(0)
    dense = rng.random((6, 9)).astype(np.float32) * (rng.random((6, 9)) < 0.4)
    dense[2] = 0  # an empty row
    lengths = (dense > 0).sum(1)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    table = RowTable(offsets, np.nonzero(dense)[1].astype(np.int32), dense[dense > 0], 9)
    tokens = np.array([[0, 3, 1, 6], [2, 2, 5, 7]], np.int32)  # 0 is none, 7 is unknown
    weights = rng.random((2, 4)).astype(np.float32)
    classes = np.array([[0, 8, 3], [4, -1, 4]], np.int32)
    parts = row_parts(table, tokens, weights, classes)
    for b, n, place in np.ndindex(parts.shape):
        token, class_ = tokens[b, place], classes[b, n]
        known = 1 <= token <= 6 and class_ >= 0
        expected = weights[b, place] * dense[token - 1, class_] if known else 0.0
        assert parts[b, n, place] == pytest.approx(expected)
    sums = sum_rows(table, tokens, weights)(0, 9)
    np.testing.assert_allclose(parts.sum(2)[0], sums[0, classes[0]], rtol=1e-6)


def test_the_parts_of_transition_add_up_to_the_probability_before_the_log():
    network, batch, classes = fitted(ym.Transition(neighbours=4))
    causes = network.causes(batch, classes)
    assert [one.type for one in causes] == ["item", "popularity"]
    z = network.scores(batch)(0, classes.shape[1])
    taken = network.taken  # what is said of new items is in test_mapped
    np.testing.assert_allclose(added_up(causes)[:, taken], np.exp(z)[:, taken], rtol=1e-4)
    assert (causes[0].effects > 0).any() and (causes[1].effects > 0).any()


def test_the_parts_of_linear_add_up_to_the_score_before_the_log():
    network, batch, classes = fitted(ym.Linear(regularisation=5.0))
    (causes,) = network.causes(batch, classes)
    told = np.maximum(causes.effects.sum(2), 0) + network.floor
    z = network.scores(batch)(0, classes.shape[1])
    np.testing.assert_allclose(network.sharpness * np.log(told), z, rtol=1e-4, atol=1e-5)
    assert (causes.effects < 0).any()  # an item may count against another one


def test_the_parts_of_knowledge_are_what_preferences_add_to_the_logits():
    quick = ym.Fitting(batch=32, max_steps=5)
    network, batch, classes = fitted(ym.Knowledge(width=4, hidden=4, fitting=quick))
    (causes,) = network.causes(batch, classes)
    size = classes.shape[1]
    without = replace(batch, preferences=np.zeros_like(batch.preferences))
    gained = network.scores(batch)(0, size) - network.scores(without)(0, size)
    np.testing.assert_allclose(causes.effects.sum(2), gained, atol=1e-5)
    assert gained[2, 0] == pytest.approx(3 / np.sqrt(2), abs=1e-5)  # i0 is red, of two wishes one


def test_the_part_of_popularity_is_the_count_that_its_prior_is_the_log_of():
    network, batch, classes = fitted(ym.Popularity(smoothing=2.0))
    (causes,) = network.causes(batch, classes)
    np.testing.assert_allclose(np.log(causes.effects[0, :, 0] + 2.0), network.prior, rtol=1e-6)


@pytest.mark.parametrize("kind", [ym.Transition, ym.Linear, ym.Popularity])
def test_networks_whose_scores_are_sums_leave_nothing_out(kind):
    network, _, _ = fitted(kind())
    assert not network.left_out
