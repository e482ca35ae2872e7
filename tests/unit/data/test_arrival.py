"""What a day says is known when the day is over, never before."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.data.arrival import DAY_NS, as_of, daily_facts, fact_quality
from ethpredict.data.timestamps import parse_moment

HOUR = DAY_NS // 24


def test_a_value_appears_at_the_end_of_its_day_and_ages() -> None:
    facts = daily_facts("x", "tvl", np.array([0, DAY_NS]), np.array([7.0, 8.0]))
    ts = np.array([0, DAY_NS - 1, DAY_NS, 2 * DAY_NS - 1, 2 * DAY_NS, 2 * DAY_NS + HOUR])
    joined = as_of(ts, facts, 10 * 86_400.0)
    assert joined["tvl"].tolist()[2:] == [7.0, 7.0, 8.0, 8.0]
    assert joined["tvl"].isna().tolist()[:2] == [True, True]
    assert joined["tvl_age"].tolist()[2:] == [0.0, 86_400 - 1e-9, 0.0, 3600.0]


def test_a_stale_value_is_missing_but_its_age_is_told() -> None:
    facts = daily_facts("x", "tvl", np.array([0]), np.array([7.0]))
    ts = np.array([DAY_NS + HOUR, DAY_NS + HOUR + 1])
    joined = as_of(ts, facts, 3600.0)
    assert joined["tvl"].tolist()[0] == 7.0
    assert np.isnan(joined["tvl"].iloc[1])
    assert joined["tvl_age"].iloc[1] >= 3600.0


def test_a_missing_day_is_no_fact() -> None:
    facts = daily_facts("x", "a", np.array([0, DAY_NS]), np.array([7.0, np.nan]))
    assert len(facts) == 1
    told = fact_quality(np.array([0, DAY_NS, 3 * DAY_NS]), facts)["a"]
    assert told["missing_share"] == 1 / 3  # the first moment knows nothing yet
    assert told["oldest_days"] == 2.0


def test_a_late_row_about_the_past_does_not_replace_what_is_newer() -> None:
    facts = daily_facts("x", "a", np.array([0, DAY_NS]), np.array([1.0, 2.0]))
    facts.loc[0, "ts_known"] = 5 * DAY_NS  # the first day, published late
    assert as_of(np.array([6 * DAY_NS]), facts, 1e9)["a"].tolist() == [2.0]


def test_of_one_day_the_last_row_counts() -> None:
    facts = daily_facts("x", "a", np.array([HOUR, 5 * HOUR]), np.array([1.0, 2.0]))
    assert facts["value"].tolist() == [2.0]
    assert facts["ts"].tolist() == [0]


@given(
    days=st.lists(st.integers(0, 30), min_size=1, max_size=10, unique=True),
    cut=st.integers(0, 40 * 24),
)
def test_what_comes_later_changes_nothing_before(days: list[int], cut: int) -> None:
    """The truncation test: facts that arrive after a moment are not seen at it."""
    stamps = np.array(sorted(days)) * DAY_NS
    facts = daily_facts("x", "a", stamps, np.arange(len(days), dtype=float))
    moment = cut * HOUR
    ts = np.arange(0, moment + 1, HOUR)
    whole = as_of(ts, facts, 1e9)
    cut_off = as_of(ts, facts[facts["ts_known"] <= moment], 1e9)
    pd.testing.assert_frame_equal(whole, cut_off.reindex(columns=whole.columns))


def test_santiments_price_is_the_close_of_its_day(shared_data: Path) -> None:
    """Row D of Santiment holds the closing price of D: used on D it would tell the future."""
    table = pd.read_csv(shared_data / "multi_source/santiment_metrics_april_may_2025.csv")
    days = np.array([parse_moment(text) for text in table["datetime"]])
    facts = daily_facts("santiment", "price", days, table["price_usd_value"].to_numpy())
    with open(shared_data / "multi_source/ETHUSDT-1h-2025-04.csv", encoding="utf-8") as file:
        hours = list(csv.reader(file))
    ts_close = np.array([int(row[0]) * 1000 + HOUR for row in hours])
    close = np.array([float(row[4]) for row in hours])
    joined = as_of(ts_close, facts, 86_400.0)["price"].to_numpy()
    ends = ts_close % DAY_NS == 0
    error = np.abs(np.log(joined[ends] / close[ends]))
    assert ends.sum() == 30
    assert error.max() < 0.005  # known at the very moment that it describes
    first = ts_close < days[1]
    assert np.isnan(joined[first]).all()  # before the first day is over nothing is known
    # Joined by its stamp, a day early, the value would foretell the whole day's move.
    early = facts.assign(ts_known=facts["ts"])
    leaked = as_of(ts_close, early, 86_400.0)["price"].to_numpy()
    opening = ts_close % DAY_NS == HOUR
    rest_of_day = np.log(close[ends] / close[opening])
    foretold = np.log(leaked[opening] / close[opening])
    honest = np.log(joined[opening][1:] / close[opening][1:])
    assert np.corrcoef(foretold, rest_of_day)[0, 1] > 0.99
    assert abs(np.corrcoef(honest, rest_of_day[1:])[0, 1]) < 0.5


@pytest.mark.parametrize("name", ["dev_activity_value", "daily_active_addresses_value"])
def test_a_source_that_lags_goes_missing_after_the_limit(shared_data: Path, name: str) -> None:
    table = pd.read_csv(shared_data / "multi_source/santiment_metrics_april_may_2025.csv")
    days = np.array([parse_moment(text) for text in table["datetime"]])
    facts = daily_facts("santiment", "m", days, table[name].to_numpy(dtype=float))
    last = int(facts["ts_known"].max())
    ts = np.array([last, last + 3 * DAY_NS, last + 3 * DAY_NS + 1])
    assert as_of(ts, facts, 3 * 86_400.0)["m"].notna().tolist() == [True, True, False]
