"""Histories: flat arrays that say the same as lists of Python, and the padding of windows."""

import math
from dataclasses import replace
from io import BytesIO

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.histories import COHORTS, Histories, cohort_of, pad_tokens, user_offsets
from ysmean.data.users import Users
from ysmean.errors import DataError

ARRAYS = ("offsets", "classes", "weights", "times", "hidden_offsets", "hidden", "hidden_after")
digit = st.integers(0, 4)
logs = st.lists(
    st.tuples(digit, digit, st.sampled_from(["view", "buy", "hide"])), min_size=1, max_size=30
)


def read(log, users=None, timed=False):
    """Return histories and the catalogue of (user, item, event type)s."""
    user_ids, item_ids, types = ([row[c] for row in log] for c in range(3))
    table = {"user_id": user_ids, "item_id": item_ids, "event": types}
    if timed:
        table["timestamp"] = list(range(len(log)))
    events = Events.from_frame(table, event_weights={"view": 1, "buy": 5, "hide": "exclude"})
    catalogue, events = Catalogue.build(events)
    return Histories.from_events(events, catalogue, users), catalogue


def own(histories, user, name, offsets="offsets"):
    row, ends = histories.index[str(user)], getattr(histories, offsets)
    return getattr(histories, name)[ends[row] : ends[row + 1]].tolist()


@given(logs, st.booleans())
def test_every_user_has_their_own_events_in_order(log, timed):
    histories, catalogue = read(log, timed=timed)
    assert histories.user_ids.to_list() == list(dict.fromkeys(str(u) for u, _, _ in log))
    for user in {u for u, _, _ in log}:
        mine = [(n, i, kind) for n, (u, i, kind) in enumerate(log) if u == user]
        taken = [(n, i, kind) for n, i, kind in mine if kind != "hide"]
        assert own(histories, user, "classes") == [catalogue.index[str(i)] for _, i, _ in taken]
        assert own(histories, user, "weights") == [5 if kind == "buy" else 1 for *_, kind in taken]
        if timed:
            assert own(histories, user, "times") == [n for n, *_ in taken]
        hidden = [
            (catalogue.index[str(i)], sum(k != "hide" for *_, k in mine[:place]))
            for place, (_, i, kind) in enumerate(mine)
            if kind == "hide"
        ]
        assert own(histories, user, "hidden", "hidden_offsets") == [c for c, _ in hidden]
        assert own(histories, user, "hidden_after", "hidden_offsets") == [n for _, n in hidden]
    assert (histories.times is not None) == timed


def test_the_arrays_have_the_types_they_promise():
    histories, _ = read([("a", "x", "view"), ("a", "y", "hide")], timed=True)
    assert {name: str(getattr(histories, name).dtype) for name in ARRAYS} == {
        "offsets": "int64",
        "classes": "int32",
        "weights": "float32",
        "times": "float64",
        "hidden_offsets": "int64",
        "hidden": "int32",
        "hidden_after": "int64",
    }


def test_users_without_events_come_last_with_empty_histories():
    people = Users.from_frame({"user_id": ["c", "b", "a"]})
    histories, _ = read([("b", "x", "view"), ("b", "y", "view")], people)
    assert histories.user_ids.to_list() == ["b", "c", "a"]
    assert histories.lengths.tolist() == [2, 0, 0]
    assert histories.users.tolist() == [0, 0]
    assert len(histories) == 3


def test_an_item_that_the_catalogue_lacks_is_named():
    _, catalogue = read([("a", "x", "view")])
    events = Events.from_frame({"user_id": ["a", "a"], "item_id": ["x", "new"]})
    with pytest.raises(DataError, match="Item 'new' in events is not in the catalogue"):
        Histories.from_events(events, catalogue)


@given(logs, st.booleans(), st.booleans())
def test_histories_survive_the_way_through_a_frame(log, timed, stored):
    histories, _ = read(log, Users.from_frame({"user_id": [4, 5]}), timed)
    frame = histories.to_frame()
    assert len(frame) == len(histories)
    if stored:
        frame = pl.read_ipc(BytesIO(frame.write_ipc(None).getvalue()))
    again = Histories.from_frame(frame)
    assert again.user_ids.to_list() == histories.user_ids.to_list()
    for name in ARRAYS:
        before, after = getattr(histories, name), getattr(again, name)
        np.testing.assert_array_equal(after, before, err_msg=name)
        if before is not None:
            assert after.dtype == before.dtype


@given(logs, st.integers(1, 6), st.data())
def test_windows_hold_the_last_classes_plus_one_at_the_right(log, length, data):
    histories, _ = read(log)
    events = len(histories.classes)
    ends = data.draw(st.lists(st.integers(0, events), min_size=1, max_size=5))
    starts = [data.draw(st.integers(0, end)) for end in ends]
    tokens = histories.windows(np.array(starts), np.array(ends), length)
    assert tokens.dtype == np.int32 and tokens.shape == (len(ends), length)
    for row, start, end in zip(tokens.tolist(), starts, ends, strict=True):
        last = [c + 1 for c in histories.classes[start:end].tolist()][-length:]
        assert row == [0] * (length - len(last)) + last


@given(logs, st.integers(1, 6), st.data())
def test_gaps_are_seconds_to_the_event_after_and_at_last_to_the_request(log, length, data):
    histories, _ = read(log, timed=True)
    events = len(histories.classes)
    times = np.array(data.draw(st.lists(st.floats(-99, 4e9), min_size=events, max_size=events)))
    histories = replace(histories, times=times)
    ends = data.draw(st.lists(st.integers(0, events), min_size=1, max_size=5))
    starts = [data.draw(st.integers(0, end)) for end in ends]
    at = [data.draw(st.just(float("nan")) | st.floats(-99, 4e9)) for _ in ends]
    gaps = histories.gaps(np.array(starts), np.array(ends), np.array(at), length)
    assert gaps.dtype == np.int32 and gaps.shape == (len(ends), length)
    for row, start, end, asked in zip(gaps.tolist(), starts, ends, at, strict=True):
        expected = [-1] * length
        for place in range(start, end):
            then = times[place + 1] if place + 1 < end else asked
            seconds = min(max(then - times[place], 0), 2**31 - 1)
            expected.append(-1 if math.isnan(then) else int(seconds))
        assert row == expected[-length:]


def test_gaps_of_events_without_times_are_unknown():
    histories, _ = read([(0, 0, "view"), (0, 1, "view")])
    gaps = histories.gaps(np.array([0]), np.array([2]), np.array([5.0]), 3)
    assert gaps.dtype == np.int32 and gaps.tolist() == [[-1, -1, -1]]


@given(st.lists(st.lists(digit, max_size=7), min_size=1, max_size=4), st.integers(1, 5))
def test_explicit_histories_are_padded_like_windows(listed, length):
    tokens = pad_tokens([np.array(classes, np.int32) for classes in listed], length)
    assert tokens.dtype == np.int32
    expected = [([0] * length + [c + 1 for c in classes])[-length:] for classes in listed]
    assert tokens.tolist() == expected


@given(logs, st.data())
def test_only_keeps_the_chosen_events_of_the_same_users(log, data):
    histories, _ = read(log, timed=True)
    events = len(histories.classes)
    chosen = data.draw(st.lists(st.booleans(), min_size=events, max_size=events))
    part = histories.only(np.array(chosen, bool))
    assert part.user_ids.to_list() == histories.user_ids.to_list()
    for user in histories.index:
        for name in ("classes", "weights", "times"):
            row = histories.index[user]
            kept = chosen[histories.offsets[row] : histories.offsets[row + 1]]
            whole = own(histories, user, name)
            assert own(part, user, name) == [v for v, k in zip(whole, kept, strict=True) if k]
    assert part.hidden.tolist() == histories.hidden.tolist()


def test_counts_sum_the_weights_of_each_class():
    log = [("a", "x", "view"), ("a", "y", "buy"), ("b", "x", "buy"), ("b", "z", "hide")]
    histories, _ = read(log)
    assert histories.counts(4).tolist() == [6.0, 5.0, 0.0, 0.0]


def test_a_cohort_is_named_after_the_lengths_in_it():
    lengths = [0, 1, 2, 3, 4, 9, 10, 49, 50, 1000]
    names = [COHORTS[c] for c in cohort_of(np.array(lengths))]
    assert names == ["0", "1", "2-3", "2-3", "4-9", "4-9", "10-49", "10-49", "50+", "50+"]


def test_offsets_say_where_each_users_rows_begin():
    frame = pl.DataFrame({"user_id": ["a", "a", "c"]})
    assert user_offsets(pl.Series(["a", "b", "c"]), frame).tolist() == [0, 2, 2, 3]


@given(logs)
def test_repeats_are_the_events_whose_item_the_user_had_before(log):
    histories, _ = read(log)
    lists = [own(histories, user, "classes") for user in histories.user_ids]
    events = sum(map(len, lists))
    again = sum(len(items) - len(set(items)) for items in lists)
    assert histories.repeats() == pytest.approx(again / max(events, 1))
