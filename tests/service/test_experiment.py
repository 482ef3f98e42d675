"""Users are parted among arms, always the same way, and everything is counted by arm."""

from collections import Counter

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from waiting import until
from ysmean.errors import BundleError, ConfigError
from ysmean.service.app import create_app
from ysmean.service.experiment import Experiment, load_experiment
from ysmean.service.settings import Settings

AT = 1_750_000_000
ARMS = """
name = "test"
[arms.as-fitted]
share = 2
[arms.knowledge]
scale = { knowledge = 3, popularity = 0.5 }
[arms.equal]
weights = "equal"
diversity = 0.5
"""
ASKED = {
    "as-fitted": {},
    "knowledge": {"scale": {"knowledge": 3, "popularity": 0.5}},
    "equal": {"weights": "equal", "diversity": 0.5},
}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    file = tmp_path_factory.mktemp("arms") / "arms.toml"
    file.write_text(ARMS)
    return load_experiment(file)


@pytest.fixture(scope="module")
def app(bundle, experiment, tmp_path_factory):
    store = tmp_path_factory.mktemp("events") / "events.db"
    settings = Settings(model=bundle, events_db=store, experiment=experiment)
    with TestClient(create_app(settings)) as client:
        until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def metrics(app):
    lines = [line for line in app.get("/metrics").text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_users_are_parted_by_share_and_anew_under_another_name(experiment):
    users = [f"user {n}" for n in range(8000)]
    arms = [experiment.arm_of(user) for user in users]
    counts = Counter(arms)
    for name, share in {"as-fitted": 0.5, "knowledge": 0.25, "equal": 0.25}.items():
        assert counts[name] / len(users) == pytest.approx(share, abs=0.02)  # 4 standard errors
    other = Experiment(name="another", arms=experiment.arms)
    both = Counter(zip(arms, map(other.arm_of, users), strict=True))
    assert both["knowledge", "equal"] / len(users) == pytest.approx(1 / 16, abs=0.012)


@given(user=st.text(st.characters(exclude_categories=["Cs"])), more=st.floats(0.01, 10))
def test_a_user_stays_in_an_arm_that_grows(experiment, user, more):
    first, *rest = experiment.arms.items()
    grown = first[1].model_copy(update={"share": first[1].share + more})
    wider = Experiment(name=experiment.name, arms={first[0]: grown, **dict(rest)})
    assert experiment.arm_of(user) == experiment.arm_of(user)
    if experiment.arm_of(user) == first[0]:
        assert wider.arm_of(user) == first[0]


def test_an_arm_is_answered_with_its_proportions_and_says_its_name(app, trained, experiment):
    users = trained.parts.histories.user_ids.to_list()[:60]
    requests = [{"user_id": user, "at": AT} for user in users]
    answers = app.post("/v1/recommend/batch", json={"requests": requests}).json()["answers"]
    assert {a["arm"] for a in answers} == set(ASKED)
    for user, answer in zip(users, answers, strict=True):
        assert answer["arm"] == experiment.arm_of(user)
        expected = trained.recommend(user, at=AT, **ASKED[answer["arm"]])
        assert [i["item_id"] for i in answer["items"]] == [i.item_id for i in expected]
        alone = app.post("/v1/recommend", json={"user_id": user, "at": AT}).json()
        assert alone["arm"] == answer["arm"] and alone["weights"] == answer["weights"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"history": ["t0001"]},
        {"user_id": "u0007", "scale": {"knowledge": 2}},
        {"user_id": "u0007", "weights": "equal"},
        {"user_id": "u0007", "diversity": 0.1},
    ],
)
def test_who_has_no_id_or_states_proportions_is_in_no_arm(app, trained, asked):
    answer = app.post("/v1/recommend", json={**asked, "at": AT}).json()
    assert "arm" not in answer
    expected = trained.recommend(**asked, at=AT)
    assert [i["item_id"] for i in answer["items"]] == [i.item_id for i in expected]


def test_answers_and_clicks_are_counted_by_arm_and_the_log_names_it(app, experiment):
    user = next(f"u{n}" for n in range(100) if experiment.arm_of(f"u{n}") == "equal")
    before = metrics(app)
    with capture_logs() as logs:
        answer = app.post("/v1/recommend", json={"user_id": user}).json()
        app.post("/v1/recommend", json={})
    item = answer["items"][0]
    event = {"user_id": user, "item_id": item["item_id"], "request_id": answer["request_id"]}
    app.post("/v1/events", json=event)
    change = {key: value - before.get(key, 0) for key, value in metrics(app).items()}
    assert change['ysmean_answers_total{arm="equal"}'] == 1
    assert change['ysmean_answers_total{arm=""}'] == 1
    assert change['ysmean_clicks_total{arm="equal"}'] == 1
    for name, share in item["shares"].items():
        labels = f'{{arm="equal",network="{name}"}}'
        assert change[f"ysmean_click_share_total{labels}"] == pytest.approx(share)
        mean = sum(i["shares"][name] for i in answer["items"]) / len(answer["items"])
        assert change[f"ysmean_share_served_total{labels}"] == pytest.approx(mean)
    assert [line.get("arm") for line in logs if line["event"] == "request"] == ["equal", None]


def test_a_model_that_an_arm_does_not_fit_is_refused(trained):
    arms = {"other": {"scale": {"knowledg": 2}}}
    experiment = Experiment.model_validate({"name": "x", "arms": arms})
    with pytest.raises(BundleError, match=r"Arm 'other' .*Did you mean 'knowledge'"):
        experiment.check(trained)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 'x'\n[arms]\n", "arms: Dictionary should have at least 1 item"),
        ("[arms.a]\n", "name: Field required"),
        ("name = 'x'\n[arms.a]\nshare = 0\n", "arms.a.share: Input should be greater than 0"),
        ("name = 'x'\n[arms.a]\nshares = 1\n", "arms.a.shares: Extra inputs are not permitted"),
        ("name = 'x'\n[arms.'a b']\n", "should match pattern"),
        ("name = 'x'\n[arms.a]\nscale = { content = -1 }\n", "greater than or equal to 0"),
        ("name = 'x'\n[arms.a]\ndiversity = 2\n", "less than or equal to 1"),
        ("name =", "is no valid TOML"),
    ],
)
def test_a_wrong_experiment_is_refused_with_the_place(tmp_path, text, said):
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_experiment(tmp_path / "x.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_experiment(tmp_path / "missing.toml")
