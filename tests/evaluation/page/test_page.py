import json
import re

import polars as pl
import pytest

import models
from pages import Page, called, numbers
from ysmean.data.histories import COHORTS
from ysmean.evaluation.page import page

DASH = "\N{EN DASH}"


@pytest.fixture(scope="module")
def report():
    return models.report()


@pytest.fixture(scope="module")
def parsed(report):
    return Page(report.html())


def test_nothing_is_loaded_and_nothing_runs(report, parsed):
    text = report.html()
    assert "http://" not in text and "https://" not in text
    assert "@import" not in text and "url(" not in text
    for tag, attributes in parsed.tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form")
        assert not any(name.startswith("on") or name in ("src", "srcset") for name in attributes)
        assert attributes.get("href", "#").startswith("#")
    (policy,) = [a for a in parsed.named("meta") if a.get("http-equiv")]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_links_lead_to_sections_that_are_there(parsed):
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"][1:] for attributes in parsed.named("a")]
    assert len(links) == 11 and set(links) <= set(ids)


def test_headings_go_down_by_one_level_at_a_time(parsed):
    assert parsed.headings[0] == 1 and parsed.headings.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(parsed.headings, parsed.headings[1:], strict=False))


def test_pictures_say_what_they_show_and_tables_have_headers(parsed):
    for attributes in parsed.named("svg"):
        assert attributes.get("aria-hidden") == "true" or (
            attributes["role"] == "img" and attributes["aria-label"]
        )
        assert attributes["viewbox"]
    assert {a["scope"] for a in parsed.named("th")} == {"row", "col"}
    assert len(parsed.named("figure")) == len(parsed.named("figcaption")) > 0


def test_numbers_of_all_rows_are_those_of_the_report(report, parsed):
    shown = numbers(parsed, "Rows over all requests")
    assert list(shown) == [called(row["name"]) for row in report.rows()]
    for row in report.rows():
        cells = shown[called(row["name"])]
        for column, key in (("NDCG@10", "ndcg@10"), ("HR@10", "hr@10")):
            assert cells[column]["text"] == f"{row[key]:.4f}"
            assert cells[column]["small"] == DASH.join(f"{end:.3f}" for end in row["ci95"][key])
        assert cells["MRR"]["text"] == f"{row['mrr']:.4f}"
        assert cells["NLL"]["text"] == f"{row['nll']:.3f}"
        assert cells["Coverage@10"]["text"] == f"{row['coverage@10']:.0%}"
        assert cells["ECE"]["text"] == f"{row['calibration']['ece']:.3f}"
        assert cells["Answered"]["text"] == f"{row['answered']:.0%}"


def test_the_best_of_each_column_is_bold(report, parsed):
    shown = numbers(parsed, "Rows over all requests")
    for column, key, best in (("NDCG@10", "ndcg@10", max), ("NLL", "nll", min)):
        bold = {name for name, cells in shown.items() if cells[column]["bold"]}
        top = best(row[key] for row in report.rows())
        assert bold == {called(row["name"]) for row in report.rows() if row[key] == top}
    assert not any(cells["Answered"]["bold"] for cells in shown.values())


def test_every_cohort_is_in_numbers_or_said_to_be_empty(report, parsed):
    captions = {"2-3": "2\N{EN DASH}3 items", "50+": "50+ items", "0": "no history", "1": "1 item"}
    for cohort in COHORTS:
        name = captions.get(cohort, f"{cohort.replace('-', DASH)} items")
        rows = report.rows(cohort)
        if rows[0]["requests"]:
            shown = numbers(parsed, f"Rows over {name}")
            for row in rows:
                assert shown[called(row["name"])]["NDCG@10"]["text"] == f"{row['ndcg@10']:.4f}"
        else:
            assert f"{name[:1].upper()}{name[1:]}: no requests" in parsed.text


def test_the_chart_by_cohort_has_a_point_for_every_row_and_cohort_with_requests(report, parsed):
    for cohort in COHORTS:
        for row in report.rows(cohort):
            said = f"{called(row['name'])}, {cohort}: "
            if row["requests"]:
                assert f"{said}{row['ndcg@10']:.4f}" in parsed.text
            else:
                assert said not in parsed.text


def bars(text):
    """Return width and content of every stacked bar."""
    return re.findall(r'<svg viewBox="0 0 (\d+) \d+"[^>]*class="bar">(.*?)</svg>', text)


def test_stacked_bars_are_filled_to_their_end(report):
    found = bars(report.html())
    shares = sum(len(sample["items"]) for sample in report.data["samples"])
    assert len(found) == 2 * len(COHORTS) + shares
    for width, inside in found:
        parts = re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)"', inside)
        ends = [float(x) + float(w) for x, w in parts]
        starts = [float(x) for x, _ in parts[1:]] + [float(width)]
        gaps = [start - end for start, end in zip(starts, ends, strict=True)]
        assert float(parts[0][0]) == 0 and all(-0.02 <= gap <= 1.02 for gap in gaps)
        written = [float(p) for p in re.findall(r"<title>\S+ ([\d.]+)%</title>", inside)]
        assert sum(written) == pytest.approx(100, abs=0.05 * len(written) + 1e-9)


def test_a_network_has_one_colour_everywhere(report):
    for name, colour in zip(report.data["networks"], range(8), strict=False):
        parts = re.findall(rf'<rect[^>]*class="([^"]*)"><title>{name} [\d.]+%', report.html())
        assert set(parts) == {f"n{colour}"}


def test_the_samples_show_target_rank_and_items(report, parsed):
    for sample in report.data["samples"]:
        assert f"User {sample['user_id']}, " in parsed.text
        said = f"Then took {sample['target']['title']}: rank {sample['rank']} in the fitted mean"
        assert said in parsed.text
        for item in sample["items"]:
            assert item["title"] in parsed.text


def test_what_to_repeat_is_said(report, parsed):
    assert report.data["model"] in parsed.text and "split='leave-last-out'" in parsed.text
    assert "candidates='events'" in parsed.text and "seed=0" in parsed.text
    with_command = page({**report.data, "command": "ysmean evaluate --out 'a & b'"})
    assert "ysmean evaluate --out &#x27;a &amp; b&#x27;" in with_command
    for note in report.data["manifest"]["notes"]:
        assert note in parsed.text


def test_a_page_is_the_same_from_the_saved_report(report, tmp_path):
    report.save(tmp_path)
    saved = json.loads((tmp_path / "report.json").read_text())
    assert page(saved) == (tmp_path / "report.html").read_text("utf-8") == report.html()


def test_times_and_features_of_the_data_are_given(report, parsed):
    facts = {row[0]["text"]: row[1]["text"] for row in parsed.tables["The data"]}
    first, last = (models.service().events.frame["timestamp"].sort()[n] for n in (0, -1))
    days = [str(pl.from_epoch(pl.Series([int(t)]), "s")[0]) for t in (first, last)]
    assert facts["Time"] == f"{days[0]} to {days[1]} UTC"
    assert "genres (categories)" in facts["Features of items"]
    assert facts["Users"] == "150" and facts["Events"] == f"{report.data['data']['events']:,}"
