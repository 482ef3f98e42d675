"""Live events: what is kept, what is deleted, and how it joins what a model knows."""

import sqlite3
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.histories import Histories
from ysmean.data.live import LiveEvent, Since, joined
from ysmean.data.past import NO_PAST
from ysmean.data.store import SqliteStore
from ysmean.errors import DataError

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
def store(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    yield store
    store.close()


def event(number, user="a", item="i3", timestamp=50.0, kind="view"):
    return LiveEvent(f"e{number}", user, item, timestamp, kind, "answer")


def past_of(store, user, watermark=0, timed=True):
    row = HISTORIES.index.get(user)
    known = NO_PAST if row is None else HISTORIES.past(row)
    past = joined(known, store.since(user, watermark), CATALOGUE, timed=timed)
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


@given(st.lists(STEP, max_size=12), st.integers(0, 12))
def test_pasts_equal_those_of_a_plain_list_whatever_is_kept_sent_again_and_deleted(
    tmp_path_factory, steps, trained_after
):
    store = SqliteStore(tmp_path_factory.mktemp("store") / "events.db")
    log, ids, kept, watermark = [], set(), 0, 0  # the log: (sequence number, event or user)
    for number, step in enumerate(steps):
        if number == trained_after:
            watermark = kept
        if isinstance(step, str):
            store.forget(step).result()
            kept += 1
            log.append((kept, step))
            continue
        new = store.append(step).result()
        for one, first in zip(step, new, strict=True):
            assert first == (one.event_id not in ids)
            ids.add(one.event_id)
            kept += first
            log += [(kept, one)] * first
    for user in ("a", "b", "new"):
        shown, hidden = KNOWN.get(user, ([], []))
        shown, hidden = list(shown), list(hidden)
        for seq, one in log:
            if seq <= watermark:
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
    store.close()


def test_without_times_events_follow_in_order_of_arrival(store):
    store.append([event(1, timestamp=99.0), event(2, item="i0", timestamp=1.0)]).result()
    shown, _ = past_of(store, "a", timed=False)
    assert [item for item, _ in shown] == ["i0", "i2", "i3", "i0"]
    assert np.isnan([t for _, t in shown]).all()


def test_what_is_kept_is_there_when_the_file_is_opened_again(store):
    assert store.append([event(1), event(2), event(1)]).result() == [True, True, False]
    store.forget("b").result()
    again = SqliteStore(store.path)
    assert again.since("a", 0) == Since((event(1), event(2)), False)
    assert again.since("a", 1) == Since((event(2),), False)
    assert again.since("b", 0) == Since((), True)
    again.close()


def test_a_deleted_event_leaves_nothing_in_the_file_and_does_not_come_back(store):
    secret = LiveEvent("e1", "somebody-secret", "i0", 1.0)
    store.append([secret]).result()
    assert store.forget("somebody-secret").result() == 1
    assert store.append([secret]).result() == [False]
    assert store.since("somebody-secret", 0) == Since((), True)
    rows = sqlite3.connect(store.path).execute("SELECT * FROM events WHERE seq = 1").fetchall()
    assert rows == [(1, "e1", None, None, None, None, None)]


def test_writers_that_wait_together_are_committed_together(store):
    started, go = threading.Event(), threading.Event()
    store._write(lambda _: started.set() or go.wait(10))
    started.wait(10)
    futures = [store.append([event(number)]) for number in range(50)]
    assert store.waiting == 50 and not any(f.done() for f in futures)
    commits = []
    store._writer.set_trace_callback(lambda text: commits.append(text) if "COMMIT" in text else 0)
    go.set()
    assert all(f.result(10) == [True] for f in futures)
    assert len(commits) == 2  # of the write that held the others up, and of those 50
    assert len(store.since("a", 0).events) == 50


def test_two_processes_worth_of_writers_share_a_file(store):
    other = SqliteStore(store.path)
    futures = [
        s.append([event(10 * n + k)]) for n in range(20) for k, s in enumerate((store, other))
    ]
    assert all(f.result(30) == [True] for f in futures)
    assert len(store.since("a", 0).events) == len(other.since("a", 0).events) == 40
    other.close()


def test_a_failing_write_is_told_and_leaves_nothing(store):
    def fail(connection):
        connection.execute("INSERT INTO events (event_id, user_id) VALUES ('x', 'a')")
        raise sqlite3.OperationalError("the disk is full")

    with pytest.raises(DataError, match="the disk is full; nothing was written"):
        store._write(fail).result()
    assert store.since("a", 0) == Since()
    assert store.append([event(1)]).result() == [True]


def test_a_file_that_is_no_store_is_refused(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("not a database" * 100)
    with pytest.raises(DataError, match=r"notes.txt: file is not a database.*--events-db"):
        SqliteStore(other)
    with pytest.raises(DataError, match="cannot be kept in"):
        SqliteStore(tmp_path / "missing" / "events.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version = 9")
    newer.close()
    with pytest.raises(DataError, match="has format 9"):
        SqliteStore(tmp_path / "newer.db")
