"""One table whatever the wrapping; damage is an error that names the file."""

import gzip
import hashlib
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ethpredict.errors import DataError
from ethpredict.io.raw_table import read_raw_table

TEXT = "time,price\n1,10.5\n2,11\n3\n"


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        gzip.compress(TEXT.encode()),
        gzip.compress(TEXT[:12].encode()) + gzip.compress(TEXT[12:].encode()),
        zipped(a_csv=TEXT),
        zipped(a_csv=TEXT, readme_txt="hello"),
    ],
    ids=["plain", "byte order mark", "gzip", "two gzip members", "zip", "zip with a note"],
)
def test_text_in_any_wrapping(tmp_path, content):
    path = tmp_path / "anything"
    path.write_bytes(content)
    table = read_raw_table(path)
    assert table.names == ("time", "price")
    assert [column.to_pylist() for column in table.columns] == [["1", "2"], ["10.5", "11"]]
    assert table.rows.tolist() == [2, 3]
    assert table.malformed == ((4, "field count: 1 field instead of 2", "3"),)
    assert table.raw(1) == "2,11"
    assert table.origin.record() == {
        "name": "anything",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"time": [1, 2], "price": [10.5, None]}), path)
    table = read_raw_table(path)
    assert table.names == ("time", "price")
    assert table.rows.tolist() == [1, 2]
    assert table.raw(1) == "2,None"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n \r\n", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"time,price\n", "a header but no rows"),
        (gzip.compress(TEXT.encode() * 99, mtime=0)[:-20], "truncated gzip"),
        (gzip.compress(TEXT.encode() * 99, mtime=0)[:30], "truncated gzip"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-8] + b"\0" * 8, "damaged gzip"),
        (zipped(a_csv=TEXT * 99)[:-30], "damaged zip"),
        (zipped(a_csv=TEXT, b_csv=TEXT), "2 csv files"),
        (zipped(a_txt=TEXT), "0 csv files"),
        (b"PAR1 and no more", "broken parquet"),
    ],
)
def test_damage_is_named(tmp_path, content, reason):
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as caught:
        read_raw_table(path)
    assert caught.value.row is None
    assert str(path) in str(caught.value)


def test_parquet_without_rows(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"time": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="no rows"):
        read_raw_table(path)


def test_encrypted_zip(tmp_path):
    content = bytearray(zipped(a_csv=TEXT))
    content[6] |= 1  # the encryption bit of the local header ...
    content[content.index(b"PK\x01\x02") + 8] |= 1  # ... and of the directory
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        read_raw_table(path)


def test_missing_and_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_raw_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_raw_table(tmp_path)
