"""Sequential: what it sees, what it is trained on, and that it learns order."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops

import worlds
import ysmean as ym
from ysmean.data.joined import Data
from ysmean.data.requests import encode
from ysmean.errors import ConfigError, NothingToLearn
from ysmean.networks.initial import Initial
from ysmean.networks.item_embedding import ItemEmbedding
from ysmean.networks.next_item import NextItemLoss
from ysmean.networks.registry import spec_from_json
from ysmean.networks.sequential import SequentialNetwork
from ysmean.networks.transformer import CausalAttention, Known
from ysmean.training.fit import fit
from ysmean.training.progress import Progress

LONG = ym.Fitting(batch=128, max_steps=400, max_epochs=99, patience=20, learning_rate=5e-3)
HEATS = (1.0, 1.2, 1.45, 1.75, 2.1)
SMALL = {"width": 16, "history": 8, "heads": 2, "blocks": 1, "dropout": 0.1}


@pytest.fixture(scope="module")
def chain():
    return worlds.fit_spec(ym.Sequential(**SMALL, fitting=LONG), worlds.markov_chain())


def begun(events, **settings):
    _, training, held_out = worlds.material(events)
    learner = ym.Sequential(**{**SMALL, **settings}).begin(training, 0)
    return learner, training.histories, held_out


def table(learner):
    """Return the item vectors, (N, d)."""
    return ops.convert_to_numpy(learner.model.get_layer("embedding").table())[1:]


def states(learner, tokens):
    """Return the states of an untrained model, (B, T, d)."""
    layer = learner.model.get_layer("norm")
    model = keras.Model(learner.model.input["tokens"], layer.output)
    return ops.convert_to_numpy(model(np.asarray(tokens, np.int32)))


def test_it_learns_a_markov_chain(chain):
    network, data = chain
    p = worlds.probabilities(network, data, [ym.Request(history=["i3", "i4", "i5"])])
    p[0, data.catalogue.classes(["i3", "i4", "i5"])] = 0  # what is seen is not learned about
    assert data.catalogue.item_ids[int(p[0].argmax())] == "i6"


def test_it_learns_what_only_the_item_before_the_last_can_tell():
    rows = {f"u{u}": [f"s{u % 2}", "x", f"e{u % 2}"] * 2 for u in range(60)}
    network, data = worlds.fit_spec(ym.Sequential(**SMALL, fitting=LONG), worlds.table(rows))
    p = worlds.probabilities(
        network, data, [ym.Request(history=["s0", "x"]), ym.Request(history=["s1", "x"])]
    )
    e0, e1 = data.catalogue.classes(["e0", "e1"])
    assert p[0, e0] > 0.9 and p[1, e1] > 0.9


def test_attention_equals_the_formula_computed_naively():
    rng = np.random.default_rng(0)
    heads, length, width = 2, 5, 6
    qkv = rng.normal(size=(1, length, 3 * width)).astype(np.float32)
    tokens = np.array([[0, 2, 0, 1, 3]], np.int32)
    layer = CausalAttention(heads, length)
    distance = rng.normal(size=(heads, length)).astype(np.float32)
    layer.distance.assign(distance)
    got = ops.convert_to_numpy(layer(qkv, tokens))[0]
    q, k, v = (qkv[0, :, i * width : (i + 1) * width].reshape(length, heads, -1) for i in range(3))
    for t in range(length):
        seen = [s for s in range(t + 1) if s == t or tokens[0, s]]
        for h in range(heads):
            z = np.array([q[t, h] @ k[s, h] for s in seen]) / np.sqrt(width / heads)
            z += [distance[h, t - s] for s in seen]
            share = np.exp(z - z.max())
            y = (share / share.sum()) @ v[seen, h]
            np.testing.assert_allclose(got[t].reshape(heads, -1)[h], y, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([1, 4, 2, 3, 9], [0, 0, 2, 3]),  # of the last 4, 4 is unknown and 9 was added later
        ([3, 2, 1, 3, 2, 1], [1, 3, 2, 1]),
        ([4], [0]),
    ],
)
def test_unknown_items_are_dropped_and_known_ones_move_up(tokens, expected):
    layer = Known(4, 5)
    layer.learn(np.array([True, True, True, False, True]))
    got = ops.convert_to_numpy(layer(np.array([tokens], np.int32).reshape(1, -1)))
    assert got.tolist() == [expected]


def test_a_history_longer_than_it_sees_and_one_cut_to_that_give_the_same(chain):
    network, data = chain
    items = [f"i{n % 10}" for n in range(30)]
    requests = [ym.Request(history=items), ym.Request(history=items[-network.history :])]
    a, b = worlds.probabilities(network, data, requests)
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_the_encoder_takes_any_number_of_tokens(chain):
    network, data = chain
    request = ym.Request(history=["i3", "i4", "i5"])
    tokens = encode([request], data.catalogue, data.histories, data.user_fields).batch.tokens
    whole = ops.convert_to_numpy(network.encoder({"tokens": tokens}))
    short = ops.convert_to_numpy(network.encoder({"tokens": tokens[:, -3:]}))
    np.testing.assert_allclose(short, whole, rtol=1e-5, atol=1e-6)


def test_crops_are_pieces_of_histories_with_the_items_that_follow():
    events = worlds.markov_chain(users=30, items=10, length=20)
    learner, histories, _ = begun(events)
    examples = learner.examples(histories)
    inputs, targets, weights = learner.batch(histories, examples, np.random.default_rng(0))
    assert targets is None and weights is None
    own = [histories.classes[slice(*histories.offsets[u : u + 2])] + 1 for u in examples]
    ends = set()
    for row, whole in enumerate(own):
        piece = [*inputs["tokens"][row], inputs["targets"][row, -1] + 1]
        at = [s for s in range(len(whole) - 8) if list(whole[s : s + 9]) == piece]
        assert at
        ends.add(at[0])
        np.testing.assert_array_equal(inputs["targets"][row, :-1] + 1, inputs["tokens"][row, 1:])
    assert len(ends) > 3  # not always the same place
    assert (inputs["weights"] == 1).all()


def loss_of(states, vectors, tokens, targets, weights, unseen, training=True):
    """Return the loss that `NextItemLoss` adds."""
    embedding = ItemEmbedding(len(vectors) - 1, vectors.shape[1], Initial(0))
    embedding.set_weights([vectors])
    layer = NextItemLoss(embedding, np.ones(len(vectors) - 1, bool), unseen)
    layer(states, tokens, targets, weights, training=training)
    return float(ops.convert_to_numpy(layer.losses[0]))


def test_items_seen_so_far_are_in_no_softmax_and_repeats_are_not_asked_for():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(2, 4, 3)).astype(np.float32)
    vectors = rng.normal(size=(7, 3)).astype(np.float32)
    tokens = np.array([[0, 5, 2, 5], [1, 2, 3, 4]], np.int32)
    targets = np.array([[4, 1, 4, 0], [1, 2, 3, 5]], np.int32)  # classes: tokens less one
    weights = np.array([[0, 1, 1, 2], [1, 1, 1, 1]], np.float32)
    total, count = 0.0, 0.0
    for row, place in np.ndindex(2, 4):
        seen = {int(t) - 1 for t in tokens[row, : place + 1] if t}
        if targets[row, place] in seen:
            continue
        z = {c: float(states[row, place] @ vectors[c + 1]) for c in range(6) if c not in seen}
        log_sum = np.log(sum(np.exp(x) for x in z.values()))
        total += weights[row, place] * (log_sum - z[int(targets[row, place])])
        count += weights[row, place]
    got = loss_of(states, vectors, tokens, targets, weights, unseen=True)
    assert got == pytest.approx(total / count, rel=1e-5)
    last = loss_of(states, vectors, tokens, targets[:, -1:], weights[:, -1:], unseen=True)
    assert 0 < last != pytest.approx(got)


def test_where_items_are_taken_again_they_are_learned_like_others():
    rng = np.random.default_rng(1)
    states = rng.normal(size=(1, 2, 3)).astype(np.float32)
    vectors = rng.normal(size=(5, 3)).astype(np.float32)
    tokens, targets = np.array([[1, 2]], np.int32), np.array([[1, 1]], np.int32)
    z = (states[0] @ vectors[1:].T).astype(np.float64)
    nats = np.log(np.exp(z).sum(1)) - z[:, 1]
    got = loss_of(states, vectors, tokens, targets, np.ones((1, 2), np.float32), unseen=False)
    assert got == pytest.approx(nats.mean(), rel=1e-5)


@pytest.mark.parametrize("unseen", [False, True])
@pytest.mark.parametrize("sure", [0.3, 0.8, 1.5])
def test_held_out_events_are_asked_at_the_temperature_that_suits_them(unseen, sure):
    rng = np.random.default_rng(2)
    states = rng.normal(size=(4, 5, 3)).astype(np.float32)
    vectors = (sure * rng.normal(size=(9, 3))).astype(np.float32)
    tokens = np.tile(np.arange(1, 6, dtype=np.int32), (4, 1))
    targets, weights = np.full((4, 1), 7, np.int32), np.ones((4, 1), np.float32)
    z = (states[:, -1] @ vectors[1:].T).astype(np.float64)
    if unseen:
        z[:, :5] = -np.inf
    nats = [np.mean(np.log(np.exp(z / heat).sum(1)) - z[:, 7] / heat) for heat in HEATS]
    assert not unseen or sure < 1 or np.argmin(nats) == 0
    assert unseen or sure < 1 or np.argmin(nats) == 4  # at its own temperature far too sure
    got = loss_of(states, vectors, tokens, targets, weights, unseen, training=False)
    assert got == pytest.approx(min(nats), rel=1e-4)


@pytest.mark.parametrize("again", [False, True])
def test_the_data_tell_whether_items_are_taken_again(again):
    rows = {f"u{u}": [f"i{(u + n) % 12}" for n in range(10 + 4 * again)] for u in range(40)}
    learner, *_ = begun(worlds.table(rows))
    assert learner.model.get_layer("loss").unseen is not again


def test_padding_counts_nothing_and_events_count_what_they_weigh():
    import polars as pl

    frame = pl.DataFrame(
        {
            "user_id": ["a"] * 3 + ["b", "c", "c"],
            "item_id": ["x", "y", "z", "x", "z", "y"],
            "weight": [1.0, 2.0, 3.0, 1.0, 1.0, 5.0],
        }
    )
    data = Data.join(ym.Events.from_frame(frame))
    from ysmean.networks.network import TrainingData

    material = TrainingData(
        data.catalogue, data.histories, data.fields, data.user_fields, np.zeros(3, bool)
    )
    learner = ym.Sequential(**SMALL).begin(material, 0)
    examples = learner.examples(data.histories)
    assert examples.tolist() == [0, 2]  # b has nothing to be followed by
    inputs, *_ = learner.batch(data.histories, examples, np.random.default_rng(0))
    assert inputs["weights"].tolist() == [[2, 3], [0, 5]]


def test_the_loss_of_a_step_is_the_mean_over_all_places_of_the_whole_softmax():
    events = worlds.markov_chain(users=30, items=5, length=6)
    learner, histories, _ = begun(events, dropout=0.0)
    learner.model.compile(keras.optimizers.SGD(0.0), learner.loss())
    inputs, *_ = learner.batch(histories, np.arange(20), np.random.default_rng(0))
    got = float(learner.model.train_on_batch(inputs))
    x = states(learner, inputs["tokens"]).astype(np.float64)
    vectors = table(learner).astype(np.float64)
    z = x @ vectors.T
    shown = np.take_along_axis(z, inputs["targets"][..., None], -1)[..., 0]
    nats = np.log(np.exp(z).sum(-1)) - shown
    expected = (nats * inputs["weights"]).sum() / inputs["weights"].sum()
    assert got == pytest.approx(expected, rel=1e-5)


def test_a_held_out_question_is_asked_at_the_last_place_alone():
    learner, _, held_out = begun(worlds.markov_chain(items=5), dropout=0.0)
    learner.model.compile(keras.optimizers.SGD(0.0), learner.loss())
    inputs, _ = learner.ask(held_out)
    got = float(learner.model.test_on_batch(inputs))
    vectors = table(learner)
    z = (states(learner, inputs["tokens"])[:, -1] @ vectors.T).astype(np.float64)
    shown = z[np.arange(len(held_out)), held_out.targets]
    nats = [(np.log(np.exp(z / h).sum(-1)) - shown / h).mean() for h in HEATS]
    assert got == pytest.approx(min(nats), rel=1e-5)


def test_items_without_events_are_neither_targets_nor_negatives():
    events, items, _ = worlds.content_rule()
    _, training, held_out = worlds.material(events, items)
    fitting = ym.Fitting(batch=32, max_steps=5, weight_decay=0.0)
    plain = {"features": False, "company": 0, "cold": False}
    learner = ym.Sequential(**SMALL, **plain, fitting=fitting).begin(training, 0)
    before = learner.model.get_layer("embedding").get_weights()[0]
    network, _ = fit("it", learner, training.histories, held_out, 0, Progress())
    cold = ~training.catalogue.warm
    assert cold.any() and not network.coverage[cold].any()
    np.testing.assert_array_equal(network.item_vectors[cold], before[1:][cold])
    assert (network.item_vectors[~cold] != before[1:][~cold]).any(1).all()


def test_weight_decay_says_how_far_the_whole_run_shrinks_a_weight_without_gradient():
    events, items, _ = worlds.content_rule()
    _, training, held_out = worlds.material(events, items)
    for steps in (20, 60):
        fitting = ym.Fitting(
            batch=64, max_steps=steps, max_epochs=99, evaluate_every=steps, weight_decay=0.7
        )
        plain = {"features": False, "company": 0, "cold": False}
        learner = ym.Sequential(**SMALL, **plain, fitting=fitting).begin(training, 0)
        before = learner.model.get_layer("embedding").get_weights()[0][1:]
        network, _ = fit("it", learner, training.histories, held_out, 0, Progress())
        cold = ~training.catalogue.warm
        ratio = network.item_vectors[cold] / before[cold]
        np.testing.assert_allclose(ratio, np.exp(-0.7), rtol=0.04)


def test_items_added_after_training_are_not_covered():
    network, data = worlds.fit_spec(ym.Sequential(**SMALL), worlds.markov_chain())
    grown = Data.join(worlds.markov_chain(items=14))
    copy = SequentialNetwork.from_state(network.spec, network.state(), grown.catalogue)
    size = len(data.catalogue)
    assert copy.coverage.tolist() == [True] * size + [False] * (len(grown.catalogue) - size)
    assert copy.item_vectors.shape == (len(grown.catalogue), 16)


def test_users_with_one_event_teach_nothing():
    learner, histories, held_out = begun(worlds.table({"a": ["x"], "b": ["y"], "c": ["z"]}))
    with pytest.raises(NothingToLearn):
        fit("it", learner, histories, held_out, 0, Progress())


def test_a_config_that_sets_one_thing_of_how_it_is_trained_keeps_the_rest():
    usual = ym.Sequential().fitting
    spec = spec_from_json({"kind": "sequential", "fitting": {"max_steps": 7}})
    assert spec.fitting == replace(usual, max_steps=7) != ym.Fitting(max_steps=7)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"history": 0}, "history"),
        ({"width": 10, "heads": 4}, "width=10, heads=4"),
        ({"dropout": 1.0}, "dropout=1.0"),
    ],
)
def test_settings_that_make_no_network_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        ym.Sequential(**settings)
