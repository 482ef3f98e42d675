"""Reasons: what counted for each recommended item, as data and in words."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import worlds
import ysmean as ym
from models import recommender, service
from ysmean.errors import RequestError
from ysmean.networks.learner import Fitting
from ysmean.networks.towers import TowerNetwork
from ysmean.why.words import OF_ITEM, sentence

AT = 1_750_000_000
ITEMS = service().items.frame["item_id"].to_list()


@st.composite
def requests(draw):
    items = st.lists(st.sampled_from(ITEMS) | st.just("unknown"), max_size=30)
    return ym.Request(
        user_id=draw(st.sampled_from([None, "a stranger", "u0007", "u0014", "u0021"])),
        history=draw(st.none() | items),
        preferences=draw(
            st.sampled_from([{}, {"genres": ["Comedy", "Western"]}, {"year": {">=2001": 1}}])
        ),
        scale=draw(st.sampled_from([{}, {"content": 3}, {"transition": 0}, {"consensus": 0}])),
        seen=draw(st.sampled_from(["exclude", "allow"])),
        k=draw(st.integers(1, 12)),
        at=AT,
    )


def ask(*many, **changes):
    return recommender().recommend_many([replace(r, **changes) for r in many])


def history_of(request):
    if request.history is not None:
        return set(request.history)
    if request.user_id is None:
        return set()
    frame = service().events.frame
    return set(frame.filter(frame["user_id"] == request.user_id)["item_id"])


@given(requests())
def test_reasons_keep_every_promise(request):
    (answer,) = ask(request, why=True)
    past = history_of(request)
    stated = {
        f"{f} {v[:2]} {v[2:]}" if f == "year" else f"{f}={v}"
        for f, values in request.preferences.items()
        for v in values
    }
    rows = {row["item_id"]: row for row in service().items.frame.iter_rows(named=True)}
    for item in answer:
        heard = {name for name, part in item.contributions.items() if part > 0}
        assert {reason.network for reason in item.reasons} <= heard
        for reason in item.reasons:
            assert reason.effect > 0 and 0 < reason.part <= 1 + 1e-9
            network = recommender().parts.networks[reason.network]
            if reason.cause_type == "item":
                assert reason.cause in past and network.from_history
                assert reason.title == rows[reason.cause]["title"]
            if reason.cause_type == "preference":
                assert reason.cause in stated and reason.network == "knowledge"
            if reason.cause_type == "feature":
                assert reason.kind == "leave-one-out" and isinstance(network, TowerNetwork)
                assert rows[item.item_id][reason.cause.partition("=")[0]] is not None
            if reason.cause_type == "attribute":
                feature, value = reason.cause.split("=", 1)
                has = rows[item.item_id][feature]
                assert value in (has if isinstance(has, list) else [has])
        for name in heard:
            own = [r for r in item.reasons if r.network == name]
            for types in (OF_ITEM[:1], OF_ITEM[1:], {r.cause_type for r in own} - {*OF_ITEM}):
                parts = [r.part for r in own if r.cause_type in types]
                assert len(parts) <= 3 and sum(parts) <= 1 + 1e-9
                assert parts == sorted(parts, reverse=True)


@given(requests())
def test_without_why_the_answer_is_the_same_and_says_nothing_of_reasons(request):
    ((plain,), (told,)) = ask(request), ask(request, why=True)
    assert [replace(item, reasons=[], why=None) for item in told] == plain.items
    without = json.dumps(plain.to_json())
    assert '"why"' not in without and '"reasons"' not in without
    data = json.loads(json.dumps(told.to_json(), allow_nan=False))
    for item, written in zip(told, data["items"], strict=True):
        assert written["why"] == item.why
        assert [ym.Reason(**reason) for reason in written["reasons"]] == item.reasons


@settings(max_examples=8)
@given(st.lists(requests(), min_size=2, max_size=15), st.randoms(use_true_random=False))
def test_the_order_of_requests_does_not_matter(many, random):
    order = list(range(len(many)))
    random.shuffle(order)
    asked = [replace(r, why=n % 3 > 0) for n, r in enumerate(many)]
    straight = ask(*asked)
    shuffled = ask(*[asked[n] for n in order])
    for place, n in enumerate(order):
        assert len(shuffled[place]) == len(straight[n])
        for a, b in zip(shuffled[place], straight[n], strict=True):
            assert (a.why is None) == (b.why is None) == (not asked[n].why)
            # Items whose scores tie to rounding may change places; reasons of one may not.
            if a.item_id == b.item_id:
                told = [{(r.network, r.kind, r.cause): r for r in x.reasons} for x in (a, b)]
                for one, other in (told, told[::-1]):
                    for key in (k for k, r in one.items() if r.part > 0.3):
                        # One that is told here may come to no more than rounding there.
                        effects = [one[key].effect, other[key].effect if key in other else 0.0]
                        assert effects[0] == pytest.approx(effects[1], rel=1e-2, abs=1e-3)


def test_without_a_history_no_item_is_a_reason():
    (answer,) = ask(ym.Request(at=AT, k=80), why=True)
    types = {reason.cause_type for item in answer for reason in item.reasons}
    assert types - {"feature"} == {"popularity", "context"}  # the hour of the request is known
    assert all(item.why.startswith("Because of ") for item in answer)


def test_nothing_is_computed_where_no_reasons_are_asked_for(monkeypatch):
    def never(*_):
        raise AssertionError("reasons were computed")

    monkeypatch.setattr("ysmean.why.effects", never)
    ask(ym.Request("u0007"))
    with pytest.raises(AssertionError, match="reasons were computed"):
        ask(ym.Request("u0007"), why=True)


def test_why_is_yes_or_no():
    with pytest.raises(RequestError, match="why='yes'; expected True or False"):
        recommender().recommend("u0007", why="yes")


def test_exact_reasons_add_up_to_the_probability_of_the_network():
    events = worlds.markov_chain()
    r = ym.train(events, networks=[ym.Transition()])
    answer = r.recommend(history=["i1", "i5"], k=3, why=True)
    chain = r.parts.networks["transition"]
    tokens = r.encode([ym.Request(history=["i1", "i5"])]).batch
    p = np.exp(chain.scores(tokens)(0, 10))[0]
    for item in answer:
        effects = [reason.effect for reason in item.reasons]
        assert {reason.kind for reason in item.reasons} == {"exact"}
        assert sum(effects) == pytest.approx(p[r.parts.catalogue.index[item.item_id]], rel=1e-4)
        parts = [reason.part for reason in item.reasons]
        assert parts == pytest.approx([effect / sum(effects) for effect in effects])
    assert [answer.items[0].item_id, answer.items[0].reasons[0].cause] == ["i6", "i5"]


@pytest.fixture(scope="module")
def chain():
    """What comes next follows from the last item alone."""
    quick = Fitting(batch=128, max_steps=250, max_epochs=60, learning_rate=5e-3)
    sequential = ym.Sequential(history=8, width=16, dropout=0.0, time=False, fitting=quick)
    collaborative = ym.Collaborative(embedding=16, hidden=(32,), short=0.5, fitting=quick)
    events = worlds.markov_chain(users=300)
    return ym.train(events, networks=[sequential, collaborative, ym.Linear(regularisation=10.0)])


@pytest.mark.parametrize("network", ["sequential", "collaborative", "linear"])
def test_in_a_chain_the_last_item_is_the_first_reason(chain, network):
    first = []
    for last in range(10):
        past = [f"i{(last + 3) % 10}", f"i{(last + 6) % 10}", f"i{last}"]
        answer = chain.recommend(history=past, k=1, weights={network: 1}, seen="allow", why=True)
        (item,) = answer.items
        assert item.reasons[0].kind == ("exact" if network == "linear" else "leave-one-out")
        first.append((item.item_id, item.reasons[0].cause))
    expected = [(f"i{(last + 1) % 10}", f"i{last}") for last in range(10)]
    right = sum(a == b for a, b in zip(first, expected, strict=True))
    assert right >= 8, first  # of 10; such histories were never trained on


@pytest.fixture(scope="module")
def by_genre():
    events, items, users = worlds.content_rule(users=240)
    titles = [f"the thing number {i}" for i in range(len(items))]  # say nothing of genres
    items = ym.Items.from_frame(items.frame.with_columns(pl.Series("title", titles)))
    related = {"head": ["i12", "i18"], "relation": ["sequel", "follows"], "tail": ["i15", "i21"]}
    items = items.with_relations(ym.read_relations(related))
    quick = Fitting(batch=256, max_steps=100, max_epochs=30, learning_rate=5e-3)
    content = ym.Content(width=16, hidden=32, fitting=quick)
    return ym.train(events, items, users, networks=[content, "popularity"])


def test_content_names_the_items_of_the_same_genre_and_the_genre(by_genre):
    right = []
    for n, genre in enumerate(worlds.GENRES):
        past = [f"i{n}", f"i{(n + 1) % 3 + 3}", f"i{n + 6}"]  # two of the genre, one of another
        for item in by_genre.recommend(history=past, k=4, weights={"content": 1}, why=True):
            reasons = {
                t: [r for r in item.reasons if r.cause_type == t] for t in ("item", "attribute")
            }
            if int(item.item_id[1:]) % 3 != n:
                continue  # the odd one has its say, too
            right.append(reasons["item"][0].cause in (past[0], past[2]))
            assert [r.cause for r in reasons["attribute"]] == [f"genres={genre}"]
            assert reasons["attribute"][0].kind == "shared"
            assert f"content (genres: {genre})" in item.why
    assert len(right) >= 8 and np.mean(right) > 0.9


def test_the_feature_that_decides_is_the_first_one_named(by_genre):
    first = []
    for n, genre in enumerate(worlds.GENRES):
        past = [f"i{n}", f"i{n + 3}", f"i{n + 6}"]
        # Of items without events nothing can be known by their titles, which no other one has.
        new = f"item_id in ({', '.join(f'i{i}' for i in range(24, 30) if i % 3 == n)})"
        for item in by_genre.recommend(history=past, where=new, k=2, why=True):
            features = [r for r in item.reasons if r.cause_type == "feature"]
            first.append(features[0].cause if features else None)
            assert {f.cause for f in features} <= {f"genres={genre}", "title"}
    expected = [f"genres={genre}" for genre in worlds.GENRES for _ in range(2)]
    assert sum(a == b for a, b in zip(first, expected, strict=True)) >= 5, first


def test_a_feature_counts_what_the_item_loses_when_described_without_it(by_genre):
    asked = ym.Request(history=["i0", "i3"], k=27, weights={"content": 1}, why=True)
    before = {item.item_id: item for item in by_genre.recommend_many([asked])[0]}
    poorer = ym.Recommender(by_genre.parts)
    frame = by_genre.parts.catalogue.frame
    for item_id in ("i6", "i27"):  # a warm one and a cold one
        row = frame.filter(frame["item_id"] == item_id)
        poorer.parts = by_genre.parts
        poorer.add_items(row.with_columns(genres=pl.lit([], pl.List(pl.String))))
        after = {item.item_id: item.score for item in poorer.recommend_many([asked])[0]}
        # The scores of a segment are its weight times p; the other items' weight stays.
        (told,) = (
            r
            for r in before[item_id].reasons
            if (r.cause_type, r.cause) == ("feature", "genres=red")
        )
        lost = np.log2(before[item_id].score / after[item_id])
        assert told.effect == pytest.approx(lost, rel=1e-3)


def test_relations_between_items_are_named_in_words(by_genre):
    told = {}
    for past in ("i12", "i21"):
        answer = by_genre.recommend(history=[past], k=29, weights={"content": 1}, why=True)
        told |= {
            (past, item.item_id, r.cause): (r, item.why)
            for item in answer
            for r in item.reasons
            if r.cause_type == "attribute"
        }
    reason, why = told["i12", "i15", "sequel<-i12"]
    assert reason.title == "sequel of the thing number 12"
    assert "content (sequel of the thing number 12, genres: red)" in why
    reason, why = told["i21", "i18", "follows=i21"]
    assert reason.title == "follows: the thing number 21"
    assert reason.effect == pytest.approx(np.log2(30))  # one item has it, the past is its tail


def test_a_shared_value_counts_the_bits_that_tell_who_has_it():
    rows = {row["item_id"]: row for row in service().items.frame.iter_rows(named=True)}

    def has(item_id, feature, value):
        cell = rows[item_id][feature]
        return value in cell if isinstance(cell, list) else cell == value

    checked = 0
    # Two items in the history, so that all that counted are told.
    asked = ym.Request(history=ITEMS[3:5], k=30, weights={"content": 1}, at=AT)
    for item in ask(asked, why=True)[0]:
        causes = {x.cause: x.part for x in item.reasons if x.cause_type == "item"}
        for reason in (x for x in item.reasons if x.cause_type == "attribute"):
            feature, value = reason.cause.split("=")
            carried = sum(part for i, part in causes.items() if has(i, feature, value))
            carriers = sum(has(i, feature, value) for i in rows)
            assert reason.effect == pytest.approx(carried * np.log2(len(rows) / carriers))
            checked += 1
    assert checked > 5


def test_features_of_the_user_and_stated_preferences_are_named():
    (answer,) = ask(
        ym.Request("u0014", history=[], preferences={"genres": ["Western"]}, k=80, at=AT), why=True
    )
    row = (
        service().users.frame.filter(service().users.frame["user_id"] == "u0014").row(0, named=True)
    )
    told = {(r.cause_type, r.cause) for item in answer for r in item.reasons}
    assert ("preference", "genres=Western") in told
    assert {c for t, c in told if t == "user"} == {
        f"age_group={row['age_group']}",
        f"region={row['region']}",
    }
    assert {c.split("=")[0] for t, c in told if t == "context"} <= {"hour", "weekday"}
    assert "Because of the wish for genres: Western" in answer.items[0].why


def reason(network, part, cause_type="item", cause="i1", title=None):
    return ym.Reason(network, "exact", cause_type, cause, title, part, "score", part)


def test_a_sentence_is_as_written_by_hand():
    contributions = {"sequential": 0.61, "content": 0.24, "popularity": 0.1, "linear": 0.05}
    told = [
        reason("sequential", 0.7, cause="i1", title="Alien"),
        reason("sequential", 0.3, cause="i2", title="Blade Runner"),
        reason("content", 0.6, cause="i2", title="Blade Runner"),
        reason("content", 0.1, cause="i3"),
        reason("content", 0.9, "attribute", "genres=Sci-Fi"),
        reason("popularity", 1.0, "popularity", "popularity"),
    ]
    # Alien .427, Blade Runner .183 + .144, popularity .1 (below a third of the first), i3 .024
    assert sentence(contributions, told) == (
        "Because of Alien and Blade Runner; "
        "61% sequential, 24% content (genres: Sci-Fi), 10% popularity."
    )


@pytest.mark.parametrize(
    ("contributions", "told", "expected"),
    [
        (
            {"popularity": 1.0},
            [reason("popularity", 1.0, "popularity", "popularity")],
            "Because of its popularity; 100% popularity.",
        ),
        ({"linear": 1.0}, [reason("linear", 1.0)], "Because of i1; 100% linear."),
        ({"knowledge": 1.0}, [], "100% knowledge."),
        (
            {"knowledge": 0.95, "popularity": 0.05},
            [
                reason("knowledge", 0.6, "preference", "genres=A=B"),
                reason("knowledge", 0.4, "user", "age=25 to 34"),
            ],
            "Because of the wish for genres: A=B and age: 25 to 34; 95% knowledge.",
        ),
    ],
)
def test_sentences_of_few_causes(contributions, told, expected):
    assert sentence(contributions, told) == expected
