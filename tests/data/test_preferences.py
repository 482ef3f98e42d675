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
        {"item_id": ["x", "y"], "genres": [["a", "b"], ["c"]], "dubbed": ["true", "false"]}
    ),
    {"genres": FeatureType.CATEGORIES, "dubbed": FeatureType.CATEGORY},
    np.ones(2, bool),
)


def encoded(preferences):
    tokens, strengths = encode_preferences([preferences], CATALOGUE)
    names = {row + 1: key for key, row in CATALOGUE.attributes.rows.items()}
    return {names[t]: float(s) for t, s in zip(tokens[0].tolist(), strengths[0], strict=True) if t}


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({}, {}),
        ({"genres": "a"}, {("genres", "a"): 1}),
        ({"genres": ["a", "c", "a"]}, {("genres", "a"): 1, ("genres", "c"): 1}),
        ({"genres": {"a": -1, "b": 0.5, "c": 0}}, {("genres", "a"): -1, ("genres", "b"): 0.5}),
        ({"dubbed": True}, {("dubbed", "true"): 1}),
        ({"dubbed": {False: np.float32(0.25)}}, {("dubbed", "false"): 0.25}),
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
    liked = ["genres=a:b, c=d", " 0.5:genres = x", "1:y:z=3"]
    assert options.preferences(liked, ["0.25:genres=e", "k:v=w"]) == {
        "genres": {"a:b, c=d": 1, "x": 0.5, "e": -0.25},
        "y:z": {"3": 1},
        "k:v": {"w": -1},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("genres", "--prefer 'genres'; expected FEATURE=VALUE"),
        ("=x", "expected FEATURE=VALUE"),
        ("genres=", "expected FEATURE=VALUE"),
        ("0:genres=a", "expected a strength above 0 and at most 1"),
        ("-1:genres=a", "expected a strength above 0 and at most 1"),
        ("nan:genres=a", "expected a strength above 0 and at most 1"),
    ],
)
def test_the_command_line_refuses_what_is_no_preference(text, message):
    with pytest.raises(RequestError, match=re.escape(message)):
        options.preferences([text], [])
