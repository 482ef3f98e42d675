"""Upkeep: items come, change and go, and nothing is trained."""

import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import ysmean as ym
from models import recommender, service
from ysmean.errors import DataError, UnknownItemError
from ysmean.networks import dot

ASKED = [
    ym.Request("u0007", k=40, at=1.75e9),
    ym.Request(history=["t0003", "t0010"], k=40, at=1.75e9),
    ym.Request(preferences={"genres": ["Drama"]}, k=40, at=1.75e9),
]
FEATURES = list(service().items.schema)


@pytest.fixture
def kept():
    return ym.Recommender(recommender().parts)


def twin(item_id, *new_ids):
    """Return items described just like a known one."""
    rows = service().items.frame.filter(pl.col("item_id") == item_id)
    named = [rows.with_columns(item_id=pl.lit(new)) for new in new_ids]
    return pl.concat(named).select("item_id", *FEATURES)


def answers(r, requests=ASKED):
    return [[(i.item_id, i.score, i.shares) for i in a] for a in r.recommend_many(requests)]


def assert_same(a, b):
    for one, other in zip(a, b, strict=True):
        assert [i[0] for i in one] == [i[0] for i in other]
        np.testing.assert_allclose([i[1] for i in one], [i[1] for i in other], rtol=1e-5)


def cold_item():
    parts = recommender().parts
    return parts.catalogue.item_ids[int(np.flatnonzero(~parts.catalogue.warm)[0])]


def test_a_new_item_is_worth_what_a_cold_one_described_alike_is_worth(kept):
    cold = cold_item()
    done = kept.add_items(twin(cold, "new"))
    assert (done.added, done.updated) == (1, 0)
    for answer in kept.recommend_many([replace(r, k=81, at=1.9e9) for r in ASKED]):
        scores = {i.item_id: i.score for i in answer}
        assert scores["new"] == pytest.approx(scores[cold], rel=1e-4)


def test_answers_with_new_items_keep_every_promise(kept):
    kept.add_items(twin(cold_item(), *(f"new{n}" for n in range(30))))
    for answer in kept.recommend_many([replace(r, k=110) for r in ASKED]):
        assert sum(i.score for i in answer) == pytest.approx(1, abs=1e-5)
        assert {f"new{n}" for n in range(30)} <= {i.item_id for i in answer}
        for item in answer:
            assert sum(item.shares.values()) == pytest.approx(1)


def test_only_networks_that_score_items_without_events_speak_for_a_new_one(kept):
    kept.add_items(twin(cold_item(), "new"))
    answer = kept.recommend("u0007", k=70, at=1.75e9)
    (item,) = [i for i in answer if i.item_id == "new"]
    speaking = {name for name, share in item.shares.items() if share > 0}
    able = {name for name, network in kept.parts.networks.items() if network.knows_cold}
    assert able < set(kept.parts.networks) and speaking <= able | {"consensus"}
    assert "content" in speaking


def test_adding_and_withdrawing_restores_the_former_answers_exactly(kept):
    before, model_id = answers(kept), kept.model_id
    kept.add_items(twin("t0003", "new1", "new2"))
    assert kept.model_id != model_id
    kept.withdraw(["new1"])  # stays, unseen, until those after it went too
    assert_same(answers(kept), answers(kept))
    kept.withdraw(["new2"])
    assert answers(kept) == before
    assert kept.model_id == model_id


def test_withdrawn_items_never_return_and_the_others_share_their_probability(kept):
    gone = [item.item_id for item in kept.recommend("u0007", k=5, at=1.75e9)]
    without = kept.recommend_many([replace(r, exclude=gone) for r in ASKED])
    kept.withdraw(gone)
    after = kept.recommend_many(ASKED)
    for a, b in zip(after, without, strict=True):
        assert not {i.item_id for i in a} & set(gone)
        assert [i.item_id for i in a] == [i.item_id for i in b]
        np.testing.assert_allclose([i.score for i in a], [i.score for i in b], rtol=1e-6)


def test_a_withdrawn_item_that_is_added_again_is_back(kept):
    before = answers(kept)
    kept.withdraw(["t0003", "t0004"])
    done = kept.add_items(twin("t0003", "t0003"))
    kept.add_items(twin("t0004", "t0004"))
    assert (done.added, done.updated) == (0, 1)
    assert_same(answers(kept), before)


def test_an_item_described_anew_is_worth_what_it_says_now_and_can_be_described_back(kept):
    before, cold = answers(kept), cold_item()
    drama = {"item_id": [cold], "genres": [["Drama"]]}
    kept.add_items(drama)
    title = kept.parts.catalogue.titles(kept.parts.catalogue.classes([cold]))
    assert title == recommender().parts.catalogue.titles(kept.parts.catalogue.classes([cold]))
    wanted = ym.Request(where="genres = Drama", k=80)
    assert cold in {i.item_id for i in kept.recommend_many([wanted])[0]}
    kept.add_items(twin(cold, cold))
    assert_same(answers(kept), before)


def test_a_new_item_in_a_history_counts_by_what_it_is(kept):
    cold = cold_item()
    kept.add_items(twin(cold, "new"))
    a, b = kept.recommend_many(
        [ym.Request(history=[i], exclude=[cold, "new"]) for i in (cold, "new")]
    )
    assert "content" in b.weights
    assert [i.item_id for i in a] == [i.item_id for i in b]
    np.testing.assert_allclose([i.score for i in a], [i.score for i in b], rtol=1e-4)


def test_what_was_kept_up_is_saved_and_loaded(kept, tmp_path):
    kept.add_items(twin(cold_item(), "new1", "new2"))
    kept.withdraw(["t0003"])
    kept.save(tmp_path / "model")
    loaded = ym.Recommender.load(tmp_path / "model")
    assert_same(answers(loaded), answers(kept))
    assert loaded.model_id == kept.model_id
    loaded.withdraw(["new1", "new2"])
    assert len(loaded.parts.catalogue) == len(recommender().parts.catalogue)


def test_a_recommender_made_of_the_same_parts_stays_as_it_is(kept):
    other = ym.Recommender(kept.parts)
    before = answers(other)
    kept.add_items(twin("t0003", "new"))
    kept.withdraw(["t0004"])
    assert answers(other) == before


def test_the_keras_model_knows_the_new_items(kept):
    kept.recommend("u0007")
    assert kept.model is not None
    kept.add_items(twin(cold_item(), "new"))
    y = np.asarray(kept.model(kept.model_inputs(ASKED)))
    size = len(kept.parts.catalogue)
    everything = kept.recommend_many([replace(r, k=size) for r in ASKED])
    for row, answer in zip(y, everything, strict=True):
        classes = kept.parts.catalogue.classes([i.item_id for i in answer])
        np.testing.assert_allclose(row[classes], [i.score for i in answer], rtol=1e-4, atol=1e-7)


def test_ten_thousand_items_are_added_in_seconds_and_compile_nothing_anew(kept):
    answers(kept)
    compiled = dot._compiled.cache_info().misses
    few = twin(cold_item(), *(f"few{n}" for n in range(4000)))
    kept.add_items(few)
    answers(kept)
    assert dot._compiled.cache_info().misses == compiled
    many = twin(cold_item(), *(f"new{n}" for n in range(10_000)))
    began = time.perf_counter()
    kept.add_items(many)
    assert time.perf_counter() - began < 10
    assert len(kept.parts.catalogue) == len(recommender().parts.catalogue) + 14_000


def test_a_feature_of_another_type_is_refused_and_one_unknown_is_left_out(kept):
    items = ym.read_items({"item_id": ["new"], "genres": ["Drama"]}, types={"genres": "text"})
    with pytest.raises(DataError, match="genres is text, but categories in the catalogue"):
        kept.add_items(items)
    done = kept.add_items({"item_id": ["new"], "genres": ["Drama"], "budget": [3.0]})
    assert any("budget left out" in note for note in done.notes)
    assert len(kept.parts.catalogue) == len(recommender().parts.catalogue) + 1


@pytest.mark.parametrize("wrong", [{"title": ["x"]}, {"item_id": ["a", "a"], "year": [1, 2]}])
def test_a_table_that_cannot_be_read_changes_nothing(kept, wrong):
    with pytest.raises(DataError):
        kept.add_items(wrong)
    assert kept.parts is recommender().parts


def test_withdrawing_an_unknown_item_is_refused_and_changes_nothing(kept):
    with pytest.raises(UnknownItemError, match="nobody"):
        kept.withdraw(["t0003", "nobody"])
    assert kept.parts is recommender().parts
