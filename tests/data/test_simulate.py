"""The simulated service is reproducible, plausible, and drawn from the truth it states."""

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from ysmean.data.schema import FeatureType
from ysmean.data.simulate import simulate
from ysmean.data.simulate.titles import END, START, stories
from ysmean.data.simulate.truth import WEIGHTS, Situation
from ysmean.errors import DataError


@pytest.fixture(scope="module")
def service():
    return simulate(seed=3, users=1000, items=500, events=30_000, new_items=20)


def joined(service):
    return service.events.frame.join(service.items.frame, on="item_id", maintain_order="left")


def test_the_same_seed_gives_the_same_service_and_another_one_another():
    one, same, other = (simulate(seed, 50, 60, 600, 5) for seed in (1, 1, 2))
    assert one.events.frame.equals(same.events.frame)
    assert one.items.frame.equals(same.items.frame)
    assert not one.events.frame.equals(other.events.frame)


def test_it_has_about_the_size_asked_for(service):
    assert len(service.users) == 1000 and len(service.items) == 500
    assert abs(len(service.events) - 30_000) < 1_500


def test_features_have_the_types_that_networks_need(service):
    assert service.items.schema == {
        "title": FeatureType.TEXT,
        "kind": FeatureType.CATEGORY,
        "synopsis": FeatureType.TEXT,
        "cast": FeatureType.CATEGORIES,
        "director": FeatureType.CATEGORY,
        "minutes": FeatureType.NUMBER,
        "genres": FeatureType.CATEGORIES,
        "language": FeatureType.CATEGORY,
        "maturity": FeatureType.CATEGORY,
        "year": FeatureType.NUMBER,
    }
    assert set(service.users.schema) == {"age_group", "region"}
    assert service.items.frame["title"].is_unique().all()


def test_new_titles_have_no_event_and_most_others_have(service):
    watched = set(service.events.frame["item_id"])
    assert len(service.new) == 20 and not watched & set(service.new)
    assert len(watched) > 0.9 * (len(service.items) - 20)
    arrives = service.items.frame.filter(pl.col("item_id").is_in(service.new))["available_from"]
    assert (arrives == END).all()


def test_nobody_watches_a_title_twice_or_when_it_is_not_available(service):
    events = joined(service)
    assert not events.select("user_id", "item_id").is_duplicated().any()
    assert (events["timestamp"] >= events["available_from"]).all()
    leaving = events.filter(pl.col("available_until").is_not_null())
    assert len(leaving) > 100 and (leaving["timestamp"] < leaving["available_until"]).all()
    assert events["timestamp"].min() >= START and events["timestamp"].max() < END


def test_parts_of_a_series_are_watched_in_order(service):
    previous = service.truth.titles.previous
    ids = service.items.frame["item_id"].to_list()
    before = {ids[item]: ids[previous[item]] for item in np.flatnonzero(previous >= 0)}
    assert len(before) > 100
    later = 0
    for (_,), views in service.events.frame.group_by("user_id", maintain_order=True):
        place = {item: n for n, item in enumerate(views["item_id"])}
        for part in before.keys() & place.keys():
            assert place[before[part]] < place[part]
            later += 1
    assert later > 1000


def test_later_parts_share_name_cast_and_hero_unless_their_metadata_is_wrong(service):
    titles, frame = service.truth.titles, service.items.frame
    for item in np.flatnonzero((titles.previous >= 0) & ~titles.wrong):
        first, part = frame.row(item - 1, named=True), frame.row(item, named=True)
        assert part["title"].rsplit(" ", 1)[0] in first["title"]
        if not titles.wrong[item - 1]:
            assert part["cast"] == first["cast"]
            assert part["synopsis"].split(" in ")[0] == first["synopsis"].split(" in ")[0]


def test_few_titles_take_much_of_the_attention(service):
    counts = sorted(Counter(service.events.frame["item_id"]).values(), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.25 * sum(counts)


def test_few_viewers_watch_much_and_many_watch_little(service):
    counts = np.array(list(Counter(service.events.frame["user_id"]).values()))
    assert counts.min() < 3 and np.median(counts) < 0.7 * counts.mean()


def test_some_viewers_join_late_and_are_not_seen_before(service):
    joined_on = service.truth.viewers.joined
    assert 0.2 < (joined_on > 0).mean() < 0.4
    users, _, times = service._views
    assert (times >= START + 86_400 * joined_on[users]).all()


def test_evenings_and_weekends_are_busy(service):
    when = service.events.frame["timestamp"].cast(pl.Int64)
    hours = Counter((when // 3600 % 24).to_list())
    days = Counter(((when // 86400 + 3) % 7).to_list())
    assert sum(hours[h] for h in range(18, 22)) > 3 * sum(hours[h] for h in range(6, 10))
    assert days[5] + days[6] > 1.4 * (days[0] + days[1])


def test_new_arrivals_are_in_fashion_for_some_weeks(service):
    events = joined(service).filter(pl.col("available_from") > START)
    age = (events["timestamp"] - events["available_from"]) / 86400
    first, later = ((age >= lo) & (age < lo + 21) for lo in (0, 63))
    both = events["available_from"] < END - 84 * 86400
    assert (first & both).sum() > 1.3 * (later & both).sum()


@pytest.mark.parametrize("group", ["age_group", "region"])
def test_what_is_watched_depends_on_age_and_region(service, group):
    views = joined(service).join(service.users.frame, on="user_id")
    what = "language" if group == "region" else "maturity"
    table = views.group_by(group, what).len().pivot(what, index=group)
    counts = table.drop(group).fill_null(0).to_numpy().astype(float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square > 10 * (counts.shape[0] - 1) * (counts.shape[1] - 1)


def test_a_view_tends_to_stay_with_the_genre_of_the_last(service):
    views = joined(service)
    genres = [set(g) for g in views["genres"].to_list()]
    users = views["user_id"].to_list()
    steps = zip(pairwise(genres), pairwise(users), strict=True)
    stays = [bool(a & b) for (a, b), (u, v) in steps if u == v]
    shuffled = np.random.default_rng(0).permutation(len(genres))
    chance = np.mean([bool(genres[a] & genres[b]) for a, b in enumerate(shuffled)])
    assert np.mean(stays) > 1.5 * chance


def test_a_synopsis_tells_the_theme_unless_the_metadata_is_wrong(service):
    titles, frame = service.truth.titles, service.items.frame
    told = [genre["themes"].values() for genre in stories().values()]
    troubles = [theme["troubles"] for themes in told for theme in themes]
    right = [
        any(trouble in synopsis for trouble in troubles[theme])
        for theme, synopsis in zip(titles.themes, frame["synopsis"], strict=True)
    ]
    assert (np.array(right) == ~titles.wrong).all()
    assert len(service.wrong) == round(0.03 * 480)


def test_the_truth_sums_to_one_over_what_is_on_offer(service):
    now = service.situation(np.arange(0, 30_000, 100))
    p, offered = service.truth.next_view(now), service.truth.offered(now)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert (p[~offered] == 0).all() and (p[offered] > 0).all()
    assert not (p > 0)[now.seen].any()


def test_a_situation_is_what_came_before_by_the_events_themselves(service):
    frame, ids = service.events.frame, service.items.frame["item_id"].to_list()
    rows = np.random.default_rng(0).integers(len(frame), size=50)
    now = service.situation(rows)
    for line, row in enumerate(rows):
        user, _, time, *_ = frame.row(int(row))
        past = frame[: int(row)].filter(pl.col("user_id") == user)  # rows are in time order
        assert {ids[c] for c in np.flatnonzero(now.seen[line])} == set(past["item_id"])
        assert now.at[line] == time
        if len(past):
            assert ids[now.last[line]] == past["item_id"][-1]
            assert now.gap[line] == time - past["timestamp"][-1]
        else:
            assert now.last[line] == -1 and now.gap[line] == np.inf


def test_the_truth_is_the_weighted_sum_of_its_parts_computed_by_hand(service):
    row = next(r for r in range(5000, 6000) if service.situation(np.array([r])).last[0] >= 0)
    now = service.situation(np.array([row]))
    titles, at = service.truth.titles, now.at[0]
    offered = service.truth.offered(now)[0]
    weights, tables = {}, {}
    sitting = 1.8 if now.gap[0] < 4 * 3600 else 0.7
    for name, weight in WEIGHTS.items():
        weights[name] = weight * (sitting if name in ("series", "up_next") else 1)
        tables[name] = np.zeros(len(offered))
    wishes = service.truth.viewers.own(now.users, now.at)[0]
    wishes = wishes + service.truth.viewers.shared(now.users, now.at)[0]
    for item in np.flatnonzero(offered):
        days = max(0.0, at - titles.since[item]) / 86400
        draw = np.exp(titles.appeal[item]) * (1 + 3 * np.exp(-days / 21))
        if titles.previous[item] >= 0:
            tables["series"][item] = 1.0 if titles.previous[item] == now.last[0] else 0.15
        if item in titles.up_next[now.last[0]]:
            tables["up_next"][item] = 3 - list(titles.up_next[now.last[0]]).index(item)
        tables["like_last"][item] = service.truth.likeness[now.last[0], item] * draw
        tables["taste"][item] = np.exp(wishes @ service.truth.features[item]) * draw
    kept = {name: table for name, table in tables.items() if table.sum() > 0}
    expected = sum(weights[name] * table / table.sum() for name, table in kept.items())
    expected /= expected.sum()
    np.testing.assert_allclose(service.truth.next_view(now)[0], expected, rtol=1e-3, atol=1e-7)


def test_views_are_drawn_from_the_truth(service):
    """The mean of -log p over draws from p is p's entropy, within the error of the sample."""
    rows = np.arange(0, len(service.events), 7)
    p = service.truth.next_view(service.situation(rows)).astype(np.float64)
    _, classes, _ = service._views
    chosen = -np.log(p[np.arange(len(rows)), classes[rows]])
    logs = np.log(np.where(p > 0, p, 1))
    entropy, square = -(p * logs).sum(1), (p * logs**2).sum(1)
    error = np.sqrt((square - entropy**2).sum()) / len(rows)
    assert abs(chosen.mean() - entropy.mean()) < 4 * error


def test_somebody_without_a_view_is_offered_no_later_parts(service):
    n = len(service.items)
    nobody = Situation(
        np.zeros(1, int),
        np.zeros((1, n), bool),
        np.array([-1]),
        np.array([np.inf]),
        np.array([END]),
    )
    p = service.truth.next_view(nobody)[0]
    assert p.sum() == pytest.approx(1, abs=1e-5)
    assert (p[service.truth.titles.previous >= 0] == 0).all()


def test_sizes_that_cannot_be_simulated_are_refused_with_the_numbers():
    with pytest.raises(
        DataError, match="30,000 items of which 30 are new; expected at most 20,000"
    ):
        simulate(items=30_000)
    with pytest.raises(DataError, match="60 items of which 60 are new"):
        simulate(items=60, new_items=60)
