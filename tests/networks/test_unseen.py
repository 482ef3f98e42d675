"""Training without the items of the history: what is hidden, and when."""

import keras
import numpy as np
import pytest
from keras import ops

import worlds
import ysmean as ym
from ysmean.networks.unseen import HideSeen, seen_tokens, unseen


def permutations(users=40, items=12):
    """Return events of users who take every item once."""
    rng = np.random.default_rng(0)
    return worlds.table(
        {f"u{u}": [f"i{i}" for i in rng.permutation(items)[:8]] for u in range(users)}
    )


def test_the_items_of_the_history_are_hidden_and_padding_hides_nothing():
    logits = np.arange(10, dtype=np.float32).reshape(2, 5)
    got = ops.convert_to_numpy(HideSeen()(logits, np.array([[0, 0, 3], [5, 1, 5]], np.int32)))
    assert (got[0] == [0, 1, -1e9, 3, 4]).all()
    assert (got[1] == [-1e9, 6, 7, 8, -1e9]).all()


def test_the_target_itself_is_never_hidden():
    window = np.array([[0, 3, 1], [2, 2, 4]], np.int32)
    assert seen_tokens(window, np.array([0, 1])).tolist() == [[0, 3, 0], [0, 0, 4]]


def test_data_whose_items_are_taken_again_hide_nothing():
    once, again = permutations(), worlds.markov_chain(items=5, length=10)
    for events, expected in ((once, True), (again, False)):
        _, training, _ = worlds.material(events)
        assert unseen(training.histories) is expected
        learner = ym.Collaborative().begin(training, 0)
        assert ("seen" in learner.model.input) is expected


@pytest.mark.parametrize("spec", [ym.Collaborative(dropout=0.0, short=0.0), ym.Knowledge()])
def test_the_loss_of_a_held_out_event_is_that_of_the_softmax_over_unseen_items(spec):
    events, items, users = worlds.content_rule()
    _, training, held_out = worlds.material(events, items, users)
    learner = spec.begin(training, 0)
    learner.model.compile(keras.optimizers.SGD(0.0), learner.loss())
    inputs, targets = learner.ask(held_out)
    got = float(learner.model.test_on_batch(inputs, targets))
    inner = keras.Model(learner.model.input, learner.model.get_layer("unseen").input[0])
    z = ops.convert_to_numpy(inner(inputs)).astype(np.float64)
    nats = []
    for row, (start, end) in enumerate(zip(held_out.starts, held_out.ends, strict=True)):
        seen = set(held_out.histories.classes[start:end].tolist())
        left = [c for c in range(z.shape[1]) if c not in seen]
        nats.append(np.log(np.exp(z[row, left]).sum()) - z[row, targets[row]])
    assert got == pytest.approx(np.mean(nats), rel=1e-4)


def test_training_batches_hide_what_came_before_the_target_and_nothing_after():
    _, training, _ = worlds.material(permutations())
    learner, histories = ym.Collaborative().begin(training, 0), training.histories
    chosen = learner.examples(histories)[:30]
    inputs, targets, _ = learner.batch(histories, chosen, np.random.default_rng(0))
    for row, position in enumerate(chosen):
        start = histories.offsets[histories.users[position]]
        hidden = set(inputs["seen"][row][inputs["seen"][row] > 0].tolist())
        assert hidden == set((histories.classes[start:position] + 1).tolist())
        assert targets[row] + 1 not in hidden
