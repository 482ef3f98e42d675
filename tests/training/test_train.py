import numpy as np
import polars as pl
import pytest

import worlds
import ysmean as ym
from models import recommender, service, specs
from ysmean.config import Config, load_config
from ysmean.data.joined import Data
from ysmean.data.splits import make_split
from ysmean.errors import ConfigError, DataError
from ysmean.mean.proportions import COLD_ODDS
from ysmean.networks.registry import default_specs
from ysmean.training.presets import with_preset
from ysmean.training.progress import Progress
from ysmean.training.train import draw_pseudo_cold, learn


def test_networks_that_need_items_are_left_out_and_it_is_said():
    r = ym.train(
        service().events, networks=[ym.Content(), ym.Knowledge(), ym.Transition(), ym.Popularity()]
    )
    assert list(r.parts.networks) == ["transition", "popularity"]
    assert "content left out: no item with events has features" in r.parts.manifest["notes"]


def test_it_is_said_which_networks_cover_a_part_of_the_items_alone():
    class Told(Progress):
        def __init__(self):
            self.lines = []

        def say(self, text):
            self.lines.append(text)

    told = Told()
    r = ym.train(service().events, networks=[ym.Linear(limit=20), ym.Popularity()], progress=told)
    warm = int(r.parts.catalogue.warm.sum())
    said = [f"linear covers 20 of {warm} items with events"]
    assert [line for line in told.lines if "covers" in line] == said
    assert [line for line in r.parts.manifest["notes"] if "covers" in line] == said


def test_where_no_network_can_be_built_training_is_refused():
    with pytest.raises(ConfigError, match="No network can be built"):
        ym.train(service().events, networks=[ym.Content()])


def test_networks_that_find_nothing_to_learn_are_left_out_and_it_is_said():
    single = worlds.table({f"u{n}": [f"i{n % 4}"] for n in range(12)})
    r = ym.train(single, networks=[ym.Collaborative(), ym.Popularity()])
    assert list(r.parts.networks) == ["popularity"]
    assert any(note.startswith("collaborative left out") for note in r.parts.manifest["notes"])


def test_a_user_with_features_but_no_events_is_known():
    s = service()
    newcomer = pl.DataFrame({"user_id": ["new"], "age_group": ["60+"], "region": ["north"]})
    people = ym.Users.from_frame(pl.concat([s.users.frame, newcomer]))
    r = ym.train(s.events, s.items, people, networks=[specs()[3], ym.Popularity()])
    assert r.recommend("new").weights["knowledge"] > 0
    assert r.parts.user_fields[r.parts.histories.index["new"]].all()


def test_networks_may_be_asked_for_by_name():
    r = ym.train(service().events, networks=["transition", "popularity"])
    assert list(r.parts.networks) == ["transition", "popularity"]
    with pytest.raises(ConfigError, match="Did you mean 'transition'"):
        ym.train(service().events, networks=["transitions"])


def test_whole_histories_are_served():
    parts = recommender().parts
    assert len(parts.histories.classes) == len(service().events)
    assert 0 < parts.manifest["held_out"] <= len(service().users) // 2


def test_proportions_use_more_than_one_network():
    weights = recommender().parts.proportions.weights
    assert (weights[0, -1] > 0.011).sum() >= 2
    np.testing.assert_allclose(weights.sum(2), 1)


def test_networks_that_know_items_by_id_get_little_more_than_the_floor_among_cold_items():
    parts = recommender().parts
    p = parts.proportions
    cold = dict(zip(p.names, p.weights[1, 3], strict=True))
    by_id = [name for name, network in parts.networks.items() if not network.knows_cold]
    assert by_id and sum(cold[name] for name in by_id) < 0.1


def test_pseudo_cold_items_are_warm_ones_with_features():
    catalogue = recommender().parts.catalogue
    drawn = draw_pseudo_cold(catalogue, seed=0)
    assert drawn.sum() == int(0.05 * catalogue.warm.sum())
    assert catalogue.warm[drawn].all()


def test_events_on_unknown_items_are_kept_or_dropped_as_asked():
    events, items, _ = worlds.content_rule()
    import polars as pl

    more = pl.concat(
        [
            events.frame,
            pl.DataFrame(
                {**{c: events.frame[c][:1] for c in events.frame.columns}, "item_id": ["odd"]}
            ),
        ]
    )
    odd = ym.Events.from_frame(more)
    kept = ym.train(odd, items, networks=[ym.Popularity()])
    dropped = ym.train(odd, items, networks=[ym.Popularity()], unknown_items="drop")
    assert "odd" in kept.parts.catalogue.index
    assert "odd" not in dropped.parts.catalogue.index
    for r, word in ((kept, "kept"), (dropped, "dropped")):
        assert any(
            "1 items in 1 events" in note and word in note for note in r.parts.manifest["notes"]
        )
    with pytest.raises(DataError, match="unknown_items is 'lose'"):
        ym.train(odd, items, unknown_items="lose")


def test_tables_with_different_ids_are_refused_showing_both():
    _, items, _ = worlds.content_rule()
    other = worlds.table({"a": ["p", "q", "r"]})
    with pytest.raises(DataError, match="No event is on an item of the items file"):
        ym.train(other, items, unknown_items="drop")


def test_a_second_network_of_a_kind_gets_a_number():
    r = ym.train(
        service().events, networks=[ym.Transition(), ym.Transition(window=1), ym.Popularity()]
    )
    assert list(r.parts.networks) == ["transition", "transition-2", "popularity"]


def test_the_best_preset_has_one_more_network_unless_networks_are_named(tmp_path):
    (tmp_path / "named.toml").write_text('networks = ["popularity"]\n')
    usual = list(Config().specs())
    assert list(Config().specs("best")) == [*usual, "sequential"]
    assert [spec.kind for spec in default_specs("best")] == [*usual, "sequential"]
    assert list(Config().specs("fast")) == usual
    assert list(load_config(tmp_path / "named.toml").specs("best")) == ["popularity"]


def test_presets_change_the_budget_and_nothing_else_of_a_network():
    spec = specs()[0]
    assert with_preset(spec, "default") == spec
    fast, best = with_preset(spec, "fast"), with_preset(spec, "best")
    assert fast.fitting.max_steps == spec.fitting.max_steps * 15 // 100
    assert best.fitting.max_steps == spec.fitting.max_steps * 3
    assert (fast.embedding, best.embedding) == (spec.embedding, spec.embedding)
    with pytest.raises(ConfigError, match="Did you mean 'fast'"):
        with_preset(spec, "fats")


def premiere():
    """One user in 90 takes the new item i24 when asked; nobody takes i25 to i29."""
    events, items, _ = worlds.content_rule(new=6)
    histories = {
        user: views["item_id"].to_list()
        for (user,), views in events.frame.group_by("user_id", maintain_order=True)
    }
    histories["u0"][-2] = "i24"
    return worlds.table(histories, timestamps=True), items


def odds_of_cold_items(events, items, split="leave-last-out"):
    data = Data.join(events, items)
    parts_of = make_split(split, data.histories, len(data.catalogue), 0)
    base = np.ones(len(data.catalogue), bool)
    parts = learn(data, parts_of, [ym.Popularity()], base, 0, "default", Progress())
    return parts.proportions.cold_odds


def test_without_a_new_item_taken_the_odds_of_cold_items_are_the_default():
    events, items, _ = worlds.content_rule(new=6)
    assert odds_of_cold_items(events, items) == COLD_ODDS


def test_new_items_that_people_could_take_and_did_not_lower_the_odds_of_cold_items():
    assert odds_of_cold_items(*premiere()) < COLD_ODDS / 2


def test_items_withheld_for_a_test_say_nothing_about_how_often_new_ones_are_taken():
    events, items = premiere()
    taken = items.frame.filter(pl.col("item_id").is_in(events.frame["item_id"].implode()))
    alone = odds_of_cold_items(events, ym.Items.from_frame(taken))
    withheld = odds_of_cold_items(events, ym.Items.from_frame(taken), "cold-items:0.2")
    assert alone / 1.5 < withheld < 1.5 * alone


@pytest.mark.parametrize(
    ("column", "when", "could"),
    [
        ("available_from", 10.0**9, False),
        ("available_until", -1.0, False),
        ("available_from", -1.0, True),
        ("available_until", 10.0**9, True),
    ],
)
def test_new_items_that_nobody_could_take_say_nothing_either(column, when, could):
    events, items = premiere()
    untaken = pl.col("item_id").is_in([f"i{n}" for n in range(25, 30)])
    bounded = items.frame.with_columns(pl.when(untaken).then(when).alias(column))
    odds = odds_of_cold_items(events, ym.Items.from_frame(bounded))
    assert (odds < COLD_ODDS / 2) is could
