"""Looking around in a model: users, items, features, networks and versions."""

import json
from collections import Counter

import numpy as np
import pytest
from fastapi.testclient import TestClient

from models import service as simulated
from waiting import until
from ysmean.service.app import create_app
from ysmean.service.settings import Settings
from ysmean.service.versions import versions_of


def got(client, path, **query):
    response = client.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


def test_users_are_found_by_a_part_of_their_id_those_that_begin_so_first(client, trained):
    ids = trained.parts.histories.user_ids.to_list()
    found = got(client, "/v1/users", query="U01", limit=100)
    begin = [user for user in ids if user.startswith("u01")]
    hold = [user for user in ids if "u01" in user and not user.startswith("u01")]
    assert [user["user_id"] for user in found["users"]] == (begin + hold)[:100]
    assert found["total"] == len(begin + hold) > 0
    assert got(client, "/v1/users", query="nobody") == {"users": [], "total": 0}


def test_a_users_length_is_that_of_the_history(client):
    views = Counter(simulated().events.frame["user_id"].to_list())
    for user in got(client, "/v1/users", limit=100)["users"]:
        assert user["length"] == views[user["user_id"]]
        told = got(client, f"/v1/users/{user['user_id']}/history")
        assert told["length"] == user["length"]


def test_random_users_are_different_ones_and_known(client, trained):
    known = set(trained.parts.histories.user_ids.to_list())
    seen = [got(client, "/v1/users", random=True, limit=5)["users"] for _ in range(8)]
    for users in seen:
        assert len({user["user_id"] for user in users}) == 5
    together = {user["user_id"] for users in seen for user in users}
    assert together <= known and len(together) > 15


def test_items_are_described_in_the_order_asked_for_and_unknown_ones_are_named(client):
    asked = ["t0009", "nothing", "t0002", "t0009"]
    told = got(client, "/v1/items/described", item_id=asked)
    assert [item["item_id"] for item in told["items"]] == ["t0009", "t0002"]
    assert told["unknown_items"] == ["nothing"]
    frame = simulated().items.frame
    for item in told["items"]:
        row = frame.filter(item_id=item["item_id"]).row(0, named=True)
        assert item["title"] == row["title"] and item["warm"]
        assert item["features"]["genres"] == row["genres"]
        assert item["features"]["year"] == row["year"]
        assert "title" not in item["features"] and None not in item["features"].values()


def test_items_that_nobody_took_are_described_as_such(client):
    new = simulated().new[0]
    assert not got(client, "/v1/items/described", item_id=new)["items"][0]["warm"]


def test_features_come_with_their_types_ranges_and_numbers_of_values(client):
    frame = simulated().items.frame
    features = {f["name"]: f for f in got(client, "/v1/features")["features"]}
    assert features["title"]["type"] == "text" and features["genres"]["type"] == "categories"
    year = features["year"]
    assert (year["min"], year["max"]) == (frame["year"].min(), frame["year"].max())
    assert features["genres"]["values"] == frame["genres"].explode().n_unique()
    assert "values" not in year and "min" not in features["genres"]


def test_values_are_searched_those_that_begin_so_first_then_those_of_most_items(client):
    frame = simulated().items.frame
    counts = Counter(frame["genres"].explode().to_list())
    told = got(client, "/v1/values", feature="genres", limit=100)
    assert {v["value"]: v["items"] for v in told["values"]} == counts
    numbers = [v["items"] for v in told["values"]]
    assert numbers == sorted(numbers, reverse=True) and told["total"] == len(counts)
    found = got(client, "/v1/values", query="EN", limit=100)["values"]
    begins = [v["value"].lower().startswith("en") for v in found]
    assert "English" in [v["value"] for v in found] and begins == sorted(begins, reverse=True)
    assert all("en" in v["value"].lower() for v in found)


def test_values_of_what_is_no_category_are_refused_with_the_nearest_name(client):
    response = client.get("/v1/values", params={"feature": "genre"})
    assert response.status_code == 422
    assert "Did you mean 'genres'?" in response.json()["detail"]


def test_networks_come_with_their_size_and_what_they_cover(client, trained):
    told = got(client, "/v1/model/networks")
    assert told["catalogue"] == len(trained.parts.catalogue)
    assert [n["name"] for n in told["networks"]] == list(trained.parts.networks)
    for network in told["networks"]:
        assert network["settings"]["kind"] == network["kind"]
    numbers = {n["name"]: n["numbers"] for n in told["networks"]}
    assert numbers["popularity"] == told["catalogue"]  # one count an item
    arrays = trained.parts.networks["knowledge"].state().arrays.values()
    assert numbers["knowledge"] == sum(np.prod(array.shape, dtype=int) for array in arrays)
    covers = {n["name"]: n["covers"] for n in told["networks"]}
    warm = trained.parts.catalogue.warm.sum()
    for name, network in trained.parts.networks.items():
        assert covers[name] == (told["catalogue"] if network.knows_cold else warm)


@pytest.fixture
def kept(trained, tmp_path):
    """A bundle with two versions."""
    folder = tmp_path / "model"
    first = trained.save(folder)
    return folder, first.name, trained.save(folder).name


def test_versions_are_listed_newest_first_and_the_current_one_is_marked(kept, trained):
    folder, first, second = kept
    told = versions_of(folder)
    assert {v["version"] for v in told} == {first, second}
    assert [v["version"] for v in told if v["current"]] == [second]
    assert {v["model"] for v in told} == {trained.model_id}


def test_what_is_no_complete_version_is_left_out(kept):
    folder, first, second = kept
    (folder / "versions" / first / "manifest.json").write_text("{")
    (folder / "versions" / ".writing-it").mkdir()
    (folder / "versions" / ".writing-it" / "manifest.json").write_text(json.dumps({}))
    (folder / "versions" / "empty").mkdir()
    assert [v["version"] for v in versions_of(folder)] == [second]


def test_the_service_says_which_model_answers_and_which_one_did_before(kept, trained, tmp_path):
    settings = Settings(model=kept[0], events_db=tmp_path / "events.db")
    with TestClient(create_app(settings)) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        told = got(client, "/v1/model/versions")
        assert told["answers"] == trained.model_id and told["before"] is None
        assert len(told["versions"]) == 2
