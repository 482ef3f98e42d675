"""On the TensorFlow backend: the whole way, and its own exports."""

import keras
import numpy as np
import pytest

import ysmean as ym

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the TensorFlow backend is not in use"
)


def test_a_recommender_trains_saves_and_answers(tmp_path):
    import worlds

    events, items, users = worlds.content_rule(users=40)
    quick = ym.Fitting(batch=32, max_steps=20)
    specs = [
        ym.Collaborative(embedding=8, hidden=(16,), fitting=quick),
        ym.Transition(),
        ym.Content(width=8, hidden=8, fitting=quick),
        ym.Knowledge(width=8, hidden=8, fitting=quick),
        ym.Sequential(width=8, blocks=1, fitting=quick),
        ym.Popularity(),
    ]
    recommender = ym.train(events, items, users, networks=specs)
    recommender.save(tmp_path / "model")
    again = ym.Recommender.load(tmp_path / "model")
    a, b = recommender.recommend("u0", k=5), again.recommend("u0", k=5)
    assert [i.item_id for i in a] == [i.item_id for i in b]
    requests = [ym.Request("u0"), ym.Request("u1", where="genres = green")]
    y = np.asarray(recommender.model(recommender.model_inputs(requests)))
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)


def test_a_tensorflow_model_with_the_mean_can_be_exported(tmp_path):
    import tensorflow as tf

    inputs = keras.Input((4,))
    ys = [keras.layers.Dense(6, "softmax")(inputs) for _ in range(2)]
    model = keras.Model(inputs, ym.YsMean()(ys))
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(tmp_path / "exported")
    x = np.ones((3, 4), np.float32)
    np.testing.assert_allclose(served.serve(x).numpy(), model.predict(x, verbose=0), rtol=1e-5)
