"""What networks say without one cause: the requests that remain, and what is lost."""

import numpy as np
import pytest

import reference
from models import recommender
from ysmean.data.batch import Batch
from ysmean.data.requests import Request
from ysmean.mean.leave_one_out import bits_lost, covered_sizes, without_fields, without_items

AT = 1_750_000_000


def batch(tokens, gaps):
    size = len(tokens)
    return Batch(
        tokens=np.array(tokens, np.int32),
        gaps=np.array(gaps, np.int32),
        lengths=np.array([sum(t > 0 for t in row) for row in tokens]),
        user_fields=np.array([[7, 0, 9]] * size, np.int32),
        context=np.array([[0, 3]] * size, np.int32),
        preferences=np.zeros((size, 1), np.int32),
        lows=np.zeros((size, 1), np.int32),
        highs=np.zeros((size, 1), np.int32),
        strengths=np.zeros((size, 1), np.float32),
    )


def test_each_item_is_left_out_once_and_the_time_around_it_becomes_one_gap():
    found = without_items(batch([[0, 4, 2, 4, 8]], [[-1, 10, 20, 30, 40]]))
    assert found.owners.tolist() == [0, 0, 0]
    assert found.tokens.tolist() == [2, 4, 8]
    assert found.batch.tokens.tolist() == [[0, 0, 4, 4, 8], [0, 0, 0, 2, 8], [0, 0, 4, 2, 4]]
    assert found.batch.gaps.tolist() == [
        [-1, -1, 30, 30, 40],
        [-1, -1, -1, 50, 40],
        [-1, -1, 10, 20, 70],
    ]


def test_a_gap_beside_an_unknown_one_is_unknown():
    found = without_items(batch([[4, 2, 8]], [[10, -1, 30]]))
    assert found.tokens.tolist() == [2, 4, 8]
    assert found.batch.gaps.tolist() == [[-1, -1, 30], [-1, -1, 30], [-1, 10, -1]]


def test_only_the_last_items_are_left_out_and_no_history_has_none():
    several = batch([[1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 0, 6]], [[-1] * 4] * 3)
    found = without_items(several, last=2)
    assert list(zip(found.owners, found.tokens, strict=True)) == [(0, 3), (0, 4), (2, 6)]
    assert found.batch.tokens.tolist() == [[0, 1, 2, 4], [0, 1, 2, 3], [0, 0, 0, 0]]
    assert several.tokens.tolist()[0] == [1, 2, 3, 4]  # the batch itself is as it was


def test_each_known_field_is_left_out():
    found = without_fields(batch([[1], [2]], [[-1], [-1]]), "user_fields")
    assert found.owners.tolist() == [0, 0, 1, 1]
    assert found.slots.tolist() == [0, 2, 0, 2]
    assert found.tokens.tolist() == [7, 9, 7, 9]
    assert found.batch.user_fields.tolist()[:2] == [[0, 0, 9], [7, 0, 0]]
    assert found.batch.context.tolist() == [[0, 3]] * 4


def naive_log2(network, heat, encoded, cold):
    """Log2 p over A and each class's segment, (B, N), by softmaxes of whole vectors."""
    size = len(cold)
    head = network.head(encoded.batch)
    z = head.scores(0, size).astype(np.float64)
    if head.prior is not None:
        z = z + np.where(cold, 0, head.prior)
    z /= np.where(cold, heat[1], heat[0])
    allowed = encoded.allowed.tile(0, size)
    p = np.zeros(z.shape)
    for b in range(len(z)):
        for inside in (cold, ~cold):
            p[b] += reference.conditional(z[b], allowed[b] & inside & head.coverage)
    with np.errstate(divide="ignore"):
        return np.log2(p)


@pytest.mark.parametrize("name", ["collaborative", "content"])
def test_bits_lost_are_those_of_asking_anew_with_the_item_left_out(name):
    r = recommender()
    p, cold = r.parts, ~r.parts.catalogue.warm
    number = list(p.networks).index(name)
    network, heat = p.networks[name], p.proportions.temperatures[number]
    items = p.catalogue.item_ids[3:9]
    asked = [Request(history=items, at=AT), Request(at=AT), Request(history=items[:2], at=AT)]
    encoded = r.encode(asked)
    rows = np.array([0, 2])
    classes = np.array([[40, 41, 75], [50, -1, 79]], np.int32)  # the last ones are new
    variants = without_items(encoded.batch[rows])
    stream = r.stream(encoded.batch, encoded.allowed)
    lost = bits_lost(
        stream, p.proportions.temperatures, [(number, network)], variants, rows, classes
    )
    whole = naive_log2(network, heat, encoded, cold)
    assert len(variants) == 8
    for v, (owner, token) in enumerate(zip(variants.owners, variants.tokens, strict=True)):
        left_out = p.catalogue.item_ids[token - 1]
        request = asked[rows[owner]]
        rest = [i for i in request.history if i != left_out]
        # What was left out still may not be answered.
        anew = r.encode([Request(history=rest, exclude=[left_out], at=AT)])
        expected = naive_log2(network, heat, anew, cold)[0]
        for n, class_ in enumerate(classes[owner]):
            known = class_ >= 0 and np.isfinite(whole[rows[owner], class_])
            difference = whole[rows[owner], class_] - expected[class_] if known else 0.0
            assert lost[v, n, 0] == pytest.approx(difference, abs=1e-3)
    assert np.abs(lost).max() > 0.01


def test_without_its_only_item_a_network_is_compared_with_knowing_nothing():
    r = recommender()
    p, cold = r.parts, ~r.parts.catalogue.warm
    number = list(p.networks).index("content")
    network = p.networks["content"]
    encoded = r.encode([Request(history=[p.catalogue.item_ids[3]], at=AT)])
    stream = r.stream(encoded.batch, encoded.allowed)
    variants = without_items(encoded.batch)
    classes = np.array([[40]], np.int32)
    rows = np.array([0])
    lost = bits_lost(
        stream, p.proportions.temperatures, [(number, network)], variants, rows, classes
    )
    size = len(cold)
    count = (encoded.allowed.tile(0, size)[0] & network.coverage & (cold == cold[40])).sum()
    whole = naive_log2(network, p.proportions.temperatures[number], encoded, cold)[0, 40]
    assert lost[0, 0, 0] == pytest.approx(whole + np.log2(count), abs=1e-4)


def test_covered_sizes_count_allowed_classes_by_segment():
    allowed = reference.allowed_sets(np.array([[1, 1, 0, 1], [0, 1, 1, 1]], bool))
    coverage, cold = np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool)
    assert covered_sizes(allowed, coverage, cold).tolist() == [[1, 1], [0, 2]]
