"""Relations become features of their heads, which everything that uses features uses."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import worlds
import ysmean as ym
from ysmean.data.catalogue import Catalogue
from ysmean.data.features import FeatureEncoder
from ysmean.data.where import parse_where, where_mask
from ysmean.errors import DataError

ITEMS = ym.Items.from_frame({"item_id": ["1", "2", "3"], "year": [1990, 1991, None]})
FRAME = {
    "head": ["1", "2", "1", "9", "1"],
    "relation": ["director", "director", "actor", "actor", "actor"],
    "tail": ["Varda", "Varda", "Bonnaire", "Nobody", "Meril"],
}


def test_relations_become_categories_of_the_head():
    items = ITEMS.with_relations(ym.read_relations(FRAME))
    assert items.frame.columns == ["item_id", "year", "director", "actor"]
    assert items.frame["director"].to_list() == [["Varda"], ["Varda"], None]
    assert items.frame["actor"].to_list() == [["Bonnaire", "Meril"], None, None]
    assert items.schema == {"year": "number", "director": "categories", "actor": "categories"}
    assert items.notes[-3:] == (
        "the table: director read as categories of 2 items",
        "the table: actor read as categories of 1 items",
        "the table: 1 relations of what is no item left out",
    )


triples = st.lists(
    st.tuples(st.sampled_from("1234"), st.sampled_from(["a b", "c"]), st.sampled_from("xyz")),
    min_size=1,
)


@given(triples)
def test_every_item_has_just_the_tails_of_its_own_relations(rows):
    frame = pl.DataFrame(rows, schema=["head", "relation", "tail"], orient="row")
    items = ITEMS.with_relations(ym.read_relations(frame))
    assert items.frame["item_id"].to_list() == ["1", "2", "3"]
    for item, *lists in items.frame.drop("year").iter_rows():
        for kind, listed in zip(items.frame.columns[2:], lists, strict=True):
            expected = dict.fromkeys(t for h, r, t in rows if (h, r) == (item, kind))
            assert (listed or []) == list(expected)
    assert set(items.frame.columns[2:]) == {r for h, r, _ in rows if h != "4"}


def test_ids_in_text_files_keep_their_text_under_any_column_name(tmp_path):
    (tmp_path / "r.csv").write_text("film,kind,who\n007,actor,0042\n007,actor,0042\n7,1,2\n")
    names = {"head": "film", "relation": "kind", "tail": "who"}
    relations = ym.read_relations(tmp_path / "r.csv", names)
    assert relations.frame.rows() == [("007", "actor", "0042"), ("7", "1", "2")]
    assert relations.notes == ("r.csv: 1 relations that came twice dropped",)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"head": [1], "tail": [2]}, "the table has no column 'relation'; it has: head, tail"),
        ({**FRAME, "tail": ["a", None, "b", "c", "d"]}, "the table, row 2: tail is empty"),
        ({**FRAME, "head": [1.5] * 5}, "row 1: head is 1.5; ids must be text or integers"),
        ({"head": [], "relation": [], "tail": []}, "the table has no rows"),
    ],
)
def test_a_table_that_holds_no_relations_is_refused(frame, message):
    with pytest.raises(DataError, match=message):
        ym.read_relations(frame)


@pytest.mark.parametrize("kind", ["year", "item_id", "title", "available_from"])
def test_a_relation_called_like_a_column_is_refused_before_anything_is_overwritten(kind):
    relations = ym.read_relations({"head": ["1"], "relation": [kind], "tail": ["x"]})
    with pytest.raises(DataError, match=f"a relation is called '{kind}', and so is a column"):
        ITEMS.with_relations(relations)


def test_a_wrong_column_taken_for_the_types_is_refused():
    many = {"head": ["1"] * 101, "relation": [f"r{n}" for n in range(101)], "tail": ["x"] * 101}
    with pytest.raises(DataError, match="items have 101 types of relations; at most 100 become"):
        ITEMS.with_relations(ym.read_relations(many))


def test_relations_are_among_what_networks_rules_and_preferences_see():
    catalogue, _ = Catalogue.build(
        ym.Events.from_frame({"user_id": ["a"], "item_id": ["1"]}),
        ITEMS.with_relations(ym.read_relations(FRAME)),
    )
    frame, schema = catalogue.frame, catalogue.schema
    where = parse_where("actor contains all (Bonnaire, Meril) and director = Varda")
    assert where_mask(where, frame, schema).tolist() == [True, False, False]
    assert ("director", "Varda") in catalogue.attributes.rows
    same, other = FeatureEncoder.fit(frame.select("director"), {"director": schema["director"]})(
        frame
    )[[0, 1]]
    assert same.any() and (same == other).all()  # one director, two films


@pytest.mark.slow
def test_networks_learn_from_relations_and_heed_preferences_on_them():
    """Users keep to one studio, which is all that is known of the items."""
    events, items, _ = worlds.content_rule()
    heads, studios = items.frame["item_id"], items.frame["genres"].list.first()
    frame = pl.DataFrame({"head": heads, "tail": studios}).with_columns(relation=pl.lit("made by"))
    known = ym.Items(items.frame.select("item_id"), {}).with_relations(ym.read_relations(frame))
    studio = dict(zip(heads, studios, strict=True))
    content = ym.Content(width=8, hidden=8, fitting=ym.Fitting(batch=64, max_steps=80))
    knowledge = ym.Knowledge(width=4, hidden=4, fitting=ym.Fitting(batch=64, max_steps=2))
    r = ym.train(events, known, networks=[content, knowledge, ym.Popularity()], consensus=False)

    def made_by(answer):
        return [studio[item.item_id] for item in answer]

    own = made_by(r.recommend(history=["i0", "i3", "i6"], k=5, weights={"content": 1}))
    assert own.count("red") >= 4
    assert set(made_by(r.recommend(k=10, where="`made by` = green"))) == {"green"}
    liked = made_by(r.recommend(k=5, preferences={"made by": ["blue"]}))
    disliked = made_by(r.recommend(k=5, preferences={"made by": {"blue": -1}}))
    assert liked.count("blue") > disliked.count("blue") == 0


@pytest.mark.data
def test_a_real_knowledge_graph_becomes_features_of_the_films(data_folder):
    folder = data_folder / "ml-100k"
    links = pl.read_parquet(folder / "kg_link.parquet")
    graph = pl.read_parquet(folder / "kg.parquet")
    linked = graph.join(links, left_on="head", right_on="entity")
    frame = linked.select("relation", "tail", head="item_id")
    items = ym.read_items(folder / "items.parquet").with_relations(ym.read_relations(frame))
    of_item = {}
    for relation, tail, head in frame.iter_rows():
        of_item.setdefault((str(head), relation), set()).add(tail)
    found = {
        (row["item_id"], kind): set(row[kind])
        for row in items.frame.iter_rows(named=True)
        for kind in frame["relation"].unique()
        if row[kind]
    }
    assert found == of_item and len(found) > 10_000
    events = ym.read_events(folder / "events.parquet")
    r = ym.train(events, items, networks=[ym.Transition(), ym.Popularity()])
    directors = items.frame.explode("film.film.directed_by")["film.film.directed_by"].drop_nulls()
    name = directors.value_counts(sort=True)["film.film.directed_by"][0]
    own = {head for head, kind in of_item if name in of_item[head, kind] and "directed" in kind}
    answer = r.recommend(k=50, where=f"film.film.directed_by = '{name}'", at=893_286_638)
    assert {item.item_id for item in answer} == own
    assert answer.shortfall.allowed == len(own) > 5
