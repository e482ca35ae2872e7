"""The promises of every feature: causal, gapless, finite memory, stated warm-up."""

from __future__ import annotations

import logging
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethpredict import features
from ethpredict.errors import DataError
from ethpredict.io import artefact
from scripts import build_features

BLOCKS = sorted(features.BLOCKS)
OF_BARS = [name for name in BLOCKS if name != "onchain"]  # reads nothing of the bars but their time
OF_BAR = ["open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume"]


def same_bits(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    return list(a) == list(b) and all(
        a[name].to_numpy().tobytes() == b[name].to_numpy().tobytes() for name in a
    )


def all_columns(result) -> list[dict]:
    """Features and inputs of fitted ones: both keep the promises."""
    return result.meta["columns"] + result.meta["inputs"]


def scrambled(bars: pd.DataFrame, first: int, last: int, seed: int = 0) -> pd.DataFrame:
    """Bars whose rows first .. last - 1 hold other prices, volumes and gaps."""
    rng = np.random.default_rng(seed)
    columns = {name: bars[name].to_numpy().copy() for name in bars}
    for name in OF_BAR:
        columns[name][first:last] *= rng.uniform(0.5, 2.0, last - first)
    columns["gap"][first:last] = rng.random(last - first) < 0.05
    return pd.DataFrame(columns)


@pytest.mark.parametrize("block", OF_BARS)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(30, 300),
    cut=st.floats(0, 1),
    gaps=st.sampled_from([0.0, 0.01]),
    flat=st.sampled_from([0.0, 0.5]),
)
@settings(max_examples=20)
def test_causal_bit_for_bit(build, make_bars, make_settings, block, seed, n, cut, gaps, flat):
    bars, options = make_bars(seed, n, gaps, flat), make_settings(include=[block])
    t = 1 + int(cut * (n - 1))
    whole = build(bars, options).frame.iloc[:t]
    assert same_bits(build(bars.iloc[:t], options).frame, whole)
    assert same_bits(build(scrambled(bars, t, n), options).frame.iloc[:t], whole)


@pytest.mark.parametrize("block", BLOCKS)
def test_warm_up_is_the_one_that_is_stated(build, make_bars, make_settings, block):
    result = build(make_bars(3, 200), make_settings(include=[block]))
    for column in all_columns(result):
        known = result.frame[column["name"]].notna().to_numpy()
        assert not known[: column["warmup"]].any()
        assert known[column["warmup"] :].all(), column


@pytest.mark.parametrize("block", OF_BARS)
@given(seed=st.integers(0, 2**32 - 1), row=st.integers(150, 199))
@settings(max_examples=10)
def test_memory_reaches_no_further_than_stated(build, make_bars, make_settings, block, seed, row):
    bars, options = make_bars(seed, 200), make_settings(include=[block])
    result = build(bars, options)
    for memory in {column["memory"] for column in all_columns(result)}:
        changed = build(scrambled(bars, 0, max(row - memory, 0)), options).frame
        for column in all_columns(result):
            if column["memory"] <= memory:
                assert changed[column["name"]][row] == result.frame[column["name"]][row], column


@pytest.mark.parametrize("block", BLOCKS)
def test_nothing_spans_a_gap(build, make_bars, make_settings, block):
    bars = make_bars(11, 300)
    bars.loc[150, "gap"] = True
    options = make_settings(include=[block])
    result = build(bars, options)
    other = build(scrambled(bars, 0, 150), options).frame.iloc[150:]
    assert same_bits(other, result.frame.iloc[150:])
    for column in all_columns(result):
        known = result.frame[column["name"]].notna().to_numpy()[150:]
        assert not known[: column["warmup"]].any()
        assert known[column["warmup"] :].all()


def test_same_values_whatever_the_price_level_except_for_levels(build, make_bars, make_settings):
    bars, options = make_bars(5, 250), make_settings()
    double = bars.copy()
    double[["open", "high", "low", "close", "quote_volume"]] *= 2.0
    a, b = (build(x, options).frame for x in (bars, double))
    # A fixed width keeps a share of the level; the others hold the price against something else.
    levels = ("fracdiff", "price_tvl", "volume_tvl", "basis", "amihud")
    for name in a:
        if not name.startswith(levels):
            np.testing.assert_allclose(a[name], b[name], rtol=1e-7, atol=1e-9, err_msg=name)


def test_blocks_come_in_the_registrys_order_and_names_are_unique(build, make_bars, make_settings):
    bars = make_bars(1, 120)
    forward = build(bars, make_settings())
    backward = build(bars, make_settings(include=list(features.BLOCKS)[::-1]))
    assert same_bits(forward.frame, backward.frame)
    assert forward.meta == backward.meta
    names = [column["name"] for column in all_columns(forward)]
    assert list(forward.frame) == ["ts_close", *names]
    assert len(set(names)) == len(names) >= 12
    assert forward.frame["ts_close"].dtype == np.int64
    assert {str(kind) for kind in forward.frame[names].dtypes} == {"float64"}


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_missing_taker_volume_drops_its_columns_and_says_so(
    make_bars, make_settings, caplog, value
):
    bars = make_bars(1, 60)
    bars["taker_buy_volume"] = value
    with caplog.at_level(logging.WARNING):
        result = features.build(bars, make_settings(include=["vol_adj_flow"]))
    gone = [item["column"] for item in result.meta["dropped"]]
    assert gone == ["taker_imbalance_3", "taker_imbalance_8", "taker_imbalance_20"]
    assert not set(gone) & set(result.frame)
    assert "vol_adj_flow_8" in result.frame
    assert all("taker_buy_volume is" in item["reason"] for item in result.meta["dropped"])
    assert all(name in caplog.text for name in gone)


def test_missing_inputs_stop_where_that_is_asked_for(make_bars, make_settings):
    bars = make_bars(1, 60)
    bars["quote_volume"] = np.nan
    with pytest.raises(
        DataError, match=r"vwap_distance_3 of block vol_adj_flow .*on_missing: drop"
    ):
        features.build(bars, make_settings(on_missing="stop"))


def test_no_column_left_is_refused(make_bars, make_settings, monkeypatch):
    def nothing(market, options):
        return [features.Missing("tide", "there is no sea")]

    monkeypatch.setitem(features.BLOCKS, "returns", nothing)
    with pytest.raises(DataError, match=r"no feature is left \(tide: there is no sea\)"):
        features.build(make_bars(1, 10), make_settings(include=["returns"]))


def test_one_unknown_bar_is_missing_only_while_it_is_in_the_window(make_bars, make_settings):
    bars = make_bars(1, 60)
    bars.loc[30, "taker_buy_volume"] = np.nan
    found = features.build(bars, make_settings(include=["vol_adj_flow"])).frame
    assert np.flatnonzero(found["taker_imbalance_8"].isna()).tolist() == [*range(7), *range(30, 38)]


def test_no_bars_and_few_bars_give_missing_values_not_errors(make_bars, make_settings):
    for n in (0, 1, 2):
        frame = features.build(make_bars(1, n), make_settings()).frame
        assert len(frame) == n
        assert frame["rsi_5"].isna().all()


def test_script_writes_what_the_package_gives(make_bars, make_facts, make_settings, tmp_path):
    bars = make_bars(2, 90)
    facts = make_facts(3, bars["ts_close"].to_numpy())
    funding = facts["name"].isin(["funding_rate", "mark_price"])
    inputs = types.SimpleNamespace(
        **{name: tmp_path / f"{name}.parquet" for name in ("bars", "funding", "onchain_daily")}
    )
    artefact.write_table(bars, inputs.bars)
    artefact.write_table(facts[funding], inputs.funding)
    artefact.write_table(facts[~funding], inputs.onchain_daily)
    outputs = types.SimpleNamespace(
        **{name: tmp_path / name for name in ("features", "meta", "spec")}
    )
    spec = {"stage": "features", "id": "0" * 16, "settings": make_settings(), "upstream": {}}
    build_features.main(inputs, outputs, spec)
    expected = features.build(bars, make_settings(), facts)
    assert {"onchain", "funding"} <= {column["block"] for column in expected.meta["columns"]}
    assert same_bits(artefact.read_table(outputs.features), expected.frame)
    assert artefact.read_json(outputs.meta) == expected.meta
    assert artefact.read_json(outputs.spec) == spec
    first = outputs.features.read_bytes()
    build_features.main(inputs, outputs, spec)
    assert outputs.features.read_bytes() == first
