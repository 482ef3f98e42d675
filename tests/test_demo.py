"""The demo as a newcomer runs it, and what its networks learn of the known truth."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import polars as pl
import pytest

import ysmean as ym
from ysmean import metrics
from ysmean.data.simulate.truth import normalised
from ysmean.demo import best_possible
from ysmean.evaluation.compare import Side, compare

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def optimised():
    """Here training computes longer than it compiles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "0")  # for processes that are started
        before = jax.config.read("jax_disable_most_optimizations")
        jax.config.update("jax_disable_most_optimizations", False)
        yield
        jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def demo(optimised, tmp_path_factory):
    """One run of the command, with what it kept; minutes on two busy cores."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    command = [Path(sys.executable).parent / "ysmean", "demo", "--out", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    requests = pl.read_parquet(folder / "report" / "requests.parquet")
    return SimpleNamespace(
        text=done.stdout, folder=folder, requests=requests, service=ym.simulate(seed=0)
    )


@pytest.fixture(scope="module")
def situation(demo):
    """What was known before each test view, and the title viewed."""
    rows = demo.requests.filter(pl.col("row") == "mean").join(
        demo.service.events.frame.with_row_index("view"),
        on=["user_id", "item_id"],
        how="left",
        maintain_order="left",
    )
    ids = demo.service.items.frame.get_column("item_id")
    targets = rows["item_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
    return demo.service.situation(rows["view"].to_numpy()), targets


def ndcg(demo, row):
    return metrics.ndcg(demo.requests.filter(pl.col("row") == row)["rank"].to_numpy(), 10)


def test_the_tour_has_seven_stops_fits_80_columns_and_is_plain_when_piped(demo):
    lines = demo.text.splitlines()
    for heading in (
        "1  Which title next?",
        "2  A faithful viewer",
        "3  The same, content counted twice",
        "4  Somebody new, who likes westerns",
        "5  Titles that premiere tonight",
        "6  A rule for",
        "7  Titles that are watched otherwise",
        "Now with your own data",
    ):
        assert any(line.startswith(heading) for line in lines), heading
    commands = lines.index("Now with your own data")
    assert max(map(len, lines[:commands])) <= 80
    assert "\x1b" not in demo.text


def test_the_model_and_the_report_are_kept_and_answer(demo):
    loaded = ym.Recommender.load(demo.folder / "model")
    assert len(loaded.recommend("u0001", k=5)) == 5
    assert (demo.folder / "report" / "report.html").stat().st_size > 10_000
    events = ym.read_events(demo.folder / "events.parquet")
    assert len(events) == len(demo.service.events)


def test_the_fitted_mean_is_above_its_best_member_and_above_the_plain_mean(demo):
    names = demo.requests["row"].unique().to_list()
    others = ("mean", "mean-equal", "mean-pure", "consensus", "popularity")
    members = [name for name in names if name not in others]
    best = max(members, key=lambda name: ndcg(demo, name).mean())
    data = {"split": "leave-last-out", "catalogue": 1, "candidates": "all", "seen": "exclude"}
    sides = [Side.of(data, demo.requests, name) for name in ("mean", best)]
    difference = compare(*sides)[0].difference
    assert difference.mean > 0 and difference.p_value < 0.01
    assert ndcg(demo, "mean").mean() > ndcg(demo, "mean-equal").mean()
    assert f"from its best member, {best} (p < 0.0" in demo.text


def oracle(demo, now, *parts):
    """What one would say who knows these parts of the truth, and else what is watched most."""
    truth, counts = demo.service.truth, np.bincount(demo.service._views[1], minlength=1000)
    open_ = (truth.titles.since <= now.at[:, None]) & (now.at[:, None] < truth.titles.until)
    base = normalised((counts * (open_ & ~now.seen)).astype(np.float32))
    told, total = {}, 0.0
    for name, weight, part in truth.parts(now):
        told[name] = weight * (part.sum(1) > 0), normalised(part)
        total = total + told[name][0]
    if "group" in parts:  # the taste of age group, region and hour, without the person
        wishes = truth.viewers.shared(now.users, now.at)
        told["group"] = told["taste"][0], normalised(truth.liking(wishes) * base)
    shares = {name: (told[name][0] / total)[:, None] for name in parts}
    return sum(shares[n] * told[n][1] for n in parts) + (1 - sum(shares.values())) * base


@pytest.mark.parametrize(
    ("network", "parts", "least"),
    [
        ("transition", ("series", "up_next"), 0.7),
        ("linear", ("series", "up_next", "like_last"), 0.6),
        ("recurrent", ("series", "up_next", "like_last"), 0.5),
        ("content", ("like_last",), 0.5),
        ("knowledge", ("group",), 0.5),
    ],
)
def test_each_network_gains_over_popularity_what_its_part_of_the_truth_implies(
    demo, situation, network, parts, least
):
    now, targets = situation
    p = oracle(demo, now, *parts)
    ranks = 1 + (p > p[np.arange(len(p)), targets][:, None]).sum(1)
    popularity = ndcg(demo, "popularity").mean()
    implied = metrics.ndcg(ranks, 10).mean() - popularity
    gained = ndcg(demo, network).mean() - popularity
    assert implied > 0 and gained > least * implied, (gained, implied)


def test_the_mean_comes_as_close_to_the_truth_as_the_documentation_says(demo, situation):
    """1.2 nats from the truth, which knows each viewer's taste."""
    now, targets = situation
    p = demo.service.truth.next_view(now)[np.arange(len(targets)), targets]
    mean = demo.requests.filter(pl.col("row") == "mean")["probability"].to_numpy()
    distance = np.log(p).mean() - np.log(mean).mean()
    assert 0 < distance < 1.3
    popularity = demo.requests.filter(pl.col("row") == "popularity")["probability"].to_numpy()
    assert distance < 0.55 * (np.log(p).mean() - np.log(popularity).mean())


def test_the_row_of_the_truth_is_recomputed_from_its_probabilities(demo, situation):
    now, targets = situation
    p = demo.service.truth.next_view(now)
    row = best_possible(demo.service, SimpleNamespace(requests=demo.requests))
    target = p[np.arange(len(p)), targets]
    assert row["nll"] == pytest.approx(-np.log(target).mean(), rel=1e-5)
    within = (p > target[:, None]).sum(1) < 10
    assert row["hr@10"] == pytest.approx(within.mean(), abs=0.002)
    assert row["ndcg@10"] > ndcg(demo, "mean").mean()


def test_content_finds_new_titles_ten_times_as_often_as_chance():
    service = ym.simulate(seed=0)
    usual = ym.Content()
    briefly = replace(usual, fitting=replace(usual.fitting, max_steps=240))
    report = ym.evaluate(
        service.events,
        service.items,
        service.users,
        split="cold-items:0.2",
        networks=[briefly, "popularity"],
    )
    row = report.row("content", "cold")
    cold = 0.2 * len(service.items)  # about; a few of them are not available at a time
    assert row["hr@1"] > 10 / cold
    assert row["ndcg@10"] > 5 * sum(1 / np.log2(1 + r) for r in range(1, 11)) / cold
