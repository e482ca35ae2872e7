"""The quality report counts what was put into it."""

import json

import numpy as np
import pytest

from ethpredict.data.market import CANDLE_COLUMNS, QUARANTINED_COLUMNS, typed_table
from ethpredict.data.quality import candle_quality, outliers, pauses

MINUTE = 60 * 10**9


def candles_at(minutes, close=None):
    ts_open = np.asarray(minutes, dtype=np.int64) * MINUTE
    n = len(ts_open)
    close = np.full(n, 100.0) if close is None else np.asarray(close)
    values = dict.fromkeys(CANDLE_COLUMNS, np.ones(n))
    values |= {"ts_open": ts_open, "ts_close": ts_open + MINUTE, "close": close}
    return typed_table(CANDLE_COLUMNS, values)


def quarantined(reasons):
    rows = list(range(len(reasons)))
    return typed_table(
        QUARANTINED_COLUMNS, {"row": rows, "reason": reasons, "raw": [""] * len(rows)}
    )


def test_gaps_are_counted_measured_and_listed():
    report = candle_quality(candles_at([0, 1, 4, 5, 16]), quarantined([]), 300.0)
    assert report["rows"] == 5
    assert report["max_gap"] == 300.0
    assert report["period"] == {"start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:17:00Z"}
    assert report["gaps"] == {
        "count": 2,
        "over_max_gap": 1,
        "missing_candles": 2 + 10,
        "longest_s": 600.0,
        "first": [
            {"from": "1970-01-01T00:02:00Z", "to": "1970-01-01T00:04:00Z", "seconds": 120.0},
            {"from": "1970-01-01T00:06:00Z", "to": "1970-01-01T00:16:00Z", "seconds": 600.0},
        ],
    }


def test_only_the_first_gaps_are_listed():
    report = candle_quality(candles_at(range(0, 100, 2)), quarantined([]), 300.0)
    assert report["gaps"]["count"] == 49
    assert len(report["gaps"]["first"]) == 20


def test_reasons_are_counted_by_kind():
    reasons = ["field count: 13 instead of 12", "field count: 3 instead of 12"]
    reasons += ["duplicate timestamp: x stands in row 3 already", "empty line"]
    report = candle_quality(candles_at([0, 1]), quarantined(reasons), 300.0)
    assert report["duplicates"] == 1
    assert report["quarantined"] == {
        "rows": 4,
        "by_reason": {"duplicate timestamp": 1, "empty line": 1, "field count": 2},
    }


def test_an_outlier_is_found_and_a_jump_over_a_pause_is_not():
    rng = np.random.default_rng(5)
    steps = rng.normal(0, 1e-3, 200)
    steps[50] = 0.02  # 20 standard deviations
    steps[120] = 0.05
    minutes = np.arange(200)
    minutes[120:] += 7  # the second jump happens over a pause
    table = candles_at(minutes, 100 * np.exp(np.cumsum(steps)))
    found = outliers(
        table["close"].to_numpy(),
        pauses(table["ts_open"].to_numpy(), table["ts_close"].to_numpy()),
    )
    assert found["rows"] == [50]
    assert found["count"] == 1
    assert found["robust_sd"] == pytest.approx(1e-3, rel=0.2)


def test_prices_that_never_move_have_no_outliers():
    report = candle_quality(candles_at([0, 1, 2]), quarantined([]), 60.0)
    assert report["outliers"] == {"limit_sds": 10.0, "robust_sd": None, "count": 0, "rows": []}
    assert candle_quality(candles_at([3]), quarantined([]), 60.0)["outliers"]["count"] == 0


def test_the_report_is_plain_json():
    report = candle_quality(candles_at([0, 1, 9]), quarantined(["empty line"]), 60.0)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
