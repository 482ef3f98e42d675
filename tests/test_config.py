"""The settings file reaches what it is about."""

import pytest

from ysmean.config import load_config
from ysmean.errors import YsMeanError


def read(tmp_path, settings, table="user_id,item_id,stars\na,x,1\na,y,3\na,z,4.5\n"):
    (tmp_path / "c.toml").write_text(settings)
    (tmp_path / "e.csv").write_text(table)
    config = load_config(tmp_path / "c.toml")
    return config.read(tmp_path / "e.csv", None, None, {"rating": "stars"})[0]


def test_weights_of_ratings_are_read_with_and_without_a_point(tmp_path):
    events = read(tmp_path, '[rating_weights]\n1 = "exclude"\n3 = "ignore"\n"4.5" = 2\n')
    rows = events.frame.select("item_id", "weight", "excludes").rows()
    assert rows == [("x", 1, True), ("z", 2, False)]


def test_a_threshold_with_a_point_that_lacks_its_quotes_is_explained(tmp_path):
    with pytest.raises(YsMeanError, match=r'Rating weight 4 is a table.*"4\.5" = '):
        read(tmp_path, "[rating_weights]\n1 = 1\n4.5 = 2\n")


def test_rating_weights_that_are_no_table_are_refused(tmp_path):
    with pytest.raises(YsMeanError, match="rating_weights is 4; expected a table"):
        read(tmp_path, "rating_weights = 4\n")
