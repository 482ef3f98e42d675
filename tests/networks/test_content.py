"""Content: it knows items by what they are, in the order they were taken."""

import numpy as np
import polars as pl
import pytest
from keras import ops

import worlds
import ysmean as ym
from ysmean.errors import ConfigError
from ysmean.networks.learner import Fitting
from ysmean.training.fit import fit
from ysmean.training.progress import Progress

LONG = Fitting(batch=256, max_steps=300, max_epochs=300, patience=20, learning_rate=5e-3)
SMALL = {"width": 16, "hidden": 16, "blocks": 1, "history": 8}


def items_of(genres):
    """Return items i0.. of given genres."""
    names = [f"i{n}" for n in range(len(genres))]
    return ym.Items.from_frame(pl.DataFrame({"item_id": names, "genre": genres}))


def test_it_learns_an_order_of_genres_that_only_the_item_before_the_last_can_tell():
    genres = ["red", "blue", "grey", "green", "gold"] * 8
    of = {g: [n for n, genre in enumerate(genres) if genre == g] for g in genres}
    rng = np.random.default_rng(0)

    def sitting(first):  # red, grey, green or blue, grey, gold: the middle one tells nothing
        order = ("red", "grey", "green") if first else ("blue", "grey", "gold")
        return [f"i{rng.choice(of[g])}" for g in order]

    rows = {f"u{u}": sitting(u % 2) for u in range(300)}
    spec = ym.Content(**SMALL, dropout=0.0, fitting=LONG)
    network, data = worlds.fit_spec(spec, worlds.table(rows), items_of(genres))
    p = worlds.probabilities(
        network, data, [ym.Request(history=["i0", "i2"]), ym.Request(history=["i1", "i2"])]
    )
    green, gold = (data.catalogue.classes([f"i{n}" for n in of[g]]) for g in ("green", "gold"))
    assert p[0, green].sum() > 5 * p[0, gold].sum()
    assert p[1, gold].sum() > 5 * p[1, green].sum()


def test_no_query_depends_on_what_comes_after_it():
    events, items, _ = worlds.content_rule()
    _, training, _ = worlds.material(events, items)
    learner = ym.Content(**SMALL).begin(training, 0)
    tokens = np.array([[0, 0, 3, 1, 4, 1, 5, 9]], np.int32)
    changed = tokens.copy()
    changed[0, 6:] = [3, 4]
    asked = {"targets": np.zeros((1, 8), np.int32), "weights": np.ones((1, 8), np.float32)}
    a, b = (ops.convert_to_numpy(learner.model({"tokens": t, **asked})) for t in (tokens, changed))
    np.testing.assert_allclose(a[:, :6], b[:, :6], atol=1e-6)
    assert np.abs(a[:, 6:] - b[:, 6:]).min(1).max() > 1e-4


def test_it_learns_nothing_from_the_events_of_pseudo_cold_items():
    events, items, users = worlds.content_rule()
    held = ["i0", "i4"]
    data, training, held_out = worlds.material(events, items, users, pseudo_cold=held)
    spec = ym.Content(**SMALL, fitting=Fitting(batch=64, max_steps=5))
    network, _ = fit("it", spec.begin(training, 0), training.histories, held_out, 0, Progress())
    cold = data.catalogue.classes(held)
    assert not network.prior[cold].any() and network.coverage[cold].all()
    learner = spec.begin(training, 0)
    assert not learner.learnable[cold].any()
    tokens = np.zeros((1, 8), np.int32)
    tokens[0, -1] = 1 + training.catalogue.classes(["i5"])[0]
    target = training.catalogue.classes(["i0"])
    asked = {"targets": target[None], "weights": np.ones((1, 1), np.float32)}
    learner.model({"tokens": tokens, **asked})
    assert float(ops.convert_to_numpy(learner.model.losses[0])) == 0  # not asked for
    other = {**asked, "targets": training.catalogue.classes(["i1"])[None]}
    tower = learner.model.get_layer("loss").items
    before = loss_of(learner, tokens, other)
    tower.features.assign(raised(tower.features, target))
    assert loss_of(learner, tokens, other) == pytest.approx(before)  # nor in the softmax
    tower.features.assign(raised(tower.features, training.catalogue.classes(["i2"])))
    assert loss_of(learner, tokens, other) != pytest.approx(before)


def loss_of(learner, tokens, asked):
    learner.model({"tokens": tokens, **asked})
    return float(ops.convert_to_numpy(learner.model.losses[0]))


def raised(features, classes):
    changed = np.array(ops.convert_to_numpy(features))
    changed[classes] += 5
    return changed


def test_items_without_features_are_not_covered_and_say_nothing():
    genres = ["red", "blue", None, "red", "blue", None]
    rows = {f"u{u}": ["i0", "i2", "i1", "i5", "i3", "i4"] for u in range(30)}
    spec = ym.Content(**SMALL, fitting=Fitting(batch=64, max_steps=5))
    network, data = worlds.fit_spec(spec, worlds.table(rows), items_of(genres))
    bare = data.catalogue.classes(["i2", "i5"])
    assert not network.coverage[bare].any() and network.coverage.sum() == 4
    requests = [ym.Request(history=["i0"]), ym.Request(history=["i0", "i2", "i5"])]
    p = worlds.probabilities(network, data, requests)
    np.testing.assert_allclose(p[0], p[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "width"),
        ({"blocks": 0}, "blocks"),
        ({"width": 10, "heads": 4}, "width=10, heads=4"),
        ({"feature_dropout": 1.0}, "feature_dropout=1.0"),
    ],
)
def test_settings_that_make_no_network_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ym.Content(**settings)
