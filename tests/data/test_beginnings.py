"""Some users' first events are held out; nothing else is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import worlds
from ysmean.data.beginnings import EVENTS, PREFIXES, USERS, beginnings
from ysmean.data.joined import Data


@given(st.integers(0, 9), st.integers(30, 90), st.integers(2, 400), st.floats(0.3, 1))
def test_what_is_held_out_trains_otherwise_and_is_a_beginning(seed, users, items, part):
    rng = np.random.default_rng(seed)
    histories = Data.join(
        worlds.table(
            {
                f"u{u}": [f"i{i}" for i in rng.integers(items, size=rng.integers(1, 40))]
                for u in range(users)
            }
        )
    ).histories
    train = rng.random(len(histories.classes)) < part
    held = beginnings(histories, train, seed)
    assert not (held & ~train).any()
    assert held.sum() <= EVENTS * train.sum()
    assert len(np.unique(histories.users[held])) <= USERS * users
    places = np.arange(len(held)) - histories.offsets[histories.users]
    assert np.isin(places[held], PREFIXES).all()
    left = np.bincount(histories.classes[train & ~held], minlength=items)
    assert (left[histories.classes[train]] > 0).all()
    assert (beginnings(histories, train, seed) == held).all()
