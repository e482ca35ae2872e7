"""Files appear whole or not at all, and in the same bytes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.market import Chunks
from ethpredict.errors import DataError
from ethpredict.io.artefact import (
    ROW_GROUP,
    iter_table,
    read_json,
    read_members,
    read_table,
    verify,
    write_json,
    write_table,
)
from ethpredict.io.atomic import atomic_path

FRAME = pd.DataFrame({"run_id": ["a", "b"], "x": [1.0, math.nan], "n": [1, 2]})


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_tables_come_back_and_have_the_same_bytes(tmp_path: Path) -> None:
    write_table(FRAME, tmp_path / "a.parquet")
    write_table(FRAME.copy(), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), FRAME, check_dtype=False)
    assert read_table(tmp_path / "a.parquet", ["n"], run_id="b")["n"].tolist() == [2]
    assert read_table(tmp_path / "a.parquet", run_id=["a", "z"])["n"].tolist() == [1]


@pytest.mark.parametrize("rows", [0, 1, ROW_GROUP, ROW_GROUP + 1, 200_000])
def test_pieces_give_the_bytes_of_the_whole_table(tmp_path: Path, rows: int) -> None:
    n = np.arange(rows)
    text = pd.Series(np.where(n % 3 == 0, "swap", "sync"), dtype="str")
    whole = pd.DataFrame({"n": n, "x": np.sqrt(n), "kind": text, "gap": n % 5 == 0})
    write_table(whole, tmp_path / "whole.parquet")
    for size in (7_777, 150_000):
        cuts = [whole.iloc[i : i + size] for i in range(0, max(rows, 1), size)]
        pieces = Chunks(lambda cuts=cuts: iter([whole.iloc[:0], *cuts]))
        pd.testing.assert_frame_equal(pieces.frame(), whole)
        write_table(pieces, tmp_path / "pieces.parquet")
        assert (tmp_path / "pieces.parquet").read_bytes() == (
            tmp_path / "whole.parquet"
        ).read_bytes()
    groups = list(iter_table(tmp_path / "whole.parquet"))
    assert [len(group) for group in groups[:-1]] == [ROW_GROUP] * (len(groups) - 1)
    assert (len(groups[-1]) > 0) == (rows > 0)
    pd.testing.assert_frame_equal(pd.concat(groups, ignore_index=True), whole)
    narrow = pd.concat(iter_table(tmp_path / "whole.parquet", ["x"]))
    assert narrow["x"].tolist() == whole["x"].tolist()
    assert narrow.columns.tolist() == ["x"]


def test_pieces_that_do_not_fit_leave_no_file(tmp_path: Path) -> None:
    piece = pd.DataFrame({"n": [1]})
    with pytest.raises(DataError, match="no piece"):
        write_table(iter([]), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="a piece has the columns"):
        write_table(iter([piece, piece.astype("float64")]), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match=r"absent\.parquet"):
        next(iter_table(tmp_path / "absent.parquet"))


def test_json_is_sorted_plain_and_without_nan(tmp_path: Path) -> None:
    write_json({"b": np.float64(1.5), "a": [math.nan, np.int64(3), (1,)]}, tmp_path / "x.json")
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert text.index('"a"') < text.index('"b"')
    assert read_json(tmp_path / "x.json") == {"a": [None, 3, [1]], "b": 1.5}


def test_an_empty_table_is_empty_whatever_is_asked_of_it(tmp_path: Path) -> None:
    """Its texts have no type that a filter could compare."""
    path = tmp_path / "none.parquet"
    write_table(pd.DataFrame({"trial_id": pd.Series([], dtype=object)}), path)
    assert len(read_table(path, trial_id=["a"])) == 0
    assert len(read_table(path, trial_id="a")) == 0


@pytest.mark.parametrize("name", ["absent", "broken"])
def test_unreadable_files_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=name):
        read_table(tmp_path / name)
    with pytest.raises(DataError, match=name):
        read_json(tmp_path / name)


def test_of_a_member_that_two_packs_hold_the_later_counts(tmp_path: Path) -> None:
    write_table(FRAME, tmp_path / "old.parquet")
    write_table(FRAME.assign(x=9.0)[:1], tmp_path / "new.parquet")
    files = [tmp_path / "old.parquet", tmp_path / "new.parquet"]
    got = read_members(files, "run_id", ["a", "b"]).set_index("run_id")["x"]
    assert got["a"] == 9.0
    assert math.isnan(got["b"])


def test_a_sidecar_of_another_artefact_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "0123456789abcdef"
    write_json({"id": "0123456789abcdef"}, folder / "spec.json")
    verify([folder / "bars.parquet", "candles.csv"])
    write_json({"id": "fedcba9876543210"}, folder / "spec.json")
    with pytest.raises(DataError, match="belongs to fedcba9876543210"):
        verify([folder / "bars.parquet"])
    (folder / "spec.json").unlink()
    with pytest.raises(DataError, match=r"spec\.json"):
        verify([folder / "bars.parquet"])
