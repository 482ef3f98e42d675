"""Every network learns what it should, on data with a known answer."""

from itertools import pairwise

import numpy as np
import pytest
from keras import ops

import worlds
import ysmean as ym
from ysmean.errors import ConfigError
from ysmean.networks import rows
from ysmean.networks.knowledge import FEW_STEPS
from ysmean.networks.learner import Fitting
from ysmean.networks.pairs import count_pairs
from ysmean.networks.rows import RowTable, SparseRows, sum_rows

LONG = Fitting(batch=64, max_steps=300, max_epochs=100, patience=20, learning_rate=5e-3)


def mass_on(p, data, items):
    return p[:, data.catalogue.classes(items)].sum(1)


def test_collaborative_learns_a_checkerboard():
    spec = ym.Collaborative(embedding=16, hidden=(32,), fitting=LONG)
    network, data = worlds.fit_spec(spec, worlds.checkerboard())
    p = worlds.probabilities(network, data, [ym.Request(history=["i2", "i6"])])
    assert mass_on(p, data, [f"i{i}" for i in range(0, 12, 2)])[0] > 0.95


@pytest.mark.parametrize(
    "spec", [ym.Collaborative(embedding=16, hidden=(32,), fitting=LONG), ym.Transition(window=1)]
)
def test_networks_of_order_learn_a_markov_chain(spec):
    network, data = worlds.fit_spec(spec, worlds.markov_chain())
    p = worlds.probabilities(network, data, [ym.Request(history=["i3", "i4", "i5"])])
    assert data.catalogue.item_ids[int(p[0].argmax())] == "i6"


def test_content_ranks_new_items_of_the_right_genre_first():
    events, items, _ = worlds.content_rule()
    network, data = worlds.fit_spec(ym.Content(width=16, hidden=16, fitting=LONG), events, items)
    p = worlds.probabilities(network, data, [ym.Request(history=["i0", "i3", "i6"])])
    cold = ~data.catalogue.warm
    right = np.array([g == ["red"] for g in items.frame["genres"].to_list()])
    of_genre, of_others = p[0, cold & right], p[0, cold & ~right]
    assert of_genre.min() > of_others.max()
    assert of_genre.mean() > 3 * of_others.mean()


def test_knowledge_learns_the_taste_of_users_by_their_features():
    events, items, users = worlds.content_rule()
    network, data = worlds.fit_spec(
        ym.Knowledge(width=16, hidden=16, fitting=LONG), events, items, users
    )
    p = worlds.probabilities(network, data, [ym.Request("u1", history=[])])
    green = items.frame.filter(items.frame["genres"].list.first() == "green")["item_id"]
    assert mass_on(p, data, green.to_list())[0] > 0.9


def test_where_nothing_tells_users_apart_a_few_steps_are_enough():
    events, items, users = worlds.content_rule()
    for known, steps in ((users, 2000), (None, FEW_STEPS)):
        _, training, _ = worlds.material(events, items, known)
        assert ym.Knowledge().begin(training, 0).settings.max_steps == steps


def test_a_stated_preference_multiplies_the_odds_as_documented():
    events, items, users = worlds.content_rule()
    spec = ym.Knowledge(width=8, hidden=8, preference=2.0, fitting=LONG)
    network, data = worlds.fit_spec(spec, events, items, users)
    plain, liking = (
        worlds.probabilities(network, data, [ym.Request("u0", preferences=stated)])[0]
        for stated in ({}, {"genres": ["blue"]})
    )
    blue, red = data.catalogue.classes(["i2", "i0"])
    gain = (liking[blue] / liking[red]) / (plain[blue] / plain[red])
    assert gain == pytest.approx(np.exp(2.0), rel=1e-3)


def test_strengths_multiply_log_odds_and_together_are_no_longer_than_one():
    events, items, users = worlds.content_rule()
    spec = ym.Knowledge(width=8, hidden=8, preference=2.0, fitting=LONG)
    network, data = worlds.fit_spec(spec, events, items, users)
    blue, red = data.catalogue.classes(["i2", "i0"])

    def log_odds(**strengths):
        asked = [ym.Request("u0", preferences={"genres": strengths})]
        p = worlds.probabilities(network, data, asked)[0]
        return np.log(p[blue] / p[red])

    def gain(**strengths):
        return log_odds(**strengths) - log_odds()

    assert gain(blue=0.5) == pytest.approx(1.0, abs=1e-3)
    assert gain(blue=-0.25) == pytest.approx(-0.5, abs=1e-3)
    assert gain(red=-1) == pytest.approx(2.0, abs=1e-3)
    assert gain(blue=1, red=-1) == pytest.approx(2 * 2.0 / np.sqrt(2), abs=1e-3)
    assert gain(blue=0.6, red=-0.6) == pytest.approx(2.4, abs=1e-3)  # shorter than 1 together
    assert gain(blue=1, green=0.01) == pytest.approx(2.0, abs=1e-3)


def test_popularity_is_smoothed_counts():
    events = worlds.table({"a": ["x", "y"], "b": ["x", "z"], "c": ["x"]})
    network, data = worlds.fit_spec(ym.Popularity(smoothing=1.0), events)
    p = worlds.probabilities(network, data, [ym.Request()])[0]
    x, y, z = data.catalogue.classes(["x", "y", "z"])
    counts = network.counts + 1.0
    assert [p[x], p[y], p[z]] == pytest.approx(list(counts[[x, y, z]] / counts.sum()))
    assert p[x] > p[y]


def test_popularity_halves_the_weight_of_an_event_one_half_life_old():
    import polars as pl

    from ysmean.networks.popularity import decayed_counts

    frame = pl.DataFrame(
        {"user_id": ["a", "b"], "item_id": ["old", "new"], "timestamp": [0.0, 10 * 86_400.0]}
    )
    from ysmean.data.joined import Data

    data = Data.join(ym.Events.from_frame(frame))
    counts = decayed_counts(data.histories, 2, half_life_days=10)
    assert list(counts[data.catalogue.classes(["old", "new"])]) == pytest.approx([0.5, 1.0])


def test_transitions_are_counted_by_distance():
    from ysmean.data.joined import Data

    data = Data.join(worlds.table({"u": ["a", "b", "c"], "v": ["b", "a"]}))
    pairs = count_pairs(data.histories, 3, window=2).toarray()
    a, b, c = data.catalogue.classes(["a", "b", "c"])
    expected = np.zeros((3, 3))
    expected[a, b], expected[b, c], expected[a, c], expected[b, a] = 1, 1, 0.5, 1
    np.testing.assert_allclose(pairs, expected)


def test_transition_equals_the_formula_computed_by_hand():
    events = worlds.table({"u": ["a", "b", "c"], "v": ["a", "c", "b"], "w": ["c"]})
    spec = ym.Transition(window=1, history=2, decay=0.5, smoothing=2.0)
    data, training, _ = worlds.material(events)
    network = spec.begin(training, 0)
    p = worlds.probabilities(network, data, [ym.Request(history=["a", "b"])])[0]
    h = training.histories
    counts = np.zeros((3, 3))
    for u in range(len(h)):
        own = h.classes[h.offsets[u] : h.offsets[u + 1]]
        for x, y in pairwise(own):
            counts[x, y] += 1
    n = np.bincount(h.classes, minlength=3)
    popular = (n + 1.0) * (n > 0) / ((n + 1.0) * (n > 0)).sum()
    rows = (counts + 2.0 * popular) / (counts.sum(1, keepdims=True) + 2.0)
    a, b = data.catalogue.classes(["a", "b"])
    mixed = rows[b] * (1 / 1.5) + rows[a] * (0.5 / 1.5)
    np.testing.assert_allclose(p, mixed / mixed.sum(), rtol=1e-5)


def test_only_the_strongest_neighbours_are_kept_and_the_rest_goes_to_popularity():
    events = worlds.table(
        {f"u{n}": ["a", "b"] for n in range(3)} | {"v": ["a", "c"], "w": ["a", "d"]}
    )
    data, training, _ = worlds.material(events)
    network = ym.Transition(window=1, neighbours=1, smoothing=1.0).begin(training, 0)
    a = int(data.catalogue.classes(["a"])[0])
    row = network.table.matrix().toarray()[a]
    assert (row > 0).sum() <= 1
    assert row.sum() + network.rest[a] == pytest.approx(1.0)


def test_the_original_stack_is_five_items_wide_and_two_layers_deep():
    model = ym.Collaborative.original().build(size=50, seed=0)
    shapes = {layer.name: [tuple(w.shape) for w in layer.weights] for layer in model.layers}
    assert shapes["embedding"] == [(51, 1024)]
    assert shapes["hidden_0"] == [(5 * 1024, 1024), (1024,)]
    assert shapes["hidden_1"] == [(1024, 1024), (1024,)]
    assert shapes["output"] == [(1024, 50), (50,)]
    assert model.get_layer("hidden_0").activation.__name__ == "relu"
    tokens = np.arange(1, 6)[None]
    assert tuple(model({"tokens": tokens}).shape) == (1, 50)


@pytest.mark.parametrize("most", [6 * 9 * 4 - 1, 6 * 9 * 4])
def test_sparse_rows_of_keras_and_of_scipy_agree_with_a_dense_product(most, monkeypatch):
    monkeypatch.setattr(rows, "DENSE_BYTES", most)
    rng = np.random.default_rng(0)
    dense = rng.random((6, 9)) * (rng.random((6, 9)) < 0.4)
    owner, classes = np.nonzero(dense)
    offsets = np.concatenate([[0], np.bincount(owner, minlength=6).cumsum()])
    values = dense[owner, classes].astype(np.float32)
    table = RowTable(offsets, classes.astype(np.int32), values, 9)
    tokens = rng.integers(0, 7, (5, 4)).astype(np.int32)
    weights = rng.random((5, 4)).astype(np.float32)
    padded = np.concatenate([np.zeros((1, 9)), dense])
    expected = (padded[tokens] * weights[:, :, None]).sum(1)
    assert isinstance(table.fastest, np.ndarray) == (most == 6 * 9 * 4)
    sums = sum_rows(table, tokens, weights)
    np.testing.assert_allclose(sums(0, 9), expected, rtol=1e-5)
    np.testing.assert_allclose(sums(2, 5), expected[:, 2:5], rtol=1e-5)
    layer = SparseRows.of(table)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(tokens, weights)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ym.Collaborative(history=0), "history"),
        (lambda: ym.Collaborative(dropout=1.0), "dropout=1.0"),
        (lambda: ym.Transition(decay=0), "decay=0"),
        (lambda: ym.Content(width=0), "width"),
        (lambda: ym.Knowledge(preference=-1), "preference=-1"),
        (lambda: ym.Popularity(smoothing=0), "smoothing=0"),
    ],
)
def test_settings_that_make_no_network_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
