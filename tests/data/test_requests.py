"""Requests become arrays: what is shown, what may be answered, and what is refused."""

import time
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data.batch import MAX_HISTORY, Questions, ranges
from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.histories import COHORTS, Histories
from ysmean.data.items import Items
from ysmean.data.past import Past
from ysmean.data.requests import Request, encode
from ysmean.errors import RequestError, WhereError

ITEMS = Items.from_frame(
    {
        "item_id": [f"i{n}" for n in range(6)],
        "genres": [["Drama"], ["Drama", "Comedy"], ["Comedy"], ["Crime"], None, ["Drama"]],
        "year": [1990, 1995, 2000, 2005, 2010, None],
        "available_from": [None, None, None, None, 1000, None],
    }
)
LOG = {
    "user_id": ["a", "a", "a", "a", "b"],
    "item_id": ["i0", "i1", "i3", "i2", "i5"],
    "event": ["view", "view", "hide", "view", "view"],
}
USER_FIELDS = np.array([[1, 2], [3, 0]], np.int32)


def world(timed=True):
    events = Events.from_frame({**LOG, **({"timestamp": range(5)} if timed else {})})
    catalogue, events = Catalogue.build(events, ITEMS)
    return catalogue, Histories.from_events(events, catalogue)


CATALOGUE, HISTORIES = world()


def encoded(*requests):
    return encode(requests, CATALOGUE, HISTORIES, USER_FIELDS)


def shown(part, row=0):
    return [int(t) - 1 for t in part.batch.tokens[row] if t]


def allowed(part, row=0):
    return np.flatnonzero(part.allowed.tile(0, 6)[row]).tolist()


def test_a_known_user_is_asked_for_with_history_fields_and_without_seen_or_hidden_items():
    part = encoded(Request(user_id="a", at=5000))
    assert shown(part) == [0, 1, 2]
    assert part.batch.tokens.shape == (1, MAX_HISTORY)
    assert part.batch.tokens[0, -3:].all()  # right-aligned
    assert part.batch.lengths.tolist() == [3]
    assert part.batch.user_fields.tolist() == [[1, 2]]
    assert allowed(part) == [4, 5]


def test_an_unknown_user_is_new_and_may_be_answered_with_everything():
    for request in (Request(user_id="nobody", at=5000), Request(at=5000)):
        part = encoded(request)
        assert shown(part) == [] and part.batch.lengths.tolist() == [0]
        assert part.batch.user_fields.tolist() == [[0, 0]]
        assert allowed(part) == [0, 1, 2, 3, 4, 5]


def test_a_stated_history_replaces_the_users_own_and_unknown_ids_are_returned():
    part = encoded(Request(user_id="a", history=["i5", "?", "i0"], exclude=["i1", "!"], at=5000))
    assert shown(part) == [5, 0]
    assert part.unknown == [["?", "!"]]
    assert allowed(part) == [2, 4]  # what the user hid stays hidden


def test_an_empty_history_is_a_history():
    part = encoded(Request(user_id="a", history=[], at=5000))
    assert shown(part) == []
    assert part.batch.user_fields.tolist() == [[1, 2]]


def test_seen_items_can_be_allowed_again_but_not_hidden_ones():
    assert allowed(encoded(Request(user_id="a", seen="allow", at=5000))) == [0, 1, 2, 4, 5]


def test_an_item_is_allowed_once_it_is_available():
    assert 4 not in allowed(encoded(Request(at=999)))
    assert 4 in allowed(encoded(Request(at=1000)))


def test_a_long_history_is_cut_to_its_last_items_but_all_of_it_counts_as_seen():
    part = encoded(Request(history=["i0"] + ["i1"] * MAX_HISTORY, at=5000))
    assert shown(part) == [1] * MAX_HISTORY
    assert part.batch.lengths.tolist() == [MAX_HISTORY + 1]
    assert [COHORTS[c] for c in part.batch.cohorts] == ["50+"]
    assert 0 not in allowed(part)


def test_constraints_belong_to_their_own_requests():
    part = encoded(
        Request(where="year >= 2000", at=5000),
        Request(at=5000),
        Request(where="genres = Drama and item_id != i0", at=5000),
        Request(where="year >= 2000", user_id="a", at=5000),
    )
    found = [allowed(part, row) for row in range(4)]
    assert found == [[2, 3, 4], [0, 1, 2, 3, 4, 5], [1, 5], [4]]
    assert len(part.allowed.masks) == 2  # one a distinct text


def test_a_constraint_may_be_plain_data_and_an_empty_one_constrains_nothing():
    year = {"feature": "year", "op": ">=", "value": 2000}
    part = encoded(
        Request(where={"or": [year, {"feature": "year", "op": "is null"}]}, at=5000),
        Request(where="year >= 2000 or year is null", at=5000),
        Request(where={}, at=5000),
        Request(where="", at=5000),
    )
    everything = [0, 1, 2, 3, 4, 5]
    found = [allowed(part, row) for row in range(4)]
    assert found == [[2, 3, 4, 5], [2, 3, 4, 5], everything, everything]
    assert len(part.allowed.masks) == 1  # the first two are one constraint


def test_preferences_are_rows_of_attributes_plus_one_with_strengths():
    part = encoded(
        Request(preferences={"genres": ["Comedy", "Crime"]}),
        Request(),
        Request(preferences={"genres": "Drama"}),
        Request(preferences={"genres": {"Crime": -1, "Drama": 0, "Comedy": 0.25}}),
    )
    rows = CATALOGUE.attributes.rows
    comedy, crime, drama = (rows["genres", g] + 1 for g in ("Comedy", "Crime", "Drama"))
    assert part.batch.preferences.tolist() == [
        [comedy, crime],
        [0, 0],
        [drama, 0],
        [crime, comedy],
    ]
    assert part.batch.strengths.tolist() == [[1, 1], [0, 0], [1, 0], [-1, 0.25]]
    assert part.batch.strengths.dtype == np.float32


@pytest.mark.parametrize(
    "at",
    [
        1_700_000_000,
        "1700000000",
        "2023-11-14T22:13:20",
        "2023-11-14T23:13:20+01:00",
        datetime(2023, 11, 14, 22, 13, 20),
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    ],
)
def test_a_time_may_come_in_many_forms(at):
    part = encoded(Request(at=at))
    assert part.allowed.at.tolist() == [1_700_000_000.0]
    assert part.batch.context.tolist() == [[23, 2]]  # a Tuesday, 22 h


def test_without_a_time_it_is_now():
    before = datetime.now(UTC).timestamp()
    at = encoded(Request()).allowed.at[0]
    assert before <= at <= datetime.now(UTC).timestamp()


def test_a_stated_context_replaces_that_of_the_time():
    part = encoded(Request(at=0, context={"hour": 20}))
    assert part.batch.context.tolist() == [[21, 4]]


def test_a_model_without_times_knows_no_context():
    catalogue, histories = world(timed=False)
    part = encode([Request(at=0)], catalogue, histories, USER_FIELDS)
    assert part.batch.context.tolist() == [[0, 0]]
    with pytest.raises(RequestError, match="trained on events without timestamps"):
        encode([Request(context={"hour": 3})], catalogue, histories, USER_FIELDS)


def test_each_request_asks_for_its_own_number_of_items():
    assert encoded(Request(), Request(k=2), Request(k=6)).k == [6, 2, 6]


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (Request(k=0), RequestError, "k=0; expected 1 to 6, the size of the catalogue"),
        (Request(k=7), RequestError, "k=7; expected 1 to 6"),
        (Request(seen="yes"), RequestError, "seen='yes'; expected 'exclude' or 'allow'"),
        (Request(at="soon"), RequestError, "at='soon'; expected seconds since the epoch or a time"),
        (Request(context={"hour": 99}), RequestError, "Context hour=99; expected a whole number"),
        (Request(where="yaer > 3"), WhereError, "no feature 'yaer'. Did you mean 'year'"),
        (Request(where=[1]), WhereError, "where: received .1.; expected {'and': "),
        (
            Request(preferences={"genres": ["Dramma"]}),
            RequestError,
            "No item has genres = 'Dramma'. Did you mean 'Drama'",
        ),
        (Request(preferences={"genre": ["Drama"]}), RequestError, "Did you mean 'genres'"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_field(request_, error, message):
    with pytest.raises(error, match=message):
        encoded(Request(), request_)


requests = st.builds(
    Request,
    user_id=st.sampled_from([None, "a", "b", "nobody"]),
    history=st.none() | st.lists(st.sampled_from([*ITEMS.frame["item_id"], "?"]), max_size=4),
    exclude=st.lists(st.sampled_from([*ITEMS.frame["item_id"], "?"]), max_size=2),
    seen=st.sampled_from(["exclude", "allow"]),
    where=st.sampled_from([None, "year > 1995", "genres in (Drama, Crime)"]),
    preferences=st.sampled_from(
        [{}, {"genres": ["Drama"]}, {"genres": {"Drama": -0.5, "Crime": 1}}]
    ),
    at=st.sampled_from([0, 5000]),
)


@given(st.lists(requests, min_size=1, max_size=5))
def test_a_batch_of_requests_is_the_same_as_each_by_itself(listed):
    together = encoded(*listed)
    for row, request in enumerate(listed):
        alone = encoded(request)
        assert together.k[row] == alone.k[0]
        assert together.unknown[row] == alone.unknown[0]
        assert allowed(together, row) == allowed(alone)
        assert shown(together, row) == shown(alone)
        for name in ("user_fields", "gaps", "context"):
            ours = getattr(together.batch, name)[row].tolist()
            assert ours == getattr(alone.batch, name)[0].tolist()
        assert stated(together.batch, row) == stated(alone.batch, 0)


def stated(batch, row):
    pairs = zip(batch.preferences[row].tolist(), batch.strengths[row].tolist(), strict=True)
    return [pair for pair in pairs if pair[0]]


def test_own_events_have_the_time_to_the_next_and_to_the_request():
    part = encoded(Request("a", at=5000), Request("b", at=1), Request("a", at="1970-01-02"))
    assert part.batch.gaps.shape == part.batch.tokens.shape and part.batch.gaps.dtype == np.int32
    assert part.batch.gaps[:, -3:].tolist() == [[1, 2, 4997], [-1, -1, 0], [1, 2, 86397]]
    assert (part.batch.gaps[:, :-3] == -1).all()


def test_a_request_without_a_time_is_asked_now():
    before = time.time()
    gap = encoded(Request("b")).batch.gaps[0, -1]
    assert int(before - 4) <= gap <= time.time() - 4


def test_stated_histories_strangers_and_events_without_times_have_unknown_gaps():
    part = encoded(
        Request(history=["i0", "i1"], at=9), Request("a", history=["i0"], at=9), Request("c", at=9)
    )
    assert (part.batch.gaps == -1).all()
    catalogue, histories = world(timed=False)
    part = encode([Request("a", at=9)], catalogue, histories, USER_FIELDS)
    assert part.batch.tokens.any() and (part.batch.gaps == -1).all()


def questions():
    return Questions.at_positions(HISTORIES, USER_FIELDS, np.arange(4))


def test_a_held_out_event_is_asked_with_what_the_user_took_before_it():
    asked = questions()
    batch = asked.batch(length=2)
    assert batch.tokens.tolist() == [[0, 0], [0, 1], [1, 2], [0, 0]]
    assert batch.gaps.tolist() == [[-1, -1], [-1, 1], [1, 2], [-1, -1]]
    assert batch.lengths.tolist() == [0, 1, 2, 0]
    assert batch.user_fields.tolist() == [[1, 2], [1, 2], [1, 2], [3, 0]]
    assert asked.targets.tolist() == [0, 1, 2, 5]
    assert asked.at.tolist() == [0.0, 1.0, 3.0, 4.0]


def test_what_was_seen_or_hidden_before_a_question_cannot_be_its_answer():
    """User a takes i0 and i1, hides i3, then takes i2."""
    everything = {"base": np.ones(6, bool), "available": (None, None)}
    sets = questions().allowed(**everything).tile(0, 6)
    assert [np.flatnonzero(~row).tolist() for row in sets] == [[], [0], [0, 1, 3], []]
    sets = questions().allowed(**everything, seen="allow").tile(0, 6)
    assert [np.flatnonzero(~row).tolist() for row in sets] == [[], [], [3], []]


def test_a_cut_question_shows_less_but_what_was_seen_stays_seen():
    asked = questions().cut(1)
    assert asked.batch(length=3).tokens.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 0]]
    assert asked.batch().lengths.tolist() == [0, 1, 1, 0]
    sets = asked.allowed(np.ones(6, bool), available=(None, None)).tile(0, 6)
    assert np.flatnonzero(~sets[2]).tolist() == [0, 1, 3]


@given(st.integers(1, 6))
def test_chunks_are_the_questions_in_order(size):
    parts = list(questions().chunks(size))
    assert all(len(part) <= size for part in parts)
    assert [t for part in parts for t in part.targets.tolist()] == [0, 1, 2, 5]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1))
def test_ranges_name_every_position_and_its_owner(pairs):
    starts = np.array([start for start, _ in pairs])
    owners, positions = ranges(starts, starts + np.array([length for _, length in pairs]))
    expected = [
        (n, p) for n, (start, length) in enumerate(pairs) for p in range(start, start + length)
    ]
    assert list(zip(owners.tolist(), positions.tolist(), strict=True)) == expected


def test_a_given_past_replaces_what_is_known_of_a_user_or_a_stranger():
    live = Past(np.array([5, 2], np.int32), np.array([10.0, 30.0]), np.array([4], np.int32))
    asked = [Request("a", at=5000), Request("stranger", at=5000), Request("b", at=5000)]
    part = encode(asked, CATALOGUE, HISTORIES, USER_FIELDS, {"a": live, "stranger": live})
    assert [shown(part, row) for row in range(3)] == [[5, 2], [5, 2], [5]]
    assert part.batch.gaps[:, -2:].tolist() == [[20, 4970], [20, 4970], [-1, 4996]]
    assert part.batch.lengths.tolist() == [2, 2, 1]
    assert part.batch.user_fields.tolist() == [[1, 2], [0, 0], [3, 0]]
    assert [allowed(part, row) for row in range(3)] == [[0, 1, 3], [0, 1, 3], [0, 1, 2, 3, 4]]


def test_a_stated_history_keeps_what_a_given_past_hides():
    live = Past(np.array([5], np.int32), np.array([10.0]), np.array([4], np.int32))
    asked = [Request("a", history=["i0"], at=5000)]
    part = encode(asked, CATALOGUE, HISTORIES, USER_FIELDS, {"a": live})
    assert shown(part) == [0] and allowed(part) == [1, 2, 3, 5]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"k": 0}, "k"),
        ({"history": "i0"}, "history"),
        ({"exclude": "i0"}, "exclude"),
        ({"seen": "no"}, "seen"),
        ({"where": "year >>"}, "where"),
        ({"at": "soon"}, "at"),
        ({"context": {"mood": 1}}, "context"),
        ({"context": {"hour": 24}}, "context"),
        ({"preferences": {"genre": ["Drama"]}}, "preferences"),
    ],
)
def test_a_refusal_names_the_field(asked, field):
    with pytest.raises(RequestError) as refused:
        encoded(Request(**asked))
    assert refused.value.field == field
