"""The time between events in Sequential: what is seen of it, what it adds, what it can teach."""

import json

import keras
import numpy as np
import polars as pl
import pytest
from keras import ops

import worlds
import ysmean as ym
from ysmean.data.joined import Data
from ysmean.data.requests import encode
from ysmean.networks.elapsed import LONGEST, GapEmbedding, Spans, TimeBias, count, moments
from ysmean.networks.network import State
from ysmean.networks.sequences import TIMELESS
from ysmean.networks.sequential import SequentialNetwork
from ysmean.networks.transformer import Known

SMALL = {"width": 16, "history": 8, "heads": 2, "blocks": 1, "dropout": 0.1}
LONG = ym.Fitting(batch=400, max_steps=500, max_epochs=999, patience=20, learning_rate=1e-2)
SHORT, DAYS = 10, 400_000  # seconds
USUAL = Spans(gap=1000, seen=5000)


def after_a_gap(users=120, length=6, seed=0):
    """After a short gap comes A, after a long one B, both at random; items tell nothing."""
    rng = np.random.default_rng(seed)
    long = rng.random((users, length)) < 0.5
    return ym.Events.from_frame(
        pl.DataFrame(
            {
                "user_id": np.repeat([f"u{u}" for u in range(users)], length),
                "item_id": np.where(long, "B", "A").ravel(),
                "timestamp": np.where(long, DAYS, SHORT).cumsum(1).ravel().astype(float),
            }
        )
    )


@pytest.fixture(scope="module")
def timed():
    return worlds.fit_spec(ym.Sequential(**SMALL, fitting=LONG), after_a_gap())


def built(spans=USUAL, seed=1, **settings):
    """Return a model of 9 known items whose tables of time are drawn at random."""
    spec = ym.Sequential(**SMALL, **settings)
    model = spec.build(9, 8, seed, spans)
    model.get_layer("known").learn(np.ones(9, bool))
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, GapEmbedding | TimeBias):
            layer.table.assign(rng.normal(size=layer.table.shape))
    return model


def states(model, tokens, gaps):
    arrays = {"tokens": np.asarray(tokens, np.int32), "gaps": np.asarray(gaps, np.int32)}
    return ops.convert_to_numpy(model(arrays))


def naive_bucket(seconds, size):
    return min(int(np.floor(2 * np.log2(1 + seconds))), size - 1)


TOKENS = [[0, 0, 3, 1, 4, 1, 5, 9]]
GAPS = [[-1, -1, 7, 0, 300, 20, 900, 60]]


def test_moments_are_sums_of_gaps_from_the_end():
    rng = np.random.default_rng(0)
    gaps = rng.integers(-1, 50, (6, 9)).astype(np.int32)
    got = ops.convert_to_numpy(moments(gaps, 40))
    for row, place in np.ndindex(6, 10):
        rest = gaps[row, place:]
        assert got[row, 0, place] == sum(min(g, 40) for g in rest.tolist() if g >= 0)
        assert got[row, 1, place] == sum(g < 0 for g in rest.tolist())


def test_moments_keep_single_seconds_after_decades_and_never_wrap_around():
    decades = LONGEST - 1000
    gaps = np.array([[3, decades, 5]], np.int32)
    sums = ops.convert_to_numpy(moments(gaps, LONGEST))[0, 0].tolist()
    assert sums == [decades + 8, decades + 5, 5, 0]
    huge = np.full((1, 128), np.iinfo(np.int32).max, np.int32)
    sums = ops.convert_to_numpy(moments(huge, LONGEST))[0, 0]
    assert (sums[:-1] == LONGEST).all() and sums[-1] == 0


@pytest.mark.parametrize(
    ("tokens", "gaps", "kept", "after"),
    [
        ([1, 2, 3], [10, 20, 40], [1, 2, 3], [10, 20, 40]),
        ([1, 4, 2, 3], [10, 20, 40, 80], [1, 2, 3], [30, 40, 80]),  # 4 is unknown
        ([1, 2, 4, 9], [10, 20, 40, 80], [1, 2], [10, 140]),  # the last known item is older
        ([4, 1, 4, 4, 2], [5, 10, 20, 40, 80], [1, 2], [70, 80]),
        ([1, 2, 4, 3], [10, 20, -1, 40], [1, 2, 3], [10, None, 40]),
    ],
)
def test_dropping_unknown_items_keeps_the_time_between_those_that_stay(tokens, gaps, kept, after):
    layer = Known(5, 5)
    layer.learn(np.array([True, True, True, False, True]))
    got, when = layer(np.array([tokens], np.int32), np.array([gaps], np.int32))
    assert ops.convert_to_numpy(got)[0, -len(kept) :].tolist() == kept
    seconds, unknown = ops.convert_to_numpy(when[:, :, :-1] - when[:, :, 1:])[0, :, -len(kept) :]
    shown = [None if u else s for s, u in zip(seconds.tolist(), unknown.tolist(), strict=True)]
    assert shown == after


def test_the_bias_of_attention_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    gaps = np.array([[4, -1, 0, 1_000_000, 17, 3]], np.int32)
    layer = TimeBias(2, 20)
    table = rng.normal(size=(20, 2)).astype(np.float32)
    layer.table.assign(table)
    got = ops.convert_to_numpy(layer(moments(gaps, LONGEST)))
    for place in range(6):
        for item in range(place + 1):
            between = gaps[0, item : place + 1].tolist()
            expected = np.zeros(2) if -1 in between else table[naive_bucket(sum(between), 20)]
            np.testing.assert_array_equal(got[0, :, place, item], expected)


def test_the_embedding_of_gaps_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    gaps = np.array([[-1, 0, 1, 86_400, 999_999_999, -1]], np.int32)
    layer = GapEmbedding(4, 40)
    table = rng.normal(size=(40, 4)).astype(np.float32)
    layer.table.assign(table)
    got = ops.convert_to_numpy(layer(moments(gaps, LONGEST)))[0]
    expected = [np.zeros(4) if g < 0 else table[naive_bucket(g, 40)] for g in gaps[0].tolist()]
    np.testing.assert_array_equal(got, np.array(expected, np.float32))


def test_every_number_of_seconds_trained_on_has_its_bucket():
    for span in (0, 1, 2, 1000, LONGEST):
        assert count(span) == naive_bucket(span, 10**6) + 1


def test_no_state_depends_on_times_after_the_moment_asked_about():
    model = built(Spans(gap=10**6, seen=10**7))
    before = states(model, TOKENS, GAPS)
    for place in range(2, 8):
        changed = np.array(GAPS)
        changed[0, place] = 10 * changed[0, place] + 50
        difference = np.abs(states(model, TOKENS, changed) - before).max(2)[0]
        assert difference[:place].max(initial=0) < 1e-5
        assert difference[place] > 1e-3


def test_time_adds_nothing_before_it_is_learned():
    blind = ym.Sequential(**SMALL).build(9, 8, 3)
    able = ym.Sequential(**SMALL).build(9, 8, 3, USUAL)
    for model in (blind, able):
        model.get_layer("known").learn(np.ones(9, bool))
    expected = ops.convert_to_numpy(blind({"tokens": np.array(TOKENS, np.int32)}))
    np.testing.assert_allclose(states(able, TOKENS, GAPS), expected, atol=1e-6)


def test_unknown_gaps_contribute_nothing():
    model, blind = built(), ym.Sequential(**SMALL).build(9, 8, 1)
    for layer in blind.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    expected = ops.convert_to_numpy(blind({"tokens": np.array(TOKENS, np.int32)}))
    unknown = states(model, TOKENS, np.full((1, 8), -1))
    np.testing.assert_allclose(unknown, expected, atol=1e-6)
    assert np.abs(states(model, TOKENS, GAPS) - expected).max() > 1e-2


def test_an_unknown_time_of_the_request_hides_nothing_but_that():
    model = built()
    gaps = np.array(GAPS)
    gaps[0, -1] = -1
    a, b = states(model, TOKENS, GAPS), states(model, TOKENS, gaps)
    np.testing.assert_allclose(a[:, :-1], b[:, :-1], atol=1e-6)
    assert np.abs(a[:, -1] - b[:, -1]).max() > 1e-2


def test_gaps_larger_than_any_seen_count_as_the_largest():
    model = built(USUAL)
    at_most, beyond = np.array(GAPS), np.array(GAPS)
    at_most[0, -1], beyond[0, -1] = 1000, np.iinfo(np.int32).max
    a, b = states(model, TOKENS, at_most), states(model, TOKENS, beyond)
    assert np.isfinite(b).all()
    np.testing.assert_array_equal(a, b)


def test_spans_are_the_largest_times_of_any_user_within_what_is_seen():
    times = {"a": [0, 5, 7, 100], "b": [1_000_000, 1_000_050]}
    rows = [
        {"user_id": u, "item_id": f"i{n}", "timestamp": float(t)}
        for u, own in times.items()
        for n, t in enumerate(own)
    ]
    histories = Data.join(ym.Events.from_frame(pl.DataFrame(rows))).histories
    assert Spans.of(histories, 1) == Spans(93, 93)
    assert Spans.of(histories, 2) == Spans(93, 95)
    assert Spans.of(histories, 8) == Spans(93, 100)
    assert Spans.of(Data.join(worlds.markov_chain()).histories, 8) is None


@pytest.mark.parametrize("way", ["events without times", "time = false"])
def test_without_time_the_model_is_the_blind_one(way):
    rows = {f"u{u}": [f"i{(u + t) % 9}" for t in range(6)] for u in range(30)}
    events = worlds.table(rows, timestamps=way == "time = false")
    _, training, held_out = worlds.material(events)
    learner = ym.Sequential(**SMALL, time=way != "time = false").begin(training, 0)
    assert set(learner.model.input) == {"tokens", "targets", "weights"}
    assert not [v.path for v in learner.model.variables if "time" in v.path or "gap" in v.path]
    inputs, *_ = learner.batch(training.histories, np.arange(9), np.random.default_rng(0))
    assert "gaps" not in inputs and "gaps" not in learner.ask(held_out)[0]
    assert learner.finish().takes == ("tokens",)


def test_crops_have_the_time_to_the_next_event_of_the_same_user():
    rng = np.random.default_rng(0)
    rows = [
        {"user_id": f"u{u}", "item_id": f"i{n}", "timestamp": float(t)}
        for u in range(40)
        for n, t in enumerate(rng.integers(0, 9999, rng.integers(2, 25)).cumsum())
    ]
    _, training, _ = worlds.material(ym.Events.from_frame(pl.DataFrame(rows)))
    histories = training.histories
    learner = ym.Sequential(**SMALL).begin(training, 0)
    users = learner.examples(histories)
    hidden = 0
    for seed in range(20):
        inputs, *_ = learner.batch(histories, users, np.random.default_rng(seed))
        for row, user in enumerate(users):
            own = slice(*histories.offsets[user : user + 2])
            items, times = histories.classes[own].tolist(), histories.times[own]
            gaps, tokens = inputs["gaps"][row].tolist(), inputs["tokens"][row].tolist()
            if max(gaps) < 0:
                hidden += 1
                continue
            for token, gap, target in zip(tokens, gaps, inputs["targets"][row], strict=True):
                place = items.index(token - 1) if token else -1  # no item twice
                expected = int(times[place + 1] - times[place]) if token else -1
                assert gap == expected
                assert not token or items[place + 1] == target
    assert hidden == pytest.approx(20 * len(users) * TIMELESS, rel=0.4)


def test_it_learns_a_rule_that_only_time_can_tell(timed):
    network, data = timed
    last = {u: float(data.histories.times[data.histories.offsets[u + 1] - 1]) for u in range(9)}
    soon = [ym.Request(f"u{u}", at=t + SHORT) for u, t in last.items()]
    late = [ym.Request(f"u{u}", at=t + DAYS) for u, t in last.items()]
    a, b = data.catalogue.classes(["A", "B"])
    assert worlds.probabilities(network, data, soon)[:, a].min() > 0.9
    assert worlds.probabilities(network, data, late)[:, b].min() > 0.9


def test_a_stated_history_gets_an_answer_without_times(timed):
    network, data = timed
    request = ym.Request(history=["A", "B", "A"])
    p = worlds.probabilities(network, data, [request, ym.Request("u0", history=["A", "B", "A"])])
    assert np.isfinite(p).all() and 0.2 < p[0, 0] < 0.8  # it is told nothing
    np.testing.assert_allclose(p[0], p[1], rtol=1e-6)


def test_a_request_in_the_far_future_is_answered_like_after_the_largest_gap(timed):
    network, data = timed
    last = float(data.histories.times[data.histories.offsets[1] - 1])
    requests = [ym.Request("u0", at=last + DAYS), ym.Request("u0", at=9e11), ym.Request("u0")]
    p = worlds.probabilities(network, data, requests)
    assert network.spans.gap == DAYS
    np.testing.assert_allclose(p[1:], p[[0, 0]], rtol=1e-5)


def test_a_request_before_the_last_event_is_answered_like_one_at_it(timed):
    network, data = timed
    last = float(data.histories.times[data.histories.offsets[1] - 1])
    p = worlds.probabilities(network, data, [ym.Request("u0", at=t) for t in (last, last - 1e6)])
    np.testing.assert_allclose(p[0], p[1], rtol=1e-6)


def arrays_of(data, requests):
    return encode(requests, data.catalogue, data.histories, data.user_fields).batch


REQUESTS = [ym.Request("u0", at=1e6), ym.Request("u3", at=3e6), ym.Request(history=["A"])]


def test_its_state_survives_storage(timed):
    network, data = timed
    state = network.state()
    stored = State(json.loads(json.dumps(state.settings)), state.arrays)
    copy = SequentialNetwork.from_state(network.spec, stored, data.catalogue)
    assert copy.takes == network.takes == ("tokens", "gaps") and copy.spans == network.spans
    batch = arrays_of(data, REQUESTS)
    a, b = (n.head(batch).scores(0, 2) for n in (network, copy))
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_state_stored_before_there_was_time_is_read():
    network, data = worlds.fit_spec(ym.Sequential(**SMALL), worlds.markov_chain())
    state = network.state()
    old = State({"history": state.settings["history"]}, state.arrays)
    copy = SequentialNetwork.from_state(network.spec, old, data.catalogue)
    assert copy.takes == ("tokens",) and copy.spans is None


def test_the_keras_model_takes_gaps_and_survives_saving(timed, tmp_path):
    network, data = timed
    model = network.as_keras()
    assert set(model.input) == {"tokens", "gaps", "allowed"}
    arrays = arrays_of(data, REQUESTS).arrays()
    inputs = {**{n: arrays[n] for n in network.takes}, "allowed": np.ones((3, 2), bool)}
    y = ops.convert_to_numpy(model(inputs))
    np.testing.assert_allclose(y, worlds.probabilities(network, data, REQUESTS), rtol=1e-5)
    model.save(tmp_path / "network.keras")
    again = ops.convert_to_numpy(keras.models.load_model(tmp_path / "network.keras")(inputs))
    np.testing.assert_allclose(again, y, rtol=1e-6)


def test_the_whole_model_equals_the_recommender_and_its_bundle(tmp_path):
    quick = ym.Fitting(batch=400, max_steps=30)
    specs = [ym.Sequential(**SMALL, fitting=quick), "popularity"]
    recommender = ym.train(after_a_gap(users=40), networks=specs)
    loaded = ym.Recommender.load(recommender.save(tmp_path / "bundle").parents[1])
    requests = [ym.Request(f"u{u}", at=5e6 * u, seen="allow") for u in range(3)]
    inputs = recommender.model_inputs(requests)
    assert inputs["gaps"].shape == inputs["tokens"].shape
    y = ops.convert_to_numpy(recommender.model(inputs))
    ids = list(recommender.parts.catalogue.item_ids)
    for r in (recommender, loaded):
        for row, answer in zip(y, r.recommend_many(requests), strict=True):
            assert len(answer.items) == 2
            for item in answer:
                assert item.score == pytest.approx(row[ids.index(item.item_id)], rel=1e-4)
