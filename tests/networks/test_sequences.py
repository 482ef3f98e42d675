"""How whole histories become the batches of a network that is trained on every place of them."""

import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean.data.histories import Histories
from ysmean.data.joined import Data
from ysmean.networks.sequences import SequenceLearner, crops, length_for, passes
from ysmean.training.fit import _batches

SMALL = {"width": 16, "history": 8, "blocks": 1, "dropout": 0.1}


def histories(*lengths) -> Histories:
    rows = {f"u{n}": [f"i{i}" for i in range(length)] for n, length in enumerate(lengths)}
    return Data.join(worlds.table(rows)).histories


def learner(given: Histories, history: int, batch: int) -> SequenceLearner:
    """Return one whose model is never asked."""
    settings = ym.Fitting(batch=batch)
    return SequenceLearner(None, None, None, None, settings, history=history)


def begun(events):
    _, training, _ = worlds.material(events)
    return ym.Recurrent(**SMALL).begin(training, 0), training.histories


def test_the_length_follows_the_data():
    assert length_for(histories(*[5] * 99, *[90] * 4), 128) == 8
    assert length_for(histories(*[5] * 60, *[90] * 20), 128) == 96
    assert length_for(histories(*[19] * 9), 128) == 24
    assert length_for(histories(*[300] * 9), 128) == 128
    assert length_for(histories(1, 1), 128) == 8


def test_there_are_fewer_passes_where_items_have_few_events():
    often = worlds.markov_chain(users=150, items=5, length=12)  # 1,800 events, some held out
    few = worlds.table({f"u{u}": [f"i{u}", f"i{u + 1}", f"i{u + 2}"] for u in range(50)})
    it, given = begun(few)
    assert it.settings.max_epochs == passes(given) == 8
    it, given = begun(often)
    assert passes(given) == round(4 * (len(given.classes) / 5) ** 0.5) > 64
    assert it.settings.max_epochs == 64


def test_a_pass_over_few_histories_still_takes_forty_steps_and_one_over_many_full_batches():
    few = worlds.table({f"u{u}": [f"i{i}" for i in range(9)] for u in range(80)})
    _, training, _ = worlds.material(few)
    assert crops(training.histories, 8, 2048) == (training.histories.lengths > 1).sum() // 40
    many = worlds.table({f"u{u}": [f"i{i}" for i in range(9)] for u in range(6000)})
    _, training, _ = worlds.material(many)
    lengths = training.histories.lengths
    assert crops(training.histories, 8, 160) == round(160 / (lengths[lengths > 1] - 1).mean())
    assert crops(training.histories, 8, 2048) == 128
    assert crops(training.histories, 8, 20480, most=140) == 140


MIXED = (*[3] * 60, *[7] * 60, *[14] * 40, *[30] * 30, *[60] * 10, *[1] * 5)


def test_users_of_like_length_share_batches_and_each_is_in_one_group():
    given = histories(*MIXED)
    groups = learner(given, 32, 20).groups(given)
    assert sorted(np.concatenate([users for users, _ in groups])) == list(range(200))
    assert [sorted(set(given.lengths[users])) for users, _ in groups] == [[3, 7], [14], [30, 60]]


def test_a_step_learns_from_about_as_many_events_of_each_group():
    given = histories(*MIXED)
    it = learner(given, 32, 20)
    mean = np.minimum(given.lengths[given.lengths > 1] - 1, 32).mean()
    for users, size in it.groups(given):
        each = np.minimum(given.lengths[users] - 1, 32).mean()
        assert abs(size - 20 * mean / each) <= 0.5


@pytest.mark.parametrize("lengths", [[3] * 5 + [30] * 95, [3] * 95 + [30] * 5])
def test_a_few_users_are_no_group_of_their_own(lengths):
    given = histories(*lengths)
    assert [len(users) for users, _ in learner(given, 32, 20).groups(given)] == [100]


def test_nobody_to_learn_from_makes_no_group():
    given = histories(1, 1)
    assert learner(given, 32, 20).groups(given) == []


@pytest.mark.parametrize(("lengths", "places"), [((3, 8), 8), ((3, 9, 17), 16), ((3, 18), 32)])
def test_short_histories_lose_nothing_and_are_padded_little(lengths, places):
    given = histories(*lengths)
    users = np.arange(len(lengths))
    inputs, *_ = learner(given, 32, 20).batch(given, users, np.random.default_rng(0))
    assert {array.shape for array in inputs.values()} == {(len(lengths), places)}
    for row, length in enumerate(lengths):
        own = list(given.classes[given.offsets[row] : given.offsets[row + 1]] + 1)
        assert [t for t in inputs["tokens"][row] if t] == own[:-1]
        assert list(inputs["targets"][row, -(length - 1) :] + 1) == own[1:]
        assert inputs["weights"][row].sum() == length - 1


def test_a_pass_takes_every_example_of_every_group_and_no_step_mixes_groups():
    groups = [(np.arange(10), 4), (np.arange(100, 107), 3), (np.arange(200, 202), 8)]
    batches = list(_batches(groups, 7, np.random.default_rng(0)))
    assert len(batches) == 7  # 3 + 3 + 1, one pass
    assert set(np.concatenate(batches)) == {*range(10), *range(100, 107), 200, 201}
    for batch in batches:
        assert len(set(batch // 100)) == 1
    longer = list(_batches(groups, 12, np.random.default_rng(0)))
    assert len(longer) == 12
