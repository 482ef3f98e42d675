"""Users' features and the request's context become small tokens, 0 where nothing is known."""

import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.fields import BINS, MAX_LISTED, MIN_USERS, UserFields, context_tokens
from ysmean.data.users import Users
from ysmean.errors import RequestError


def people(types=None, **columns):
    rows = len(next(iter(columns.values())))
    return Users.from_frame({"user_id": list(range(rows)), **columns}, types=types)


def tokens_of(users, *user_ids):
    return UserFields.fit(users).tokens(users, pl.Series([str(u) for u in user_ids])).tolist()


def test_a_category_gets_one_token_a_value_that_enough_users_share():
    few = ["rare"] * (MIN_USERS - 1)
    users = people(region=["south"] * MIN_USERS + ["north"] * MIN_USERS + few + [None])
    fields = UserFields.fit(users)
    assert fields.values == {"region": {"north": 1, "south": 2}}
    assert (fields.width, fields.size) == (1, 3)
    last = len(users) - 1
    assert tokens_of(users, MIN_USERS, 0, last - 1, last, "stranger") == [[1], [2], [0], [0], [0]]


def test_features_follow_each_other_in_one_vocabulary():
    users = people(region=["a", "b"] * MIN_USERS, sex=["f", "m"] * MIN_USERS)
    fields = UserFields.fit(users)
    assert fields.columns == (("region", 1), ("sex", 1))
    assert fields.size == 5
    assert tokens_of(users, 0, 1) == [[1, 3], [2, 4]]


def test_a_number_gets_the_token_of_its_quantile_bin():
    users = people(age=[float(n) for n in range(BINS * 10)] + [None])
    found = [row[0] for row in tokens_of(users, *range(len(users)))]
    known = found[:-1]
    assert known == sorted(known)  # a higher number never has a lower bin
    sizes = np.bincount(known)[1:]
    assert len(sizes) == BINS
    assert abs(sizes - 10).max() <= 1  # bins of equal mass
    assert found[-1] == 0


def test_a_list_gets_the_tokens_of_its_first_known_values():
    users = people(likes=[["e", "?", "a"], None] + [["a", "b", "c", "d", "e"]] * MIN_USERS)
    assert UserFields.fit(users).width == MAX_LISTED
    assert tokens_of(users, 0, 1, 2) == [[5, 1, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4]]


def test_values_that_tell_nobody_apart_and_texts_are_left_out():
    texts = [f"a long story about number {n}" for n in range(2 * MIN_USERS)]
    users = people(same=["x"] * 2 * MIN_USERS, story=texts, id_like=[str(t) for t in texts])
    fields = UserFields.fit(users)
    assert fields.columns == () and fields.size == 1
    assert fields.tokens(users, pl.Series(["0", "1"])).tolist() == [[0], [0]]


def test_without_a_table_of_users_everything_is_unknown():
    fields = UserFields.fit(None)
    tokens = fields.tokens(None, pl.Series(["a", "b"]))
    assert tokens.tolist() == [[0], [0]] and tokens.dtype == np.int32
    assert fields.size == 1


feature = st.fixed_dictionaries(
    {
        "region": st.lists(st.none() | st.sampled_from("ab"), min_size=20, max_size=20),
        "age": st.lists(st.none() | st.integers(0, 9), min_size=20, max_size=20).filter(
            lambda ages: any(age is not None for age in ages)
        ),
        "likes": st.lists(
            st.none() | st.lists(st.sampled_from("xyz"), min_size=1), min_size=20, max_size=20
        ),
    }
)
FIXED = {"region": "category", "age": "number", "likes": "categories"}


@given(feature)
def test_fields_survive_json_and_tokens_stay_within_the_vocabulary(columns):
    users = people(FIXED, **columns)
    fields = UserFields.fit(users)
    again = UserFields.from_json(json.loads(json.dumps(fields.to_json())))
    assert again.columns == fields.columns and again.size == fields.size
    ids = users.frame["user_id"]
    tokens = fields.tokens(users, ids)
    assert tokens.shape == (20, fields.width)
    assert tokens.min() >= 0 and tokens.max() < fields.size
    assert again.tokens(users, ids).tolist() == tokens.tolist()


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_context_of_a_time_is_its_hour_and_weekday_in_utc(moment):
    tokens = context_tokens(np.array([moment.timestamp()]))
    assert tokens.tolist() == [[moment.hour + 1, moment.weekday() + 1]]
    assert tokens.dtype == np.int32


def test_a_stated_context_replaces_that_of_the_time():
    at = np.array([0.0, np.nan, 0.0])  # 1970-01-01 00:00 was a Thursday
    stated = [{"hour": 23}, {"weekday": 6.0}, None]
    assert context_tokens(at, stated).tolist() == [[24, 4], [0, 7], [1, 4]]


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"hours": 3}, r"Unknown context 'hours'\. Did you mean 'hour'"),
        ({"hour": 24}, r"Context hour=24; expected a whole number from 0 to 23"),
        ({"hour": -1}, r"Context hour=-1; expected a whole number from 0 to 23"),
        ({"weekday": 7}, r"Context weekday=7; expected a whole number from 0 to 6"),
        ({"weekday": 1.5}, r"Context weekday=1\.5; expected a whole number"),
        ({"hour": float("nan")}, r"Context hour=nan; expected a whole number"),
    ],
)
def test_a_context_that_cannot_be_is_refused(context, message):
    with pytest.raises(RequestError, match=message):
        context_tokens(np.zeros(1), [context])
