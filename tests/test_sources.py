"""Events come from files, bundles and a store, and none of them counts twice."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ysmean as ym
from ysmean.data.live import LiveEvent
from ysmean.data.store import open_store
from ysmean.errors import ConfigError, DataError, StoreError
from ysmean.sources import read_logs

USERS, ITEMS = ["a", "b", "c", "d"], ["i0", "i1", "i2"]
BASE = [(user, item, 10.0 * n, "view") for n, item in enumerate(ITEMS) for user in ("a", "b")]
BASE.append(("c", "i0", 5.0, "hide"))


def write(path, rows):
    names = ["user_id", "item_id", "timestamp", "event"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(path)
    return path


def train(folder, *sources):
    events = read_logs(sources)
    ym.train(events, networks=[ym.Popularity()], consensus=False).save(folder)


def known(folder):
    """Return what a model knows of users: their events in order, and what is hidden."""
    parts = ym.Recommender.load(folder).parts
    ids = parts.catalogue.item_ids
    pasts = {user: parts.histories.past(row) for user, row in parts.histories.index.items()}
    return {
        user: (
            [(ids[c], t) for c, t in zip(p.classes, p.times, strict=True)],
            {ids[c] for c in p.hidden},
        )
        for user, p in pasts.items()
        if len(p) or len(p.hidden)
    }


def expected(log):
    """Do the same with a plain list of events, sorted by time, the earlier one first."""
    found = {}
    for user, item, moment, kind in sorted(log, key=lambda event: event[2]):
        shown, hidden = found.setdefault(user, ([], set()))
        if kind == "hide":
            hidden.add(item)
        else:
            shown.append((item, moment))
    return found


EVENT = st.tuples(
    st.integers(0, 9),
    st.sampled_from(USERS),
    st.sampled_from(ITEMS),
    st.sampled_from([1.5, 12.5, 33.5]),
    st.sampled_from(["view", "hide", ""]),
)
STEP = st.lists(EVENT, min_size=1, max_size=4) | st.sampled_from([*USERS, "train", "train"])


@settings(suppress_health_check=[*HealthCheck], max_examples=15)
@given(steps=st.lists(STEP, max_size=8))
def test_a_model_trained_again_and_again_knows_each_event_once(
    fresh_store, tmp_path_factory, steps
):
    url, place = fresh_store(), tmp_path_factory.mktemp("loop")
    store, ids, last = open_store(url), set(), {}
    log = list(BASE)
    train(place / "model", write(place / "events.parquet", BASE))
    for step in [*steps, "train"]:
        if step == "train":
            train(place / "model", place / "model", f"store:{url}")
            assert known(place / "model") == expected(log)
        elif isinstance(step, str):
            store.forget(step).result()
            log = [event for event in log if event[0] != step]
        else:
            # Of equal events only one counts; here no two are equal, so that none hides another.
            events = []
            for number, user, item, moment, kind in step:
                moment += 1e-3 * (last.setdefault("n", 0))
                last["n"] += 1
                events.append(LiveEvent(f"e{number}", user, item, moment, kind))
            for event, new in zip(events, store.append(events).result(), strict=True):
                assert new == (event.event_id not in ids)
                ids.add(event.event_id)
                log += [(event.user_id, event.item_id, event.timestamp, event.event)] * new
    store.close()


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "events.db")
    yield store
    store.close()


def live(number, user="a", item="i0", moment=99.0, kind="view"):
    return LiveEvent(f"e{number}", user, item, moment, kind)


def test_the_store_alone_with_files_or_with_a_bundle(store, tmp_path):
    store.append([live(1), live(2, "d", "new")]).result()
    url = f"store:sqlite://{tmp_path / 'events.db'}"
    alone = read_logs([url])
    assert alone.frame["user_id"].to_list() == ["a", "d"]
    assert (alone.watermark.store, alone.watermark.last) == (store.id, 2)
    file = write(tmp_path / "events.parquet", BASE)
    both = read_logs([file, url])
    assert len(both) == len(BASE) + 2 and both.watermark == alone.watermark
    train(tmp_path / "model", file, url)
    again = read_logs([tmp_path / "model", url])
    assert len(again) == len(both)
    assert read_logs([tmp_path / "model"]).watermark == alone.watermark
    assert read_logs([file]).watermark is None


def test_an_event_of_the_store_that_a_file_holds_too_counts_once(store, tmp_path):
    store.append([live(1, "a", "i0", 0.0), live(2, "a", "i0", 1.0)]).result()
    file = write(tmp_path / "events.parquet", BASE)
    both = read_logs([file, f"store:{store.path}"])
    assert len(both) == len(BASE) + 1
    assert "1 events are in another log, too: they count once" in both.notes
    train(tmp_path / "model", file)
    thrice = read_logs([tmp_path / "model", file, f"store:{store.path}"])
    assert len(thrice) == len(both)


def test_forgotten_users_are_left_out_of_files_and_bundles(store, tmp_path):
    file = write(tmp_path / "events.parquet", BASE)
    train(tmp_path / "model", file)
    store.append([live(1, "a")]).result()
    store.forget("a").result()
    store.append([live(2, "a", "i1", 50.0)]).result()
    for source in (file, tmp_path / "model"):
        events = read_logs([source, f"store:{store.path}"])
        of_a = events.frame.filter(pl.col("user_id") == "a").select("item_id", "timestamp").rows()
        assert of_a == [("i1", 50.0)]
        assert any(note.startswith("1 users were forgotten: 3 events") for note in events.notes)
    store.forget("a").result()
    store.forget("b").result()
    events = read_logs([file, f"store:{store.path}"])
    assert set(events.frame["user_id"]) == {"c"}
    train(tmp_path / "model", file, f"store:{store.path}")
    store.append([live(3, "d")]).result()
    events = read_logs([tmp_path / "model", file, f"store:{store.path}"])
    assert set(events.frame["user_id"]) == {"c", "d"}  # the file knows of no deletion


def test_the_meaning_of_types_is_kept_for_the_next_training(store, tmp_path):
    file = write(tmp_path / "events.parquet", [("a", "i0", 1.0, "buy"), ("a", "i1", 2.0, "no")])
    weights = {"buy": 3.0, "no": "exclude", "skip": "ignore"}
    events = read_logs([file], event_weights=weights)
    trained = ym.train(events, networks=[ym.Popularity()], consensus=False)
    assert trained.parts.manifest["event_weights"] == weights
    trained.save(tmp_path / "model")
    kinds = ["buy", "no", "skip", ""]
    store.append([live(n, "b", f"i{n}", kind=kind) for n, kind in enumerate(kinds)]).result()
    again = read_logs([tmp_path / "model", f"store:{store.path}"])
    rows = again.frame.select("user_id", "item_id", "weight", "excludes").rows()
    assert rows == [
        ("a", "i0", 3.0, False),
        ("a", "i1", 1.0, True),
        ("b", "i0", 3.0, False),
        ("b", "i1", 1.0, True),
        ("b", "i3", 1.0, False),
    ]
    assert again.event_weights == weights
    other = read_logs(
        [tmp_path / "model", f"store:{store.path}"],
        event_weights={"buy": 1.0, "no": 1.0, "skip": 2.0},
    )
    assert other.frame.filter(user_id="b")["weight"].to_list() == [1.0, 1.0, 2.0, 1.0]


def test_without_times_the_logs_follow_each_other(store, tmp_path):
    (tmp_path / "events.csv").write_text("user_id,item_id\na,i0\nb,i0\na,i1\n")
    store.append([live(1, "a", "i2", 1.0)]).result()
    events = read_logs([tmp_path / "events.csv", f"store:{store.path}"])
    assert not events.has_time
    assert events.frame.filter(user_id="a")["item_id"].to_list() == ["i0", "i1", "i2"]
    assert "some events have no timestamps: those of the others are left out" in events.notes


@pytest.mark.parametrize(
    ("sources", "error", "said"),
    [
        (["store:nowhere.db"], StoreError, "nowhere.db does not exist"),
        (["store:x.db", "store:y.db"], ConfigError, "x.db and y.db are 2 stores; expected one"),
        (["store:mysql://h/d"], ConfigError, "kind 'mysql'"),
        (["store:empty.db"], DataError, "store:empty.db holds no event"),
        ([], DataError, "Nothing holds no event"),
    ],
)
def test_what_cannot_be_read_is_named(sources, error, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_store("empty.db").close()
    with pytest.raises(error, match=said):
        read_logs(sources)
