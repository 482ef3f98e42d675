"""Reading events: order, types, weights, and errors that name the row."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.events import Events, read_events
from ysmean.errors import DataError


def table(**columns):
    rows = max(len(v) for v in columns.values())
    ids = {"user_id": ["u"] * rows, "item_id": [f"i{n}" for n in range(rows)]}
    return Events.from_frame({**ids, **columns})


def rows_of(events):
    return events.frame.select("user_id", "item_id").rows()


small = st.integers(0, 3)


@given(st.lists(st.tuples(small, small, small), min_size=1, max_size=40), st.booleans())
def test_users_keep_first_appearance_and_events_their_time_order(log, as_text):
    cast = (lambda n: f"id{n}") if as_text else int
    users, items, times = ([row[c] for row in log] for c in range(3))
    events = Events.from_frame(
        {"user_id": map_(cast, users), "item_id": map_(cast, items), "timestamp": times}
    )
    first = list(dict.fromkeys(users))
    distinct = list(dict.fromkeys(log))  # keeps the first of exact duplicates
    expected = sorted(distinct, key=lambda row: (first.index(row[0]), row[2]))
    assert rows_of(events) == [(str(cast(u)), str(cast(i))) for u, i, _ in expected]
    dropped = len(log) - len(distinct)
    assert any("exact duplicates dropped" in n for n in events.notes) == (dropped > 0)


def map_(function, values):
    return [function(v) for v in values]


@given(st.lists(st.tuples(small, small), min_size=1, max_size=30))
def test_without_time_the_order_of_rows_stays_and_repeats_are_kept_and_counted(log):
    users, items = ([row[c] for row in log] for c in range(2))
    events = Events.from_frame({"user_id": users, "item_id": items})
    first = list(dict.fromkeys(users))
    expected = sorted(log, key=lambda row: first.index(row[0]))
    assert rows_of(events) == [(str(u), str(i)) for u, i in expected]
    assert not events.has_time
    repeats = len(log) - len(set(log))
    expected = (f"the table: {repeats} events repeat an earlier item of the user",)
    assert events.notes == (expected if repeats else ())


def test_more_users_than_a_sixteen_bit_number_counts_keep_their_order():
    users, events = 70_000, 150_000
    rng = np.random.default_rng(0)
    owner = np.concatenate([np.arange(users), rng.integers(0, users, events - users)])
    times = rng.integers(0, 3, events)
    read = Events.from_frame(
        {"user_id": owner, "item_id": np.arange(events), "timestamp": times}
    ).frame
    expected = np.lexsort([np.arange(events), times, owner])
    assert read["item_id"].to_list() == expected.astype(str).tolist()


def test_columns_have_their_types_and_further_ones_stay_untouched():
    events = Events.from_frame(
        {"device": ["tv"], "timestamp": [5], "item_id": [7], "user_id": [1], "screens": [2]}
    )
    assert dict(events.frame.schema) == {
        "user_id": pl.String,
        "item_id": pl.String,
        "timestamp": pl.Float64,
        "weight": pl.Float32,
        "excludes": pl.Boolean,
        "device": pl.String,
        "screens": pl.Int64,
    }
    assert events.frame.row(0) == ("1", "7", 5.0, 1.0, False, "tv", 2)


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ([10, 20], [10.0, 20.0]),
        ([10.5, 20.5], [10.5, 20.5]),
        ([date(1970, 1, 2), date(1970, 1, 3)], [86400.0, 172800.0]),
        ([datetime(1970, 1, 1, 1), datetime(1970, 1, 1, 2)], [3600.0, 7200.0]),
        ([datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))] * 2, [0.0, 0.0]),
        (["1970-01-01", "1970-01-01 00:00:01.5"], [0.0, 1.5]),
        (["1970-01-01T02:00:00+02:00", "1970-01-01T00:01Z"], [0.0, 60.0]),
    ],
)
def test_times_become_seconds_since_the_epoch(times, seconds):
    assert table(timestamp=times).frame["timestamp"].to_list() == seconds


def test_a_datetime_keeps_its_moment():
    moment = datetime(2026, 11, 24, 20, 15, 30, tzinfo=UTC)
    assert table(timestamp=[moment]).frame["timestamp"][0] == moment.timestamp()


def test_milliseconds_are_pointed_out_and_left_alone():
    events = table(timestamp=[1.6e12])
    assert events.frame["timestamp"][0] == 1.6e12
    assert "look like milliseconds" in events.notes[0]
    assert "Divide them by 1000" in events.notes[0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"timestamp": [1, None]}, "the table, row 2: timestamp is None"),
        ({"timestamp": [1.0, float("nan")]}, "the table, row 2: timestamp is nan"),
        ({"timestamp": ["2020-01-01", "soon"]}, "the table, row 2: timestamp is 'soon'"),
        ({"user_id": ["a", None]}, "the table, row 2: user_id is empty"),
        ({"user_id": [1, None]}, "the table, row 2: user_id is empty"),
        ({"item_id": ["", "x"]}, "the table, row 1: item_id is empty"),
        ({"item_id": [0.5, 1.5]}, "row 1: item_id is 0.5; ids must be text or integers"),
        ({"weight": [1, 0]}, "the table, row 2: weight is 0; expected a finite number above 0"),
        ({"weight": [1, -1]}, "the table, row 2: weight is -1"),
        ({"weight": [1, None]}, "the table, row 2: weight is None"),
        ({"weight": ["1", "much"]}, "the table, row 2: weight is 'much'"),
        ({"weight": [float("inf"), 1]}, "the table, row 1: weight is inf"),
        ({"excludes": ["no", "yes"]}, "column 'excludes' is String; expected true or false"),
    ],
)
def test_a_bad_value_is_refused_by_row(columns, message):
    with pytest.raises(DataError, match=message):
        table(**columns)


def test_the_same_item_at_the_same_time_in_another_way_is_no_duplicate():
    events = Events.from_frame(
        {"user_id": [1] * 3, "item_id": [1] * 3, "timestamp": [1] * 3, "event": ["a", "b", "a"]}
    )
    assert events.frame["event"].to_list() == ["a", "b"]


def test_events_that_were_read_read_the_same_again():
    events = table(timestamp=[3, 1, 2], excludes=[True, False, None])
    again = Events.from_frame(events.frame)
    assert again.frame.equals(events.frame)


@pytest.mark.data
def test_the_rows_of_movielens_keep_their_order_within_a_user(data_folder):
    path = data_folder / "ml-1m" / "events.parquet"
    events = read_events(path)
    raw = pl.read_parquet(path)
    assert len(events) == 999_611
    assert events.frame["user_id"].n_unique() == 6_040
    user = events.frame["user_id"][500_000]
    mine = raw.filter(pl.col("user_id").cast(pl.String) == user)["item_id"].cast(pl.String)
    assert events.frame.filter(pl.col("user_id") == user)["item_id"].to_list() == mine.to_list()


@pytest.mark.data
def test_real_times_rise_within_every_user(data_folder):
    events = read_events(data_folder / "ml-1m" / "events-timed.parquet")
    users = events.frame["user_id"].to_numpy()
    steps = np.diff(events.frame["timestamp"].to_numpy())
    assert (steps[users[1:] == users[:-1]] >= 0).all()
