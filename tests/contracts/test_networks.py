"""One suite over every registered network, asked or unasked."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

import reference
import worlds
import ysmean as ym
from ysmean.data.requests import encode
from ysmean.mean.stream import Stream
from ysmean.mean.tile import conditional
from ysmean.networks.learner import Fitting
from ysmean.networks.registry import REGISTRY, spec_from_json, spec_to_json

KINDS = list(REGISTRY)
QUICK = Fitting(batch=32, max_steps=20, max_epochs=5, patience=9)


def quick(kind):
    """Return a small spec of a kind."""
    spec = REGISTRY[kind][0]()
    small = {"embedding": 8, "hidden": (16,) if kind == "collaborative" else 16, "width": 8}
    changes = {k: v for k, v in small.items() if hasattr(spec, k)}
    if hasattr(spec, "fitting"):
        changes["fitting"] = QUICK
    return replace(spec, **changes)


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    events, items, users = worlds.content_rule()
    network, data = worlds.fit_spec(quick(request.param), events, items, users)
    return request.param, network, data


REQUESTS = [
    ym.Request("u0"),
    ym.Request("u1"),
    ym.Request(history=["i0", "i3", "i6"]),
    ym.Request("u2", history=["i1"], exclude=["i2"]),
    ym.Request(preferences={"genres": ["red"]}),
    ym.Request("u1", preferences={"genres": {"red": 0.5, "blue": -1}}),
    ym.Request(preferences={"genres": {"green": -0.2}}),
]


def encoded(data, requests=REQUESTS):
    return encode(requests, data.catalogue, data.histories, data.user_fields)


def stream(network, data, requests=REQUESTS):
    e = encoded(data, requests)
    return Stream([network.head(e.batch)], ~data.catalogue.warm, np.ones((1, 2)), e.allowed)


def test_probabilities_sum_to_one_over_each_answering_member(fitted):
    _, network, data = fitted
    s = stream(network, data)
    head, size = s.heads[0], len(data.catalogue)
    allowed = s.allowed.tile(0, size)
    for b in range(len(REQUESTS)):
        for segment, inside in enumerate((~s.cold, s.cold)):
            member = allowed[b] & inside & head.coverage
            assert s.answering[b, 0, segment] == (head.answers[b] and member.any())
    y = np.zeros(s.allowed.shape)
    for tile in s.tiles():
        y[:, tile.classes] = conditional(tile, 0, s.normalizers[0])
    for segment, inside in enumerate((~s.cold, s.cold)):
        expected = s.answering[:, 0, segment].astype(float)
        assert y[:, inside].sum(1) == pytest.approx(expected, abs=1e-5)


def test_scores_are_finite_even_for_strange_histories(fitted):
    _, network, data = fitted
    size = len(data.catalogue)
    strange = [
        ym.Request(history=[]),
        ym.Request(history=["i0"] * 200),
        ym.Request(history=[f"i{n}" for n in range(30)]),
        ym.Request(history=["never seen"]),
    ]
    assert np.isfinite(network.head(encoded(data, strange).batch).scores(0, size)).all()


def test_a_request_alone_equals_itself_in_a_batch(fitted):
    _, network, data = fitted
    size = len(data.catalogue)
    together = network.head(encoded(data).batch).scores(0, size)
    for b, request in enumerate(REQUESTS):
        alone = network.head(encoded(data, [request]).batch).scores(0, size)
        np.testing.assert_allclose(alone[0], together[b], rtol=1e-5, atol=1e-5)


def test_tiles_are_parts_of_the_whole(fitted):
    _, network, data = fitted
    head = network.head(encoded(data).batch)
    size = len(data.catalogue)
    parts = [head.scores(lo, min(lo + 7, size)) for lo in range(0, size, 7)]
    whole = head.scores(0, size)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-6)


def test_state_round_trip_gives_the_same_scores(fitted):
    kind, network, data = fitted
    spec = spec_from_json(spec_to_json(network.spec))
    assert spec == network.spec
    state = network.state()
    copy = REGISTRY[kind][1].from_state(spec, state, data.catalogue)
    batch = encoded(data).batch
    size = len(data.catalogue)
    a, b = network.head(batch), copy.head(batch)
    np.testing.assert_allclose(a.scores(0, size), b.scores(0, size), rtol=1e-6, atol=1e-6)
    assert (a.coverage == b.coverage).all() and (a.answers == b.answers).all()
    assert (a.prior is None) == (b.prior is None)
    if a.prior is not None:
        np.testing.assert_array_equal(a.prior, b.prior)


def test_networks_that_do_not_know_cold_items_do_not_cover_them(fitted):
    _, network, data = fitted
    covers_cold = (network.coverage & ~data.catalogue.warm).any()
    assert covers_cold == network.knows_cold


def test_abstention_is_as_documented(fitted):
    kind, network, data = fitted
    someone, nobody, stated = (
        network.answers(encoded(data, [r]).batch)[0]
        for r in (
            ym.Request("u0"),
            ym.Request("a stranger"),
            ym.Request(preferences={"genres": ["red"]}),
        )
    )
    assert someone
    assert nobody == (kind == "popularity")
    assert stated == (kind in ("popularity", "knowledge"))


def test_the_keras_model_ends_in_the_same_softmax(fitted, tmp_path):
    _, network, data = fitted
    model = network.as_keras()
    e = encoded(data)
    size = len(data.catalogue)
    allowed = e.allowed.tile(0, size)
    arrays = {**{k: v for k, v in e.batch.arrays().items() if k in network.takes}}
    y = ops.convert_to_numpy(model({**arrays, "allowed": allowed}))
    head = network.head(e.batch)
    z = head.scores(0, size) + (0 if head.prior is None else head.prior)
    for b in range(len(REQUESTS)):
        expected = reference.conditional(z[b], allowed[b] & head.coverage)
        np.testing.assert_allclose(y[b], expected, rtol=1e-4, atol=1e-6)
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    again = ops.convert_to_numpy(loaded({**arrays, "allowed": allowed}))
    np.testing.assert_allclose(again, y, rtol=1e-5, atol=1e-7)


def test_the_same_seed_gives_the_same_state(fitted):
    kind, network, _ = fitted
    again, _ = worlds.fit_spec(quick(kind), *worlds.content_rule())
    assert network.state().arrays.keys() == again.state().arrays.keys()
    for name, array in network.state().arrays.items():
        np.testing.assert_array_equal(array, again.state().arrays[name], err_msg=name)
