"""Stated preferences as logits: by hand, by tiles, and by Keras layers."""

import keras
import numpy as np
import polars as pl

import worlds
import ysmean as ym
from ysmean.data.batch import INPUTS
from ysmean.data.joined import Data
from ysmean.data.requests import encode
from ysmean.networks.network import keras_inputs
from ysmean.networks.wishes import Wishes

ITEMS = pl.DataFrame(
    {
        "item_id": ["a", "b", "c", "d"],
        "genres": [["red"], ["red", "blue"], ["blue"], None],
        "year": [1990, 2000, 2010, None],
        "minutes": [90.5, None, 120.0, 60.0],
    }
)
ASKED = [
    {"year": ">= 2000"},
    {"year": {"< 2000": -0.5}, "genres": {"red": 0.5}},
    {"minutes": ["> 60 and < 100", "120"], "genres": "blue"},
    {},
]
# With factor 2: strengths as stated, or divided by their length where that is above 1.
EXPECTED = [
    [0, 2, 2, 0],
    [-1 + 1, 1, 0, 0],
    [2 / 3**0.5, 2 / 3**0.5, 4 / 3**0.5, 0],
    [0, 0, 0, 0],
]


def material():
    events = worlds.table({"u": ["a", "b", "c", "d"]})
    data = Data.join(events, ym.Items.from_frame(ITEMS))
    asked = [ym.Request(preferences=stated) for stated in ASKED]
    batch = encode(asked, data.catalogue, data.histories, data.user_fields).batch
    return Wishes.of(data.catalogue, 2.0), batch


def test_items_gain_by_the_values_they_have_and_the_bounds_they_keep():
    wishes, batch = material()
    scores = wishes.scores(batch)
    np.testing.assert_allclose(scores(0, 4), EXPECTED, atol=1e-6)
    np.testing.assert_allclose(scores(1, 3), np.array(EXPECTED)[:, 1:3], atol=1e-6)


def test_what_each_preference_adds_sums_up_to_the_gains():
    wishes, batch = material()
    classes = np.array([[3, 2, 1, 0, -1]] * 4, np.int32)
    found = wishes.causes(batch, classes)
    np.testing.assert_allclose(found.effects.sum(2)[:, :4], np.array(EXPECTED)[:, ::-1], atol=1e-6)
    assert not found.effects[:, 4].any()
    named = [[wishes.ordered.named(key) for key in row if key < 0] for row in found.tokens.tolist()]
    assert named == [["year >= 2000"], ["year = 1990"], ["minutes = 90.5", "minutes = 120"], []]


def test_keras_layers_give_the_same():
    wishes, batch = material()
    inputs = keras_inputs(name for name in INPUTS if name in ("preferences", "lows", "highs"))
    inputs |= keras_inputs(["strengths"])
    model = keras.Model(inputs, keras.layers.Add()(wishes.keras_scores(inputs)))
    found = model({name: batch.arrays()[name] for name in inputs})
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), EXPECTED, atol=1e-5)
