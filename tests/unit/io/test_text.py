"""Every line of a text is a row, the header, or a named fault: none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from ethpredict.io.text import split_lines, to_columns

CELL = st.text(alphabet="0123456789abc.- ", max_size=6)


@given(st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=12), st.booleans())
def test_no_line_is_lost(table, windows):
    lines = ["1,2,3", *[",".join(row) for row in table], "4,5,6"]
    split = split_lines(("\r\n" if windows else "\n").join(lines))
    found = {row: line for row, line in zip(split.rows, split.lines, strict=True)}
    found |= {row: line for row, _, line in split.malformed}
    assert [found[i + 1] for i in range(len(lines))] == lines
    assert all(line.count(",") == 2 for line in split.lines)
    columns = to_columns(split.lines, split.n_fields)
    assert [list(row) for row in zip(*(c.to_pylist() for c in columns), strict=True)] == [
        line.split(",") for line in split.lines
    ]


def test_header_is_the_first_line_without_a_number():
    assert split_lines("time, open\n1,2\n").names == ("time", "open")
    assert split_lines("1,2\n3,4\n").names is None
    assert split_lines("2024-01-01,5.0\n").names is None


def test_line_numbers_count_the_header_and_empty_lines():
    split = split_lines("\na,b\n1,2\n\n3,4,5\n6,7\n\n\n")
    assert split.rows == [3, 6]
    assert split.malformed == [
        (1, "empty line", ""),
        (4, "empty line", ""),
        (5, "field count: 3 fields instead of 2", "3,4,5"),
    ]


def test_quotes_are_removed_and_a_quoted_comma_is_no_border():
    split = split_lines('"a","b"\n"1","2"\n"1,5",2\n')
    assert split.names == ("a", "b")
    assert split.lines == ["1,2", "1;5,2"]


def test_a_field_beyond_the_csv_limit_is_a_fault():
    split = split_lines('a,b\n1,2\n"' + "9" * 200_000 + '",2\n')
    assert split.rows == [2]
    assert split.malformed[0][:2] == (3, "field count: 0 fields instead of 2")


def test_no_rows():
    assert split_lines("").n_fields == 0
    assert split_lines(" \n\r\n").n_fields == 0
    assert split_lines("a,b\n").lines == []
    assert [len(column) for column in to_columns([], 2)] == [0, 0]
