"""Diversity and caps choose among the best items; scores and shares stay what they were."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ysmean as ym
from models import recommender, service
from ysmean import variety
from ysmean.errors import RequestError

ITEMS = service().items
CATEGORICAL = [n for n, kind in ITEMS.schema.items() if kind in ("category", "categories")]
VALUES = {
    row["item_id"]: {
        (name, value)
        for name in CATEGORICAL
        for value in (row[name] if isinstance(row[name], list) else [row[name]])
        if value is not None
    }
    for row in ITEMS.frame.iter_rows(named=True)
}
AT = 1_750_000_000
SIZE = len(recommender().parts.catalogue)  # trained here, once, and not within a strategy


@st.composite
def asked(draw):
    return ym.Request(
        user_id=draw(st.sampled_from([None, "u0007", "u0014", "u0021"])),
        where=draw(st.sampled_from([None, "year >= 1990"])),
        k=draw(st.integers(1, 30)),
        at=AT,
        diversity=draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]) | st.floats(0, 1)),
        caps=draw(st.dictionaries(st.sampled_from(CATEGORICAL), st.integers(1, 6))),
    )


def cosine(a, b):
    together = len(VALUES[a]) * len(VALUES[b])
    return len(VALUES[a] & VALUES[b]) / together**0.5 if together else 0.0


def naive(ranking, request, pool):
    """Return the items that one after the other are best, by going through all of them."""
    while True:
        chosen = []
        candidates = ranking[:pool]
        while len(chosen) < request.k:
            free = [
                item
                for item in candidates
                if item not in chosen
                and all(
                    sum((name, value) in VALUES[c.item_id] for c in chosen) < request.caps[name]
                    for name, value in VALUES[item.item_id]
                    if name in request.caps
                )
            ]
            if not free:
                break
            chosen.append(max(free, key=lambda item: worth(item, chosen, ranking[0], request)))
        if len(chosen) == request.k or len(candidates) == len(ranking):
            return chosen
        pool *= 4


def worth(item, chosen, best, request):
    near = max((cosine(item.item_id, c.item_id) for c in chosen), default=0.0)
    return (1 - request.diversity) * (item.score / best.score) - request.diversity * near


@pytest.mark.parametrize("pool", [100, 8])
@given(asked())
def test_the_answer_is_that_of_maximal_marginal_relevance_one_item_at_a_time(pool, request):
    plain = replace(request, diversity=0, caps={}, k=SIZE)
    ranking = recommender().recommend_many([plain])[0].items
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variety, "POOL", pool)
        patch.setattr(variety, "TIMES", 1)
        answer = recommender().recommend_many([request])[0]
    expected = naive(ranking, request, max(pool, request.k))
    assert [i.item_id for i in answer] == [i.item_id for i in expected]
    assert [i.score for i in answer] == [i.score for i in expected]
    assert [i.shares for i in answer] == [i.shares for i in expected]
    for got, wanted in zip(answer, expected, strict=True):
        assert got.contributions == pytest.approx(wanted.contributions, abs=1e-6)


@given(st.lists(asked(), min_size=2, max_size=5))
def test_alone_or_in_a_batch_the_items_are_the_same(many):
    for together, request in zip(recommender().recommend_many(many), many, strict=True):
        alone = recommender().recommend_many([request])[0]
        assert [i.item_id for i in alone] == [i.item_id for i in together]


def test_without_diversity_and_caps_nothing_is_chosen_anew(monkeypatch):
    before = recommender().recommend("u0007", at=AT)
    monkeypatch.setattr(variety, "choose", None)
    again = recommender().recommend("u0007", at=AT, diversity=0, caps={})
    assert again.to_json() == {**before.to_json(), "request_id": again.request_id}


def test_more_diversity_makes_items_less_alike():
    def alike(diversity):
        ids = [i.item_id for i in recommender().recommend("u0007", at=AT, diversity=diversity)]
        return sum(cosine(a, b) for a in ids for b in ids if a < b)

    assert alike(0) > alike(0.5) > alike(1.0) - 1e-9 and alike(0) > 1.2 * alike(1.0)


@given(asked())
def test_caps_keep_the_order_of_scores_and_no_value_comes_more_often(request):
    answer = recommender().recommend_many([replace(request, diversity=0)])[0]
    scores = [i.score for i in answer]
    assert scores == sorted(scores, reverse=True)
    shown = [value for item in answer for value in VALUES[item.item_id]]
    assert all(shown.count(v) <= request.caps[v[0]] for v in shown if v[0] in request.caps)


def test_an_answer_that_caps_cut_short_says_so():
    whole = len(recommender().recommend("u0007", at=AT, k=SIZE))
    answer = recommender().recommend("u0007", at=AT, k=SIZE, caps={CATEGORICAL[0]: 1})
    short = answer.shortfall
    assert short.constraint == "caps" and short.allowed == len(answer) < whole
    assert short.gain == whole - len(answer)
    assert str(short).endswith(f"without caps there would be {short.gain} more")


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"diversity": 1.1}, "diversity", "diversity=1.1; expected a number from 0 to 1"),
        ({"diversity": -0.1}, "diversity", "diversity=-0.1"),
        ({"diversity": float("nan")}, "diversity", "diversity=nan"),
        ({"diversity": "much"}, "diversity", "diversity='much'"),
        ({"diversity": True}, "diversity", "diversity=True"),
        ({"caps": {"genre": 1}}, "caps", "caps on 'genre'; .*Did you mean 'genres'"),
        ({"caps": {"year": 1}}, "caps", "caps on 'year'; expected a categorical.* year is number"),
        ({"caps": {"genres": 0}}, "caps", "caps on 'genres' is 0; expected a whole number from 1"),
        ({"caps": {"genres": 1.5}}, "caps", "caps on 'genres' is 1.5"),
        ({"caps": 3}, "caps", "caps=3; expected numbers by feature"),
    ],
)
def test_a_wrong_diversity_or_cap_is_refused_by_name(wrong, field, said):
    with pytest.raises(RequestError, match=said) as raised:
        recommender().recommend("u0007", **wrong)
    assert raised.value.field == field


def test_without_categories_there_is_nothing_to_compare():
    log = {"user_id": ["a", "a", "b"], "item_id": ["i0", "i1", "i0"]}
    plain = ym.train(ym.Events.from_frame(log), networks=[ym.Popularity()], consensus=False)
    with pytest.raises(RequestError, match="no feature of theirs is one"):
        plain.recommend(diversity=0.5)
