import numpy as np
import pytest

import worlds
from ysmean.data.joined import Data
from ysmean.data.splits import PREFIXES, make_split, production
from ysmean.errors import ConfigError, DataError


def joined(timed=False):
    histories = {f"u{n}": [f"i{(n + t) % 7}" for t in range(n % 6 + 1)] for n in range(30)}
    return Data.join(worlds.table(histories, timestamps=timed))


def split(name, data, seed=0):
    return make_split(name, data.histories, len(data.catalogue), seed)


def test_leave_last_out_asks_the_last_event_and_validates_on_the_one_before():
    data = joined()
    h, s = data.histories, split("leave-last-out", data)
    for user in range(len(h)):
        own = list(range(h.offsets[user], h.offsets[user + 1]))
        trained = [p for p in own if s.train[p]]
        if len(own) < 3:
            assert trained == own
        else:
            assert trained == own[:-2]
            assert own[-2] in s.validation and own[-1] in s.test


@pytest.mark.parametrize(
    "name", ["leave-last-out", "cold-users:0.2", "cold-items:0.3", "time:7200"]
)
def test_no_event_has_two_parts_to_play(name):
    s = split(name, joined(timed=True))
    trained = set(np.flatnonzero(s.train))
    assert not trained & set(s.validation) and not trained & set(s.test)
    assert not set(s.validation) & set(s.test)
    assert len(s.test)


def test_a_time_split_trains_on_nothing_later():
    data = joined(timed=True)
    s = split("time:10800", data)  # the fourth hour
    times = data.histories.times
    assert times[s.train].max() < times[s.validation].min() <= times[s.validation].max() < 10800
    assert (times[s.test] >= 10800).all()
    users = data.histories.users[s.test]
    assert len(set(users)) == len(users)
    for position, user in zip(s.test, users, strict=True):  # each user's next event
        own = np.arange(data.histories.offsets[user], position)
        assert (times[own] < 10800).all()


def test_a_time_may_be_a_date():
    data = joined(timed=True)
    by_date, by_number = split("time:1970-01-01T03:00", data), split("time:10800", data)
    np.testing.assert_array_equal(by_date.test, by_number.test)


def test_cold_users_leave_training_entirely_and_are_asked_at_every_prefix():
    data = joined()
    h, s = data.histories, split("cold-users:0.2", data)
    strangers = set(h.users[s.test])
    assert len(strangers) == round(0.2 * len(h))
    assert not strangers & set(h.users[s.train]) and not strangers & set(h.users[s.validation])
    for user in strangers:
        shown = {int(p - h.offsets[user]) for p in s.test if h.users[p] == user}
        assert shown == {n for n in PREFIXES if n < h.lengths[user]}


def test_cold_items_leave_training_with_all_their_events():
    data = joined()
    h, s = data.histories, split("cold-items:0.3", data)
    cold = set(range(len(data.catalogue))) - set(h.classes[s.train])
    assert len(cold) >= round(0.3 * len(data.catalogue))
    assert not set(h.classes[s.validation]) & cold
    asked = set(h.classes[s.test])
    assert asked & cold and asked - cold


def test_the_seed_decides_who_and_what_is_cold():
    data = joined()
    for name in ("cold-users:0.2", "cold-items:0.3"):
        a, b, c = (split(name, data, seed).train for seed in (0, 0, 1))
        assert (a == b).all() and (a != c).any()


def test_production_holds_out_at_most_half_of_those_who_can_spare_an_event():
    data = joined()
    s = production(data.histories, seed=0)
    able = (data.histories.lengths >= 3).sum()
    assert len(s.validation) == able // 2 and not len(s.test)
    assert s.train.sum() == len(s.train) - able // 2


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("random", ConfigError, "Unknown split 'random'; expected one of: leave-last-out, time"),
        ("leave-last-out:2", ConfigError, "Unknown split"),
        ("cold-users:all", ConfigError, "expected a share between 0 and 1"),
        ("cold-items:1.5", ConfigError, "expected a share between 0 and 1"),
        ("time:soon", ConfigError, "expected a date"),
        ("time:2000-01-01", DataError, "leaves 105 of 105 events before it"),
        ("time:0", DataError, "leaves 0 of 105 events before it"),
    ],
)
def test_bad_splits_are_refused(name, error, message):
    with pytest.raises(error, match=message):
        split(name, joined(timed=True))


def test_a_time_split_without_timestamps_is_refused():
    with pytest.raises(DataError, match="needs events with timestamps"):
        split("time:2024-01-01", joined())
