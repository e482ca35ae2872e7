"""Facts on bars: by arrival, never filled, never too old."""

from __future__ import annotations

import logging
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict import features
from ethpredict.errors import DataError
from ethpredict.features.facts import growth
from ethpredict.features.funding import day_sums

DAY = 86_400_000_000_000
HOUR = DAY // 24
DAY0 = 20_000 * DAY
BLOCKS = ["onchain", "liquidity", "funding"]


def table(name, values, step=DAY, delay=DAY, first=DAY0):
    ts = first + np.arange(len(values)) * step
    rows = {"ts": ts, "ts_known": ts + delay, "source": "x", "name": name, "value": values}
    return pd.DataFrame(rows).dropna().reset_index(drop=True)


def hourly(make_bars, n, first=DAY0):
    bars = make_bars(1, n)
    return bars.assign(
        ts_open=first + np.arange(n) * HOUR, ts_close=first + np.arange(1, n + 1) * HOUR
    )


def test_a_day_is_known_at_its_end_and_changes_need_both_days(make_bars, make_settings):
    """Fails on values that are stamped at the day's beginning, and on forward or backward fill."""
    active = [100.0, 110.0, np.nan, 130.0, 140.0, 150.0, 160.0, 170.0, 180.0]
    bars = hourly(make_bars, 24 * 11)
    options = make_settings(include=["onchain"], on_missing="drop")
    found = features.build(bars, options, table("daily_active_addresses", active)).frame
    change = found["active_addresses_change_1d"]
    # Day 1 ends with bar 47; nothing is known before, in particular not by backward fill.
    assert change[:47].isna().all()
    assert change[47] == pytest.approx(math.log(111 / 101))
    # Days 2 and 3 give no change: one of their two days is missing. The last one ages meanwhile.
    assert change[47 + 71] == change[47]
    assert change[24 * 5 - 1] == pytest.approx(math.log(141 / 131))
    week = found["active_addresses_change_7d"]
    assert week[: 24 * 8 - 1].isna().all()
    assert week[24 * 8 - 1] == pytest.approx(math.log(171 / 101))
    age = found["active_addresses_age"]
    assert age[:23].isna().all()
    assert age[24 * 3 - 1] == pytest.approx(1.0)


def test_a_fact_grows_too_old(make_bars, make_settings):
    bars = hourly(make_bars, 24 * 8)
    found = features.build(bars, make_settings(include=["liquidity"]), table("tvl", [5e9])).frame
    known = found["price_tvl"].notna()
    assert np.flatnonzero(known).tolist() == list(range(23, 23 + 73))
    assert found["tvl_age"].iloc[-1] == pytest.approx(7.0)
    assert found["price_tvl"][30] == pytest.approx(math.log(bars["close"][30] / 5e9))
    total = bars["quote_volume"][11:31].sum()
    assert found["volume_tvl_20"][30] == pytest.approx(total / 5e9)


def test_funding_by_hand(make_bars, make_settings):
    bars = hourly(make_bars, 60)
    rates = table("funding_rate", [1e-4, 2e-4, -3e-4, 4e-4, 5e-4, 1e-5], 8 * HOUR, 0)
    marks = table("mark_price", [3000.0, 3100.0], 10 * HOUR, 0)
    result = features.build(bars, make_settings(include=["funding"]), pd.concat([rates, marks]))
    found = result.frame
    assert found["funding_rate"][[6, 7, 15, 23]].tolist() == [1e-4, 2e-4, -3e-4, 4e-4]
    np.testing.assert_allclose(
        found["funding_day"][[7, 15, 23, 31]], [3e-4, 0, 3e-4, 6e-4], atol=1e-18
    )
    assert found["funding_age"][30] == pytest.approx(7 / 24)
    np.testing.assert_allclose(
        found["basis"], np.log(np.where(np.arange(60) < 9, 3000, 3100) / bars["close"])
    )
    assert result.meta["fitted"] == [
        {"name": "funding_regime", "block": "funding", "kind": "quantile_bins",
         "inputs": ["input_funding_day"], "options": {"bins": 3}}
    ]  # fmt: skip
    np.testing.assert_array_equal(found["input_funding_day"], found["funding_day"])


@pytest.mark.parametrize("block", BLOCKS)
@given(seed=st.integers(0, 2**32 - 1), t=st.integers(1, 239))
@settings(max_examples=8)
def test_facts_that_arrive_later_change_nothing(
    make_bars, make_facts, make_settings, block, seed, t
):
    bars = hourly(make_bars, 240)
    options = make_settings(include=[block])
    facts = make_facts(seed, bars["ts_close"].to_numpy())
    late = np.random.default_rng(seed).random(len(facts)) < 0.2
    facts.loc[late, "ts_known"] += 2 * DAY
    now = bars["ts_close"][t - 1]
    other = facts.copy()
    other.loc[facts["ts_known"] > now, "value"] *= 3.0
    cut = facts[facts["ts_known"] <= now]
    whole, changed, early = (
        features.build(bars, options, known).frame[:t] for known in (facts, other, cut)
    )
    short = features.build(bars[:t], options, cut).frame
    for frame in (changed, early, short):
        for name in frame:
            assert frame[name].to_numpy().tobytes() == whole[name].to_numpy().tobytes(), name


@pytest.mark.parametrize("block", BLOCKS)
def test_no_facts_are_named(make_bars, make_settings, caplog, block):
    bars, options = make_bars(1, 50), make_settings(include=["returns", block])
    with caplog.at_level(logging.WARNING):
        result = features.build(bars, options)
    assert {column["block"] for column in result.meta["columns"]} == {"returns"}
    assert result.meta["fitted"] == []
    assert len(result.meta["dropped"]) >= 3
    for item in result.meta["dropped"]:
        assert item["column"] in caplog.text
        assert "data.extras" in item["reason"]
    with pytest.raises(DataError, match=rf"of block {block} .*data.extras"):
        features.build(bars, make_settings(include=["returns", block], on_missing="stop"))


def test_facts_that_are_all_too_old_are_missing(make_bars, make_settings):
    bars = hourly(make_bars, 50, DAY0 + 30 * DAY)
    facts = pd.concat([table("funding_rate", [1e-4]), table("tvl", [1e9])])
    options = make_settings(include=["returns", "funding", "liquidity"])
    result = features.build(bars, options, facts)
    gone = {item["column"] for item in result.meta["dropped"]}
    assert {"funding_rate", "funding_day", "price_tvl", "volume_tvl_20"} <= gone
    assert result.meta["fitted"] == []
    assert {"funding_age", "tvl_age"} <= set(result.frame)


def test_growth_and_day_sums_are_plain_loops():
    rng = np.random.default_rng(5)
    values = np.where(rng.random(60) < 0.2, np.nan, rng.exponential(50.0, 60))
    rows = table("x", values)
    rows.loc[::7, "ts_known"] += 3 * DAY
    by_day = {ts: (known, value) for ts, known, value in rows[["ts", "ts_known", "value"]].values}
    expected = [
        (
            ts,
            max(known, by_day[ts - 7 * DAY][0]),
            math.log((1 + value) / (1 + by_day[ts - 7 * DAY][1])),
        )
        for ts, (known, value) in by_day.items()
        if ts - 7 * DAY in by_day
    ]
    found = growth(rows, 7)
    np.testing.assert_allclose(found[["ts", "ts_known", "value"]].values, expected)
    short = table("x", rng.normal(size=40), 5 * HOUR, HOUR)
    sums = [short["value"][max(0, i - 4) : i + 1].sum() for i in range(40)]
    np.testing.assert_allclose(day_sums(short)["value"], sums)
