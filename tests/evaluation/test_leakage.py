"""A tell-tale is planted in the held-out part of each split; nothing may see it.

The tell-tale follows item `a` in held-out events only, always. Whoever learned from them would
rank it first after `a`; whoever did not cannot know it.
"""

import pytest

import worlds
import ysmean as ym
from ysmean.data.joined import Data
from ysmean.data.splits import make_split
from ysmean.training.progress import Progress
from ysmean.training.train import learn

SPECS = [ym.Transition(window=1, history=1), ym.Popularity()]


def learned(name, data):
    split = make_split(name, data.histories, len(data.catalogue), seed=0)
    base = data.catalogue.warm
    return split, learn(data, split, SPECS, base, 0, "default", Progress())


def after_a(parts):
    """Return what the transitions say after item a, by item."""
    recommender = ym.Recommender(parts)
    answer = recommender.recommend(history=["a"], weights={"transition": 1}, seen="allow")
    return {item.item_id: item.score for item in answer}


def test_leave_last_out_learns_nothing_from_the_last_two_events():
    histories = {f"u{n}": ["b", "a", "c", "b", "a", "telltale"] for n in range(30)}
    _, parts = learned("leave-last-out", Data.join(worlds.table(histories)))
    assert after_a(parts)["c"] > 0.5 and "telltale" not in after_a(parts)
    assert not parts.catalogue.warm[parts.catalogue.index["telltale"]]


def test_a_time_split_learns_nothing_from_the_future():
    # Until hour 4 a is followed by c; then everybody goes from a to the tell-tale, twice.
    histories = {f"u{n}": ["b", "a", "c", "b", "a", "telltale", "telltale"] for n in range(30)}
    data = Data.join(worlds.table(histories, timestamps=True))
    split, parts = learned("time:18000", data)
    assert "telltale" not in after_a(parts)
    telltale = parts.catalogue.index["telltale"]
    assert parts.networks["popularity"].counts[telltale] == 0
    assert (data.histories.classes[split.test] == telltale).all()


def test_cold_users_teach_nothing():
    ordinary = {f"u{n}": ["b", "a", "c", "d"] for n in range(60)}
    data = Data.join(worlds.table(ordinary))
    split = make_split("cold-users:0.2", data.histories, len(data.catalogue), seed=0)
    strangers = {data.histories.user_ids[int(u)] for u in data.histories.users[split.test]}
    planted = {
        u: (["b", "a", "telltale", "d"] if u in strangers else v) for u, v in ordinary.items()
    }
    _, parts = learned("cold-users:0.2", Data.join(worlds.table(planted)))
    assert after_a(parts)["c"] > 0.5 and "telltale" not in after_a(parts)


def test_cold_items_are_known_to_no_network_of_behaviour():
    histories = {
        f"u{n}": ["a", f"i{n % 12}", "a", f"i{(n + 1) % 12}", "a", f"i{(n + 2) % 12}"]
        for n in range(48)
    }
    data = Data.join(worlds.table(histories))
    split, parts = learned("cold-items:0.3", data)
    withheld = ~parts.catalogue.warm
    assert withheld.sum() >= round(0.3 * len(data.catalogue))
    assert not parts.networks["transition"].coverage[withheld].any()
    assert not parts.networks["popularity"].counts[withheld].any()
    assert not split.train[withheld[data.histories.classes]].any()


def test_cold_items_are_reported_apart_from_warm_ones():
    events, items, users = worlds.content_rule(users=120, items=36)
    long = ym.Fitting(batch=32, max_steps=400, max_epochs=99, patience=20, learning_rate=5e-3)
    content = ym.Content(width=8, hidden=8, fitting=long)
    specs = [ym.Transition(cold=False), content, ym.Popularity()]
    report = ym.evaluate(events, items, users, split="cold-items:0.2", networks=specs)
    cohorts = {row["cohort"] for row in report.data["rows"]}
    assert cohorts == {"all", "cold", "cold-among-all", "warm"}
    cold, among_all = report.row("mean", "cold"), report.row("mean", "cold-among-all")
    assert cold["requests"] == among_all["requests"] > 0
    assert cold["ndcg@10"] >= among_all["ndcg@10"]
    assert report.row("transition", "cold")["answered"] == 0
    # A third of the cold items have the right genre; by chance the target comes anywhere.
    assert report.row("content", "cold")["mrr"] > 0.35
    every = report.row("mean")
    assert every["requests"] == among_all["requests"] + report.row("mean", "warm")["requests"]


@pytest.mark.data
@pytest.mark.slow
def test_every_split_runs_on_movielens_100k(data_folder):
    folder = data_folder / "ml-100k"
    tables = [
        ym.read_events(folder / "events.parquet"),
        ym.read_items(folder / "items.parquet"),
        ym.read_users(folder / "users.parquet"),
    ]
    specs = [ym.Transition(), ym.Popularity()]
    for split in ("leave-last-out", "time:1998-03-01", "cold-users:0.1", "cold-items:0.2"):
        report = ym.evaluate(*tables, split=split, networks=specs)
        assert report.data["requests"] > 100
        assert report.row("mean")["ndcg@10"] > 0
    cohorts = {row["cohort"]: row["requests"] for row in report.data["rows"]}
    assert cohorts["cold"] > 0
