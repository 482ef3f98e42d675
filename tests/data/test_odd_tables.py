"""Tables that are legal but odd, and what becomes of them."""

import numpy as np
import polars as pl
import pytest

import ysmean as ym
from ysmean.data.catalogue import Catalogue
from ysmean.data.features import FeatureEncoder
from ysmean.data.fields import UserFields, context_tokens
from ysmean.data.histories import Histories
from ysmean.data.schema import FeatureType
from ysmean.data.where import parse_where, where_mask
from ysmean.errors import DataError, RequestError, WhereError, nearest


def test_an_events_column_called_class_is_left_alone():
    events = ym.Events.from_frame(
        {"user_id": ["a", "a"], "item_id": ["x", "y"], "class": [1, 0], "taken": [5, 5]}
    )
    catalogue, events = Catalogue.build(events)
    assert Histories.from_events(events, catalogue).classes.tolist() == [0, 1]


def test_an_item_with_negative_events_alone_is_cold_with_and_without_an_items_file():
    events = ym.Events.from_frame(
        {"user_id": ["a", "a"], "item_id": ["x", "y"], "event": ["view", "dislike"]}
    )
    items = ym.Items.from_frame({"item_id": ["x", "y"]})
    for given in (None, items):
        assert Catalogue.build(events, given)[0].warm.tolist() == [True, False]


def test_users_features_may_be_empty_or_have_any_name():
    users = ym.Users.from_frame(
        {"user_id": list(range(12)), "n": [float("nan")] * 12, "count": ["a", "b"] * 6}
    )
    fields = UserFields.fit(users)
    assert [name for name, _ in fields.columns] == ["count"]
    assert fields.tokens(users, users.frame["user_id"]).tolist()[:2] == [[1], [2]]


def test_equal_vectors_and_equal_texts_carry_no_information():
    vectors = pl.DataFrame({"v": pl.Series([[0.1, 0.7]] * 7, dtype=pl.List(pl.Float32))})
    assert not FeatureEncoder.fit(vectors, {"v": FeatureType.VECTOR})(vectors).any()
    texts = pl.DataFrame({"t": ["the same text"] * 5})
    assert not FeatureEncoder.fit(texts, {"t": FeatureType.TEXT})(texts).any()


@pytest.mark.parametrize("hour", ["noon", "20", 1.5, float("nan")])
def test_context_that_is_no_whole_number_is_refused(hour):
    with pytest.raises(RequestError, match="expected a whole number from 0 to 23"):
        context_tokens(np.zeros(1), [{"hour": hour}])


def test_float_ids_are_refused_by_row_unless_they_are_whole():
    read = ym.Events.from_frame
    assert read({"user_id": [1.0, 2.0], "item_id": [1, 2]}).frame["user_id"].to_list() == ["1", "2"]
    with pytest.raises(DataError, match=r"row 2: user_id is empty"):
        read({"user_id": [1.0, float("nan")], "item_id": [1, 2]})
    for odd in (1.5, 1e20):
        with pytest.raises(DataError, match=r"row 1: user_id is .*ids must be text or integers"):
            read({"user_id": [odd], "item_id": [1]})


def test_an_empty_text_is_an_open_availability():
    items = ym.Items.from_frame({"item_id": [1, 2], "available_until": ["2020-01-01", ""]})
    assert items.frame["available_until"].to_list() == [1577836800.0, None]


def test_a_title_must_stay_text():
    with pytest.raises(DataError, match="title is shown to people"):
        ym.Items.from_frame({"item_id": [1], "title": ["a"]}, types={"title": "categories"})


def test_two_names_cannot_share_a_column():
    with pytest.raises(DataError, match="two names to one column"):
        ym.Events.from_frame({"x": [1]}, columns={"user_id": "x", "item_id": "x"})


def test_event_weights_without_an_event_column_are_noted():
    events = ym.Events.from_frame({"user_id": ["a"], "item_id": ["x"]}, event_weights={"view": 1})
    assert any("event weights have no effect" in note for note in events.notes)


@pytest.mark.parametrize("year", ["2020", "20200601"])
def test_a_bare_year_is_no_time(year):
    frame = pl.DataFrame({"d": [1.6e9]})
    with pytest.raises(WhereError, match="d is a time; write '2026-01-31' or seconds"):
        where_mask(parse_where(f"d > {year}"), frame, {"d": FeatureType.DATETIME})


def test_hints_list_a_few_names_but_look_at_all():
    hint = nearest("zebra", [f"name{n}" for n in range(500)] + ["zebras"])
    assert "Did you mean 'zebras'?" in hint and "(501 in all)" in hint and len(hint) < 300


def test_torn_text_files_are_refused_by_row(tmp_path):
    ragged, torn = tmp_path / "ragged.csv", tmp_path / "torn.ndjson"
    ragged.write_text("user_id,item_id\na,x\nb,y,3,4\n")
    torn.write_text('{"user_id": 1, "item_id": 2}\n\n{"user_id": 1,\n')
    with pytest.raises(DataError, match=r"ragged\.csv, row 2 cannot be read as csv"):
        ym.read_events(ragged)
    with pytest.raises(DataError, match=r"torn\.ndjson, row 3 cannot be read as ndjson"):
        ym.read_events(torn)
