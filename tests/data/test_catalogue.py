"""The catalogue: which items, in which order, and what is known of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.errors import DataError, UnknownItemError


def events_on(*item_ids, kinds=None):
    table = {"user_id": ["u"] * len(item_ids), "item_id": list(item_ids)}
    return Events.from_frame({**table, **({"event": kinds} if kinds else {})})


FILMS = Items.from_frame(
    {
        "item_id": ["a", "b", "c"],
        "title": ["Alien", None, "Casablanca"],
        "genres": [["Horror", "Sci-Fi"], None, ["Drama"]],
        "language": ["English", None, "English"],
    }
)


def films(*extra):
    return Catalogue.build(events_on("a", *extra), FILMS)[0]


def test_without_an_items_file_the_items_are_those_of_the_events_by_first_appearance():
    catalogue, events = Catalogue.build(events_on("b", "a", "b"))
    assert catalogue.item_ids == ["b", "a"]
    assert catalogue.warm.tolist() == [True, True]
    assert catalogue.titles(np.array([0, 1], np.int32)) == [None, None]
    assert catalogue.has_features.tolist() == [False, False]
    assert len(events) == 3


def test_the_items_file_gives_the_order_and_items_without_events_are_cold():
    catalogue, _ = Catalogue.build(events_on("c", "a"), FILMS)
    assert catalogue.item_ids == ["a", "b", "c"]
    assert catalogue.warm.tolist() == [True, False, True]
    assert catalogue.notes == ()


def test_items_that_only_the_events_know_are_appended_without_features():
    catalogue, events = Catalogue.build(events_on("x", "a", "x", "y"), FILMS)
    assert catalogue.item_ids == ["a", "b", "c", "x", "y"]
    assert catalogue.warm.tolist() == [True, False, False, True, True]
    assert catalogue.has_features.tolist() == [True, False, True, False, False]
    assert len(events) == 4
    expected = "2 items in 3 events are missing from the items file: kept, featureless"
    assert catalogue.notes == (expected,)


def test_events_on_unknown_items_can_be_dropped():
    catalogue, events = Catalogue.build(events_on("x", "a", "x", "y"), FILMS, unknown_items="drop")
    assert catalogue.item_ids == ["a", "b", "c"]
    assert events.frame["item_id"].to_list() == ["a"]
    expected = "2 items in 3 events are missing from the items file: events dropped"
    assert catalogue.notes == (expected,)


@given(
    st.lists(st.sampled_from("abcdef"), unique=True, min_size=1),
    st.lists(st.sampled_from("abcdef"), min_size=1),
)
def test_the_catalogue_is_the_union_of_both_files_and_each_id_has_one_class(known, taken):
    catalogue, _ = Catalogue.build(events_on(*taken), Items.from_frame({"item_id": known}))
    union = known + [i for i in dict.fromkeys(taken) if i not in known]
    assert catalogue.item_ids == union
    assert catalogue.index == {item: n for n, item in enumerate(union)}
    assert catalogue.classes(union).tolist() == list(range(len(union)))
    assert catalogue.warm.tolist() == [i in taken for i in union]


def test_an_item_that_was_only_disliked_is_cold():
    events = events_on("a", "c", "c", kinds=["view", "dislike", "hide"])
    assert Catalogue.build(events, FILMS)[0].warm.tolist() == [True, False, False]


def test_no_common_item_is_refused_with_an_example_of_both():
    with pytest.raises(DataError, match=r"No event is on an item.*'7' in events against 'a' in it"):
        Catalogue.build(events_on("7"), FILMS, unknown_items="drop")


def test_another_way_with_unknown_items_is_refused():
    message = "unknown_items is 'ignore'; expected 'keep' or 'drop'"
    with pytest.raises(DataError, match=message):
        Catalogue.build(events_on("a"), FILMS, unknown_items="ignore")


def test_unknown_ids_have_no_class_and_are_named_where_they_must_have_one():
    assert films().classes(["c", "?", "a"]).tolist() == [2, -1, 0]
    assert films().classes([]).dtype == np.int32
    assert films().known_classes(iter(["c", "a"])).tolist() == [2, 0]
    with pytest.raises(UnknownItemError, match=r"Item '\?' is not among the 3 items"):
        films().known_classes(["c", "?", "!"])


def test_titles_come_in_the_order_asked():
    assert films("x").titles(np.array([2, 0, 1, 3], np.int32)) == [
        "Casablanca",
        "Alien",
        None,
        None,
    ]


def test_bounds_of_availability_are_seconds_and_open_where_nothing_is_said():
    items = Items.from_frame(
        {
            "item_id": ["a", "b"],
            "available_from": ["1970-01-02", None],
            "available_until": [None, None],
        }
    )
    catalogue, _ = Catalogue.build(events_on("a", "new"), items)
    np.testing.assert_array_equal(catalogue.seconds("available_from"), [86400.0, np.nan, np.nan])
    assert catalogue.seconds("available_until") is None
    assert films().seconds("available_from") is None
    assert "available_from" not in catalogue.schema


tags = st.none() | st.lists(st.sampled_from(["p", "q", "r"]), max_size=4)


@given(st.lists(st.tuples(tags, st.none() | st.sampled_from(["p", "s"])), min_size=1, max_size=8))
def test_the_row_of_an_attribute_holds_the_items_that_have_it(rows):
    items = Items.from_frame(
        {
            "item_id": [f"i{n}" for n in range(len(rows))],
            "tags": [listed for listed, _ in rows],
            "kind": [kind for _, kind in rows],
        },
        types={"tags": "categories", "kind": "category"},
    )
    attributes = Catalogue.build(events_on("i0"), items)[0].attributes
    expected = {}
    for n, (listed, kind) in enumerate(rows):
        for key in {("tags", t) for t in listed or ()} | ({("kind", kind)} if kind else set()):
            expected.setdefault(key, []).append(n)
    found = {
        key: attributes.classes[attributes.offsets[row] : attributes.offsets[row + 1]].tolist()
        for key, row in attributes.rows.items()
    }
    assert found == expected
    assert all(attributes.row(*key) == row for key, row in attributes.rows.items())


def test_a_preference_that_no_item_has_names_the_nearest():
    attributes = films().attributes
    with pytest.raises(DataError, match=r"No item has genres = 'Horor'.* Did you mean 'Horror'"):
        attributes.row("genres", "Horor")
    with pytest.raises(DataError, match=r"'genre': no item has such .*Did you mean 'genres'"):
        attributes.row("genre", "Horror")
    with pytest.raises(DataError, match=r"'title': no item has such a categorical feature"):
        attributes.row("title", "Alien")


def test_without_categorical_features_there_are_no_attributes():
    catalogue, _ = Catalogue.build(events_on("a"))
    assert catalogue.attributes.rows == {}
    with pytest.raises(DataError, match=r"no item has such a categorical feature. Known: none"):
        catalogue.attributes.row("genres", "Drama")


def test_a_known_item_may_get_the_first_bounds_of_all():
    events = Events.from_frame({"user_id": ["u", "u"], "item_id": ["a", "b"]})
    catalogue, _ = Catalogue.build(events)
    assert catalogue.available == (None, None)
    ended = catalogue.with_items(pl.DataFrame({"item_id": ["b"], "available_until": [5.0]}))
    assert ended.item_ids == ["a", "b"] and ended.added == 0
    np.testing.assert_array_equal(ended.available[1], [np.nan, 5.0])


def test_described_anew_an_item_keeps_what_is_not_named_and_loses_what_is_empty():
    events = Events.from_frame({"user_id": ["u", "u"], "item_id": ["a", "b"]})
    items = Items.from_frame({"item_id": ["a", "b"], "year": [1990, 1991], "kind": ["x", "y"]})
    catalogue, _ = Catalogue.build(events, items)
    rows = pl.DataFrame({"item_id": ["c", "b"], "year": [2000.0, None]})
    found = catalogue.with_items(rows)
    assert found.frame["item_id"].to_list() == ["a", "b", "c"]
    assert found.frame["year"].to_list() == [1990, None, 2000]
    assert found.frame["kind"].to_list() == ["x", "y", None]
