import re

import pytest

from ysmean.evaluation.page.charts import Axis, Series, chart, nice_ticks, value_axis

UNIT = Axis(0.0, 1.0, [(0.0, "zero"), (1.0, "one")])
# Of 640 x 380 units, x runs from 46 to 626, and y from 354 (below) to 12 (above).


def drawn(*series, x=UNIT, y=UNIT, **more):
    return chart("a <chart>", series, x, y, **more)


def test_values_are_placed_in_proportion_and_kept_inside():
    axis = Axis(10.0, 20.0, [])
    assert axis.place(12.5, 0.0, 100.0) == 25
    assert axis.place(12.5, 100.0, 0.0) == 75  # upwards, as y
    assert axis.place(30.0, 0.0, 100.0) == 100 and axis.place(0.0, 0.0, 100.0) == 0


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 0.34, [0, 0.1, 0.2, 0.3, 0.4]),
        (0, 1, [0, 0.5, 1]),
        (3.98, 5.16, [3.5, 4, 4.5, 5, 5.5]),
        (0, 0, [0, 0.5, 1]),
        (-2, 7, [-5, 0, 5, 10]),
    ],
)
def test_ticks_are_round_and_cover_the_values(low, high, ticks):
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_ticks_are_written_with_the_digits_they_need():
    assert [text for _, text in value_axis(0, 0.34).ticks] == ["0.0", "0.1", "0.2", "0.3", "0.4"]
    assert [text for _, text in value_axis(0, 0.9, percent=True).ticks] == ["0%", "50%", "100%"]
    assert [t for _, t in value_axis(0, 0.009, percent=True).ticks] == ["0.0%", "0.5%", "1.0%"]
    assert [text for _, text in value_axis(0, 40).ticks] == ["0", "10", "20", "30", "40"]


def test_points_and_lines_lie_where_the_axes_say():
    made = drawn(Series("a", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)], "n0"))
    assert '<polyline points="46.0,354.0 336.0,183.0 626.0,12.0"' in made
    assert re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', made) == [
        ("46", "354"),
        ("336", "183"),
        ("626", "12"),
    ]
    assert '<g class="series n0">' in made


def test_titles_and_notes_take_room_below():
    axis = Axis(0.0, 1.0, [(0.0, "zero"), (1.0, "one")], "title")
    made = drawn(Series("a", [(0.0, 0.0)], "n0"), x=axis, notes=["n = 1", "none"])
    assert 'cy="318"' in made  # 354 less two lines of 18
    assert "none" in made and ">title<" in made


def test_a_gap_breaks_the_line():
    points = [(0.0, 0.1), (0.25, 0.2), (0.5, None), (0.75, 0.3), (1.0, 0.4)]
    made = drawn(Series("a", points, "n0"))
    assert made.count("<polyline") == 2 and made.count("<circle") == 4


def test_a_single_point_has_a_mark_and_no_line():
    made = drawn(Series("a", [(0.0, None), (0.5, 0.5), (1.0, None)], "n0"))
    assert made.count("<polyline") == 0 and made.count("<circle") == 1


def test_a_band_runs_along_its_upper_edge_and_back_along_the_lower():
    points = [(0.0, 0.5), (1.0, 0.5)]
    made = drawn(Series("a", points, "n0", low=[0.25, 0.0], high=[0.75, 1.0]))
    assert 'points="46.0,97.5 626.0,12.0 626.0,354.0 46.0,268.5"' in made


def test_whiskers_stand_at_their_point():
    series = Series(
        "a", [(0.5, 0.5), (1.0, None)], "n0", low=[0.25, None], high=[0.75, None], joined=False,
        band=False,
    )  # fmt: skip
    made = drawn(series)
    assert '<line x1="336" y1="268.5" x2="336" y2="97.5" stroke="currentColor"' in made
    assert made.count("whisker") == 1 and "<polyline" not in made


def test_the_diagonal_is_where_both_axes_agree():
    made = drawn(x=Axis(0.0, 2.0, []), y=Axis(0.0, 1.0, []), diagonal=True)
    assert '<line x1="46" y1="354" x2="336" y2="12" class="diagonal">' in made


def test_a_chart_says_what_it_is_and_is_scaled_by_its_view_box():
    made = drawn(size=(320, 200))
    assert 'viewBox="0 0 320 200" role="img" aria-label="a &lt;chart&gt;"' in made
    assert "<title>a &lt;chart&gt;</title>" in made


def test_points_carry_titles():
    made = drawn(Series("a", [(0.5, 0.5)], "n0", titles=["half & half"]))
    assert "<title>half &amp; half</title>" in made
