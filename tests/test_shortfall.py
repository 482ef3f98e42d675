"""A short answer names the one constraint whose removal would gain most, with how many."""

import json
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ysmean as ym
from ysmean.shortfall import Shortfall

SIZE = 12
GENRES = ["Drama", "Comedy", "Crime"]
ITEMS = {
    "item_id": [f"i{n}" for n in range(SIZE)],
    "year": [1990 + n for n in range(SIZE - 1)] + [None],
    "genre": [GENRES[n % 3] for n in range(SIZE)],
    "available_from": [100 * (n % 4) for n in range(SIZE)],
}
LOG = {
    "user_id": ["a", "a", "a", "a", "b", "b", "b"],
    "item_id": ["i0", "i1", "i2", "i3", "i0", "i5", "i6"],
    "event": ["view", "view", "view", "hide", "view", "view", "view"],
}
SEEN = {"a": {"i0", "i1", "i2"}, "b": {"i0", "i5", "i6"}}
HIDDEN = {"a": {"i3"}}


@pytest.fixture(scope="module")
def popular():
    events, items = ym.Events.from_frame(LOG), ym.Items.from_frame(ITEMS)
    return ym.train(events, items, networks=[ym.Popularity()], consensus=False)


CLAUSES = {
    "year >= 1998": lambda row: row["year"] is not None and row["year"] >= 1998,
    "genre = 'Drama'": lambda row: row["genre"] == "Drama",
    "year < 1996 or year is null": lambda row: row["year"] is None or row["year"] < 1996,
}


@st.composite
def asked(draw):
    clauses = draw(st.lists(st.sampled_from(list(CLAUSES)), unique=True))
    return ym.Request(
        user_id=draw(st.sampled_from([None, "a", "b"])),
        where=" and ".join(f"({c})" for c in clauses),
        exclude=draw(st.lists(st.sampled_from(ITEMS["item_id"]), max_size=4)),
        seen=draw(st.sampled_from(["exclude", "allow"])),
        k=draw(st.integers(1, SIZE)),
        at=draw(st.sampled_from([0, 150, 1000])),
    )


def count(request, leaving_out=None):
    """Count what is allowed once one constraint is left out, one item at a time."""
    total = 0
    for row in pl.DataFrame(ITEMS).iter_rows(named=True):
        keeps = {clause: CLAUSES[clause](row) for clause in CLAUSES if clause in request.where}
        seen = request.seen == "exclude" and row["item_id"] in SEEN.get(request.user_id, ())
        keeps |= {"seen": not seen, "exclude": row["item_id"] not in request.exclude}
        keeps["availability"] = row["available_from"] <= request.at
        keeps.pop(leaving_out, None)
        hidden = row["item_id"] in HIDDEN.get(request.user_id, ())
        total += all(keeps.values()) and not hidden
    return total


@given(request=asked())
def test_what_is_named_gains_most_of_all_constraints_alone(popular, request):
    answer = popular.recommend_many([request])[0]
    allowed = count(request)
    if allowed >= request.k:
        assert answer.shortfall is None and len(answer) == request.k
        return
    short = answer.shortfall
    assert (short.asked, short.allowed) == (request.k, len(answer)) == (request.k, allowed)
    gains = {
        name: count(request, name) - allowed
        for name in (*CLAUSES, "exclude", "seen", "availability")
        if name not in CLAUSES or name in request.where
    }
    assert short.gain == max(gains.values())
    if short.gain:
        named = short.clause if short.constraint == "where" else short.constraint
        assert gains[named] == short.gain
    else:
        assert short.constraint is None and short.clause is None


def test_a_shortfall_is_in_the_json_only_where_there_is_one(popular):
    full = popular.recommend(k=3, at=1000).to_json()
    short = popular.recommend(k=9, at=1000, where="genre = Drama and year < 1995").to_json()
    assert "shortfall" not in full
    assert json.loads(json.dumps(short))["shortfall"] == {
        "asked": 9,
        "allowed": 2,
        "constraint": "where",
        "clause": "genre = 'Drama'",
        "gain": 3,
        "hint": None,
    }


def test_the_sentence_says_how_many_there_are_and_what_would_bring_more():
    short = Shortfall(10, 2, "where", "year < 1995", 1300)
    assert str(short) == (
        "2 of the 10 items asked for: without year < 1995 there would be 1,300 more"
    )
    others = {"exclude": "what is excluded", "seen": "seen items", "availability": "another time"}
    for constraint, words in others.items():
        assert words in str(replace(short, constraint=constraint, clause=None))
    assert "no more" in str(Shortfall(10, 2))
    assert len(str(Shortfall(10, 2, "where", "item_id in ('a', " * 999, 3))) < 200


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("genre = Comdy", "no item has genre 'Comdy' (did you mean 'Comedy'?)"),
        ("year > 1990 and not genre in (Drama, 'Sience')", "no item has genre 'Sience'"),
        ("genre = Drama and year > 2050", None),
        ("item_id = i99 and genre = Drama", None),
    ],
)
def test_a_value_that_no_item_has_is_named_with_the_nearest_one(popular, where, hint):
    short = popular.recommend(where=where, k=12).shortfall
    assert short.hint == hint
    assert hint is None or str(short).endswith(f"; {hint}")


def test_only_what_some_network_can_answer_counts():
    """It knows items with events alone, so leaving out a rule on others gains nothing."""
    events, items = ym.Events.from_frame(LOG), ym.Items.from_frame(ITEMS)
    r = ym.train(events, items, networks=[ym.Transition(cold=False), ym.Popularity()])
    asked = {"history": ["i0"], "k": SIZE, "at": 1000}
    alone = r.recommend(weights={"transition": 1}, where="genre != Comedy", **asked)
    covered = {"i0", "i1", "i2", "i3", "i5", "i6"}
    left = {i for n, i in enumerate(ITEMS["item_id"]) if n % 3 != 1} & covered - {"i0"}
    assert alone.shortfall.allowed == len(alone) <= len(left)
    both = r.recommend(where="genre != Comedy", **asked)
    assert both.shortfall == Shortfall(SIZE, 7, "where", "genre != 'Comedy'", 4)
    fewer = r.recommend(where="genre != Comedy", scale={"popularity": 0}, **asked)
    assert fewer.shortfall.allowed == len(fewer)
    nobody = r.recommend(weights={"transition": 1}, where="year > 1999", **asked)
    assert len(nobody) == nobody.shortfall.allowed == 0


def test_a_batch_explains_each_request_as_if_it_were_alone(popular):
    requests = [
        ym.Request("a", where="genre = Drama", at=1000),
        ym.Request("b", where="genre = Drama and year > 2005", at=150),
        ym.Request(k=1, at=1000),
    ]
    together = [answer.shortfall for answer in popular.recommend_many(requests)]
    assert together == [popular.recommend_many([r])[0].shortfall for r in requests]
    assert together[2] is None
