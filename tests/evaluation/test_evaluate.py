import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import models
import worlds
import ysmean as ym
from models import service
from ysmean import metrics
from ysmean.data.histories import COHORTS
from ysmean.errors import ConfigError, DataError

NETWORKS = ["collaborative", "transition", "content", "knowledge", "popularity"]
ROWS = [*NETWORKS, "consensus", "mean-equal", "mean-pure", "mean"]


@pytest.fixture(scope="module")
def report():
    return models.report()


def test_there_is_a_row_for_every_network_and_mean_and_every_cohort(report):
    for cohort in ("all", *COHORTS):
        assert [row["name"] for row in report.rows(cohort)] == ROWS
    kinds = {row["name"]: row["kind"] for row in report.rows()}
    assert kinds["popularity"] == "baseline" and kinds["content"] == "network"
    for name in ("consensus", "mean", "mean-equal", "mean-pure"):
        assert kinds[name] == name
    assert report.best_member()["name"] in NETWORKS


def test_the_mean_without_the_consensus_is_that_of_an_evaluation_without_one(report):
    s = service()
    without = ym.evaluate(
        s.events,
        s.items,
        s.users,
        networks=models.specs(),
        candidates="events",
        consensus=False,
    )
    assert [row["name"] for row in without.rows()] == [*NETWORKS, "mean-equal", "mean"]
    for ours, theirs in (("mean-pure", "mean"), ("mean-equal", "mean-equal")):
        a, b = report.row(ours), without.row(theirs)
        assert a["nll"] == pytest.approx(b["nll"], rel=1e-5)
        assert a["ndcg@10"] == pytest.approx(b["ndcg@10"], rel=1e-5)
    assert "consensus=False" in without.html() and "consensus=False" not in report.html()


def test_rows_are_recomputed_from_the_requests(report):
    frame = report.requests
    for name in ROWS:
        ranks = frame.filter(pl.col("row") == name)["rank"].to_numpy()
        gains = [1 / np.log2(1 + r) if 0 < r <= 10 else 0 for r in ranks]
        assert report.row(name)["ndcg@10"] == pytest.approx(np.mean(gains))
        assert report.row(name)["hr@10"] == pytest.approx(np.mean((ranks > 0) & (ranks <= 10)))
    mean = frame.filter(pl.col("row") == "mean")
    assert report.row("mean")["nll"] == pytest.approx(-np.log(mean["probability"]).mean())


def test_every_user_with_three_events_is_asked_once_about_the_last_one(report):
    frame = report.requests.filter(pl.col("row") == "mean")
    events = service().events.frame
    last = events.group_by("user_id", maintain_order=True).agg(pl.len(), pl.col("item_id").last())
    expected = last.filter(pl.col("len") >= 3)
    assert frame["user_id"].to_list() == expected["user_id"].to_list()
    assert frame["item_id"].to_list() == expected["item_id"].to_list()


def test_the_mean_learns_more_than_popularity(report):
    assert report.row("mean")["ndcg@10"] > 1.5 * report.row("popularity")["ndcg@10"]


def test_json_has_no_nan_and_files_are_complete(report, tmp_path):
    report.save(tmp_path / "report")
    data = json.loads((tmp_path / "report" / "report.json").read_text(), parse_constant=pytest.fail)
    assert data["requests"] == report.data["requests"]
    assert data["seconds"]["train"].keys() >= set(ROWS[:5])
    assert pl.read_parquet(tmp_path / "report" / "requests.parquet").equals(report.requests)
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == [
        "report.html",
        "report.json",
        "requests.parquet",
    ]


def test_a_report_that_cannot_be_drawn_leaves_the_old_one_as_it_is(report, tmp_path):
    report.save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = replace(report, data={k: v for k, v in report.data.items() if k != "samples"})
    with pytest.raises(KeyError, match="samples"):
        broken.save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_network_is_worth_is_the_fall_of_the_mean_without_it(report):
    frame = report.requests.filter(pl.col("row") == "mean")
    gains = [1 / np.log2(1 + r) if r <= 10 else 0 for r in frame["rank"].to_list()]
    for entry in report.data["worth"]:
        result = entry["without"]
        assert result["b"] == pytest.approx(np.mean(gains))
        assert result["difference"]["mean"] == pytest.approx(result["a"] - result["b"])
    assert sum(entry["weight"] for entry in report.data["worth"]) == pytest.approx(1)


def test_the_mean_without_one_of_two_networks_is_the_other():
    chain = worlds.markov_chain(users=60, length=5)
    report = ym.evaluate(chain, networks=[ym.Transition(window=1), ym.Popularity()])
    worth = {entry["name"]: entry["without"]["a"] for entry in report.data["worth"]}
    assert worth["transition"] == pytest.approx(report.row("popularity")["ndcg@10"])
    assert worth["popularity"] == pytest.approx(report.row("transition")["ndcg@10"])


def test_the_mean_is_compared_with_its_best_network_and_the_plain_mean(report):
    best = max(ROWS[:4], key=lambda name: report.row(name)["ndcg@10"])
    first, second = report.data["comparisons"]
    assert (first["b"], second["b"]) == (best, "mean-equal")
    assert first["result"]["a"] == pytest.approx(report.row("mean")["ndcg@10"])
    assert first["result"]["b"] == pytest.approx(report.row(best)["ndcg@10"])


def test_every_cohort_is_compared_with_its_own_best_member_corrected_for_their_number(report):
    compared = {entry["cohort"]: entry for entry in report.data["by_cohort"]}
    asked = [c for c in COHORTS if report.row("mean", c)["requests"]]
    assert list(compared) == asked and len(asked) > 1
    p = []
    for cohort, entry in compared.items():
        members = [r for r in report.rows(cohort) if r["kind"] in ("network", "baseline")]
        best = max(members, key=lambda row: row["ndcg@10"])
        assert entry["b"] == best["name"]
        assert entry["result"]["b"] == pytest.approx(best["ndcg@10"])
        assert entry["result"]["a"] == pytest.approx(report.row("mean", cohort)["ndcg@10"])
        p.append(entry["result"]["difference"]["p_value"])
    assert [e["p_holm"] for e in compared.values()] == metrics.holm(p).tolist()


def test_a_calibration_error_comes_with_what_chance_alone_explains(report):
    for row in report.rows():
        assert 0 < row["calibration"]["ece_limit"] < 0.5


def test_calibration_curves_hold_every_request_and_average_to_what_was_stated(report):
    for row in report.rows():
        curve = row["calibration"]["curve"]
        counts = np.array(curve["requests"])
        assert counts.sum() == row["requests"] and counts.max() - counts.min() <= 1
        assert counts @ curve["stated"] / counts.sum() == pytest.approx(
            row["calibration"]["p_top1"]
        )
        assert counts @ curve["observed"] / counts.sum() == pytest.approx(row["hr@1"])


def test_popularity_is_the_percentile_of_training_events():
    # In training: a and b 5 times each, c 4 times, d never (the last event of all is d).
    histories = {f"u{n}": ["a", "b", "c", "d"] for n in range(4)} | {"short": ["a", "b"]}
    report = ym.evaluate(worlds.table(histories), networks=[ym.Popularity()])
    # c is the validation event: percentiles are a, b 3/4 each, c and d (0 events) 1/4 each.
    popularity = report.row("popularity")["popularity"]
    assert popularity["targets"] == pytest.approx(0.25)
    assert popularity["recommended"] == pytest.approx(0.25)  # d alone is not seen yet


def test_among_new_users_popularity_may_be_the_best_member(report):
    data = {**report.data, "split": "cold-users:0.1"}
    rows = [{**r, "ndcg@10": 0.99} if r["name"] == "popularity" else r for r in data["rows"]]
    assert replace(report, data={**data, "rows": rows}).best_member()["name"] == "popularity"
    assert replace(report, data={**report.data, "rows": rows}).best_member()["kind"] == "network"


def test_nothing_of_the_held_out_events_is_learned():
    # A tell-tale item occurs only as everybody's last event: no network may know it.
    histories = {f"u{n}": [f"i{(n + t) % 9}" for t in range(6)] + ["telltale"] for n in range(40)}
    report = ym.evaluate(
        worlds.table(histories), networks=[ym.Transition(), ym.Popularity()], candidates="events"
    )
    assert report.row("transition")["answered"] == 0
    assert report.row("transition")["nll"] is None
    assert report.row("popularity")["answered"] == 1
    assert report.data["proportions"]["cold_odds"] == 0.2


def test_the_validation_event_is_part_of_the_test_history():
    chain = worlds.markov_chain(users=60, length=5)
    report = ym.evaluate(chain, networks=[ym.Transition(window=1, history=1), ym.Popularity()])
    assert report.row("transition")["hr@1"] > 0.95


def test_targets_outside_the_allowed_set_are_counted_not_scored():
    histories = {f"u{n}": ["a", "b", "c", "d"] for n in range(20)}
    histories |= {"again": ["a", "b", "c", "a"]}
    events = worlds.table(histories)
    without = ym.evaluate(events, networks=[ym.Popularity()])
    assert without.data["outside"] == 1 and without.data["requests"] == 20
    repeats = ym.evaluate(events, networks=[ym.Popularity()], seen="allow")
    assert repeats.data["outside"] == 0 and repeats.data["requests"] == 21


def test_candidates_of_all_rank_against_items_without_events_too():
    events, items, users = worlds.content_rule()
    every = ym.evaluate(events, items, users, networks=[ym.Popularity()])
    known = ym.evaluate(events, items, users, networks=[ym.Popularity()], candidates="events")
    assert every.data["catalogue"] == 30 and known.data["catalogue"] == 24


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "random"}, "Unknown split 'random'"),
        ({"candidates": "some"}, "candidates='some'"),
        ({"seen": "maybe"}, "seen='maybe'"),
    ],
)
def test_bad_settings_are_refused(asked, message):
    with pytest.raises(ConfigError, match=message):
        ym.evaluate(worlds.checkerboard(), networks=[ym.Popularity()], **asked)


def test_events_too_short_to_split_are_refused():
    with pytest.raises(DataError, match="at least 3 events; the longest history has 2"):
        ym.evaluate(worlds.table({"a": ["x", "y"]}), networks=[ym.Popularity()])


@pytest.mark.data
def test_transitions_reach_their_known_level_on_movielens_1m(data_folder):
    events = ym.read_events(data_folder / "ml-1m" / "events.parquet")
    specs = [ym.Transition(window=5), ym.Popularity()]
    report = ym.evaluate(events, networks=specs, candidates="events")
    assert report.data["requests"] == 6040 and report.data["catalogue"] == 3416
    assert 0.150 < report.row("transition")["ndcg@10"] < 0.170
    assert report.row("mean")["nll"] < report.row("transition")["nll"]
