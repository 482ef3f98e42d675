"""Shuffled features: what moves, what stays, and what cannot be shuffled."""

import polars as pl
import pytest

import ysmean as ym
from ysmean.data.corrupt import shuffle_features
from ysmean.errors import ConfigError

COUNT = 40
FRAME = pl.DataFrame(
    {
        "item_id": [f"i{n}" for n in range(COUNT)],
        "title": [f"Film number {n}" for n in range(COUNT)],
        "genres": [["red", "green", "blue"][: 1 + n % 3] for n in range(COUNT)],
        "year": [1980 + n for n in range(COUNT)],
        "available_from": [float(n) for n in range(COUNT)],
    }
).with_columns(
    pl.when(pl.col("item_id").is_in(["i3", "i8"])).then(None).otherwise(pl.col(name)).alias(name)
    for name in ("title", "genres", "year")
)
FEATURES = ["title", "genres", "year"]


@pytest.fixture
def items():
    return ym.Items.from_frame(FRAME)


def rows(items):
    return dict(zip(items.frame["item_id"], items.frame.select(FEATURES).rows(), strict=True))


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_whole_rows_of_the_chosen_move_and_everything_else_stays(items, share):
    shuffled, ids = shuffle_features(items, share, seed=4)
    before, after = rows(items), rows(shuffled)
    assert len(ids) == len(set(ids)) == round(share * 38)  # two have no features
    assert not {"i3", "i8"} & set(ids)
    for item in before:
        assert (before[item] != after[item]) == (item in ids)
    assert sorted(map(str, before.values())) == sorted(map(str, after.values()))
    for name in ("item_id", "available_from"):
        assert shuffled.frame[name].equals(items.frame[name])
    assert shuffled.schema == items.schema and shuffled.frame.columns == items.frame.columns
    assert f"{len(ids)} items have the features of one another" in shuffled.notes[-1]


def test_the_same_seed_chooses_the_same_and_another_one_others(items):
    first, again, other = (shuffle_features(items, 0.3, seed) for seed in (1, 1, 2))
    assert first[1] == again[1] and first[0].frame.equals(again[0].frame)
    assert first[1] != other[1]


def test_nothing_happens_for_a_share_of_nothing(items):
    assert shuffle_features(items, 0.0, seed=0) == (items, [])
    assert shuffle_features(None, 0, seed=0) == (None, [])


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (-0.1, "corrupt=-0.1; expected a share of the items from 0 to 1"),
        (30, "corrupt=30; expected a share of the items from 0 to 1"),
        (float("nan"), "corrupt=nan; expected a share"),
        (0.01, "corrupt=0.01 of 38 items with features is 0; expected at least two"),
    ],
)
def test_shares_that_make_no_sense_are_refused(items, share, message):
    with pytest.raises(ConfigError, match=message):
        shuffle_features(items, share, seed=0)


def test_items_without_features_cannot_be_shuffled(items):
    bare = ym.Items.from_frame(FRAME.select("item_id"))
    for nothing in (None, bare):
        with pytest.raises(ConfigError, match=r"corrupt=0.3 shuffles .* Pass items with features"):
            shuffle_features(nothing, 0.3, seed=0)
