"""The consensus is fitted on other users than it is judged on."""

import numpy as np
import pytest

import reference
import ysmean as ym
from models import service, specs
from ysmean.data.histories import COHORTS
from ysmean.errors import ConfigError
from ysmean.mean.held import hold
from ysmean.training import remembered
from ysmean.training.consensus import CrossFitted, cross_fit

NETWORKS = {
    name: spec for spec in specs() if (name := spec.kind) in ("transition", "content", "popularity")
}


def asked(targets_of, n=400, size=6, seed=0, sure=1.0):
    """Return questions to two networks; `targets_of` tells whose word the targets follow."""
    rng = np.random.default_rng(seed)
    z = 4 * np.eye(size)[rng.integers(size, size=(2, n))]
    targets = z[targets_of, np.arange(n)].argmax(1)
    targets = np.where(rng.random(n) < sure, targets, rng.integers(size, size=n)).astype(np.int32)

    def ask(sample):
        rows = np.flatnonzero(sample)
        for lo in range(0, len(rows), 64):
            some = rows[lo : lo + 64]
            s = reference.stream(z[:, some], np.ones((len(some), size), bool))
            yield some, targets[some], hold(s)[0]

    return ask


def crossed(targets_of, folds, cohorts, whole=None, cut=None):
    n = len(folds)
    whole = np.ones(n, bool) if whole is None else whole
    cut = ~whole if cut is None else cut
    rng = np.random.default_rng(1)
    return cross_fit(asked(targets_of, n), whole, cut, folds, cohorts, 2, 6, rng)


def fitted(*told, **more):
    return crossed(*told, **more).exponents


def test_each_fold_is_answered_by_exponents_fitted_on_the_other():
    folds = np.repeat([0, 1], 200)
    exponents = fitted(folds, folds, np.full(400, 4))  # users of fold f follow network f
    assert (exponents[0, :, 1] > exponents[0, :, 0] + 0.3).all()
    assert (exponents[1, :, 0] > exponents[1, :, 1] + 0.3).all()


def test_one_newton_step_forgets_a_fold_as_fitting_without_it_does():
    rng, n = np.random.default_rng(7), 800
    folds, cohorts = rng.permutation(n) % 8, np.full(n, 5)
    questions = asked((rng.random(n) < 0.4).astype(int), n, sure=0.6)

    def fit(kept):
        rows, place = np.flatnonzero(kept), np.cumsum(kept) - 1

        def ask(sample):
            for some, columns, held in questions(np.isin(np.arange(n), rows[sample])):
                yield place[some], columns, held

        whole = np.ones(len(rows), bool)
        order = np.random.default_rng(1)
        return cross_fit(ask, whole, ~whole, folds[rows], cohorts[rows], 2, 6, order)

    found, moved, missed = fit(np.ones(n, bool)), [], []
    for fold in range(8):
        alone = fit(folds != fold).served[5]
        moved.append(np.abs(alone - found.served[5]).max())
        missed.append(np.abs(alone - found.exponents[fold, 5]).max())
    assert max(missed) < 0.2 * max(moved)


def test_cohorts_differ_where_data_says_so_and_follow_the_whole_otherwise():
    cohorts = np.repeat([0, 5], 200)
    folds = np.tile([0, 1], 200)
    exponents = fitted((cohorts == 5).astype(int), folds, cohorts, whole=cohorts == 5)
    assert (exponents[:, 0, 0] > exponents[:, 0, 1]).all()
    assert (exponents[:, 5, 1] > exponents[:, 5, 0]).all()
    assert (exponents[:, 2, 1] > exponents[:, 2, 0]).all()  # nobody asked: as the whole histories


def test_cut_histories_give_way_to_those_that_people_had():
    folds, cohorts = np.tile([0, 1], 200), np.zeros(400, int)
    cut = np.arange(400) < 250
    exponents = fitted((~cut).astype(int), folds, cohorts, np.zeros(400, bool), cut)
    assert (exponents[:, 0, 1] > exponents[:, 0, 0]).all()  # though there are fewer of them


def test_answers_too_large_to_be_kept_are_asked_for_again(monkeypatch):
    folds, cohorts = np.tile([0, 1], 200), np.repeat([2, 5], 200)
    kept = fitted((cohorts == 5).astype(int), folds, cohorts)
    monkeypatch.setattr(remembered, "KEPT_BYTES", 0)
    np.testing.assert_allclose(fitted((cohorts == 5).astype(int), folds, cohorts), kept)


def test_questions_are_asked_of_those_who_did_not_learn_from_them():
    exponents = np.arange(2 * len(COHORTS) * 2, dtype=float).reshape(2, len(COHORTS), 2)
    folds, cohorts = np.array([0, 1, 1]), np.array([0, 0, 3])
    found = CrossFitted(exponents[0], exponents, folds, cohorts).product(
        np.arange(3), np.ones((3, 2), bool)
    )
    for b in range(3):
        np.testing.assert_allclose(found[b], exponents[folds[b], cohorts[b]])


def test_the_mean_without_the_consensus_is_the_one_that_is_fitted_without_it():
    s = service()
    with_it, without = (
        ym.train(s.events, s.items, networks=NETWORKS, consensus=on).parts for on in (True, False)
    )
    assert with_it.proportions.names == (*NETWORKS, "consensus")
    assert without.proportions.names == tuple(NETWORKS)
    assert without.proportions.exponents is None
    pure = with_it.proportions.pure()
    np.testing.assert_array_equal(pure.weights, without.proportions.weights)
    np.testing.assert_array_equal(pure.temperatures, without.proportions.temperatures)
    assert pure.exponents is None and pure.names == without.proportions.names
    assert with_it.model_id != without.model_id


def test_it_needs_two_networks():
    r = ym.train(service().events, networks=["popularity"])
    assert r.parts.proportions.names == ("popularity",)
    assert r.parts.proportions.exponents is None


def test_no_network_may_take_its_name():
    with pytest.raises(ConfigError, match="named 'consensus'"):
        ym.train(service().events, networks={"consensus": ym.Popularity()})
