"""Events, forgetting, recommending, training and swapping in any order, beside a plain dict."""

import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

import ysmean as ym
from waiting import until
from ysmean.service.app import create_app
from ysmean.service.settings import Settings
from ysmean.sources import read_logs

ITEMS = [f"i{n}" for n in range(7)]
USERS = ["a", "b", "never seen", "é/ ?"]
BASE = {
    "user_id": ["a", "a", "a", "x", "y", "y"],
    "item_id": ["i0", "i1", "i2", "i0", "i3", "i4"],
    "timestamp": [100.0, 200.0, 300.0, 50.0, 60.0, 70.0],
    "event": ["view", "hide", "view", "view", "view", "view"],
}
COHORTS = {0: "0", 1: "1", 2: "2-3", 3: "2-3", **dict.fromkeys(range(4, 10), "4-9")}
EVENT = st.tuples(
    st.integers(0, 30), st.sampled_from(USERS), st.sampled_from([*ITEMS, "new"]), st.booleans()
)


class Machine(RuleBasedStateMachine):
    """A service; `log` says of each user what a perfect memory would."""

    fresh_store = staticmethod(lambda: None)

    @initialize()
    def start(self):
        self.place = Path(tempfile.mkdtemp())
        self.folder, self.store = self.place / "model", str(self.fresh_store())
        events = ym.read_events(BASE)
        self.catalogues = {}  # what each model knows, by its id
        self.saved = self.current = self.train(events)
        self.previous = None
        self.log = {"a": [("i0", 100.0), ("i1", None), ("i2", 300.0)]}  # None: it was hidden
        self.ids, self.moment = set(), 1000.0
        app = create_app(Settings(model=self.folder, events_db=self.store, gate=0.05))
        self.client = TestClient(app)
        self.client.__enter__()
        until(lambda: self.client.get("/health/ready").status_code == 200)

    def train(self, events):
        items = ym.Items.from_frame({"item_id": ITEMS})
        model = ym.train(events, items, networks=[ym.Popularity()], consensus=False)
        model.save(self.folder)
        self.catalogues[model.model_id] = set(model.parts.catalogue.item_ids)
        return model.model_id

    def teardown(self):
        if hasattr(self, "client"):
            self.client.__exit__(None, None, None)
            shutil.rmtree(self.place)

    def known(self, user):
        """Return what the current model is to be shown of a user, and what is hidden."""
        log = [e for e in self.log.get(user, []) if e[0] in self.catalogues[self.current]]
        taken = sorted((e for e in log if e[1] is not None), key=lambda event: event[1])
        return taken, {item for item, moment in log if moment is None}

    @rule(events=st.lists(EVENT, min_size=1, max_size=4))
    def post(self, events):
        sent, new, unknown = [], 0, []
        for number, user, item, hides in events:
            self.moment += 1.0 if number % 2 else -3.0  # not as they arrive
            kind = {"event": "hide" if hides else "view"}
            moment = {"timestamp": self.moment + 1e-3 * len(self.ids)}
            sent.append({"event_id": f"e{number}", "user_id": user, "item_id": item, **kind})
            sent[-1].update(moment)
            if item not in self.catalogues[self.current] and item not in unknown:
                unknown.append(item)
            if number not in self.ids:
                self.ids.add(number)
                new += 1
                kept = (item, None if hides else moment["timestamp"])
                self.log.setdefault(user, []).append(kept)
        done = self.client.post("/v1/events", json=sent).json()
        assert (done["new"], done["duplicates"]) == (new, len(events) - new)
        assert done["unknown_items"] == unknown

    @rule(user=st.sampled_from(USERS))
    def forget(self, user):
        assert self.client.delete(f"/v1/users/{quote(user)}/history").status_code == 200
        self.log[user] = []

    @rule(user=st.sampled_from(USERS))
    def look(self, user):
        taken, hidden = self.known(user)
        found = self.client.get(f"/v1/users/{quote(user)}/history").json()
        assert [(i["item_id"], i["timestamp"]) for i in found["items"]] == taken
        assert set(found["hidden"]) == hidden

    @rule(user=st.sampled_from([*USERS, None]), k=st.integers(1, 5))
    def recommend(self, user, k):
        taken, hidden = self.known(user)
        answer = self.client.post("/v1/recommend", json={"user_id": user, "k": k}).json()
        shown = {item["item_id"] for item in answer["items"]}
        allowed = self.catalogues[self.current] - hidden - {item for item, _ in taken}
        assert shown <= allowed and len(shown) == min(k, len(allowed))
        assert answer["model"] == self.current
        assert answer["cohort"] == COHORTS.get(len(taken), "10-49")

    @rule()
    def train_anew(self):
        self.saved = self.train(read_logs([self.folder, f"store:{self.store}"]))

    @rule()
    def reload(self):
        done = self.client.post("/v1/model/reload?force=true").json()
        assert done["model"] == self.saved
        if done["result"] == "loaded":
            self.previous, self.current = self.current, self.saved

    @rule()
    def reload_an_altered_bundle(self):
        version = (self.folder / "CURRENT").read_text().split()[0]
        file = self.folder / "versions" / version / "histories.parquet"
        content = file.read_bytes()
        file.write_bytes(content[:-1])
        assert self.client.post("/v1/model/reload").status_code == 409
        file.write_bytes(content)

    @precondition(lambda self: self.previous is not None)
    @rule()
    def roll_back(self):
        done = self.client.post("/v1/model/rollback").json()
        self.previous, self.current = self.current, self.previous
        assert done["model"] == self.current


@pytest.mark.slow
def test_whatever_happens_everything_counts_once_and_nothing_forgotten_returns(fresh_store):
    class Own(Machine):
        pass

    Own.fresh_store = staticmethod(fresh_store)
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    limits = settings(
        max_examples=12,
        stateful_step_count=25,
        suppress_health_check=checks,
        phases=[Phase.generate],  # to shrink a failure takes minutes
    )
    run_machine(Own, settings=limits)
