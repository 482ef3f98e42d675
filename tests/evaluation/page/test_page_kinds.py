import json
import re

import polars as pl
import pytest

import models
import worlds
import ysmean as ym
from pages import Page, called, numbers
from ysmean.evaluation.page import page

EVIL = "<script>alert(1)</script>"
DASH = "\N{EN DASH}"


def test_text_from_data_is_never_markup():
    rows = {
        f'"><img src=x onerror=u{n}>': [f"<i>{(n + t) % 7}" for t in range(5)] for n in range(9)
    }
    items = pl.DataFrame(
        {"item_id": [f"<i>{n}" for n in range(7)], "title": [EVIL] * 7, "<u>": 1.5}
    )
    networks = {"<b>net</b>": ym.Transition(), "R&D": ym.Popularity()}
    report = ym.evaluate(worlds.table(rows), ym.Items.from_frame(items), networks=networks)
    report.data["manifest"]["notes"].append(EVIL)
    report.data["command"] = EVIL
    found = Page(report.html())
    assert not found.named("script") and not found.named("img") and not found.named("i")
    assert EVIL in found.text and "<b>net</b>" in found.text and "R&D" in found.text
    assert '"><img src=x onerror=u' in found.text and "<u> (number)" in found.text


def test_a_single_network_is_reported_without_comparisons():
    report = ym.evaluate(worlds.markov_chain(users=20), networks=[ym.Popularity()])
    found = Page(report.html())
    assert "One network, popularity: there is no mean to compare it with" in found.text
    assert "What each network is worth" not in found.text
    assert report.data["comparisons"] == [] and report.data["worth"][0]["without"] is None
    assert list(numbers(found, "Rows over all requests")) == [
        "popularity", "plain mean", "fitted mean",
    ]  # fmt: skip


def test_data_without_items_users_and_times_is_reported():
    chain = worlds.markov_chain(users=40)
    found = Page(ym.evaluate(chain, networks=["transition", "popularity"]).html())
    facts = {row[0]["text"]: row[1]["text"] for row in found.tables["The data"]}
    assert facts["Events"] == "240" and facts["Users"] == "40" and facts["Items"] == "10"
    assert facts["Features of items"] == facts["Features of users"] == "none"
    assert facts["Time"] == "no timestamps: rows in order"
    assert "Every item has events in training" in found.text
    assert "Transition and popularity are computed in one go" in found.text


def test_what_a_network_cannot_say_is_a_dash():
    # The last item of everybody occurs nowhere else: transition has no probability for it.
    histories = {f"u{n}": [f"i{(n + t) % 9}" for t in range(6)] + ["new"] for n in range(40)}
    report = ym.evaluate(worlds.table(histories), networks=[ym.Transition(), ym.Popularity()])
    text = report.html()
    assert numbers(Page(text), "Rows over all requests")["transition"]["NLL"]["text"] == DASH
    assert "nan" not in re.findall(r"\w+", text.lower()) and ">None<" not in text


@pytest.mark.parametrize(
    ("split", "said"),
    [("cold-users:0.2", "20% of the users"), ("time:2025-10-01", "Everything before 2025-10-01")],
)
def test_other_splits_are_reported(split, said):
    s = models.service()
    report = ym.evaluate(
        s.events, s.items, s.users, networks=["popularity", "transition"], split=split
    )
    assert said in Page(report.html()).text


def test_cold_items_are_told_apart_from_warm_ones():
    report = models.report("cold-items:0.3")
    found = Page(report.html())
    for cohort, name in (
        ("warm", "items known from training"),
        ("cold", "cold items, ranked among cold items"),
        ("cold-among-all", "cold items, ranked among all"),
    ):
        shown = numbers(found, f"Rows over {name}")
        for row in report.rows(cohort):
            assert shown[called(row["name"])]["HR@10"]["text"] == f"{row['hr@10']:.4f}"
    assert "Warm and cold items" in found.text and "Weights for cold items" in found.text


def test_cohorts_where_the_mean_is_reliably_behind_are_named():
    report = models.report()
    data = json.loads(json.dumps(report.data))
    assert "It is reliably below it in none" in page(data)
    first = data["by_cohort"][0]
    first["p_holm"], first["result"]["difference"]["mean"] = 0.001, -0.2
    named = f"against {first['b']})"
    assert "It is reliably below it in none" not in page(data) and named in page(data)
