"""The simulated service is reproducible, plausible, and has something to learn."""

import re
import time
from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from ysmean.data.schema import FeatureType
from ysmean.data.simulate import simulate
from ysmean.errors import DataError


@pytest.fixture(scope="module")
def service():
    return simulate(seed=3)


def joined(service):
    return service.events.frame.join(service.items.frame, on="item_id", maintain_order="left")


def test_the_same_seed_gives_the_same_service_and_another_one_another():
    one, same, other = (simulate(seed, 50, 60, 600, 5) for seed in (1, 1, 2))
    assert one.events.frame.equals(same.events.frame)
    assert one.items.frame.equals(same.items.frame)
    assert not one.events.frame.equals(other.events.frame)


def test_it_takes_less_than_three_seconds():
    start = time.perf_counter()
    simulate()
    assert time.perf_counter() - start < 15  # 2 s on two cores; the room is for busy machines


def test_features_have_the_types_that_networks_need(service):
    assert service.items.schema == {
        "title": FeatureType.TEXT,
        "synopsis": FeatureType.TEXT,
        "genres": FeatureType.CATEGORIES,
        "language": FeatureType.CATEGORY,
        "year": FeatureType.NUMBER,
    }
    assert set(service.users.schema) == {"age_group", "region"}
    assert service.items.frame["title"].is_unique().all()


def test_new_items_have_no_event_and_all_others_may(service):
    watched = set(service.events.frame["item_id"])
    ids = service.items.frame["item_id"].to_list()
    assert not watched & set(ids[-20:])
    assert len(watched) > 0.8 * (len(ids) - 20)


def test_nobody_watches_a_title_twice_or_before_it_is_available(service):
    events = joined(service)
    assert not events.select("user_id", "item_id").is_duplicated().any()
    assert (events["timestamp"] >= events["available_from"]).all()
    assert events["timestamp"].max() - events["timestamp"].min() < 365 * 86400


def test_sequels_are_watched_after_the_part_before_them(service):
    titles = service.items.frame["title"].to_list()
    before = {part: first for first, part in pairwise(titles) if name(first) == name(part)}
    assert len(before) > 20
    for (_,), views in joined(service).group_by("user_id", maintain_order=True):
        place = {title: n for n, title in enumerate(views["title"])}
        for part, first in before.items():
            assert part not in place or place[first] < place[part]


def name(title):
    return re.sub(" (II|III|IV)$", "", title)


def test_few_titles_take_much_of_the_attention(service):
    counts = sorted(Counter(service.events.frame["item_id"]).values(), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.25 * sum(counts)


def test_taste_depends_on_age(service):
    views = joined(service).join(service.users.frame, on="user_id").explode("genres")
    table = views.group_by("age_group", "genres").len().pivot("genres", index="age_group")
    counts = table.drop("age_group").fill_null(0).to_numpy().astype(float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    assert chi_square > 10 * freedom


def test_a_view_tends_to_stay_with_the_genre_of_the_last(service):
    views = joined(service)
    genres = [set(g) for g in views["genres"].to_list()]
    users = views["user_id"].to_list()
    steps = zip(pairwise(genres), pairwise(users), strict=True)
    stays = [bool(a & b) for (a, b), (u, v) in steps if u == v]
    shuffled = np.random.default_rng(0).permutation(len(genres))
    chance = np.mean([bool(genres[a] & genres[b]) for a, b in enumerate(shuffled)])
    assert np.mean(stays) > 1.5 * chance


def test_a_synopsis_says_what_genre_it_is(service):
    words = service.items.frame.explode("genres").with_columns(
        pl.col("synopsis").str.contains("detective|heist|alibi|verdict|clue").alias("crime")
    )
    by = dict(words.group_by(pl.col("genres") == "Crime").agg(pl.col("crime").mean()).rows())
    assert by[True] > 3 * by[False]


def test_more_titles_than_names_are_refused_with_the_number():
    with pytest.raises(DataError, match="Cannot name 9,000 items; expected at most"):
        simulate(items=9000)
