"""Likes and dislikes become rows with strengths that cannot outgrow one another."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean import options
from ysmean.data.catalogue import Catalogue
from ysmean.data.preferences import bounded, encode_preferences, heed
from ysmean.data.schema import FeatureType
from ysmean.errors import RequestError

CATALOGUE = Catalogue(
    pl.DataFrame(
        {
            "item_id": ["x", "y", "z"],
            "genres": [["a", "b"], ["c"], None],
            "dubbed": ["true", "false", None],
            "year": [1994.0, 2010.0, None],
        }
    ),
    {
        "genres": FeatureType.CATEGORIES,
        "dubbed": FeatureType.CATEGORY,
        "year": FeatureType.NUMBER,
    },
    np.ones(3, bool),
)


def encoded(preferences):
    stated = encode_preferences([preferences], CATALOGUE)
    names = {row + 1: key for key, row in CATALOGUE.attributes.rows.items()}
    rows = (array[0].tolist() for array in vars(stated).values())
    return {
        names[t] if t > 0 else ("year", low, high): s
        for t, low, high, s in zip(*rows, strict=True)
        if t
    }


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({}, {}),
        ({"genres": "a"}, {("genres", "a"): 1}),
        ({"genres": ["a", "c", "a"]}, {("genres", "a"): 1, ("genres", "c"): 1}),
        ({"genres": {"a": -1, "b": 0.5, "c": 0}}, {("genres", "a"): -1, ("genres", "b"): 0.5}),
        ({"dubbed": True}, {("dubbed", "true"): 1}),
        ({"dubbed": {False: np.float32(0.25)}}, {("dubbed", "false"): 0.25}),
        ({"year": ">2000"}, {("year", 2, 2): 1}),
        ({"year": {"<= 2010": -0.5}}, {("year", 1, 2): -0.5}),
        ({"year": 1994}, {("year", 1, 1): 1}),
        ({"year": [">=1990 and <2000", "2010"]}, {("year", 1, 1): 1, ("year", 2, 2): 1}),
    ],
)
def test_values_are_likes_and_mappings_give_strengths(preferences, expected):
    assert encoded(preferences) == expected


@pytest.mark.parametrize(
    ("preferences", "message"),
    [
        (
            {"genres": {"a": 2}},
            "Preference genres = 'a' has the strength 2; expected a number from",
        ),
        ({"genres": {"a": float("nan")}}, "has the strength nan"),
        ({"genres": {"a": "much"}}, "has the strength 'much'"),
        ({"genres": {"a": True}}, "has the strength True"),
        ({"genres": {"z": -1}}, "No item has genres = 'z'."),
        ({"genre": ["a"]}, "Did you mean 'genres'"),
        ({"genres": None}, "Preferences on genres are None; expected values, or strengths"),
        (["a"], "preferences=['a']; expected values by feature"),
        ({"yeer": ">2000"}, "no item has such a feature with categories, numbers or times. Did"),
        ({"year": "after 2010"}, "Preference on 'year' is 'after 2010'; expected a number, after"),
        ({"year": ">2010"}, "No item has year >2010; the values go from 1994 to 2010."),
        ({"year": {">=1990": 2}}, "Preference year = '>=1990' has the strength 2"),
    ],
)
def test_what_is_no_preference_is_refused_by_name(preferences, message):
    with pytest.raises(RequestError, match=re.escape(message)):
        encoded(preferences)


rows = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=5)


@given(rows)
def test_together_strengths_are_as_stated_but_no_longer_than_one(row):
    found = bounded(np.array([row], np.float32))[0]
    length = np.sqrt(sum(s * s for s in row))
    expected = [s / max(length, 1) for s in row]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert heed(np.array([row], np.float32))[0] == pytest.approx(min(length, 1), abs=1e-5)


def test_the_command_line_takes_a_strength_before_the_feature():
    liked = ["genres=a:b, c=d", " 0.5:genres = x", "1:y:z=3", "0.5:year>=2010"]
    assert options.preferences(liked, ["0.25:genres=e", "k:v=w", "year < 1990 and >1950"]) == {
        "genres": {"a:b, c=d": 1, "x": 0.5, "e": -0.25},
        "y:z": {"3": 1},
        "k:v": {"w": -1},
        "year": {">=2010": 0.5, "< 1990 and >1950": -1},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("genres", "--prefer 'genres'; expected FEATURE=VALUE"),
        ("=x", "expected FEATURE=VALUE"),
        ("genres=", "expected FEATURE=VALUE"),
        ("year>=", "expected FEATURE=VALUE"),
        ("0:genres=a", "expected a strength above 0 and at most 1"),
        ("-1:genres=a", "expected a strength above 0 and at most 1"),
        ("nan:genres=a", "expected a strength above 0 and at most 1"),
    ],
)
def test_the_command_line_refuses_what_is_no_preference(text, message):
    with pytest.raises(RequestError, match=re.escape(message)):
        options.preferences([text], [])
