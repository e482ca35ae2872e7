"""Stamps of every unit and spelling become the same nanosecond."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.data.timestamps import (
    INTERVAL_SECONDS,
    ISO_UNIT,
    NO_TIME,
    UNIT_NS,
    UNKNOWN_UNIT,
    duration_name,
    interval_ns,
    iso,
    parse_moment,
    to_nanoseconds,
)
from ethpredict.errors import ConfigError

MOMENT = 1_743_465_600_000_000_000  # 2025-04-01T00:00:00Z


@given(st.integers(946_684_800, 4_000_000_000), st.sampled_from(sorted(UNIT_NS)))
def test_every_unit_is_told_by_magnitude(second, unit):
    stamp = second * 1_000_000_000 // UNIT_NS[unit]
    for column in (pa.array([str(stamp)]), pa.array([stamp], pa.int64())):
        ts, units = to_nanoseconds(column)
        assert ts[0] == second * 1_000_000_000
        assert list(UNIT_NS)[units[0]] == unit


@pytest.mark.parametrize(
    "text",
    [
        "2025-04-01 00:00:00+0000",
        "2025-04-01 00:00:00+00:00",
        "2025-04-01T00:00:00Z",
        "2025-04-01T02:00:00+02:00",
        "2025-04-01 00:00:00 UTC",
        "2025-04-01 00:00:00",
        "2025-04-01",
        " 1743465600 ",
        "1743465600.000",
        "1.7434656e9",
        "1743465600000",
        "1743465600000000",
        "1743465600000000000",
    ],
)
def test_spellings_of_one_moment(text):
    ts, units = to_nanoseconds(pa.array([text]))
    assert ts.tolist() == [MOMENT]
    assert units[0] != UNKNOWN_UNIT


@pytest.mark.parametrize(
    "text", ["", "soon", "12", "-1743465600", "99999999999999999999", "2500-01-01", "1970-01-01"]
)
def test_what_is_no_moment(text):
    ts, units = to_nanoseconds(pa.array([text]))
    assert ts.tolist() == [NO_TIME]
    assert units.tolist() == [UNKNOWN_UNIT]


def test_nanoseconds_keep_their_last_digit():
    text = str(MOMENT + 123_456_789)
    assert to_nanoseconds(pa.array([text]))[0][0] == MOMENT + 123_456_789
    fraction = "1743465600.123456789"
    assert to_nanoseconds(pa.array([fraction]))[0][0] == MOMENT + 123_456_789


def test_stored_types():
    moment = dt.datetime(2025, 4, 1)
    for kind in ("s", "ms", "us", "ns"):
        ts, units = to_nanoseconds(pa.array([moment, None], pa.timestamp(kind)))
        assert ts.tolist() == [MOMENT, NO_TIME]
        assert units.tolist() == [ISO_UNIT, UNKNOWN_UNIT]
    assert to_nanoseconds(pa.array([moment.date()]))[0][0] == MOMENT
    assert to_nanoseconds(pa.array([1743465600.5]))[0][0] == MOMENT + 500_000_000
    assert to_nanoseconds(pa.array([None, 3], pa.int64()))[0].tolist() == [NO_TIME, NO_TIME]
    assert to_nanoseconds(pa.array([float("nan")]))[0].tolist() == [NO_TIME]


@pytest.mark.parametrize("name", INTERVAL_SECONDS)
def test_interval_names(name):
    assert duration_name(interval_ns(name)) == name


def test_unknown_interval_is_named():
    with pytest.raises(ConfigError, match=r"data\.interval = '7m'.*5m"):
        interval_ns("7m")


def test_configured_moments():
    expected = int(np.datetime64("2024-12-01T06:30:00", "ns").astype(np.int64))
    for text in ("2024-12-01 06:30", "2024-12-01T06:30:00Z", "2024-12-01T06:30Z"):
        assert parse_moment(text) == expected
    assert iso(expected) == "2024-12-01T06:30:00Z"
    with pytest.raises(ConfigError, match=r"data\.end = '2024-13-01'"):
        parse_moment("2024-13-01", "data.end")
