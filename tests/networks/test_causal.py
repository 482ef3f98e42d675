"""What holds for every network that reads a history in order, whatever mixes its places."""

import keras
import numpy as np
import polars as pl
import pytest
from keras import ops

import worlds
import ysmean as ym

SMALL = {"width": 16, "history": 8, "blocks": 1, "dropout": 0.1}
KINDS = [(ym.Sequential(**SMALL, heads=2), 1e-4), (ym.Recurrent(**SMALL), 1e-5)]


@pytest.fixture(params=KINDS, ids=lambda given: given[0].kind)
def network(request):
    """Return the states (B, T, d) of an untrained model, and what counts as a difference."""
    spec, least = request.param
    _, training, _ = worlds.material(worlds.markov_chain())
    whole = spec.begin(training, 0).model
    model = keras.Model(whole.input["tokens"], whole.get_layer("norm").output)
    return lambda tokens: ops.convert_to_numpy(model(np.asarray(tokens, np.int32))), least


def test_no_state_depends_on_what_comes_after_it(network):
    states, _ = network
    tokens = np.array([[0, 0, 3, 1, 4, 1, 5, 9]])
    changed = tokens.copy()
    changed[0, 6:] = [2, 6]
    a, b = states(tokens), states(changed)
    np.testing.assert_allclose(a[:, :6], b[:, :6], atol=1e-6)
    assert np.abs(a[:, 6:] - b[:, 6:]).min(1).max() > 1e-3


def test_the_request_sees_all_of_its_history(network):
    states, least = network
    whole = states([[1, 2, 3, 4, 5, 6, 7, 8]])[:, -1]
    for place in range(8):
        tokens = np.array([[1, 2, 3, 4, 5, 6, 7, 8]])
        tokens[0, place] = 9
        assert np.abs(states(tokens)[:, -1] - whole).max() > least


@pytest.mark.parametrize(
    ("events", "items", "settings", "expected"),
    [
        (60, False, {}, 0.3),  # events an item has
        (10, False, {}, 0.5),
        (10, True, {}, 0.3),
        (10, True, {"features": False}, 0.5),
        (10, False, {"dropout": 0.1}, 0.1),
    ],
)
def test_items_that_are_hardly_known_are_learned_with_more_dropout(
    events, items, settings, expected
):
    rows = {f"u{u}": [f"i{(u + n) % 5}" for n in range(5)] for u in range(events)}
    table = ym.Items.from_frame(pl.DataFrame({"item_id": ["i0", "i1"], "kind": ["a", "a"]}))
    _, training, _ = worlds.material(worlds.table(rows), table if items else None)
    small = {name: value for name, value in SMALL.items() if name != "dropout"}
    model = ym.Recurrent(**small, **settings).begin(training, 0).model
    assert model.get_layer("dropout").rate == expected
