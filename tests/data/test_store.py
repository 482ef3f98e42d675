"""Live events: what is kept, what is deleted, and how it joins what a model knows."""

import sqlite3
import threading
import time

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import postgresql
from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.histories import Histories
from ysmean.data.live import LiveEvent, Since, joined
from ysmean.data.past import NO_PAST
from ysmean.data.store import open_store
from ysmean.data.store_sqlite import SqliteStore
from ysmean.errors import ConfigError, StoreError

LOG = {
    "user_id": ["a", "a", "a", "b"],
    "item_id": ["i0", "i1", "i2", "i3"],
    "event": ["view", "hide", "view", "view"],
    "timestamp": [10.0, 20.0, 30.0, 40.0],
}
CATALOGUE, EVENTS = Catalogue.build(Events.from_frame(LOG))
HISTORIES = Histories.from_events(EVENTS, CATALOGUE)
KNOWN = {"a": ([("i0", 10.0), ("i2", 30.0)], ["i1"]), "b": ([("i3", 40.0)], [])}


@pytest.fixture
def url(fresh_store):
    return fresh_store()


@pytest.fixture
def store(url):
    store = open_store(url)
    yield store
    store.close()


def event(number, user="a", item="i3", timestamp=50.0, kind="view"):
    return LiveEvent(f"e{number}", user, item, timestamp, kind, "answer")


def since(store, user, watermark=0):
    return store.since([user], watermark).get(user, Since())


def past_of(store, user, watermark=0, timed=True):
    row = HISTORIES.index.get(user)
    known = NO_PAST if row is None else HISTORIES.past(row)
    past = joined(known, since(store, user, watermark), CATALOGUE, timed=timed)
    ids = CATALOGUE.item_ids
    shown = [(ids[c], t) for c, t in zip(past.classes, past.times, strict=True)]
    return shown, [ids[c] for c in past.hidden]


EVENT = st.builds(
    event,
    st.integers(0, 8),
    st.sampled_from(["a", "b", "new"]),
    st.sampled_from(["i0", "i1", "i2", "i3", "not in the catalogue"]),
    st.sampled_from([5.0, 30.0, 35.0, 50.0]),
    st.sampled_from(["", "view", "hide", "dislike"]),
)
STEP = st.lists(EVENT, min_size=1, max_size=4) | st.sampled_from(["a", "b", "new"])


@settings(suppress_health_check=[*HealthCheck])
@given(steps=st.lists(STEP, max_size=12), trained_after=st.integers(0, 12))
def test_pasts_equal_those_of_a_plain_list_whatever_is_kept_sent_again_and_deleted(
    fresh_store, steps, trained_after
):
    store = open_store(fresh_store())
    log, ids, watermark = [], set(), 0  # the log: (whether training has seen it, event or user)
    for number, step in enumerate(steps):
        if number == trained_after:
            watermark = store.log(0).last
            log = [(True, one) for _, one in log]
        if isinstance(step, str):
            store.forget(step).result()
            log.append((False, step))
            continue
        new = store.append(step).result()
        for one, first in zip(step, new, strict=True):
            assert first == (one.event_id not in ids)
            ids.add(one.event_id)
            log += [(False, one)] * first
    for user in ("a", "b", "new"):
        shown, hidden = KNOWN.get(user, ([], []))
        shown, hidden = list(shown), list(hidden)
        for seen, one in log:
            if seen:
                continue
            if one == user:
                shown, hidden = [], []
            elif not isinstance(one, str) and one.user_id == user:
                if one.item_id not in CATALOGUE.index:
                    continue
                if one.event in ("hide", "dislike"):
                    hidden.append(one.item_id)
                else:
                    shown.append((one.item_id, one.timestamp))
        shown.sort(key=lambda pair: pair[1])  # stable
        assert past_of(store, user, watermark) == (shown, hidden)
    assert_logged(store, [one for _, one in log], 0)
    assert_logged(store, [one for seen, one in log if not seen], watermark)
    store.close()


def assert_logged(store, steps, watermark):
    """Compare the store's log with the events that no later deletion erased."""
    found = store.log(watermark)
    kept = []
    for one in steps:
        if isinstance(one, str):
            kept = [e for e in kept if e.user_id != one]
        else:
            kept.append(one)
    rows = [(e.user_id, e.item_id, e.timestamp, e.event) for e in kept]
    assert found.frame.rows() == rows
    assert found.forgotten == {one for one in steps if isinstance(one, str)}


def test_without_times_events_follow_in_order_of_arrival(store):
    store.append([event(1, timestamp=99.0), event(2, item="i0", timestamp=1.0)]).result()
    shown, _ = past_of(store, "a", timed=False)
    assert [item for item, _ in shown] == ["i0", "i2", "i3", "i0"]
    assert np.isnan([t for _, t in shown]).all()


def test_what_events_mean_is_told_by_the_weights_of_training():
    kinds = ["view", "skip", "reject", "hide", "unheard of"]
    events = [event(n, item=f"i{n}", kind=k) for n, k in enumerate(kinds[:4])]
    weights = {"view": 2.0, "skip": "ignore", "reject": "exclude"}
    past = joined(NO_PAST, Since(events), CATALOGUE, timed=True, weights=weights)
    assert [CATALOGUE.item_ids[c] for c in past.classes] == ["i0", "i3"]
    assert [CATALOGUE.item_ids[c] for c in past.hidden] == ["i2"]
    default = joined(NO_PAST, Since(events), CATALOGUE, timed=True)
    assert [CATALOGUE.item_ids[c] for c in default.classes] == ["i0", "i1", "i2"]
    assert [CATALOGUE.item_ids[c] for c in default.hidden] == ["i3"]


def test_what_is_kept_is_there_when_the_store_is_opened_again(store, url):
    assert store.append([event(1), event(2), event(1)]).result() == [True, True, False]
    first = store.log(0).last
    store.append([event(3)]).result()
    store.forget("b").result()
    again = open_store(url)
    assert again.id == store.id != ""
    assert since(again, "a") == Since([event(1), event(2), event(3)], False)
    assert since(again, "a", first) == Since([event(3)], False)
    assert since(again, "b") == Since([], True)
    assert again.since(["a", "b", "c"], 0).keys() == {"a", "b"} and not again.since([], 0)
    again.close()


def test_a_new_store_has_an_id_of_its_own(fresh_store):
    ids = []
    for _ in range(2):
        store = open_store(fresh_store())
        ids.append(store.id)
        store.close()
    assert len(set(ids)) == 2


def test_a_deleted_event_does_not_come_back(store):
    secret = LiveEvent("e1", "somebody-secret", "i0", 1.0)
    store.append([secret]).result()
    assert store.forget("somebody-secret").result() == 1
    assert store.append([secret]).result() == [False]
    assert since(store, "somebody-secret") == Since([], True)
    assert not len(store.log(0).frame)


def test_texts_of_any_kind_are_kept_as_they_are(store):
    odd = LiveEvent("%s ? 'é\"\\", "u'; --", "i\n{}", 0.1, "Ünï ?", None)
    store.append([odd]).result()
    assert since(store, odd.user_id) == Since([odd])
    assert since(store, "nobody\0") == Since()


def test_writers_that_wait_together_are_committed_together(store, monkeypatch):
    started, go, sizes = threading.Event(), threading.Event(), []
    commit = store._writer._commit
    monkeypatch.setattr(store._writer, "_commit", lambda w: sizes.append(len(w)) or commit(w))
    store._writer.put(lambda _: started.set() or go.wait(10))
    started.wait(10)
    futures = [store.append([event(number)]) for number in range(50)]
    assert store.waiting == 50 and not any(f.done() for f in futures)
    go.set()
    assert all(f.result(10) == [True] for f in futures)
    assert sizes == [1, 50]
    assert len(since(store, "a").events) == 50


def test_two_processes_worth_of_writers_share_a_store(store, url):
    other = open_store(url)
    futures = [
        s.append([event(10 * n + k)]) for n in range(20) for k, s in enumerate((store, other))
    ]
    assert all(f.result(30) == [True] for f in futures)
    assert len(since(store, "a").events) == len(since(other, "a").events) == 40
    other.close()


def test_whoever_has_read_up_to_a_number_has_missed_nothing_below_it(store, url):
    other, seen, last, stop = open_store(url), 0, 0, threading.Event()

    def write(to, name):
        number = 0
        while not stop.is_set():
            to.append([event(f"{name}{number}")]).result(30)
            number += 1

    writers = [threading.Thread(target=write, args=a) for a in ((store, "x"), (other, "y"))]
    for writer in writers:
        writer.start()
    for _ in range(100):
        part = store.log(last)
        seen, last = seen + len(part.frame), part.last
    stop.set()
    for writer in writers:
        writer.join()
    assert seen + len(store.log(last).frame) == len(store.log(0).frame) > 0
    other.close()


def test_a_failing_write_is_told_and_leaves_nothing(store):
    def fail(connection):
        store._insert(connection, [event("x")])
        store._execute(connection, "SELECT nonsense", [])

    with pytest.raises(StoreError, match="written"):
        store._writer.put(fail).result()
    assert since(store, "a") == Since()
    assert store.append([event(1)]).result() == [True]


def test_training_does_not_make_a_store(fresh_store):
    with pytest.raises(StoreError, match="does not exist"):
        open_store(fresh_store(), create=False)


def test_a_deleted_event_leaves_nothing_in_the_file(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    store.append([LiveEvent("e1", "somebody-secret", "i0", 1.0)]).result()
    store.forget("somebody-secret").result()
    rows = sqlite3.connect(store.path).execute("SELECT * FROM events WHERE seq = 1").fetchall()
    assert rows == [(1, "e1", None, None, None, None, None)]
    store.close()


def test_a_store_of_the_first_format_is_taken_over(tmp_path):
    old = sqlite3.connect(tmp_path / "events.db")
    old.executescript(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE,"
        " user_id TEXT, item_id TEXT, timestamp REAL, event TEXT, request_id TEXT);"
        "INSERT INTO events VALUES (1, 'e1', 'a', 'i3', 50.0, 'view', 'answer');"
        "PRAGMA user_version = 1;"
    )
    old.close()
    store = open_store(f"sqlite://{tmp_path / 'events.db'}")
    assert since(store, "a") == Since([event(1)]) and store.id
    store.close()


def test_a_full_file_refuses_writes_and_is_still_read(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    store.append([event(1)]).result()
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full; nothing was written"):
        store.append([event(n, user="b" * 1000) for n in range(2, 500)]).result()
    assert since(store, "a") == Since([event(1)])
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert store.append([event(2)]).result() == [True]
    store.close()


def test_a_lost_connection_is_made_anew(postgresql_url):
    store = open_store(postgresql.emptied(postgresql_url))
    store.append([event(1)]).result()
    assert len(since(store, "a").events) == 1
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
        )
    assert len(since(store, "a").events) == 1
    assert store.append([event(2)]).result() == [True]
    store.close()


def test_while_the_server_is_away_writes_and_reads_fail_at_once():
    with postgresql.server() as url:
        store = open_store(url)
        store.append([event(1)]).result()
        assert len(since(store, "a").events) == 1
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreError, match="nothing is known to be written"):
            store.append([event(2)]).result()
        with pytest.raises(StoreError, match="cannot be read"):
            since(store, "a")
    assert time.monotonic() - began < 10
    store.close()


def test_a_database_that_is_not_there_is_named_without_the_password():
    with pytest.raises(StoreError, match=r"kept in postgresql://127.0.0.1/db: .*--events-db") as e:
        open_store("postgresql://me:secret@127.0.0.1:1/db")
    assert "secret" not in str(e.value)


def test_a_store_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="kind 'mysql'; expected a file, sqlite:///PATH"):
        open_store("mysql://localhost/db")


def test_a_file_that_is_no_store_is_refused(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("not a database" * 100)
    with pytest.raises(StoreError, match=r"notes.txt: file is not a database.*--events-db"):
        SqliteStore(other)
    with pytest.raises(StoreError, match="cannot be kept in"):
        SqliteStore(tmp_path / "missing" / "events.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version = 9")
    newer.close()
    with pytest.raises(StoreError, match="has format 9"):
        SqliteStore(tmp_path / "newer.db")
