import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

import reference
import ysmean as ym
from models import recommender, service
from ysmean.data.past import Past
from ysmean.errors import RequestError, UnknownItemError, WhereError

USERS = [f"u{n:04d}" for n in range(0, 150, 7)]
NAMES = list(recommender().parts.networks)  # trained here, once, and not within a strategy
WHERES = [None, "year >= 1990", "genres = Comedy", "genres in (Drama, Western) and year < 2000"]


@st.composite
def requests(draw):
    item = st.sampled_from(service().items.frame["item_id"].to_list())
    network = st.sampled_from([*NAMES, "consensus"])
    return ym.Request(
        user_id=draw(st.sampled_from([None, "a stranger", *USERS])),
        history=draw(st.none() | st.lists(item | st.just("unknown"), max_size=8)),
        preferences=draw(
            st.sampled_from([{}, {"genres": {"Drama": -1}}, {"genres": "Crime", "year": ">=2000"}])
        ),
        where=draw(st.sampled_from(WHERES)),
        exclude=draw(st.lists(item, max_size=5)),
        seen=draw(st.sampled_from(["exclude", "allow"])),
        scale=draw(st.dictionaries(network, st.floats(0.01, 100), max_size=3)),
        weights=draw(st.sampled_from(["fitted", "equal"])),
        k=draw(st.integers(1, 80)),
        at=draw(st.sampled_from([None, 1_750_000_000, "2025-06-01T20:00"])),
    )


def seen_by(request):
    if request.history is not None:
        return set(request.history)
    if request.user_id is None:
        return set()
    frame = service().events.frame
    return set(frame.filter(frame["user_id"] == request.user_id)["item_id"])


@given(requests())
def test_answers_keep_every_promise(request):
    answer = recommender().recommend_many([request])[0]
    ids = [item.item_id for item in answer]
    scores = [item.score for item in answer]
    assert len(set(ids)) == len(ids) <= request.k
    assert not set(ids) & set(request.exclude)
    if request.seen == "exclude":
        assert not set(ids) & seen_by(request)
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1 + 1e-5
    for item in answer:
        assert sum(item.shares.values()) == pytest.approx(1, abs=1e-6)
        assert sum(item.contributions.values()) == pytest.approx(1, abs=1e-6)
        assert set(item.contributions) == set(item.shares) - {"consensus"}
        has_share = item.shares.get("consensus", 0) > 0
        assert set(item.evidence) == (set(item.contributions) if has_share else set())
    if answer.items:
        assert sum(answer.weights.values()) == pytest.approx(1)
    assert set(answer.weights) | set(answer.abstained) == {*NAMES, "consensus"}
    assert not set(answer.weights) & set(answer.abstained)
    assert all(0 <= mass <= 1 + 1e-6 for mass in answer.mass.values())
    assert set(answer.unknown_items) == {i for i in request.history or () if i == "unknown"}


@given(requests())
def test_constraints_are_never_violated(request):
    frame = service().items.frame
    rows = {row["item_id"]: row for row in frame.iter_rows(named=True)}
    for item in recommender().recommend_many([request])[0]:
        row = rows[item.item_id]
        if request.where == WHERES[1]:
            assert row["year"] >= 1990
        if request.where == WHERES[2]:
            assert "Comedy" in row["genres"]
        if request.where == WHERES[3]:
            assert {"Drama", "Western"} & set(row["genres"]) and row["year"] < 2000


@given(st.lists(requests(), min_size=2, max_size=6))
def test_a_request_alone_equals_itself_in_a_batch(many):
    from dataclasses import replace

    many = [replace(r, at=1_750_000_000) for r in many]
    for together, request in zip(recommender().recommend_many(many), many, strict=True):
        alone = recommender().recommend_many([request])[0]
        assert len(alone) == len(together)
        for a, b in zip(alone, together, strict=True):
            assert a.score == pytest.approx(b.score, rel=1e-4)
        assert alone.weights == pytest.approx(together.weights)


def test_everything_allowed_adds_up_to_one():
    answer = recommender().recommend("u0007", k=80)
    assert sum(item.score for item in answer) == pytest.approx(1, abs=1e-5)


def test_the_whole_answer_equals_the_naive_mean():
    r = recommender()
    asked = [ym.Request("u0007"), ym.Request("u0014", where="year >= 1990"), ym.Request()]
    encoded = r.encode(asked)
    stream = r.stream(encoded.batch, encoded.allowed)
    p = r.parts.proportions
    cohorts = encoded.batch.cohorts
    joined = p.join(stream, cohorts)
    own = reference.consensus(stream, joined.product)
    expected, _ = reference.mean(stream, p.weights[:, cohorts], p.cold_odds, own)
    index = r.parts.catalogue.index
    for b, request in enumerate(asked):
        from dataclasses import replace

        answer = r.recommend_many([replace(request, k=80)])[0]
        for item in answer:
            assert item.score == pytest.approx(expected[b, index[item.item_id]], rel=1e-4)


def test_the_keras_model_equals_the_spine(tmp_path):
    import keras

    r = recommender()
    asked = [
        ym.Request("u0007", scale={"content": 2}),
        ym.Request("u0014", where="year >= 1990", weights="equal"),
        ym.Request(preferences={"genres": ["Comedy"], "year": {">= 1990 and < 2010": -0.5}}),
        ym.Request("u0021", weights={"transition": 1}),
        ym.Request("u0021", weights={"consensus": 1}, scale={"transition": 3, "popularity": 0}),
    ]
    inputs = r.model_inputs(asked)
    y = ops.convert_to_numpy(r.model(inputs))
    index = r.parts.catalogue.index
    from dataclasses import replace

    for b, request in enumerate(asked):
        answer = r.recommend_many([replace(request, k=80)])[0]
        got = np.zeros(len(index))
        for item in answer:
            got[index[item.item_id]] = item.score
        np.testing.assert_allclose(y[b], got, atol=1e-5)
    lines = []
    r.model.summary(print_fn=lambda text, **_: lines.append(text))
    assert "ys_mean" in "\n".join(lines)
    r.model.save(tmp_path / "whole.keras")
    loaded = keras.models.load_model(tmp_path / "whole.keras")
    np.testing.assert_allclose(ops.convert_to_numpy(loaded(inputs)), y, rtol=1e-4, atol=1e-6)


def test_a_brand_new_user_gets_an_answer_without_the_networks_of_behaviour():
    answer = recommender().recommend("nobody knows me")
    assert len(answer) == 10 and answer.cohort == "0"
    assert {"collaborative", "transition", "content"} <= set(answer.abstained)


def test_stated_preferences_move_the_answer():
    genres = dict(service().items.frame.select("item_id", "genres").iter_rows())

    def found(genre, answer):
        return sum(genre in genres[item.item_id] for item in answer)

    plain, gains = recommender().recommend(), {}
    for genre in {genre for listed in genres.values() for genre in listed}:
        liking = recommender().recommend(preferences={"genres": [genre]})
        gains[genre] = found(genre, liking) - found(genre, plain)
    assert min(gains.values()) >= 0 and sum(gains.values()) > len(gains)


def test_disliked_values_become_rarer_and_faint_wishes_move_less():
    genres = dict(service().items.frame.select("item_id", "genres").iter_rows())
    everything = {"k": 80, "at": 1_750_000_000, "weights": "equal"}

    def mass(genre, preferences):
        answer = recommender().recommend("u0007", preferences=preferences, **everything)
        return sum(item.score for item in answer if genre in genres[item.item_id])

    for genre in ("Comedy", "Drama", "Western"):
        found = [mass(genre, {"genres": {genre: s}}) for s in (-1, -0.3, 0, 0.3, 1)]
        assert found == sorted(found) and found[0] < found[2] < found[4]
        assert mass(genre, {}) == pytest.approx(found[2])
        assert mass(genre, {"genres": [genre]}) == pytest.approx(found[4])


def test_new_items_are_returned_with_shares_of_those_that_know_what_they_are():
    cold = f"item_id in ({', '.join(service().new)})"
    answer = recommender().recommend("u0007", where=cold)
    assert len(answer) == 8
    networks = recommender().parts.networks
    able = {name for name, network in networks.items() if network.knows_cold}
    assert able < set(networks)
    for item in answer:
        assert set(item.shares) <= able | {"consensus"}


def test_absolute_weights_naming_one_network_give_it_every_share():
    answer = recommender().recommend("u0007", weights={"content": 1})
    assert all(item.shares["content"] == pytest.approx(1) for item in answer)
    assert answer.weights["content"] == pytest.approx(1)


def test_scaling_a_network_raises_its_share():
    plain = {i.item_id: i.shares["content"] for i in recommender().recommend("u0007", k=80)}
    double = recommender().recommend("u0007", k=80, scale={"content": 2})
    assert all(i.shares["content"] >= plain[i.item_id] - 1e-6 for i in double)


def test_the_consensus_is_opened_into_evidence_that_adds_up():
    answer = recommender().recommend("u0007", k=80, weights={"consensus": 1})
    assert all(item.shares["consensus"] == 1 for item in answer)
    cold = set(service().new)
    for segment in ({i.item_id for i in answer} & cold, {i.item_id for i in answer} - cold):
        items = [item for item in answer if item.item_id in segment]
        logs = np.log2([item.score for item in items])
        bits = np.array([sum(item.evidence.values()) for item in items])
        np.testing.assert_allclose(bits - bits.mean(), logs - logs.mean(), atol=1e-3)


def test_scaling_a_network_moves_the_consensus_as_well():
    def alone(**scale):
        asked = {"weights": {"consensus": 1}, "k": 80}
        answer = recommender().recommend("u0007", scale=scale, **asked)
        return {item.item_id: item for item in answer}

    plain, double, without = alone(), alone(content=2), alone(content=0)
    some = next(iter(plain))
    assert double[some].evidence["content"] != pytest.approx(plain[some].evidence["content"])
    assert all(item.evidence["content"] == 0 for item in without.values())
    same = alone(consensus=5)
    assert same[some].score == pytest.approx(plain[some].score)


def test_equal_weights_leave_the_consensus_out():
    answer = recommender().recommend("u0007", weights="equal")
    assert answer.weights["consensus"] == 0
    assert all(not i.evidence and "consensus" not in i.contributions for i in answer)


def test_what_is_similar_comes_from_the_networks_of_history_with_shares():
    answer = recommender().similar("t0001", k=5)
    assert len(answer) == 5 and "t0001" not in {i.item_id for i in answer}
    for item in answer:
        assert item.shares["popularity"] == 0
        assert sum(item.shares.values()) == pytest.approx(1)
    alone = recommender().similar("t0001", k=5, network="content")
    assert all(i.shares["content"] == pytest.approx(1) for i in alone)


def test_a_past_given_for_a_user_is_answered_from_like_a_stated_history_of_it():
    classes = recommender().parts.catalogue.known_classes(["t0001", "t0002"])
    past = Past(classes, np.array([np.nan, np.nan]), np.array([5], np.int32))
    asked = [ym.Request("u0007", at=1_750_000_000)]
    answer = recommender().recommend_many(asked, {"u0007": past})[0]
    stated = recommender().recommend(
        "u0007", ["t0001", "t0002"], at=1_750_000_000, exclude=["t0005"]
    )
    assert [i.item_id for i in answer] == [i.item_id for i in stated]


def test_a_cold_item_has_similar_ones_by_its_content():
    answer = recommender().similar("t0079")
    assert len(answer) == 10
    assert {"collaborative", "transition"} <= set(answer.abstained)


def test_similar_refuses_unknown_items_and_networks_without_history():
    with pytest.raises(UnknownItemError, match="'nothing' is not among the 80 items"):
        recommender().similar("nothing")
    with pytest.raises(RequestError, match="No network 'knowledge' tells what is similar"):
        recommender().similar("t0001", network="knowledge")


def test_popularity_alone_is_flagged_as_the_last_resort():
    events = service().events
    lonely = ym.train(events, networks=[ym.Transition(), ym.Popularity()])
    assert lonely.recommend("nobody").last_resort
    assert not lonely.recommend("u0007").last_resort


def test_an_impossible_constraint_gives_an_empty_answer():
    answer = recommender().recommend("u0007", where="year > 3000")
    assert len(answer) == 0 and answer.weights == {}


def test_availability_is_honoured():
    import polars as pl

    items = (
        service()
        .items.frame.drop("available_until")
        .with_columns(available_from=pl.when(pl.col("item_id") == "t0001").then(2e9).otherwise(0.0))
    )
    s = service()
    r = ym.train(s.events, ym.Items.from_frame(items), networks=[ym.Popularity()])
    before, after = (r.recommend(k=80, at=at) for at in (1.9e9, 2.1e9))
    assert "t0001" not in {i.item_id for i in before}
    assert "t0001" in {i.item_id for i in after}


def test_a_hidden_item_is_never_returned_to_that_user():
    import polars as pl

    frame = pl.DataFrame(
        {
            "user_id": ["a", "a", "a", "b", "b", "b", "a"],
            "item_id": ["x", "y", "z", "x", "z", "w", "w"],
            "event": ["view"] * 6 + ["hide"],
        }
    )
    r = ym.train(ym.Events.from_frame(frame), networks=[ym.Popularity()])
    assert "w" not in {i.item_id for i in r.recommend("a", seen="allow")}
    assert "w" in {i.item_id for i in r.recommend("b", seen="allow")}


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"k": 0}, RequestError, "k=0; expected 1 to 80"),
        ({"k": 81}, RequestError, "k=81; expected 1 to 80"),
        ({"scale": {"contnt": 2}}, RequestError, "Did you mean 'content'"),
        ({"scale": {"content": -1}}, RequestError, "scale of content is -1"),
        ({"weights": {"content": 0}}, RequestError, "all zero"),
        ({"where": "year >>"}, WhereError, r"\^"),
        ({"where": "yaer > 1"}, WhereError, "Did you mean 'year'"),
        ({"seen": "never"}, RequestError, "seen='never'"),
        ({"preferences": {"genre": ["Comedy"]}}, RequestError, "Did you mean 'genres'"),
        ({"preferences": {"genres": ["Comdy"]}}, RequestError, "Did you mean 'Comedy'"),
        ({"context": {"hour": 24}}, RequestError, "expected a whole number from 0 to 23"),
        ({"context": {"mood": 1}}, RequestError, "Unknown context 'mood'"),
        ({"at": "soon"}, RequestError, "at='soon'"),
    ],
)
def test_bad_requests_are_refused_saying_what_was_expected(asked, error, message):
    with pytest.raises(error, match=message) as refused:
        recommender().check(ym.Request("u0007", **asked))
    assert refused.value.field == next(iter(asked))
    with pytest.raises(error, match=message):
        recommender().recommend("u0007", **asked)


def test_ids_may_be_given_as_integers():
    frame = {"user_id": [1, 1, 1, 2, 2, 2], "item_id": [7, 8, 9, 7, 9, 5]}
    r = ym.train(ym.Events.from_frame(frame), networks=["popularity"])
    assert [i.item_id for i in r.recommend(1)] == ["5"]
    assert r.recommend(history=[7, 8, 4]).unknown_items == ["4"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"history": "t0001"}, "history is one text; expected a list"),
        ({"exclude": "t0001"}, "exclude is one text; expected a list"),
        ({"k": 1.5}, "k=1.5"),
        ({"at": "nan"}, "at=nan"),
    ],
)
def test_values_of_another_kind_are_refused(asked, message):
    with pytest.raises(RequestError, match=message):
        recommender().check(ym.Request(**asked))
    with pytest.raises(RequestError, match=message):
        recommender().recommend(**asked)


def plain(answers):
    return [{**answer.to_json(), "request_id": None} for answer in answers]


def test_kept_encodings_change_no_answer_and_do_not_outlive_an_event():
    r, users = recommender(), USERS[:5]
    asked = [ym.Request(user_id=user, at=1_750_000_000) for user in users]
    classes, times, none = np.array([7, 3, 9], np.int32), np.arange(3.0), np.empty(0, np.int32)
    later = dict.fromkeys(users, Past(classes, times, none))
    made = [plain(r.recommend_many(asked, pasts)) for pasts in (None, later)]
    assert not near(*made)
    new_ones = []
    r.keep_encodings(100, lambda kept, new: new_ones.append(new))
    try:
        kept = [plain(r.recommend_many(asked, pasts)) for pasts in (None, later, None, later)]
    finally:
        r.keep_encodings(0)
    assert near(kept, made * 2)
    encoders = 3  # of the collaborative, the content and the knowledge network
    assert new_ones[0] == len(users) and not any(new_ones[2 * encoders :])


def near(a, b):
    """Return whether two trees of plain data are the same, but for rounding."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(near(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(near, a, b))
    return a == pytest.approx(b, abs=1e-6) if isinstance(a, float) else a == b
