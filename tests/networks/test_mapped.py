"""Columns of new items, told by a regression of known ones on features."""

import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean.data.features import FeatureEncoder
from ysmean.data.requests import encode
from ysmean.networks import mapped as module
from ysmean.networks import regression
from ysmean.networks.growth import Changed
from ysmean.networks.mapped import Mapped
from ysmean.networks.pairs import count_pairs
from ysmean.networks.regression import directions, slopes


def learned(rng, rows=6, taught=8, new=3, width=4, penalty=2.0):
    table = rng.random((rows, taught))
    features = rng.normal(size=(taught + new, width)).astype(np.float32)
    known, told = np.arange(taught), np.arange(taught, taught + new)
    mapped = Mapped.learn(lambda v: table @ v, features.__getitem__, known, told, penalty)
    return table, features, mapped


def test_columns_are_those_of_a_ridge_regression():
    rng = np.random.default_rng(0)
    table, features, mapped = learned(rng)
    x = features[:8].astype(np.float64)
    expected = table @ x @ np.linalg.inv(x.T @ x + 2.0 * np.eye(4)) @ features[8:].T  # (6, 3)
    tokens, weights = np.array([[1, 4, 0]], np.int32), np.array([[0.5, 0.25, 9.0]], np.float32)
    columns, sums = mapped.sums(tokens, weights)(9, 11)
    assert columns.tolist() == [0, 1]
    rows = 0.5 * expected[0] + 0.25 * expected[3]
    np.testing.assert_allclose(sums[0], rows[1:], rtol=1e-4)

    classes = np.array([[9, 2, -1, 10]], np.int32)
    parts = mapped.parts(tokens, weights, classes)
    np.testing.assert_allclose(
        parts[0, 0], [0.5 * expected[0, 1], 0.25 * expected[3, 1], 0], rtol=1e-4
    )
    np.testing.assert_allclose(parts.sum(2)[0], [rows[1], 0, 0, rows[2]], rtol=1e-4)


def test_where_numbers_are_many_the_main_axes_are_kept(monkeypatch):
    rng = np.random.default_rng(1)
    monkeypatch.setattr(module, "PROFILE_BYTES", 6 * 2 * 4)
    monkeypatch.setattr(regression, "CHUNK", 3)
    table, features, mapped = learned(rng)
    assert mapped.profiles.shape == (6, 2) and mapped.places.shape == (3, 2)
    x = features[:8].astype(np.float64)
    _, _, axes = np.linalg.svd(x, full_matrices=False)
    z = x @ axes[:2].T
    expected = table @ z @ np.linalg.inv(z.T @ z + 2.0 * np.eye(2)) @ axes[:2] @ features[8:].T
    ones = np.arange(1, 7, dtype=np.int32)[:, None]
    _, sums = mapped.sums(ones, np.ones((6, 1), np.float32))(8, 11)
    np.testing.assert_allclose(sums, expected, rtol=1e-3, atol=1e-5)


def test_items_come_go_and_are_described_anew():
    rng = np.random.default_rng(2)
    _, _, mapped = learned(rng)
    one, other = np.eye(4, dtype=np.float32)[:2]
    both = np.stack([one, other])
    changed = Changed(np.array([11, 8], np.int32), both, np.zeros((2, 4)), both)
    grown = mapped.with_items(12, changed)
    assert grown.classes.tolist() == [8, 9, 10, 11]
    np.testing.assert_allclose(grown.places[3], one @ mapped.axes, rtol=1e-6)
    np.testing.assert_allclose(grown.places[0], other @ mapped.axes, rtol=1e-6)
    np.testing.assert_array_equal(grown.places[1:3], mapped.places[1:3])
    zero = np.zeros((1, 4), np.float32)
    nothing = Changed(np.array([8], np.int32), zero, other[None], zero)
    assert grown.with_items(11, nothing).classes.tolist() == [9, 10]


@pytest.fixture(scope="module")
def fitted():
    events, items, _ = worlds.content_rule()
    network, data = worlds.fit_spec(ym.Transition(), events, items, pseudo_cold=["i0", "i4"])
    return network, data


def asked(data, history):
    request = [ym.Request(history=history)]
    return encode(request, data.catalogue, data.histories, data.user_fields).batch


def test_transition_scores_new_items_by_the_company_of_items_like_them(fitted):
    network, data = fitted
    warm, size = data.catalogue.warm, len(data.catalogue)
    features = FeatureEncoder.fit(data.catalogue.frame, data.catalogue.schema)(
        data.catalogue.frame, wide=True
    )
    stand_in = np.isin(np.arange(size), data.catalogue.classes(["i0", "i4"]))
    taught, new = warm & ~stand_in, ~warm
    training = worlds.material(*worlds.content_rule()[:2])[1].histories
    pairs = count_pairs(training, size, 10).toarray()
    company = pairs + pairs.T + 20.0 * np.eye(size)
    totals = company.sum(1, keepdims=True) + 5.0
    rows = company / totals + 5.0 / totals * network.popular
    x = features.astype(np.float64)
    inner = x[taught].T @ x[taught] + 30.0 * np.eye(x.shape[1])
    columns = rows[:, taught] @ x[taught] @ np.linalg.inv(inner) @ x.T  # (N, N)
    first, second = data.catalogue.classes(["i3", "i6"])
    expected = (0.7 * columns[first] + columns[second]) / 1.7

    batch = asked(data, ["i3", "i6"])
    head, as_new = network.head(batch), network.head_as_new(batch, stand_in)
    assert head.coverage.all() and as_new.coverage.all()
    even = 1 / warm.sum()
    p, q = (np.exp(h.scores(0, size)[0].astype(np.float64)) for h in (head, as_new))
    np.testing.assert_allclose(p[new], np.maximum(expected[new], 0) + even, rtol=1e-3)
    np.testing.assert_allclose(q[stand_in], np.maximum(expected[stand_in], 0) + even, rtol=1e-3)
    np.testing.assert_allclose(q[~stand_in], p[~stand_in], rtol=1e-6)
    red = np.array([g == ["red"] for g in data.catalogue.frame["genres"].to_list()])
    said = p - even
    assert said[new & red].min() > 3 * said[new & ~red].max()


def test_what_counted_for_a_new_item_adds_up_to_its_score(fitted):
    network, data = fitted
    batch = asked(data, ["i3", "i6"])
    new = np.flatnonzero(~data.catalogue.warm).astype(np.int32)[None]
    items, popularity = network.causes(batch, new)
    total = items.effects.sum(2) + popularity.effects.sum(2)
    scores = np.exp(network.head(batch).scores(0, len(data.catalogue))[0, new[0]])
    even = 1 / data.catalogue.warm.sum()  # which nothing counted for
    np.testing.assert_allclose(np.maximum(total[0], 0) + even, scores, rtol=1e-4)


def test_with_cold_off_a_transition_covers_no_new_item():
    events, items, _ = worlds.content_rule()
    network, data = worlds.fit_spec(ym.Transition(cold=False), events, items)
    assert not network.knows_cold
    assert (network.coverage == data.catalogue.warm).all()
    stand_in = np.isin(np.arange(len(data.catalogue)), data.catalogue.classes(["i0", "i4"]))
    as_new = network.head_as_new(asked(data, ["i3"]), stand_in)
    assert (as_new.coverage == data.catalogue.warm & ~stand_in).all()


def test_directions_are_the_same_whichever_product_they_are_of():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(9, 6)).astype(np.float32)
    features = np.concatenate([features, features @ rng.normal(size=(6, 4))], axis=1)  # (9, 10)
    features[8] = features[7]  # rank 6 at most, told by fewer items than features
    classes = np.array([1, 2, 4, 7, 8])
    spread, axes = directions(features.astype(np.float32).__getitem__, classes)
    x = features[classes].astype(np.float64)
    assert spread.shape == (4,) and axes.shape == (10, 4)  # two of the five are one
    np.testing.assert_allclose(axes.T @ axes, np.eye(4), atol=1e-4)
    np.testing.assert_allclose(axes * spread @ axes.T, x.T @ x, rtol=1e-4, atol=1e-3)
    for penalty in (0.5, 30.0):
        direct = np.linalg.solve(x.T @ x + penalty * np.eye(10), x.T)
        np.testing.assert_allclose(slopes(spread, axes, x.T, penalty), direct, rtol=1e-3, atol=1e-5)
