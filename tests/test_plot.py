import pytest

from models import recommender
from ysmean import plot
from ysmean.errors import ConfigError


def test_a_networks_boxes_follow_its_layers_from_input_to_softmax():
    graph = plot.network_graph("content", recommender().parts)
    order = list(graph)
    assert order[0] == "tokens" and graph["tokens"].parents == ()
    assert graph["block 0"].parents == ("dropout", "known")
    assert graph["block 1"].parents == ("block 0", "known")
    assert graph["norm"].parents == ("block 1",)
    assert graph["content_scores"].parents == ("query",)
    softmaxes = [node for node in graph.values() if node.text.startswith("softmax")]
    assert [node.text for node in softmaxes] == [
        "softmax over warm items",
        "softmax over cold items",
    ]
    assert all(node.parents == ("content_scores",) for node in softmaxes)


def test_every_box_has_its_parents_in_the_picture():
    for name in recommender().parts.networks:
        graph = plot.network_graph(name, recommender().parts)
        assert all(parent in graph for node in graph.values() for parent in node.parents)


def test_boxes_stand_above_what_is_computed_from_them():
    graph = plot.network_graph("knowledge", recommender().parts)
    rows = plot.levels_of(graph)
    places = plot.places_of(graph, rows, left=0.0, width=6.0)
    for name, node in graph.items():
        assert all(places[parent][1] > places[name][1] for parent in node.parents)
    assert len(set(places.values())) == len(graph)


def test_an_unknown_kind_of_picture_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"model\.doc.*ending in \.png"):
        plot.draw_model(recommender().parts, tmp_path / "model.doc")
