"""Item vectors that follow from features: what they are made of, and what new items gain."""

import numpy as np
import pytest
from keras import ops

import worlds
import ysmean as ym
from ysmean.data.features import FeatureEncoder
from ysmean.data.requests import encode
from ysmean.errors import ConfigError
from ysmean.networks.initial import Initial
from ysmean.networks.item_embedding import ItemEmbedding
from ysmean.networks.learner import Fitting
from ysmean.networks.registry import spec_from_json, spec_to_json

SMALL = {"width": 16, "history": 8, "heads": 2, "blocks": 1, "own_dropout": 0.2}
LONG = Fitting(batch=128, max_steps=300, max_epochs=200, patience=20, learning_rate=5e-3)


def encoded(data, requests):
    return encode(requests, data.catalogue, data.histories, data.user_fields).batch


def embedding(own_dropout=0.0):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 3)).astype(np.float32)
    own = np.array([True, False, True, True, False])
    layer = ItemEmbedding(5, 4, Initial(0))
    layer.see(features, own, own_dropout, Initial(1))
    layer.embeddings.assign(rng.normal(size=(6, 4)).astype(np.float32))
    return layer, features, own


def test_a_row_is_the_items_own_vector_plus_that_of_what_it_is():
    layer, features, own = embedding()
    table = ops.convert_to_numpy(layer.table())
    rows, kernel = (ops.convert_to_numpy(w) for w in (layer.embeddings, layer.kernel))
    expected = rows[1:] * own[:, None] + features @ kernel
    np.testing.assert_allclose(table[1:], expected, rtol=1e-5)
    np.testing.assert_array_equal(table[0], 0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.classes()[0]), table[1:])
    tokens = np.array([[0, 5, 2]], np.int32)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(tokens))[0], table[[0, 5, 2]])


def test_in_training_own_vectors_are_left_out_whole_items_at_a_time():
    layer, features, own = embedding(own_dropout=0.5)
    rows, kernel = (ops.convert_to_numpy(w) for w in (layer.embeddings, layer.kernel))
    kept = set()
    for _ in range(40):
        rest = ops.convert_to_numpy(layer.table(training=True))[1:] - features @ kernel
        factors = rest[own] / rows[1:][own]  # 0, or 1 / share kept
        assert np.allclose(factors, factors[:, :1], atol=1e-3)
        kept |= set(np.round(factors[:, 0], 3).tolist())
    assert kept == {0.0, 2.0}


def test_a_sequential_that_sees_features_ranks_new_items_of_the_right_genre_first():
    events, items, _ = worlds.content_rule()
    spec = ym.Sequential(**SMALL, dropout=0.0, fitting=LONG)
    network, data = worlds.fit_spec(spec, events, items, pseudo_cold=["i0", "i4"])
    cold = ~data.catalogue.warm
    assert network.knows_cold and network.coverage[cold].all()
    p = worlds.probabilities(network, data, [ym.Request(history=["i3", "i6", "i9"])])
    right = np.array([g == ["red"] for g in items.frame["genres"].to_list()])
    assert p[0, cold & right].min() > 3 * p[0, cold & ~right].max()


def test_it_comes_back_as_it_was_and_needs_features():
    events, items, _ = worlds.content_rule()
    spec = ym.Sequential(**SMALL, fitting=Fitting(batch=64, max_steps=5))
    network, data = worlds.fit_spec(spec, events, items)
    again = spec_from_json(spec_to_json(spec))
    copy = type(network).from_state(again, network.state(), data.catalogue)
    requests = [ym.Request("u0"), ym.Request(history=["i1", "i29"])]
    a, b = (worlds.probabilities(n, data, requests) for n in (network, copy))
    np.testing.assert_allclose(a, b, rtol=1e-6)
    assert (copy.coverage == network.coverage).all() and copy.knows_cold
    bare = worlds.material(events)[1].catalogue
    assert spec.missing(bare) == "no item with events has features"
    assert ym.Sequential().missing(bare) is None


def test_without_cold_new_items_mean_something_in_a_history_and_are_not_scored():
    events, items, _ = worlds.content_rule()
    spec = ym.Sequential(**{**SMALL, "own_dropout": 0.0}, cold=False, dropout=0.0, fitting=LONG)
    network, data = worlds.fit_spec(spec, events, items, pseudo_cold=["i0", "i4"])
    warm = data.catalogue.warm
    assert not network.knows_cold and (network.coverage == warm).all()
    red = np.array([g == ["red"] for g in items.frame["genres"].to_list()])
    new = items.frame["item_id"].to_numpy()[~warm & red][0]
    p = worlds.probabilities(network, data, [ym.Request(history=[new])])
    assert p[0, warm & red].mean() > 3 * p[0, warm & ~red].mean()


def test_a_new_items_embedding_is_told_by_a_ridge_regression_on_what_items_are():
    events, items, _ = worlds.content_rule()
    spec = ym.Recurrent(width=16, history=8, blocks=1, fitting=LONG, dropout=0.0)
    network, data = worlds.fit_spec(spec, events, items, pseudo_cold=["i0", "i4"])
    warm, size = data.catalogue.warm, len(data.catalogue)
    assert network.knows_cold and network.coverage.all()
    encoder = FeatureEncoder.fit(data.catalogue.frame, data.catalogue.schema)
    x, v = encoder(data.catalogue.frame, wide=True), network.item_vectors
    stand_in = np.isin(np.arange(size), data.catalogue.classes(["i0", "i4"]))
    taught = warm & ~stand_in
    eye = np.eye(x.shape[1])
    kernel = np.linalg.solve(x[taught].T @ x[taught] + eye, x[taught].T @ v[taught])
    np.testing.assert_allclose(v[~warm], x[~warm] @ kernel, rtol=1e-3, atol=1e-4)

    batch = encoded(data, [ym.Request(history=["i3", "i6", "i9"])])
    known, as_new = network.head(batch), network.head_as_new(batch, stand_in)
    queries = network.queries(batch)
    np.testing.assert_allclose(
        as_new.scores(0, size)[:, stand_in], queries @ (x @ kernel)[stand_in].T, atol=1e-3
    )
    np.testing.assert_array_equal(
        as_new.scores(0, size)[:, ~stand_in], known.scores(0, size)[:, ~stand_in]
    )
    assert as_new.coverage.all()
    p = worlds.probabilities(network, data, [ym.Request(history=["i3", "i6", "i9"])])
    right = np.array([g == ["red"] for g in items.frame["genres"].to_list()])
    assert p[0, ~warm & right].min() > 3 * p[0, ~warm & ~right].max()


@pytest.mark.parametrize("kind", [ym.Recurrent, ym.Transition])
def test_without_features_it_covers_no_new_item(kind):
    events, items, _ = worlds.content_rule()
    bare = ym.Items.from_frame(items.frame.select("item_id"))
    quick = (
        {} if kind is ym.Transition else {"width": 16, "fitting": Fitting(batch=64, max_steps=5)}
    )
    network, data = worlds.fit_spec(kind(**quick), events, bare)
    assert not network.knows_cold
    assert not network.coverage[~data.catalogue.warm].any()


def test_training_for_new_items_without_seeing_features_is_refused():
    with pytest.raises(ConfigError, match=r"Recurrent got own_dropout=0\.2, features=False"):
        ym.Recurrent(own_dropout=0.2, features=False)


def test_a_share_of_own_vectors_that_is_no_share_is_refused():
    with pytest.raises(ConfigError, match=r"own_dropout=1\.0"):
        ym.Sequential(own_dropout=1.0)


@pytest.mark.parametrize(
    "kind, setting", [(ym.Recurrent, "penalty"), (ym.Transition, "penalty"), (ym.Transition, "own")]
)
def test_a_regression_without_a_penalty_is_refused(kind, setting):
    with pytest.raises(ConfigError, match=setting):
        kind(**{setting: -1.0})
