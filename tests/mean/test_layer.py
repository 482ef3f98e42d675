"""The YsMean Keras layer, on whichever backend runs the tests."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers, ops

from ysmean.errors import ConfigError
from ysmean.mean.layer import YsMean


def softmaxes(count, batch=3, size=7, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(size), batch).astype(np.float32) for _ in range(count)]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=5).filter(lambda w: sum(w) > 1e-3))
def test_the_layer_is_numpys_weighted_average(weights):
    ys = softmaxes(len(weights))
    expected = np.average(ys, axis=0, weights=weights)
    y = ops.convert_to_numpy(YsMean(weights)(ys))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)


def test_no_weights_are_the_plain_mean():
    ys = softmaxes(3)
    np.testing.assert_allclose(ops.convert_to_numpy(YsMean()(ys)), np.mean(ys, axis=0), rtol=1e-6)


def test_doubling_a_network_counts_it_twice():
    a, b, c = ys = softmaxes(3)
    y = ops.convert_to_numpy(YsMean([2, 1, 1])(ys))
    np.testing.assert_allclose(y, (a + a + b + c) / 4, rtol=1e-6)


def test_weights_of_a_call_may_differ_by_row():
    a, b = ys = softmaxes(2)
    w = np.array([[1, 0], [0, 5], [1, 1]], np.float32)
    y = ops.convert_to_numpy(YsMean()(ys, weights=w))
    np.testing.assert_allclose(y, [a[0], b[1], (a[2] + b[2]) / 2], rtol=1e-6)


def test_half_precision_inputs_are_summed_in_float32():
    y = YsMean()([ops.cast(y, "float16") for y in softmaxes(2)])
    assert keras.backend.standardize_dtype(y.dtype) == "float32"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, -1], "Weight 1 is -1.0"),
        ([float("nan"), 1], "Weight 0 is nan"),
        ([1, float("inf")], "Weight 1 is inf"),
        ([0, 0], "All weights are zero"),
    ],
)
def test_weights_that_make_no_mean_are_refused_by_name(weights, message):
    with pytest.raises(ConfigError, match=message):
        YsMean(weights)
    with pytest.raises(ConfigError, match=message):
        YsMean()(softmaxes(2), weights=np.array(weights))


def test_a_wrong_number_of_weights_is_refused_with_both_numbers():
    with pytest.raises(ConfigError, match="3 weights but received 2 distributions"):
        YsMean([1, 1, 1])(softmaxes(2))


def test_distributions_over_different_classes_are_refused():
    with pytest.raises(ConfigError, match="same classes"):
        YsMean()([np.ones((2, 3)), np.ones((2, 4))])


def test_a_single_tensor_is_refused():
    with pytest.raises(ConfigError, match="list of distributions"):
        YsMean()(np.ones((2, 3)))


def test_a_users_own_model_ends_in_the_mean_is_fitted_saved_and_loaded(tmp_path):
    inputs = keras.Input((5,))
    ys = [layers.Dense(4, "softmax")(layers.Dense(8, "relu")(inputs)) for _ in range(3)]
    model = keras.Model(inputs, YsMean([2, 1, 1], name="ys_mean")(ys))
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(256, 5)).astype(np.float32)
    target = x[:, :4].argmax(1)
    history = model.fit(x, target, epochs=15, verbose=0)
    assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
    model.save(tmp_path / "mean.keras")
    loaded = keras.models.load_model(tmp_path / "mean.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), y, rtol=1e-5, atol=1e-6)
    assert loaded.get_layer("ys_mean").get_config()["weights"] == [2.0, 1.0, 1.0]
