"""Tables of items and users: one row an id, typed features, times of availability."""

from datetime import datetime

import pytest

from ysmean.data.items import Items, read_items
from ysmean.data.schema import FeatureType
from ysmean.data.users import Users, read_users
from ysmean.errors import DataError

KINDS = pytest.mark.parametrize(("kind", "id_column"), [(Items, "item_id"), (Users, "user_id")])


@KINDS
def test_ids_are_strings_and_features_typed(kind, id_column):
    table = kind.from_frame({id_column: [1, 2], "age": [30, None]})
    assert table.frame[id_column].to_list() == ["1", "2"]
    assert table.schema == {"age": FeatureType.NUMBER}
    assert table.notes == ("the table: age read as number (1 empty)",)
    assert len(table) == 2


@KINDS
def test_an_id_that_comes_twice_is_named_with_both_rows(kind, id_column):
    with pytest.raises(DataError, match=f"{id_column} '7' is in rows 2 and 4"):
        kind.from_frame({id_column: [1, 7, 3, 7]})


@KINDS
def test_an_empty_id_is_refused_by_row(kind, id_column):
    with pytest.raises(DataError, match=f"row 2: {id_column} is empty"):
        kind.from_frame({id_column: ["a", None]})


@KINDS
def test_types_and_names_can_be_fixed(kind, id_column):
    source = {"id": [1], "zip": [12345]}
    table = kind.from_frame(source, {id_column: "id"}, {"zip": "category"})
    assert table.frame.to_dict(as_series=False) == {id_column: ["1"], "zip": ["12345"]}


@pytest.mark.parametrize(
    "start", [86400, 86400.0, "1970-01-02", "1970-01-02T00:00:00Z", datetime(1970, 1, 2)]
)
def test_availability_becomes_seconds_and_is_no_feature(start):
    items = Items.from_frame({"item_id": [1, 2], "available_from": [start, None]})
    assert items.frame["available_from"].to_list() == [86400.0, None]
    assert items.schema == {}


def test_an_availability_that_is_no_time_is_refused_by_row():
    with pytest.raises(DataError, match="row 2: available_until is 'never'"):
        Items.from_frame({"item_id": [1, 2], "available_until": ["2020-01-01", "never"]})


def test_a_title_stays_text_though_it_looks_like_a_number(tmp_path):
    (tmp_path / "items.csv").write_text("item_id,title\n007,1917\n8,300\n")
    items = read_items(tmp_path / "items.csv")
    assert items.frame.rows() == [("007", "1917"), ("8", "300")]
    assert items.schema == {"title": FeatureType.TEXT}


@pytest.mark.data
def test_the_films_and_viewers_of_movielens_get_the_types_a_person_would_give(data_folder):
    items = read_items(data_folder / "ml-1m" / "items.parquet")
    users = read_users(data_folder / "ml-1m" / "users.parquet")
    assert (len(items), len(users)) == (3_883, 6_040)
    assert items.schema == {
        "title": FeatureType.TEXT,
        "year": FeatureType.NUMBER,
        "genres": FeatureType.CATEGORIES,
    }
    assert users.schema["gender"] == FeatureType.CATEGORY
    assert users.schema["zip"] == FeatureType.CATEGORY
