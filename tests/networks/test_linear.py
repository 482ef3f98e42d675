"""The linear network: what it learns, how sure it is, when it cannot be built."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean.data.requests import encode
from ysmean.errors import ConfigError, NothingToLearn

SMALL = ym.Linear(history=3, recency=1.0, regularisation=1.0)


def naive(histories, size, fade, regularisation):
    """Return the examples and B of the ridge regression, in float64."""
    xs, ys = [], []
    for u in range(len(histories)):
        own = histories.classes[histories.offsets[u] : histories.offsets[u + 1]]
        for p in range(1, len(own)):
            x = np.zeros(size)
            for steps in range(1, min(p, len(fade)) + 1):
                x[own[p - steps]] += fade[steps - 1]
            xs.append(x)
            ys.append(np.eye(size)[own[p]])
    x, y = np.array(xs), np.array(ys)
    return np.linalg.solve(x.T @ x + regularisation * np.eye(size), x.T @ y)


def merged(histories, covered):
    """Return histories with one of the items that are not covered in place of them all."""
    one = np.flatnonzero(~covered)[:1]
    classes = histories.classes
    return replace(histories, classes=np.where(covered[classes], classes, one.sum()))


def random_world(seed=0, users=40, items=9):
    """Users walk along a ring of items, now and then jumping."""
    rng = np.random.default_rng(seed)
    histories = {}
    for u in range(users):
        steps = 1 + (rng.random(5) < 0.3) * rng.integers(0, items, 5)
        walk = (rng.integers(0, items) + np.cumsum(steps)) % items
        histories[f"u{u}"] = [f"i{i}" for i in walk]
    return worlds.table(histories)


@pytest.mark.parametrize(("history", "least"), [(1, 0.9), (3, 0.6)])
def test_it_learns_a_markov_chain(history, least):
    spec = replace(SMALL, history=history)
    network, data = worlds.fit_spec(spec, worlds.markov_chain())
    p = worlds.probabilities(network, data, [ym.Request(history=["i3", "i4", "i5"])])
    assert data.catalogue.item_ids[int(p[0].argmax())] == "i6"
    assert p[0].max() > least


def test_the_probabilities_equal_the_formula_computed_by_hand():
    data, training, _ = worlds.material(random_world())
    network = SMALL.begin(training, 0)
    size, h = len(data.catalogue), training.histories
    b = naive(h, size, [1, 1 / 2, 1 / 3], 1.0)
    c = data.catalogue.classes(["i8", "i2", "i7", "i4"])  # the first is too long ago to count
    told = b[c[3]] + b[c[2]] / 2 + b[c[1]] / 3
    expected = (np.maximum(told, 0) + network.floor) ** network.sharpness
    p = worlds.probabilities(network, data, [ym.Request(history=["i8", "i2", "i7", "i4"])])[0]
    np.testing.assert_allclose(p, expected / expected.sum(), rtol=1e-3)


@pytest.mark.parametrize("limit", [9, 6])
def test_floor_and_sharpness_make_last_events_likeliest_when_not_learned_from(limit):
    data, training, _ = worlds.material(random_world(seed=3))
    network = replace(SMALL, limit=limit).begin(training, 0)
    size, h = len(data.catalogue), merged(training.histories, network.coverage)
    asked = []
    for u in np.flatnonzero(h.lengths > 1):
        last = h.offsets[u + 1] - 1
        before, target = h.classes[h.offsets[u] : last], h.classes[last]
        if target in before or not network.coverage[target]:
            continue
        without = h.only(np.arange(len(h.classes)) != last)
        b = naive(without, size, [1, 1 / 2, 1 / 3], 1.0)
        recent = before[::-1][:3]
        told = sum(b[c] / n for n, c in enumerate(recent, 1))
        allowed = network.coverage & ~np.isin(np.arange(size), before)
        asked.append((np.maximum(told, 0), allowed, target))

    def loss(floor, sharpness):
        total = 0.0
        for told, allowed, target in asked:
            p = (told + floor) ** sharpness * allowed
            total -= np.log(p[target] / p.sum())
        return total / len(asked)

    grid = itertools.product(np.exp(np.linspace(-9, 5, 57)), np.exp(np.linspace(-2, 2, 33)))
    best = min(loss(*at) for at in grid)
    assert loss(network.floor, network.sharpness) < best + 1e-3


def test_only_the_strongest_neighbours_are_kept():
    _, training, _ = worlds.material(random_world())
    whole = SMALL.begin(training, 0).table.matrix().toarray()
    kept = replace(SMALL, neighbours=2).begin(training, 0).table.matrix().toarray()
    assert ((kept != 0).sum(1) <= 2).all()
    for row, full in zip(kept, whole, strict=True):
        np.testing.assert_allclose(np.sort(np.abs(row))[-2:], np.sort(np.abs(full))[-2:], rtol=1e-5)


def test_items_without_events_take_no_part_and_no_memory():
    events, items, _ = worlds.content_rule()
    network, data = worlds.fit_spec(SMALL, events, items)
    cold = ~data.catalogue.warm
    table = network.table.matrix().toarray()
    assert cold.any() and not table[cold].any() and not table[:, cold].any()
    assert not network.coverage[cold].any()


def test_beyond_the_limit_the_rarest_items_are_learned_as_one_and_not_covered():
    data, training, _ = worlds.material(random_world())
    network = replace(SMALL, limit=6).begin(training, 0)
    size, h = len(data.catalogue), training.histories
    by_count = np.argsort(-h.counts(size), kind="stable")
    covered, rare = np.sort(by_count[:6]), np.sort(by_count[6:])
    assert np.flatnonzero(network.coverage).tolist() == covered.tolist()
    expected = naive(merged(h, network.coverage), size, [1, 1 / 2, 1 / 3], 1.0)
    expected[rare], expected[:, rare] = 0, 0
    np.testing.assert_allclose(network.table.matrix().toarray(), expected, atol=1e-5)
    known = [ym.Request(history=[data.catalogue.item_ids[i]]) for i in (rare[0], covered[0])]
    batch = encode(known, data.catalogue, data.histories, data.user_fields).batch
    assert network.head(batch).answers.tolist() == [False, True]


def test_users_with_one_event_each_teach_nothing():
    _, training, _ = worlds.material(worlds.table({"a": ["x"], "b": ["y"]}))
    with pytest.raises(NothingToLearn, match="two training events"):
        SMALL.begin(training, 0)


def test_users_who_only_repeat_themselves_can_still_be_learned_from():
    _, training, _ = worlds.material(worlds.table({"a": ["x", "x"], "b": ["y", "y"]}))
    network = SMALL.begin(training, 0)
    table = network.table.matrix().toarray()
    assert (network.floor, network.sharpness) == (0.5, 1.0)  # nothing can be asked
    assert table[0, 0] == pytest.approx(0.5)  # 1 / (1 + 1): one example, shrunk by 1
    assert table[0, 1] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"history": 0}, "history"), ({"recency": -1}, "recency=-1"), ({"regularisation": 0}, "=0")],
)
def test_settings_that_make_no_regression_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ym.Linear(**settings)
