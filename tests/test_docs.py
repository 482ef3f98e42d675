"""Every snippet of the pages runs, in a temporary folder and on small data."""

import re
import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import reference
import ysmean as ym
from models import recommender
from snippets import ROOT, SnippetFailedError, run, snippets
from ysmean.config import load_config
from ysmean.mean.fitting import FLOOR, fit_weights
from ysmean.mean.proportions import Proportions
from ysmean.mean.topk import top_k_of_mean
from ysmean.networks import registry
from ysmean.training.presets import STEPS

PAGES = ["README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def data(folder, monkeypatch):
    """The files that the pages take for granted; closed forms and content instead of all five."""
    monkeypatch.setattr(registry, "DEFAULT", ("transition", "content", "popularity"))
    rng = np.random.default_rng(0)
    ids = ["2571", "260", "1196", "1210", *map(str, range(3000, 3020))]
    rows = [
        (str(user), ids[i], 1_700_000_000 + 3600 * t, ("view", "purchase", "return")[t // 6])
        for user in range(30, 60)
        for t, i in enumerate(rng.permutation(len(ids))[:13])
    ]
    names = ["user_id", "item_id", "timestamp", "event"]
    log = pl.DataFrame(rows, schema=names, orient="row")
    items = pl.DataFrame(
        {
            "item_id": ids,
            "title": [f"Film number {i}" for i in ids],
            "genres": ["Comedy|Drama" if i % 2 else "Drama|Western" for i in range(len(ids))],
            "year": [1970 + 2 * i for i in range(len(ids))],
        }
    )
    users = pl.DataFrame({"user_id": log["user_id"].unique(maintain_order=True)})
    users = users.with_columns(region=pl.Series(["north", "south"] * 15))
    for name, frame in (("events", log.drop("event")), ("items", items), ("users", users)):
        frame.write_csv(f"{name}.csv")
        frame.with_columns(pl.col("^genres$").str.split("|")).write_parquet(f"{name}.parquet")
    new = "item_id,title,genres,year\n9001,Tomorrow,Comedy|Drama,2026\n"
    Path("new-items.csv").write_text(new)
    return log, items


@pytest.mark.slow
def test_readme(data, monkeypatch):
    import keras

    served = []  # or it would serve for ever
    monkeypatch.setattr("ysmean.service.run.run", lambda *told: served.append(told))
    inputs = keras.Input((4,))
    ys = {f"y{n}": keras.layers.Dense(9, "softmax")(inputs) for n in (1, 2, 3)}
    names = {"keras": keras, "inputs": inputs, **ys}
    run("README.md", names)
    assert len(served) == 1
    assert len(names["recommender"].recommend(user_id="42")) == 10
    assert names["model"].output_shape == (None, 9)


def test_data_formats(data, folder):
    log, items = data
    log.rename({"user_id": "uid", "item_id": "movie"}).drop("event").write_csv("log.csv")
    log.write_parquet("log.parquet")
    stars = pl.Series("rating", [1 + n % 5 for n in range(len(log))])
    log.drop("event").with_columns(stars).write_csv("rated.csv")
    (folder / "films.csv").write_text("item_id,title\n2571,The Matrix\n0583,Blue\n")
    shown = next(s for s in snippets("docs/data-formats.md") if s.text.startswith("head,"))
    (folder / "relations.csv").write_text(shown.text)
    items.with_columns(zip=pl.lit(8000), internal_code=pl.lit("x")).write_csv("items.csv")
    names = {"ym": ym}
    run("docs/data-formats.md", names)
    assert names["events"].frame["weight"].unique().sort().to_list() == [1, 5]
    assert len(names["rated"]) == 4 / 5 * len(log)
    assert names["rated"].frame["excludes"].sum() == 2 / 5 * len(log)
    assert names["items"].schema["zip"] == "category"
    assert names["films"].frame["composer"].to_list() == [None, ["Zbigniew Preisner"]]
    assert "internal_code" not in names["items"].frame


def test_constraints(folder):
    recommender().save("model")
    run("docs/constraints.md", {"recommender": recommender()})


def test_why(folder):
    recommender().save("model")
    names = {"recommender": recommender()}
    run("docs/why.md", names)
    assert all(item.why and item.reasons for item in names["answer"])


@pytest.mark.slow
def test_evaluation(data):
    run("docs/evaluation.md", {})


@pytest.mark.slow
def test_tutorial(folder):
    run("docs/tutorial.md", {})
    for made in ("report/report.html", "first/report.html", "model.png", "shop/CURRENT"):
        assert (folder / made).is_file()
    assert not (folder / "bad").exists()


@pytest.mark.parametrize("page", sorted({*PAGES} - {"README.md", "docs/tutorial.md"}))
def test_other_pages_have_no_snippet_that_is_not_run(page):
    run_above = {
        "docs/constraints.md",
        "docs/data-formats.md",
        "docs/evaluation.md",
        "docs/idea.md",
        "docs/serving.md",  # in tests/service
        "docs/why.md",
    }
    found = [s.place for s in snippets(page) if s.language == "python" or s.commands]
    assert page in run_above or not found


@pytest.mark.parametrize("page", PAGES)
def test_settings_in_a_page_are_settings(page, tmp_path):
    for snippet in snippets(page):
        if snippet.language == "toml" and "[arms." not in snippet.text:  # those in tests/service
            (tmp_path / "c.toml").write_text(snippet.text)
            assert load_config(tmp_path / "c.toml").specs(), snippet.place


def library(idea, scale, *, seen=(), knows=(True, True, True)):
    """Ask the spine's own mean about the films of the idea: scores and shares by film."""
    cold = np.array([idea["content_cold"]] * 3)
    cold[2] = idea["knowledge_cold"]
    logits = np.log(np.hstack([idea["ys"], cold]))[:, None]  # (3, 1, 6)
    allowed = np.ones((1, 6), bool)
    allowed[0, list(seen)] = False
    stream = reference.stream(
        logits,
        allowed,
        np.arange(6) >= 4,
        answers=[np.array([k]) for k in knows],
        coverage=[np.arange(6) < 4, None, None],
    )
    names = ("collaborative", "content", "knowledge")
    proportions = Proportions(names, np.full((2, 6, 3), 1 / 3), np.ones((3, 2)), 0.5)
    weights = proportions.resolve(
        np.array([0]), stream.answering, stream.normalizers[2], np.array(scale, float)
    )
    top = top_k_of_mean(stream, weights, 6)
    scores, shares = np.zeros(6), np.zeros((3, 6))
    found = top.classes[0, : top.counts[0]]
    scores[found] = top.scores[0, : len(found)]
    shares[:, found] = (top.parts[0, : len(found)] / top.scores[0, : len(found), None]).T
    return scores, shares


def test_the_idea_prints_what_it_shows_and_the_library_agrees(folder):
    idea = {}
    run("docs/idea.md", idea)
    close = {"rtol": 1e-5}
    premieres = [4, 5]
    scores, shares = library(idea, [1, 1, 1])
    np.testing.assert_allclose(scores, idea["everything"], **close)
    np.testing.assert_allclose(shares[:, :4], idea["shares"]([1, 1, 1], idea["ys"]), **close)
    scores, _ = library(idea, [1, 2, 1], seen=premieres)
    np.testing.assert_allclose(scores[:4], idea["twice"], **close)
    scores, _ = library(idea, [1, 1, 1], seen=premieres, knows=(False, False, True))
    np.testing.assert_allclose(scores[:4], idea["new_user"], **close)
    scores, _ = library(idea, [1, 1, 1], seen=[0, *premieres])
    within = idea["mean"]([1, 1, 1], idea["within"])
    np.testing.assert_allclose(scores[1:4], within, **close)
    assert idea["mass"][0] == pytest.approx(idea["mass"][1] / 2)
    events = np.stack([idea["a"], idea["b"]], 1)
    fitted = fit_weights(events, floor=0.0, strength=0.0)
    np.testing.assert_allclose(fitted, idea["fitted"], atol=1e-3)


def test_numbers_that_the_pages_say_in_words_are_those_of_the_code():
    idea, tutorial = ((ROOT / f"docs/{name}.md").read_text() for name in ("idea", "tutorial"))
    assert f"a floor of {FLOOR:.1%}" in idea and f"its floor of {FLOOR}" in tutorial
    assert STEPS == {"fast": 0.15, "default": 1, "best": 3}
    assert "for 15% of the steps and `--preset best` for three times as many" in tutorial


def test_the_pictures_are_what_the_script_draws(tmp_path):
    drawing = runpy.run_path(str(ROOT / "docs" / "draw.py"))
    drawing["main"](tmp_path)
    kept = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
    assert [p.name for p in kept] == sorted(p.name for p in tmp_path.iterdir())
    for picture in kept:
        assert picture.read_text() == (tmp_path / picture.name).read_text()


def test_the_pictures_show_the_numbers_of_the_page(folder):
    idea = {}
    run("docs/idea.md", idea)
    drawing = runpy.run_path(str(ROOT / "docs" / "draw.py"))
    assert [list(y) for y in drawing["YS"].values()] == idea["ys"].tolist()
    assert list(drawing["CASES"][0][1:3]) == [tuple(idea["a"]), tuple(idea["b"])]
    assert list(drawing["CASES"][1][1:3]) == [tuple(idea["good"]), tuple(idea["lost"])]


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_links_and_pictures_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if target.startswith(("http:", "https:")):
            continue
        path, _, anchor = target.partition("#")
        place = (ROOT / page).parent / path if path else ROOT / page
        assert place.exists(), f"{page}: {target} does not exist"
        if anchor:
            assert anchor in anchors(place.read_text()), f"{page}: {target} names no heading"


def anchors(text):
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


FAULTY = {
    "a line of Python": ("```python\nx = 1\ny = x / 0\n```\n", "page.md:5: ZeroDivisionError"),
    "an output": ("```python\nprint(2)\n```\n\n```text\n3\n```\n", "page.md:4: the page shows"),
    "a command": ("```sh\nls\nysmean inspect \\\n  none\n```\n", "page.md:5: exit code 2"),
    "a command that should fail": (
        "```sh\nysmean --help\n```\n```text\nerror: no\n```\n",
        "page.md:4: exit code 0, expected 2",
    ),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_snippet_is_named_by_page_and_line(fault, folder, monkeypatch):
    text, message = FAULTY[fault]
    monkeypatch.setattr("snippets.ROOT", folder)
    (folder / "page.md").write_text("# Page\n\n" + text)
    with pytest.raises(SnippetFailedError, match=re.escape(message)):
        run("page.md", {})
