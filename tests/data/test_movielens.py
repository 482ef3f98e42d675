import polars as pl
import pytest

from ysmean.data.movielens import read_movielens
from ysmean.errors import DataError


@pytest.fixture
def ml_1m(tmp_path):
    (tmp_path / "ratings.dat").write_text("1::10::5::978300760\n2::11::3::978302109\n")
    (tmp_path / "movies.dat").write_bytes(
        "10::Misérables, Les (1995)::Drama|Musical\n11::Toy Story (1995)::Comedy\n".encode(
            "latin-1"
        )
    )
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    return tmp_path


@pytest.fixture
def ml_100k(tmp_path):
    (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n186\t242\t3\t891717742\n")
    (tmp_path / "u.genre").write_text("unknown|0\nAction|1\nDrama|2\n\n")
    (tmp_path / "u.item").write_text(
        "242|Kolya (1996)|24-Jan-1997||http://x|0|1|1\n267|unknown||||1|0|0\n"
    )
    (tmp_path / "u.user").write_text("196|49|M|writer|55105\n186|39|F|executive|00000\n")
    return tmp_path


@pytest.fixture
def ml_latest(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,16,4.5,1217897793\n")
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\n16,"Matrix, The (1999)",Action|Sci-Fi\n17,Odd,(no genres listed)\n'
    )
    return tmp_path


def test_ml_1m_is_read_with_its_codes_spelled_out(ml_1m):
    tables = read_movielens(ml_1m)
    assert tables.events.rows() == [("1", "10", 978300760, 5.0), ("2", "11", 978302109, 3.0)]
    assert tables.items.rows()[0] == ("10", "Misérables, Les", 1995, ["Drama", "Musical"])
    assert tables.users.rows()[0] == ("1", "F", "under 18", "K-12 student", "48067")


def test_ml_100k_is_read_with_genres_from_its_flags(ml_100k):
    tables = read_movielens(ml_100k)
    assert tables.events.rows()[0] == ("196", "242", 881250949, 3.0)
    assert tables.items.rows() == [
        ("242", "Kolya", 1996, ["Action", "Drama"]),
        ("267", "unknown", None, ["unknown"]),
    ]
    assert tables.users.rows()[1] == ("186", 39, "F", "executive", "00000")


def test_ml_latest_has_no_users_and_no_genre_is_null(ml_latest):
    tables = read_movielens(ml_latest)
    assert tables.users is None
    assert tables.events.rows() == [("1", "16", 1217897793, 4.5)]
    assert tables.items.rows()[0] == ("16", "Matrix, The", 1999, ["Action", "Sci-Fi"])
    assert tables.items.rows()[1] == ("17", "Odd", None, None)


def test_what_is_written_can_be_read_as_events_items_and_users(ml_1m, tmp_path):
    import ysmean as ym

    paths = read_movielens(ml_1m).write(tmp_path / "out")
    assert [p.name for p in paths] == ["events.parquet", "items.parquet", "users.parquet"]
    assert ym.read_events(paths[0]).has_time
    assert ym.read_items(paths[1]).schema["genres"] == "categories"
    assert len(ym.read_users(paths[2])) == 2
    assert pl.read_parquet(paths[0]).schema["rating"] == pl.Float32


def test_other_folders_and_torn_lines_are_refused(tmp_path, ml_1m):
    with pytest.raises(DataError, match="is no MovieLens folder; expected one with ratings"):
        read_movielens(tmp_path / "nothing")
    (ml_1m / "ratings.dat").write_text("1::10::5::978300760\n2::11\n")
    with pytest.raises(DataError, match=r"ratings.dat, line 2: 2 parts; expected 4"):
        read_movielens(ml_1m)
