import json
from dataclasses import replace

import numpy as np
import pytest

from ysmean.data.histories import COHORTS
from ysmean.errors import RequestError
from ysmean.mean.proportions import Proportions


def two():
    weights = np.tile([0.75, 0.25], (2, len(COHORTS), 1))
    return Proportions(("content", "popularity"), weights, np.ones((2, 2)), cold_odds=0.5)


def answering(*members):
    return np.array([members], bool)


COHORT = np.array([0])


def test_segments_share_by_their_allowed_items():
    w = two().resolve(COHORT, answering([1, 1], [1, 1]), np.array([[30, 20]]))
    np.testing.assert_allclose(w[0].sum(0), [0.75, 0.25])  # 30 : 0.5 * 20
    np.testing.assert_allclose(w[0, :, 0], [0.75 * 0.75, 0.25 * 0.75])


def test_the_weight_of_an_abstaining_network_goes_to_the_others():
    w = two().resolve(COHORT, answering([0, 0], [1, 1]), np.array([[30, 0]]))
    np.testing.assert_allclose(w[0], [[0, 0], [1, 0]])


def test_a_segment_where_nobody_answers_gives_its_weight_to_the_other():
    w = two().resolve(COHORT, answering([1, 0], [1, 0]), np.array([[30, 1000]]))
    np.testing.assert_allclose(w[0], [[0.75, 0], [0.25, 0]])


def test_where_nobody_answers_all_weights_are_zero():
    assert not two().resolve(COHORT, answering([0, 0], [0, 0]), np.array([[0, 0]])).any()


def test_doubling_a_network_doubles_its_odds():
    p = two()
    w = p.resolve(
        COHORT, answering([1, 0], [1, 0]), np.array([[9, 0]]), p.multipliers({"content": 2})
    )
    assert w[0, 0, 0] / w[0, 1, 0] == pytest.approx(2 * 0.75 / 0.25)


def test_plain_data_round_trip():
    p = two()
    q = Proportions.from_json(p.to_json())
    assert q.names == p.names and q.cold_odds == p.cold_odds
    np.testing.assert_array_equal(q.weights, p.weights)
    np.testing.assert_array_equal(q.temperatures, p.temperatures)


def with_consensus():
    p, shape = two(), (2, len(COHORTS))
    return replace(
        p,
        names=(*p.names, "consensus"),
        weights=np.tile([0.3, 0.1, 0.6], (*shape, 1)),
        exponents=np.tile([0.9, 0.4], (*shape, 1)),
        pure_weights=p.weights,
    )


def test_a_consensus_goes_through_plain_data_and_can_be_left_out():
    p = with_consensus()
    q = Proportions.from_json(json.loads(json.dumps(p.to_json())))
    assert q.names == ("content", "popularity", "consensus") and q.networks == two().names
    np.testing.assert_array_equal(q.exponents, p.exponents)
    np.testing.assert_array_equal(q.pure().weights, two().weights)
    assert q.pure().names == two().names and q.pure().exponents is None
    assert p.exponents_table()[0] == {
        "segment": "warm", "cohort": "0", "content": 0.9, "popularity": 0.4
    }  # fmt: skip
    assert two().exponents_table() == []


def test_equal_weights_leave_the_consensus_out():
    p = with_consensus()
    np.testing.assert_array_equal(p.stated("equal"), [1, 1, 0])
    np.testing.assert_array_equal(p.stated({"consensus": 2}), [0, 0, 2])


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"contents": 1}, "Unknown network 'contents' in weights. Did you mean 'content'?"),
        ({"content": -1}, "weights of content is -1; expected a finite number >= 0"),
        ({"content": float("nan")}, "weights of content is nan"),
        ({"content": 0}, "are all zero"),
        ("fited", "expected 'fitted', 'equal' or numbers"),
    ],
)
def test_bad_absolute_weights_are_refused(stated, message):
    with pytest.raises(RequestError, match=message.replace("?", r"\?")):
        two().stated(stated)


def test_an_infinite_scale_is_refused():
    with pytest.raises(RequestError, match="scale of content is inf"):
        two().multipliers({"content": float("inf")})


def test_networks_that_heed_stated_preferences_get_half_of_the_fitted_weight_at_least():
    everybody, counts = answering([1, 1], [1, 1]), np.array([[30, 0]])
    heeding = [np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])]
    w = [two().resolve(COHORT, everybody, counts, heeding=h)[0, :, 0] for h in heeding]
    np.testing.assert_allclose(w, [[0.5, 0.5], [0.75, 0.25]])


def test_faintly_stated_preferences_claim_less_than_half():
    everybody, counts = answering([1, 1], [1, 1]), np.array([[30, 0]])
    for strength, expected in ((0.6, 0.3), (0.5, 0.25), (0.1, 0.25), (0.0, 0.25)):
        heeding = np.array([[0.0, strength]])
        w = two().resolve(COHORT, everybody, counts, heeding=heeding)[0, :, 0]
        np.testing.assert_allclose(w, [1 - expected, expected])


def test_stated_weights_and_scales_stand_above_that_half():
    everybody, counts = answering([1, 1], [1, 1]), np.array([[30, 0]])
    heeding = np.array([[0.0, 1.0]])
    scaled = two().resolve(COHORT, everybody, counts, np.array([3.0, 1.0]), heeding=heeding)
    np.testing.assert_allclose(scaled[0, :, 0], [0.75, 0.25])
    stated = two().resolve(COHORT, everybody, counts, None, np.array([0.9, 0.1]), heeding)
    np.testing.assert_allclose(stated[0, :, 0], [0.9, 0.1])


def test_what_heeds_preferences_alone_and_what_abstains_change_nothing():
    counts = np.array([[30, 0]])
    alone = two().resolve(COHORT, answering([0, 0], [1, 1]), counts, heeding=np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(alone[0, :, 0], [0, 1])
    away = two().resolve(COHORT, answering([1, 1], [0, 0]), counts, heeding=np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(away[0, :, 0], [1, 0])
