import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ysmean import metrics

PLACE = Path(__file__).parents[2] / "benchmarks" / "accuracy" / "split.py"
if not PLACE.exists():
    pytest.skip("benchmarks are not part of this installation", allow_module_level=True)


@pytest.fixture(scope="module")
def split():
    spec = importlib.util.spec_from_file_location("accuracy_split", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(split):
    train = [[0, 3, 10], [0, 1, 11], [1, 2, 12], [1, 0, 12], [2, 4, 13], [3, 1, 14]]
    return split.Split(
        np.array(train),
        validation=np.array([[0, 2, 20], [1, 2, 21], [2, 5, 22]]),
        test=np.array([[0, 4, 30], [1, 3, 31], [2, 6, 32]]),
        items=np.array([0, 1, 2, 3, 4, 5]),
    )


def one_by_one(scores, target, allowed):
    """Sort the allowed items by falling score, then rising class; find the target."""
    order = sorted(np.flatnonzero(allowed), key=lambda n: (-scores[n], n))
    return order.index(target)


def test_ranks_are_the_places_in_a_sorted_list_of_allowed_items(split):
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 4, (50, 9)).astype(np.float32)  # many ties
    allowed = rng.random((50, 9)) < 0.7
    targets = rng.integers(0, 9, 50)
    allowed[np.arange(50), targets] = True
    found = split.ranks(scores, targets, allowed)
    assert found.tolist() == [
        one_by_one(*row) for row in zip(scores, targets.tolist(), allowed, strict=True)
    ]


def test_of_equal_scores_the_lower_class_stands_before(split):
    scores, everything = np.zeros((3, 3)), np.ones((3, 3), bool)
    assert split.ranks(scores, np.array([0, 1, 2]), everything).tolist() == [0, 1, 2]


def test_a_target_without_a_score_is_not_ranked_and_has_no_probability(split):
    scores, allowed = np.array([[1.0, -np.inf, 0.0]]), np.ones((1, 3), bool)
    assert split.ranks(scores, np.array([1]), allowed).tolist() == [-1]
    assert split.log_probabilities(scores, np.array([1]), allowed).tolist() == [-np.inf]
    nothing = np.full((1, 3), -np.inf)
    assert split.log_probabilities(nothing, np.array([1]), allowed).tolist() == [-np.inf]


def test_log_probabilities_are_those_of_the_softmax_over_allowed_items(split):
    scores = np.log(np.array([[1.0, 2.0, 5.0, 4.0]], np.float32)) + 700  # exp would overflow
    allowed = np.array([[True, True, False, True]])
    found = split.log_probabilities(scores, np.array([3]), allowed)
    assert found == pytest.approx([np.log(4 / 7)], abs=1e-4)


def test_the_ndcg_of_ranks_from_zero_is_that_of_our_metrics(split):
    found = np.array([0, 9, 10, -1, 3])
    assert split.ndcg(found) == pytest.approx(metrics.ndcg(found + 1, 10).mean())
    assert split.ndcg(np.array([0, 1])) == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_a_split_is_read_as_it_was_written(split, small, tmp_path):
    small.write(tmp_path / "split")
    again = split.Split.read(tmp_path / "split")
    for part in ("train", "validation", "test", "items"):
        assert np.array_equal(getattr(again, part), getattr(small, part)), part
    assert again.size == 7


def test_test_requests_show_the_validation_event_and_validation_requests_do_not(small):
    histories, targets = small.requests("validation")
    assert [h.tolist() for h in histories] == [[3, 1], [4]]  # user 1 took item 2 before
    assert targets.tolist() == [2, 5]
    histories, targets = small.requests("test")
    assert [h.tolist() for h in histories] == [[3, 1, 2], [2, 0, 2]]  # 6 is no candidate
    assert targets.tolist() == [4, 3]


def test_moments_are_those_of_the_history_and_last_of_the_target(small):
    assert small.timed
    assert [m.tolist() for m in small.moments("validation")] == [[10, 11, 20], [13, 22]]
    assert [m.tolist() for m in small.moments("test")] == [[10, 11, 20, 30], [12, 12, 21, 31]]


def test_items_of_the_history_are_not_allowed(split):
    allowed = split.allowed_sets([np.array([0, 2]), np.array([], int)], np.array([0, 1, 2]), 4)
    assert allowed.tolist() == [[False, True, False, False], [True, True, True, False]]


def test_answers_do_not_depend_on_how_many_are_asked_at_once(split, small):
    weights = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)

    def score(histories):
        return np.stack([weights[h].sum(0) for h in histories])

    asked = (score, *small.requests("test"), small.items, small.size)
    together, apart = split.answer(*asked), split.answer(*asked, chunk=1)
    for a, b in zip(together, apart, strict=True):
        assert np.allclose(a, b)


def test_classes_that_a_model_does_not_know_get_no_score(split, small):
    whole = split.spread(small, np.array([4, 1]), np.array([[0.5, 2.0]]))
    assert whole[0, [4, 1]].tolist() == [0.5, 2.0]
    assert np.isneginf(np.delete(whole[0], [4, 1])).all()
