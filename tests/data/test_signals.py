"""Types and ratings of events become weights, exclusions or nothing."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.histories import Histories
from ysmean.errors import DataError


def table(**columns):
    rows = len(next(iter(columns.values())))
    ids = {"user_id": ["a"] * rows, "item_id": [f"i{n}" for n in range(rows)]}
    return Events.from_frame({**ids, **columns})


def test_dislikes_and_hides_exclude_unless_told_otherwise():
    events = table(event=["view", "dislike", "hide", "view"])
    assert events.frame["excludes"].to_list() == [False, True, True, False]
    assert events.frame["weight"].to_list() == [1.0] * 4
    assert "2 view (1.0)" in events.notes[0]


def test_the_weight_of_the_type_multiplies_the_weight_of_the_event():
    frame = {
        "user_id": [1, 1, 1],
        "item_id": [1, 2, 3],
        "weight": [2.0, 3.0, 1.0],
        "event": ["buy", "view", "bad"],
    }
    events = Events.from_frame(frame, event_weights={"buy": 4, "view": 0.5, "bad": "exclude"})
    assert events.frame["weight"].to_list() == [8.0, 1.5, 1.0]
    assert events.frame["excludes"].to_list() == [False, False, True]


def test_an_event_type_without_a_weight_names_the_row_and_the_nearest():
    with pytest.raises(DataError, match=r"row 2: event type 'vieww'.*Did you mean 'view'"):
        Events.from_frame(
            {"user_id": [1, 1], "item_id": [1, 2], "event": ["view", "vieww"]},
            event_weights={"view": 1},
        )


@pytest.mark.parametrize("weight", [0, -1, "excluded", float("nan"), float("inf")])
def test_a_weight_of_a_type_that_is_no_weight_is_refused_even_if_unused(weight):
    with pytest.raises(DataError, match=r"Event type 'buy' weighs .* 'exclude' or 'ignore'"):
        Events.from_frame(
            {"user_id": [1], "item_id": [1], "event": ["view"]},
            event_weights={"view": 1, "buy": weight},
        )


def rated(ratings, weights, **columns):
    rows = len(ratings)
    frame = {"user_id": ["a"] * rows, "item_id": [f"i{n}" for n in range(rows)], "rating": ratings}
    return Events.from_frame({**frame, **columns}, rating_weights=weights)


STARS = {1: "exclude", 3: "ignore", "3.5": 1, 4.5: 2.0}


def test_a_rating_means_what_the_highest_threshold_not_above_it_says():
    events = rated([1.0, 2.9, 3, 3.4, 3.5, 4.4, 4.5, 5.0, None, float("nan")], STARS)
    assert events.frame["item_id"].to_list() == ["i0", "i1", "i4", "i5", "i6", "i7", "i8", "i9"]
    assert events.frame["weight"].to_list() == [1, 1, 1, 1, 2, 2, 1, 1]
    assert events.frame["excludes"].to_list() == [True, True] + [False] * 6
    assert events.notes[0] == (
        "the table: ratings 2 from 1 (exclude), 2 from 3 (ignore), 2 from 3.5 (1), 2 from 4.5 "
        "(2.0), 2 without one"
    )


thresholds = st.dictionaries(
    st.integers(-3, 3).map(float),
    st.sampled_from([0.5, 2, "exclude", "ignore"]),
    min_size=1,
)


@given(thresholds, st.lists(st.none() | st.integers(0, 8).map(lambda n: n / 2), min_size=1))
def test_weights_of_type_and_rating_multiply_and_any_exclusion_counts(meanings, extra):
    lowest = min(meanings)
    ratings = [None, *(r if r is None else lowest + r for r in extra)]
    types = [("view", "buy", "dislike", "skip")[n % 4] for n in range(len(ratings))]
    by_type = {"view": 1, "buy": 3, "dislike": "exclude", "skip": "ignore"}
    rows = len(ratings)
    events = Events.from_frame(
        {"user_id": [1] * rows, "item_id": range(rows), "event": types, "rating": ratings},
        event_weights=by_type,
        rating_weights=meanings,
    )
    expected = []
    for number, (kind, rating) in enumerate(zip(types, ratings, strict=True)):
        of_rating = 1 if rating is None else meanings[max(t for t in meanings if t <= rating)]
        both = [by_type[kind], of_rating]
        if "ignore" not in both:
            weight = np.prod([m for m in both if m != "exclude"])
            expected.append((str(number), weight, "exclude" in both))
    assert events.frame.select("item_id", "weight", "excludes").rows() == expected


@pytest.mark.parametrize(
    ("ratings", "weights", "message"),
    [
        ([4.0, 0.5], STARS, "row 2: rating is 0.5; expected a number from 1, the lowest of the"),
        (["4", "good"], STARS, "row 2: rating is 'good'; expected a number from 1"),
        ([4], {"three": 1}, "Rating weight 'three'; expected the lowest rating it is for."),
        ([4], {"nan": 1}, "Rating weight 'nan'; expected the lowest rating"),
        ([4], {4: {"5": 2.0}}, "Rating weight 4 is a table; in TOML a number with a point stands"),
        ([4], {4: -1}, "Rating 4 weighs -1; expected a number above 0, 'exclude' or 'ignore'."),
        ([4], {4: "hide"}, "Rating 4 weighs 'hide'; expected a number above 0"),
        ([4], {4: True}, "Rating 4 weighs True; expected a number above 0"),
        ([4], {}, "Rating weights are empty; expected weights by lowest rating."),
        ([1, 2], {1: "ignore"}, "the table: every event is one to ignore; none is left."),
    ],
)
def test_a_rating_or_a_mapping_without_meaning_is_refused(ratings, weights, message):
    with pytest.raises(DataError, match=re.escape(message)):
        rated(ratings, weights)


def test_ratings_count_for_nothing_unless_told_so_and_that_is_said():
    events = table(rating=[1, 5])
    assert events.frame["weight"].to_list() == [1, 1] and not events.frame["excludes"].any()
    assert "ratings count for nothing" in events.notes[0]
    assert "no column 'rating'" in rated_without_a_column().notes[0]


def rated_without_a_column():
    return Events.from_frame({"user_id": ["a"], "item_id": ["x"]}, rating_weights=STARS)


def test_likes_are_interest_and_dislikes_hides_and_low_ratings_hide_the_item():
    events = Events.from_frame(
        {
            "user_id": ["a"] * 5,
            "item_id": ["liked", "disliked", "hidden", "panned", "praised"],
            "event": ["like", "dislike", "hide", "rate", "rate"],
            "rating": [None, None, None, 1, 5],
        },
        rating_weights={1: "exclude", 4: 2},
    )
    catalogue, events = Catalogue.build(events)
    histories = Histories.from_events(events, catalogue)
    names = np.array(catalogue.item_ids)
    assert names[histories.classes].tolist() == ["liked", "praised"]
    assert histories.weights.tolist() == [1, 2]
    assert names[histories.hidden].tolist() == ["disliked", "hidden", "panned"]


@pytest.mark.data
def test_the_published_counts_of_movielens_are_what_a_mapping_of_its_ratings_makes(data_folder):
    path = data_folder / "ml-100k" / "events.parquet"
    meanings = {1: "exclude", 3: "ignore", 4: 1, 5: 2}
    events = Events.from_frame(path, rating_weights=meanings)
    assert len(events) == 100_000 - 27_145
    assert events.frame["excludes"].sum() == 6_110 + 11_370
    assert (events.frame["weight"] == 2).sum() == 21_201
