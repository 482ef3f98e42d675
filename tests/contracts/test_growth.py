"""What every network does with items that came after training."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import worlds
import ysmean as ym
from ysmean.data.features import FeatureEncoder
from ysmean.networks.content import ContentNetwork
from ysmean.networks.growth import STEP, Changed, fitted_to, room
from ysmean.networks.registry import REGISTRY

from .test_networks import KINDS, REQUESTS, encoded, quick

SPECS = {kind: quick(kind) for kind in KINDS}
SPECS["sequential for new items"] = replace(SPECS["sequential"], own_dropout=0.2)


@pytest.fixture(scope="module", params=list(SPECS))
def grown(request):
    events, items, users = worlds.content_rule()
    network, data = worlds.fit_spec(SPECS[request.param], events, items, users)
    rows = items.frame.filter(pl.col("item_id").is_in(["i28", "i3"]))  # cold and warm
    rows = rows.with_columns(item_id="new " + pl.col("item_id"))
    catalogue = data.catalogue.with_items(rows)
    classes = catalogue.classes(rows["item_id"])
    encoder = FeatureEncoder.fit(data.catalogue.frame, data.catalogue.schema)
    features = encoder(rows)
    changed = Changed(classes, features, np.zeros_like(features), encoder(rows, wide=True))
    return network, network.with_items(catalogue, changed), data, replace(data, catalogue=catalogue)


def logits(network, data, requests=REQUESTS):
    head = network.head(encoded(data, requests).batch)
    z = head.scores(0, len(data.catalogue))
    return (z if head.prior is None else z + head.prior), head


def test_the_items_that_were_there_are_scored_as_before(grown):
    old, new, before, after = grown
    (a, head), (b, later) = logits(old, before), logits(new, after)
    size = len(before.catalogue)
    np.testing.assert_allclose(b[:, :size], a, rtol=1e-5, atol=1e-5)
    assert (later.answers == head.answers).all()
    assert (later.coverage[:size] == head.coverage).all()


def test_new_items_are_covered_by_networks_that_score_cold_ones(grown):
    _, new, before, _ = grown
    size = len(before.catalogue)
    assert (new.coverage[size:] == new.knows_cold).all()


def test_a_new_item_is_scored_as_a_cold_one_that_is_the_same(grown):
    _, new, _, after = grown
    if new.knows_cold:
        z, _ = logits(new, after)
        twin, cold = after.catalogue.classes(["new i28", "i28"])
        np.testing.assert_allclose(z[:, twin], z[:, cold], rtol=1e-4, atol=1e-5)


def test_a_new_item_in_a_history_means_what_it_is(grown):
    _, new, _, after = grown
    twin, cold = (ym.Request(history=[i]) for i in ("new i28", "i28"))
    a, head = logits(new, after, [twin])
    b, _ = logits(new, after, [cold])
    if getattr(new, "kernel", None) is not None or isinstance(new, ContentNetwork):
        assert head.answers[0]  # the others know items by their events alone
    if not head.answers[0]:
        return
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_without_the_new_items_the_network_is_what_it_was(grown):
    old, new, before, _ = grown
    encoder = FeatureEncoder.fit(before.catalogue.frame, before.catalogue.schema)
    nothing = before.catalogue.frame[:0]
    narrow, wide = encoder(nothing), encoder(nothing, wide=True)
    none = Changed(np.empty(0, np.int32), narrow, narrow, wide)
    again = new.with_items(before.catalogue, none)
    for name, array in old.state().arrays.items():
        np.testing.assert_array_equal(again.state().arrays[name], array, err_msg=name)


def test_a_grown_network_survives_being_saved(grown):
    _, new, _, after = grown
    cls = next(cls for _, cls in REGISTRY.values() if type(new) is cls)
    again = cls.from_state(new.spec, new.state(), after.catalogue)
    np.testing.assert_allclose(logits(again, after)[0], logits(new, after)[0], rtol=1e-5, atol=1e-5)
    assert (again.coverage == new.coverage).all()
    history = ym.Request(history=["new i28"])
    assert logits(again, after, [history])[1].answers == logits(new, after, [history])[1].answers


def test_room_is_made_in_steps():
    assert [room(n) for n in (1, STEP, STEP + 1)] == [STEP, STEP, 2 * STEP]


def test_arrays_are_cut_or_filled_up_with_zeros():
    rows = np.arange(6).reshape(3, 2)
    assert fitted_to(rows, 4).tolist() == [[0, 1], [2, 3], [4, 5], [0, 0]]
    assert fitted_to(rows, 2).tolist() == [[0, 1], [2, 3]]
