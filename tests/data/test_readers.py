"""Tables come in from files of every kind and from any dataframe."""

import pandas as pd
import polars as pl
import pytest

from ysmean.data.readers import read_frame
from ysmean.errors import DataError

FRAME = pl.DataFrame({"user_id": ["007", "8"], "item_id": ["a", "b"], "weight": [1.5, 2.0]})
WRITERS = {
    "a.csv": lambda f, p: f.write_csv(p),
    "a.tsv": lambda f, p: f.write_csv(p, separator="\t"),
    "a.parquet": lambda f, p: f.write_parquet(p),
    "a.pq": lambda f, p: f.write_parquet(p),
    "a.ndjson": lambda f, p: f.write_ndjson(p),
    "a.jsonl": lambda f, p: f.write_ndjson(p),
    "a.arrow": lambda f, p: f.write_ipc(p),
    "a.feather": lambda f, p: f.write_ipc(p),
    "a[1].csv": lambda f, p: f.write_csv(p),
    "A.CSV": lambda f, p: f.write_csv(p),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_table(tmp_path, name):
    WRITERS[name](FRAME, tmp_path / name)
    frame, called = read_frame(tmp_path / name)
    assert frame.equals(FRAME)
    assert called == name


@pytest.mark.parametrize(
    "source",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_arrow(),
        pd.DataFrame(FRAME.to_dict(as_series=False)),
        FRAME.to_dict(as_series=False),
    ],
    ids=["polars", "lazy", "pyarrow", "pandas", "dict"],
)
def test_every_kind_of_dataframe_gives_the_same_table(source):
    assert read_frame(source)[0].equals(FRAME)


def test_gzipped_text_is_read(tmp_path):
    import gzip

    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(FRAME.write_csv().encode()))
    assert read_frame(tmp_path / "a.csv.gz")[0].equals(FRAME)


def test_ids_and_titles_in_text_files_keep_their_form(tmp_path):
    (tmp_path / "a.csv").write_text("uid,item_id,title,n\n007,010,1917,07\n8,9,300,1\n")
    frame, _ = read_frame(tmp_path / "a.csv", {"user_id": "uid"})
    assert frame.row(0) == ("007", "010", "1917", 7)


def test_numbers_are_inferred_over_the_whole_file(tmp_path):
    rows = "".join(f"u,i,{n}\n" for n in range(2000))
    (tmp_path / "a.csv").write_text("user_id,item_id,x\n" + rows + "u,i,0.5\n")
    assert read_frame(tmp_path / "a.csv")[0]["x"].dtype == pl.Float64


def test_columns_get_our_names_and_take_the_place_of_namesakes():
    frame, _ = read_frame({"uid": [1], "user_id": [9], "item_id": [2]}, {"user_id": "uid"})
    assert frame.to_dict(as_series=False) == {"user_id": [1], "item_id": [2]}


def test_a_mapping_to_a_missing_column_suggests_the_nearest_and_lists_all():
    with pytest.raises(DataError, match=r"no column 'usr'.*'user'.* Known: item, user\."):
        read_frame({"user": [1], "item": [2]}, {"user_id": "usr"})


def test_a_missing_required_column_says_how_to_name_it():
    with pytest.raises(DataError, match=r"no column 'item_id'; it has: user_id.*--columns item_id"):
        read_frame({"user_id": [1]}, required=("user_id", "item_id"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.csv", b"\n\n", r"a\.csv cannot be read as csv"),
        ("a.csv", b"user_id,item_id\n", r"a\.csv has no rows"),
        ("a.csv", b"a,b\n1,2\n1,2,3,4\n", r"a\.csv, row 2 cannot be read as csv"),
        ("a.csv", b"a,b\n\xff\xfe,1\n", r"a\.csv cannot be read as csv: invalid utf-8"),
        ("a.parquet", b"no parquet", r"a\.parquet cannot be read as parquet"),
        ("a.ndjson", b'{"a": 1}\n{oops\n', r"a\.ndjson, row 2 cannot be read as ndjson"),
        ("a.arrow", b"no arrow", r"a\.arrow cannot be read as arrow"),
        ("a.xlsx", b"x", r"a\.xlsx ends in \.xlsx; expected one of \.csv"),
        ("a", b"x", r"ends in nothing; expected one of"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_frame(tmp_path / name)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv does not exist"):
        read_frame(str(tmp_path / "nowhere.csv"))
    with pytest.raises(DataError, match="is a folder; expected a file"):
        read_frame(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        {"user_id": [1, 2], "item_id": [1]},
        {"user_id": [1, "a"], "item_id": [1, 2]},
        pd.DataFrame({"user_id": [1, "a"], "item_id": [1, 2]}),
    ],
    ids=["uneven", "mixed", "mixed pandas"],
)
def test_columns_of_mixed_types_or_lengths_are_refused(source):
    with pytest.raises(DataError, match="one type, and all columns one length"):
        read_frame(source)


def test_something_else_is_refused_by_its_type():
    with pytest.raises(DataError, match="Cannot read a table from int; expected a path"):
        read_frame(3)
