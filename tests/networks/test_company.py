"""Items by the company they keep: counted, weighed and factored as written out by hand."""

import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean.errors import ConfigError
from ysmean.networks.company import company, met, mutual_information


def world():
    """Comedies are watched with comedies, thrillers with thrillers; c3 and c4 never together."""
    rng = np.random.default_rng(0)
    histories = {}
    for u in range(60):
        kind = "ct"[u % 2]
        some = [0, 1, 2, 3] if u % 4 < 2 else [0, 1, 2, 4]
        histories[f"u{u}"] = [f"{kind}{i}" for i in rng.permutation(some)]
    return worlds.table(histories)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def counted(histories, size):
    found = np.zeros((size, size))
    for u in range(len(histories)):
        own = histories.classes[histories.offsets[u] : histories.offsets[u + 1]]
        for a in range(len(own)):
            for b in range(len(own)):
                if 0 < abs(a - b) <= 10:
                    found[own[a], own[b]] += 1 / abs(a - b)
    return found


def test_what_met_is_counted_within_users_and_by_the_steps_between():
    data, training, _ = worlds.material(world())
    size = len(data.catalogue)
    found = met(training.histories, np.ones(size, bool)).toarray()
    np.testing.assert_allclose(found, counted(training.histories, size))


def test_information_is_that_of_the_formula():
    data, training, _ = worlds.material(world())
    size = len(data.catalogue)
    counts = met(training.histories, np.ones(size, bool))
    c = counts.toarray()
    smooth = c.sum(1) ** 0.75
    with np.errstate(divide="ignore"):
        expected = np.log(c / (c.sum(1)[:, None] * smooth / smooth.sum()))
    np.testing.assert_allclose(mutual_information(counts).toarray(), np.maximum(expected, 0))


def test_items_that_never_met_are_alike_if_they_met_the_same_others():
    data, training, _ = worlds.material(world())
    vectors = company(training.histories, np.ones(len(data.catalogue), bool), 4, 0)
    c3, c4, t3 = (vectors[data.catalogue.classes([i])[0]] for i in ("c3", "c4", "t3"))
    assert cosine(c3, c4) > 0.9
    assert cosine(c3, t3) < 0.1


def test_items_that_are_not_to_be_learned_from_keep_no_company():
    data, training, _ = worlds.material(world())
    learnable = np.ones(len(data.catalogue), bool)
    held = data.catalogue.classes(["c0", "t1"])
    learnable[held] = False
    vectors = company(training.histories, learnable, 4, 0)
    assert not vectors[held].any() and vectors[learnable].any(1).all()
    lengths = (vectors[learnable] ** 2).sum(1)
    assert lengths.mean() == pytest.approx(1, rel=1e-5)


def test_where_nothing_met_there_are_zeros():
    data, training, _ = worlds.material(worlds.table({"a": ["x"], "b": ["y"]}))
    assert not company(training.histories, np.ones(len(data.catalogue), bool), 8, 0).any()


def test_fewer_items_than_numbers_leave_the_rest_zero():
    data, training, _ = worlds.material(worlds.table({"a": ["x", "y"], "b": ["y", "x"]}))
    vectors = company(training.histories, np.ones(len(data.catalogue), bool), 8, 0)
    assert vectors.shape == (2, 8) and not vectors[:, 2:].any() and vectors.any()


@pytest.mark.parametrize("kept", [4, 0])
def test_items_without_features_begin_with_the_company_they_keep(kept):
    data, training, _ = worlds.material(world())
    learner = ym.Recurrent(width=8, blocks=1, company=kept).begin(training, 0)
    network = learner.finish()
    assert network.kernel is None  # there is nothing by which a new item could be told
    c3, c4, t3 = (network.item_vectors[data.catalogue.classes([i])[0]] for i in ("c3", "c4", "t3"))
    alike = cosine(c3, c4) > 0.9 and cosine(c3, t3) < 0.5
    assert alike == (kept > 0)


def test_no_company_below_none():
    with pytest.raises(ConfigError, match="company=-1"):
        ym.Sequential(company=-1)
