import re

import pytest

from ysmean.evaluation.page.marks import GAP, MARKS, key, mark, stacked, strip


def rects(made):
    return [
        (float(x), float(w)) for x, w in re.findall(r'<rect x="([\d.]+)".*?width="([\d.]+)"', made)
    ]


def test_the_parts_of_a_bar_follow_each_other_and_fill_it():
    made = stacked("bar", [("a", "n0", 0.5), ("b", "n1", 0.25), ("c", "n2", 0.25)], (400, 20))
    # rects come with a title inside, so attributes are those of the rect itself
    assert rects(made) == [(0, 200 - GAP), (200, 100 - GAP), (300, 100 - GAP)]


def test_parts_without_a_share_are_not_drawn():
    made = stacked("bar", [("a", "n0", 1.0), ("b", "n1", 0.0)], (400, 20))
    assert len(rects(made)) == 1 and "n1" not in made


def test_a_part_thinner_than_the_gap_still_has_a_width():
    made = stacked("bar", [("a", "n0", 0.999), ("b", "n1", 0.001)], (400, 20))
    assert rects(made)[1] == pytest.approx((399.6, 0.2))


def test_percentages_are_written_where_there_is_room():
    parts = [("a", "n0", 0.95), ("b", "n1", 0.05)]
    made = stacked("bar", parts, (400, 20))
    assert ">95%<" in made and ">5%<" not in made
    assert "<title>b 5.0%</title>" in made
    assert "<text" not in stacked("bar", parts, (400, 20), written=False)


def test_names_are_escaped():
    assert "<i>" not in stacked("<i>", [("<i>", "n0", 1.0)])


def test_every_mark_is_centred_and_looks_different():
    made = {mark(shape, 10.0, 8.0) for shape in (*MARKS, "ring")}
    assert len(made) == len(MARKS) + 1
    for shape in set(MARKS) - {"circle"}:
        corners = re.findall(r"([\d.]+),([\d.]+)", mark(shape, 10.0, 8.0))
        xs = [float(x) for x, _ in corners]
        assert (max(xs) + min(xs)) / 2 == pytest.approx(10, abs=0.1)


def test_a_strip_runs_from_0_to_1_inside_its_margins():
    made = strip("s", 0.5, 1.0, "n3", "circle")
    assert 'cx="100"' in made and '<line x1="192" y1="2" x2="192" y2="18"' in made


def test_keys_are_hidden_from_screen_readers():
    assert 'aria-hidden="true"' in key("circle", "n0") and "<line" in key("circle", "n0", line=True)
