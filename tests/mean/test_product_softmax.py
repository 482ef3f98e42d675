"""The consensus as a Keras layer, on whichever backend runs the tests."""

import keras
import numpy as np
from keras import ops

import reference
from ysmean.mean.product_softmax import ProductSoftmax


def world(seed=0, networks=3, batch=4, size=9):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (networks, batch, size)).astype(np.float32)
    coverage = rng.random((networks, size)) < 0.7
    prior = rng.normal(0, 1, (networks, size)).astype(np.float32)
    allowed = rng.random((batch, size)) < 0.8
    exponents = rng.uniform(0, 1, (batch, networks)).astype(np.float32)
    exponents[0, 0], exponents[1] = 0.0, 0.0
    return z, coverage, prior, allowed, exponents


def test_the_layer_is_the_naive_product():
    z, coverage, prior, allowed, exponents = world()
    s = reference.stream(z, allowed, coverage=list(coverage), prior=list(prior))
    expected = reference.consensus(s, np.repeat(exponents[:, :, None], 2, axis=2))
    y = ProductSoftmax(coverage, prior)(list(z), allowed, exponents=exponents)
    np.testing.assert_allclose(ops.convert_to_numpy(y), expected, rtol=1e-4, atol=1e-6)
    assert not expected[1].any()


def test_a_model_with_it_is_saved_and_loaded(tmp_path):
    z, coverage, prior, allowed, exponents = world(1)
    scores = [keras.Input((9,), name=f"z{k}") for k in range(3)]
    mask = keras.Input((9,), dtype="bool", name="allowed")
    a = keras.Input((3,), name="exponents")
    y = ProductSoftmax(coverage, prior, name="consensus")(scores, mask, exponents=a)
    model = keras.Model([*scores, mask, a], y)
    model.save(tmp_path / "consensus.keras")
    loaded = keras.models.load_model(tmp_path / "consensus.keras")
    given = [*z, allowed, exponents]
    before, after = (ops.convert_to_numpy(m(given)) for m in (model, loaded))
    np.testing.assert_allclose(after, before, rtol=1e-6)
    assert before.any()
