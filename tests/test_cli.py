import json
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl
import pytest

from models import recommender, service
from ysmean.cli import main
from ysmean.recommender import Recommender

YSMEAN = Path(sys.executable).parent / "ysmean"


@dataclass(frozen=True)
class Done:
    code: int
    stdout: str
    stderr: str


@pytest.fixture
def ysmean(monkeypatch, capsys):
    """Run the command line in this process; a process of its own costs seconds of imports."""

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["ysmean", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            found = 0
        except SystemExit as error:
            found = error.code or 0
        out, err = capsys.readouterr()
        assert found == code, err
        assert "Traceback" not in err
        return Done(code, out, err)

    return run


def in_a_process(*arguments):
    return subprocess.run([YSMEAN, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    s = service()
    s.events.frame.select("user_id", "item_id", "timestamp").write_csv(folder / "events.csv")
    flat = s.items.frame.with_columns(pl.col(pl.List(pl.String)).list.join("|"))
    flat.write_csv(folder / "items.csv")
    s.users.frame.write_csv(folder / "users.csv")
    (folder / "fast.toml").write_text(
        'networks = ["collaborative", "transition", "content", "popularity"]\n'
        "[network.collaborative]\nembedding = 8\nhidden = [16]\nfitting = { max_steps = 30 }\n"
        "[network.content]\nwidth = 8\nhidden = 8\nfitting = { max_steps = 30 }\n"
    )
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "model"
    recommender().save(folder)
    return folder


def tables(files):
    return [
        *("--events", files / "events.csv", "--items", files / "items.csv"),
        *("--users", files / "users.csv", "--config", files / "fast.toml"),
    ]


def test_train_then_recommend_and_inspect(ysmean, files, tmp_path):
    done = ysmean("train", *tables(files), "--out", tmp_path / "model")
    assert done.stdout == ""
    assert "year read as number" in done.stderr
    assert "collaborative: step" in done.stderr
    answer = json.loads(ysmean("recommend", tmp_path / "model", "--user", "u0007", "--json").stdout)
    assert len(answer["items"]) == 10
    networks = ["collaborative", "transition", "content", "popularity"]
    assert list(answer["weights"]) == [*networks, "consensus"]
    first = (tmp_path / "model" / "CURRENT").read_text()
    ysmean("train", *tables(files), "--out", tmp_path / "model")
    assert (tmp_path / "model" / "CURRENT").read_text() != first
    assert len(list((tmp_path / "model" / "versions").iterdir())) == 2


def test_evaluate_prints_a_table_and_writes_the_report(ysmean, files, tmp_path):
    done = ysmean("evaluate", *tables(files), "--split", "leave-last-out", "--out", tmp_path / "r")
    assert "mean-equal" in done.stdout and "fitted weights by history length" in done.stdout
    assert json.loads((tmp_path / "r" / "report.json").read_text())["split"] == "leave-last-out"
    assert (tmp_path / "r" / "requests.parquet").is_file()
    page = (tmp_path / "r" / "report.html").read_text()
    assert "ysmean evaluate --events" in page and "report.html" in done.stderr


def test_columns_are_mapped_by_name(ysmean, files, tmp_path):
    frame = pl.read_csv(files / "events.csv").rename({"user_id": "uid", "timestamp": "when"})
    frame.write_csv(tmp_path / "events.tsv", separator="\t")
    config = tmp_path / "c.toml"
    config.write_text('networks = ["popularity"]\n')
    ysmean(
        *("train", "--events", tmp_path / "events.tsv", "--config", config),
        *("--columns", "user_id=uid,timestamp=when", "--out", tmp_path / "m"),
    )
    done = ysmean("inspect", tmp_path / "m", "--json")
    assert json.loads(done.stdout)["events"] == len(frame)


def test_recommend_prints_exactly_one_json_document(ysmean, model):
    done = ysmean("recommend", model, "--user", "u0007", "-k", 3, "--json")
    answer = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert answer["user_id"] == "u0007" and len(answer["items"]) == 3
    for item in answer["items"]:
        assert sum(item["shares"].values()) == pytest.approx(1)
        assert set(item["evidence"]) == set(item["contributions"])
        assert {*item["contributions"], "consensus"} == set(item["shares"])
        assert sum(item["contributions"].values()) == pytest.approx(1)
    assert set(answer["mass"]) == set(answer["weights"]) - {"consensus"}
    assert answer["model"].startswith("sha256:")


def test_why_is_said_below_the_table_and_in_the_document(ysmean, model):
    asked = ("recommend", model, "--user", "u0007", "-k", 2, "--at", "2025-06-01T20:00")
    items = json.loads(ysmean(*asked, "--why", "--json").stdout)["items"]
    assert all(item["reasons"] and item["why"].startswith("Because of ") for item in items)
    said = " ".join(ysmean(*asked, "--why").stdout.split())
    for place, item in enumerate(items, 1):
        assert f"{place} {item['why']}" in said
    assert "Because of" not in ysmean(*asked).stdout


def test_features_that_cannot_be_shuffled_are_said_in_a_line(ysmean, files, tmp_path):
    asked = ("evaluate", "--events", files / "events.csv", "--out", tmp_path / "report")
    done = ysmean(*asked, "--corrupt", "0.3", code=2)
    assert "corrupt=0.3 shuffles the features of items, but there are none" in done.stderr
    done = ysmean(*asked, "--items", files / "items.csv", "--corrupt", "30", code=2)
    assert "corrupt=30.0; expected a share of the items from 0 to 1" in done.stderr
    assert not (tmp_path / "report").exists()


def test_every_flag_of_recommend_does_what_it_says(ysmean, model):
    def ids(*flags):
        answer = json.loads(ysmean("recommend", model, *flags, "--json").stdout)
        return [item["item_id"] for item in answer["items"]], answer

    plain, _ = ids("--user", "u0007")
    assert not set(ids("--user", "u0007", "--exclude", ",".join(plain[:2]))[0]) & set(plain[:2])
    years = dict(service().items.frame.select("item_id", "year").iter_rows())
    assert all(years[i] >= 1990 for i in ids("--user", "u0007", "--where", "year >= 1990")[0])
    same = '{"feature": "year", "op": "<", "value": 1990}'
    rules = [ids("--user", "u0007", "--where", rule)[0] for rule in ("year < 1990", same)]
    assert rules[0] == rules[1] != plain
    _, scaled = ids("--user", "u0007", "--scale", "content=2,popularity=0")
    assert scaled["weights"]["popularity"] == 0
    _, equal = ids("--user", "u0007", "--weights", "equal")
    both = [equal["weights"][name] for name in ("content", "transition")]
    assert both[0] == pytest.approx(both[1]) and sum(equal["weights"].values()) == pytest.approx(1)
    _, one = ids("--user", "u0007", "--weights", "content=1")
    assert one["weights"]["content"] == pytest.approx(1)
    _, given = ids("--history", f"{plain[0]},{plain[1]},nonsense")
    assert given["cohort"] == "2-3" and given["unknown_items"] == ["nonsense"]
    _, new = ids("--prefer", "genres=Comedy", "--context", "hour=20", "--at", "2025-06-01")
    assert "collaborative" in new["abstained"] and new["cohort"] == "0"
    dislike = [f for g in ("Drama", "Comedy") for f in ("--dislike", f"genres={g}")]
    wished, _ = ids("--user", "u0007", "--prefer", "0.5:genres=Western", *dislike)
    assert wished != plain
    assert ids("--user", "u0007", "--diversity", 0.8)[0] != plain
    genres = dict(service().items.frame.select("item_id", "genres").iter_rows())
    varied = [g for item in ids("--user", "u0007", "--cap", "genres=2")[0] for g in genres[item]]
    assert max(map(varied.count, varied)) == 2
    seen, _ = ids("--user", "u0007", "--seen", "allow", "-k", 80)
    assert len(seen) == service().items.frame["available_until"].null_count()


def test_recommend_prints_a_table_for_people(ysmean, model):
    done = ysmean("recommend", model, "--user", "u0007")
    assert "for user u0007 (history" in done.stdout
    assert "collab" in done.stdout and "%" in done.stdout
    assert "within the consensus" in done.stdout


def test_a_user_whom_the_model_does_not_know_is_said_to_be_one(ysmean, model):
    done = ysmean("recommend", model, "--user", "nosuch")
    assert "for user nosuch, whom the model does not know (history: 0 items)" in done.stdout


def test_the_version_is_told(ysmean):
    assert ysmean("--version").stdout.strip() == version("ysmean")


def test_a_short_answer_says_what_costs_most_items(ysmean, model):
    rule = ("--where", "genres = Comedy and year < 1900", "--at", "2025-06-01")
    short = json.loads(ysmean("recommend", model, *rule, "--json").stdout)["shortfall"]
    assert (short["allowed"], short["clause"]) == (0, "year < 1900") and short["gain"] > 0
    said = f"0 of the 10 items asked for: without year < 1900 there would be {short['gain']} more"
    assert said in ysmean("recommend", model, *rule).stdout


def test_similar_shows_the_mean_and_each_network(ysmean, model):
    done = ysmean("similar", model, "t0001", "-k", 4)
    assert "goes with t0001" in done.stdout and "content alone" in done.stdout
    answer = json.loads(ysmean("similar", model, "t0001", "-k", 4, "--json").stdout)
    assert len(answer["items"]) == 4
    assert set(answer["networks"]) == {"collaborative", "transition", "content"}
    assert "not among" in ysmean("similar", model, "nothing", code=2).stderr


def test_inspect_shows_the_model_and_draws_it(ysmean, model, tmp_path):
    done = ysmean("inspect", model, "--plot", tmp_path / "model.png")
    for word in (
        "exponents of the consensus",
        "catalogue",
        "held-out nll",
        "fitted weights",
        "cold odds",
    ):
        assert word in done.stdout
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


def test_items_are_added_and_withdrawn_in_new_versions(ysmean, tmp_path):
    recommender().save(tmp_path / "model")
    folder, new = tmp_path / "model", tmp_path / "new.csv"
    new.write_text("item_id,title,genres,budget\n007,Dr. No,Drama|Western,3\n")
    done = ysmean("add-items", folder, "--items", new)
    assert "added 1 items and updated 0" in done.stderr and "budget left out" in done.stderr
    answer = ysmean("recommend", folder, "--where", "item_id = 007", "--json").stdout
    assert json.loads(answer)["items"][0]["title"] == "Dr. No"
    assert "1 added after training" in ysmean("inspect", folder).stdout
    ysmean("withdraw", folder, "007", "t0003")
    data = json.loads(ysmean("inspect", folder, "--json").stdout)
    assert (data["catalogue"], data["added"], data["withdrawn"]) == (80, 0, 1)
    assert len(list((folder / "versions").iterdir())) == 3


def test_items_that_cannot_be_added_leave_the_model_as_it_is(ysmean, tmp_path):
    recommender().save(tmp_path / "model")
    current = (tmp_path / "model" / "CURRENT").read_text()
    new = tmp_path / "new.csv"
    new.write_text("item_id,year\na,1999\nb,soon\n")
    done = ysmean("add-items", tmp_path / "model", "--items", new, code=2)
    assert "new.csv, row 2: year is 'soon'" in done.stderr
    done = ysmean("withdraw", tmp_path / "model", "nothing", code=2)
    assert "'nothing' is not among the 80 items" in done.stderr
    assert (tmp_path / "model" / "CURRENT").read_text() == current


def test_help_is_quick_and_names_every_command():
    times = []
    for _ in range(3):
        began = time.perf_counter()
        done = in_a_process("--help")
        times.append(time.perf_counter() - began)
    for command in ("train", "evaluate", "recommend", "inspect", "demo"):
        assert command in done.stdout
    assert min(times) < 1.0  # 0.2 s on two cores; the room is for busy machines


BAD = [
    (["--user", "u0007", "-k", "0"], "k=0; expected 1 to 80"),
    (["--user", "u0007", "-k", "999"], "k=999"),
    (["--user", "u0007", "--where", "year >>= 1"], "^ expected a number"),
    (["--where", '{"and": [{"feature": "year"}]}'], "where.and[0].op: received None"),
    (["--where", '{"and": '], "--where begins like JSON but is none: Expecting value"),
    (["--where", '{"not":' * 100_000], "--where begins like JSON but is none"),
    (["--user", "u0007", "--scale", "contnt=2"], "Did you mean 'content'?"),
    (["--user", "u0007", "--scale", "content=-1"], "scale of content is -1.0"),
    (["--user", "u0007", "--scale", "content=nan"], "scale of content is nan"),
    (["--user", "u0007", "--scale", "content=inf"], "scale of content is inf"),
    (["--user", "u0007", "--scale", "content"], "expected NAME=VALUE"),
    (["--user", "u0007", "--weights", "content=0"], "all zero"),
    (["--user", "u0007", "--weights", "many"], "expected 'fitted', 'equal' or numbers"),
    (["--prefer", "genres"], "expected FEATURE=VALUE"),
    (["--prefer", "2:genres=Comedy"], "expected a strength above 0 and at most 1"),
    (["--prefer", "genres=Drama", "--dislike", "genres=Drama"], "says another thing than before"),
    (["--dislike", "genres=Comdy"], "Did you mean 'Comedy'"),
    (["--diversity", "2"], "diversity=2.0; expected a number from 0 to 1"),
    (["--cap", "genres=few"], "--cap genres=few; expected a whole number"),
    (["--at", "yesterday"], "at='yesterday'"),
    (["-k", "ten"], "valid integer"),
]


@pytest.mark.parametrize(("flags", "message"), BAD)
def test_bad_requests_get_one_clear_message_and_exit_code_2(ysmean, model, flags, message):
    done = ysmean("recommend", model, *flags, code=2)
    assert message in done.stderr and done.stdout == ""


def broken(folder):
    """Return (arguments, message) of bad training input, written to a folder."""
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("user_id,item_id\n")
    (folder / "text.csv").write_text("user_id,item_id,timestamp\na,x,1\nb,y,soon\n")
    (folder / "null.csv").write_text("user_id,item_id\na,x\n,y\n")
    (folder / "nocolumn.csv").write_text("uid,item_id\na,x\n")
    (folder / "good.csv").write_text("user_id,item_id\n" + "a,x\na,y\na,z\nb,x\nb,y\nb,z\n" * 3)
    (folder / "twice.csv").write_text("item_id,title\nx,One\ny,Two\nx,Three\n")
    (folder / "unknown.toml").write_text('networks = ["colaborative"]\n')
    (folder / "setting.toml").write_text("[network.content]\nwidht = 3\n")
    (folder / "type.toml").write_text('[network.content]\nwidth = "wide"\n')
    (folder / "key.toml").write_text("newtorks = []\n")
    (folder / "truth.toml").write_text('consensus = "maybe"\n')
    (folder / "broken.toml").write_text("networks = [\n")
    good = ["--events", folder / "good.csv"]
    return [
        (["--events", folder / "missing.csv"], "missing.csv does not exist"),
        (["--events", folder], "is a folder"),
        (["--events", folder / "empty.csv"], "is empty"),
        (["--events", folder / "header.csv"], "has no rows"),
        (["--events", folder / "text.csv"], "text.csv, row 2: timestamp is 'soon'"),
        (["--events", folder / "null.csv"], "null.csv, row 2: user_id is empty"),
        (["--events", folder / "nocolumn.csv"], "no column 'user_id'; it has: uid, item_id"),
        ([*good, "--items", folder / "twice.csv"], "item_id 'x' is in rows 1 and 3"),
        ([*good, "--config", folder / "unknown.toml"], "Did you mean 'collaborative'?"),
        ([*good, "--config", folder / "setting.toml"], "Did you mean 'width'?"),
        ([*good, "--config", folder / "type.toml"], "content.width"),
        ([*good, "--config", folder / "key.toml"], "Did you mean 'networks'?"),
        ([*good, "--config", folder / "truth.toml"], "expected true or false"),
        ([*good, "--config", folder / "broken.toml"], "no valid TOML"),
        ([*good, "--config", folder / "none.toml"], "none.toml cannot be read"),
        ([*good, "--preset", "slow"], "Unknown preset 'slow'"),
        ([*good, "--unknown-items", "lose"], "expected 'keep' or 'drop'"),
        ([*good, "--columns", "user_id"], "expected NAME=VALUE"),
        ([*good, "--columns", "timestamp=when"], "no column 'when'"),
        ([*good, "--columns", "user=uid"], "Did you mean 'user_id'?"),
    ]


def test_bad_training_input_gets_one_clear_message_and_leaves_nothing(ysmean, tmp_path):
    for number, (arguments, message) in enumerate(broken(tmp_path)):
        out = tmp_path / f"out{number}"
        done = ysmean("train", *arguments, "--out", out, code=2)
        assert message in done.stderr, (message, done.stderr)
        assert not out.exists()


def test_the_settings_can_leave_the_consensus_out(ysmean, files, tmp_path):
    config = tmp_path / "pure.toml"
    config.write_text('consensus = false\nnetworks = ["transition", "popularity"]\n')
    events = ("--events", files / "events.csv", "--config", config)
    ysmean("train", *events, "--out", tmp_path / "m")
    answer = json.loads(ysmean("recommend", tmp_path / "m", "--user", "u0007", "--json").stdout)
    assert list(answer["weights"]) == ["transition", "popularity"]
    for item in answer["items"]:
        assert "evidence" not in item and item["contributions"] == item["shares"]
    done = ysmean("evaluate", *events, "--out", tmp_path / "r")
    assert "consensus" not in done.stdout and "mean-pure" not in done.stdout


def test_a_mark_stands_under_its_place(ysmean, model):
    done = ysmean("recommend", model, "--where", "year ~ 1990", code=2)
    _, text, mark = done.stderr.rstrip().split("\n")
    assert text[mark.index("^")] == "~"


def test_a_place_that_is_taken_is_refused_before_training(ysmean, files, tmp_path):
    (tmp_path / "taken").write_text("mine")
    for command in (("train", *tables(files)), ("evaluate", *tables(files)), ("demo",)):
        for out in (tmp_path / "taken", tmp_path / "taken" / "inside"):
            done = ysmean(*command, "--out", out, code=2)
            assert f"{tmp_path / 'taken'} is a file" in done.stderr and "step" not in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"


def test_what_joining_the_tables_brings_up_is_said(ysmean, files, tmp_path):
    views = pl.read_csv(files / "events.csv").drop("timestamp")
    foreign = views.with_columns(item_id="film-" + pl.col("item_id"))
    foreign.write_csv(tmp_path / "other.csv")
    flags = ["--events", tmp_path / "other.csv", "--items", files / "items.csv"]
    (tmp_path / "popular.toml").write_text('networks = ["popularity"]')
    flags += ["--config", tmp_path / "popular.toml"]
    done = ysmean("train", *flags, "--out", tmp_path / "m")
    assert "are missing from the items file: kept, featureless" in done.stderr
    assert "events have no timestamps" in done.stderr


def test_a_folder_that_is_no_bundle_is_exit_code_2(ysmean, tmp_path):
    assert "no file CURRENT" in ysmean("recommend", tmp_path, code=2).stderr
    assert "does not exist" in ysmean("inspect", tmp_path / "none", code=2).stderr


def test_a_bad_request_in_a_process_of_its_own_exits_with_2_and_debug_shows_the_traceback(model):
    plain = in_a_process("recommend", model, "-k", "0")
    assert plain.returncode == 2 and plain.stderr.startswith("error: k=0")
    debug = in_a_process("recommend", model, "-k", "0", "--debug")
    assert debug.returncode == 1 and "Traceback" in debug.stderr


@pytest.mark.slow
def test_compare_says_which_row_is_above(ysmean, files, tmp_path):
    printed = ysmean("evaluate", *tables(files), "--out", tmp_path / "r").stdout
    assert "ndcg@10 by cohort (requests)" in printed and "10-49 (" in printed
    done = ysmean("compare", tmp_path / "r", "--row", "mean", "--row", "popularity")
    assert "cohort all" in done.stdout and "ndcg@10: mean 0." in done.stdout
    wrong = ysmean("compare", tmp_path / "r", code=2)
    assert "Reports: 1, --row: 0" in wrong.stderr


def test_relations_are_read_beside_the_other_tables(ysmean, files, tmp_path):
    (tmp_path / "r.csv").write_text("film,relation,tail\nt0001,studio,Aurora\nt0002,studio,Ostra\n")
    (tmp_path / "c.toml").write_text('networks = ["popularity"]\n')
    log = ("--events", files / "events.csv", "--config", tmp_path / "c.toml")
    related = ("--relations", tmp_path / "r.csv", "--columns", "head=film")
    for number, tables_ in enumerate([(), ("--items", files / "items.csv")]):
        model = tmp_path / f"m{number}"
        done = ysmean("train", *log, *tables_, *related, "--out", model)
        assert "r.csv: studio read as categories of 2 items" in done.stderr
        asked = ("--where", "studio = Aurora", "--at", "2025-06-01", "--json")
        answer = json.loads(ysmean("recommend", model, *asked).stdout)
        assert {item["item_id"] for item in answer["items"]} <= {"t0001"}
        assert answer["shortfall"]["clause"] == "studio = 'Aurora'"
    done = ysmean("train", *log, "--relations", tmp_path / "r.csv", "--out", model, code=2)
    assert "r.csv has no column 'head'" in done.stderr


@pytest.mark.parametrize("option", ["--serve", "--open"])
@pytest.mark.parametrize("kept", [True, False])
def test_demo_serves_its_model_after_the_tour(ysmean, tmp_path, monkeypatch, option, kept):
    """The tour itself, minutes of training, is run in test_demo."""
    opened, served = [], []

    def tour(console, seed, out):
        if out is not None:
            recommender().save(out / "model")
        return recommender()  # it has parts, as a report has

    def serve(settings, keys, host, port, drain, told):
        served.append(Recommender.load(settings.model).model_id)
        assert (host, port, bool(keys)) == ("127.0.0.1", 8123, False)
        told("http://127.0.0.1:8123")

    monkeypatch.setattr("ysmean.demo.run", tour)
    monkeypatch.setattr("ysmean.service.run.run", serve)
    monkeypatch.setattr("webbrowser.open", opened.append)
    out = ("--out", tmp_path / "kept") if kept else ()
    done = ysmean("demo", option, "--port", 8123, *out)
    assert served == [recommender().model_id]
    assert "The studio: http://127.0.0.1:8123" in done.stderr
    assert opened == (["http://127.0.0.1:8123"] if option == "--open" else [])
