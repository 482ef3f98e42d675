"""Wrong metadata is found: planted in the simulated service, and shuffled on purpose."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import Ridge

import models
import worlds
import ysmean as ym
from pages import Page
from ysmean import show
from ysmean.data.corrupt import shuffle_features
from ysmean.data.joined import Data
from ysmean.evaluation.page import page
from ysmean.evaluation.suspicious import (
    check_metadata,
    cross_validated,
    disagreement,
    suspicious,
)


def by_genre(users=300, items=90, seed=0):
    """Every user takes ten items of one genre; years mean nothing."""
    rng = np.random.default_rng(seed)
    genre = np.arange(items) % 3
    events = worlds.table(
        {
            f"u{u}": [f"i{i}" for i in rng.permutation(np.flatnonzero(genre == u % 3))[:10]]
            for u in range(users)
        }
    )
    frame = pl.DataFrame(
        {
            "item_id": [f"i{i}" for i in range(items)],
            "genres": [[worlds.GENRES[g]] for g in genre],
            "year": rng.integers(1950, 2020, items),
        }
    )
    return events, ym.Items.from_frame(frame)


@pytest.fixture(scope="module")
def shuffled():
    """The world with a fifth of it shuffled, and the ids of those whose genre is now wrong."""
    events, items = by_genre()
    other, ids = shuffle_features(items, 0.2, seed=0)
    before, after = (
        dict(zip(i.frame["item_id"], i.frame["genres"].to_list(), strict=True))
        for i in (items, other)
    )
    data = Data.join(events, other, None)
    return data, ids, [i for i in ids if before[i] != after[i]]


def test_items_of_another_genre_than_their_metadata_says_come_first(shuffled):
    data, _, wrong = shuffled
    found = check_metadata(data.histories, data.catalogue)
    first = [data.catalogue.item_ids[c] for c in found.classes[: len(wrong)]]
    assert len(found.classes) == 90 and len(wrong) > 9
    assert set(first) == set(wrong)
    assert (np.diff(found.scores) <= 0).all()
    assert (found.scores[len(wrong) :] < 0).all() and 0.3 < found.explained < 1


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_titles_are_found_in_a_small_simulated_service(seed):
    service = ym.simulate(seed, users=800, items=300, events=25_000, new_items=5)
    items, ids = shuffle_features(service.items, 0.1, seed=0)
    data = Data.join(service.events, items, service.users)
    found = check_metadata(data.histories, data.catalogue)
    wrong = np.isin(found.classes, data.catalogue.classes([*ids, *service.wrong]))
    assert wrong.mean() < 0.15  # the base rate
    assert wrong[:10].mean() >= 0.8 and wrong[: wrong.sum()].mean() >= 0.45


@pytest.mark.slow
def test_titles_with_the_metadata_of_another_one_are_found_in_the_simulated_service():
    service = ym.simulate(seed=0)
    data = Data.join(service.events, service.items, service.users)
    found = check_metadata(data.histories, data.catalogue)
    wrong = np.isin(found.classes, data.catalogue.classes(service.wrong))
    assert wrong.mean() < 0.04  # the base rate
    assert wrong[:10].mean() >= 0.5 and wrong[:20].mean() >= 0.4


@pytest.mark.parametrize("features", [5, 50])
def test_no_item_has_a_say_in_its_own_prediction(features):
    rng = np.random.default_rng(0)
    x, y, folds = rng.normal(size=(30, features)), rng.normal(size=(30, 3)), np.arange(30) % 4
    for alpha, predicted in zip((0.7, 4), cross_validated(x, y, folds, (0.7, 4)), strict=True):
        for fold in range(4):
            held = folds == fold
            expected = Ridge(alpha=alpha).fit(x[~held], y[~held]).predict(x[held])
            np.testing.assert_allclose(predicted[held], expected, atol=1e-9)


def test_disagreement_is_the_own_distance_beside_those_of_all_predictions():
    rng = np.random.default_rng(1)
    behaved, predicted = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    for i, score in enumerate(disagreement(behaved, predicted)):
        distances = np.array([((behaved[i] - p) ** 2).sum() for p in predicted])
        expected = (distances[i] - distances.mean()) / distances.std()
        assert score == pytest.approx(expected)


def test_where_features_are_noise_or_items_few_nothing_is_suspected():
    events, items = by_genre()
    noise = ym.Items.from_frame(items.frame.select("item_id", "year"))
    few = by_genre(items=45)
    for e, i in ((events, noise), few):
        data = Data.join(e, i, None)
        assert not len(check_metadata(data.histories, data.catalogue).classes)
        told = suspicious(data.histories, data.catalogue, ["i1"], seed=0)
        assert told["items"] == [] and told["shuffled"]["precision"] == {}


def test_items_with_few_events_are_not_judged(shuffled):
    data, _, _ = shuffled
    rare = data.catalogue.classes([f"i{n}" for n in range(30)])
    place = np.flatnonzero(np.isin(data.histories.classes, rare))
    seen = np.ones(len(data.histories.classes), bool)
    for class_ in rare:
        seen[place[data.histories.classes[place] == class_][19:]] = False
    found = check_metadata(data.histories.only(seen), data.catalogue)
    assert len(found.classes) == 60 and not set(found.classes) & set(rare.tolist())


def test_the_section_says_how_many_of_the_first_are_shuffled(shuffled):
    data, ids, wrong = shuffled
    told = json.loads(json.dumps(suspicious(data.histories, data.catalogue, ids, seed=0)))
    assert told["checked"] == 90 and len(told["items"]) == 20
    assert told["shuffled"]["checked"] == len(ids) == 18
    assert told["shuffled"]["share"] == pytest.approx(18 / 90)
    assert told["shuffled"]["precision"]["10"] == 1.0
    counts = data.histories.counts(90)
    for item in told["items"]:
        assert item["events"] == counts[data.catalogue.index[item["item_id"]]]
    assert told["items"][0]["item_id"] in wrong


def test_an_evaluation_on_shuffled_features_says_so(tmp_path, capsys):
    from rich.console import Console

    events, items = by_genre()
    report = ym.evaluate(events, items, networks=["transition", "popularity"], corrupt=0.2)
    assert report.data["corrupt"] == {"share": 0.2, "items": 18}
    assert report.data["suspicious_items"]["shuffled"]["precision"]["10"] >= 0.9
    assert any("corrupt=0.2" in note for note in report.data["manifest"]["notes"])
    parsed = Page(report.html())
    sentence = (
        "Before training, 20% of the items with features, 18, were given those of one another."
    )
    assert sentence in parsed.text
    assert "corrupt=0.2,\n" in parsed.text  # the call that gives the report again
    listed = parsed.tables["Items to be looked at first"][1:]
    first = report.data["suspicious_items"]["items"]
    assert [row[0]["text"] for row in listed] == [item["item_id"] for item in first]
    assert parsed.tables["Items known to be shuffled"][-1][1]["text"] == "19%"  # of those checked
    show.report(Console(width=200), report)
    said = " ".join(capsys.readouterr().out.split())
    assert sentence in said and f"Look first at {first[0]['item_id']}, " in said
    report.save(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["corrupt"]["items"] == 18


def test_a_report_of_true_features_says_nothing_of_shuffling():
    report = models.report()
    assert report.data["corrupt"] == {"share": 0.0, "items": 0}
    assert report.data["suspicious_items"]["shuffled"] is None
    text = Page(page(report.data)).text
    assert "Before training" not in text and "corrupt=" not in text
