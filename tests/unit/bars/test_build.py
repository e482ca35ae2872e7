"""The bars stage: the right source for each kind, gaps, report and script."""

import json
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ethpredict.bars import TradeCutter, bars_from_trades, build, time_bars
from ethpredict.bars.build import rule_of
from ethpredict.data.market import (
    CANDLE_COLUMNS,
    TRADE_COLUMNS,
    Chunks,
    empty_candles,
    empty_trades,
    mark_gaps,
    typed_table,
)
from ethpredict.errors import ConfigError, DataError
from ethpredict.io.artefact import read_json, read_table, write_json, write_table

STEP = 300 * 10**9
TIME = {"bars": {"kind": "time", "interval": "15m"}}
DOLLAR = {"bars": {"kind": "dollar", "threshold": "fixed", "dollar_threshold": 5000.0}}


@pytest.fixture
def candles():
    slots = np.array([s for s in range(60) if not 20 <= s < 35], dtype=np.int64)
    values = dict.fromkeys(CANDLE_COLUMNS, np.full(len(slots), 100.0))
    values |= {
        "ts_open": slots * STEP,
        "ts_close": (slots + 1) * STEP,
        "volume": np.full(len(slots), 20.0),
        "quote_volume": np.full(len(slots), 2000.0),
        "gap": mark_gaps(slots * STEP, (slots + 1) * STEP, 3600.0),
    }
    return typed_table(CANDLE_COLUMNS, values)


@pytest.fixture
def trades():
    n = 500
    rng = np.random.default_rng(0)
    ts = np.cumsum(rng.integers(0, 20, n)) * 10**9
    ts[300:] += 7200 * 10**9
    values = {
        "ts": ts,
        "price": 100.0 + rng.integers(-3, 4, n),
        "size": rng.integers(1, 9, n),
        "aggressor_side": rng.choice([-1, 1], n),
        "id": np.arange(n),
    }
    return typed_table(TRADE_COLUMNS, values)


def test_time_bars_come_from_candles(candles, trades):
    made = build(candles, trades, TIME, 3600.0)
    pd.testing.assert_frame_equal(made.bars, time_bars(candles, "15m", 3600.0).bars)
    assert made.quality["source"] == "candles"
    assert made.quality["kind"] == "time"
    assert made.quality["rows"] == len(made.bars)
    assert set(made.quality["duration_s"].values()) == {900.0}
    assert made.quality["per_day"] == len(made.bars) / (60 * 300 / 86_400)
    assert made.quality["incomplete"] == {"bars": 1, "missing_candles": 1}
    assert made.quality["tails"]["by_reason"] == {"gap": 1}
    assert made.quality["tails"]["rows"] == 1
    total = made.quality["volume"]
    assert total["bars"] + total["tails"] == candles["volume"].sum()


def test_gaps_are_the_borders_of_the_marked_rows(candles, trades):
    made = build(candles, trades, TIME, 3600.0)
    assert made.gaps.to_dict("list") == {
        "ts_from": [21 * STEP],
        "ts_to": [36 * STEP],
        "seconds": [15 * 300.0],
    }
    assert made.quality["gaps"] == {"count": 1, "longest_s": 4500.0}
    assert made.bars["gap"].sum() == 1
    whole = build(candles.iloc[:15], trades, TIME, 3600.0)
    assert whole.gaps.empty
    assert whole.gaps.dtypes.astype(str).tolist() == ["int64", "int64", "float64"]
    assert whole.quality["gaps"] == {"count": 0, "longest_s": 0.0}


def test_dollar_bars_come_from_trades_where_there_are_any(candles, trades):
    made = build(candles, trades, DOLLAR, 3600.0)
    assert made.quality["source"] == "trades"
    direct = bars_from_trades(
        trades["ts"],
        trades["price"],
        trades["size"],
        5000.0,
        "dollars",
        trades["aggressor_side"],
        3600.0,
    )
    pd.testing.assert_frame_equal(made.bars, direct.bars)
    assert made.bars["gap"].sum() == 1
    assert made.quality["tails"]["by_reason"] == {"end": 1, "gap": 1}
    assert made.bars["taker_buy_volume"].notna().all()


def test_dollar_bars_from_candles_say_so(candles, caplog):
    with caplog.at_level("WARNING"):
        made = build(candles, empty_trades(), DOLLAR, 3600.0)
    assert "dollar bars are made of whole candles" in caplog.text
    assert made.quality["source"] == "candles"
    assert made.quality["estimated_quote_volume"] == 0
    assert (made.bars["quote_volume"] == 6000.0).all()


def test_dollar_bars_need_no_candles(trades):
    assert len(build(empty_candles(), trades, DOLLAR, 3600.0).bars) > 2


FLOW = {"measure": "trades", "expected_trades": 20, "bound": 4, "average_bars": 20}
COUNT = {"threshold": "ewma", "per_day": 200, "average_days": 1}
KINDS = {
    "tick": COUNT | {"tick_threshold": 9},
    "volume": COUNT | {"volume_threshold": 40.0},
    "dollar": COUNT | {"dollar_threshold": 4000.0},
    "imbalance": FLOW,
    "run": FLOW,
}


def volume_of_tails(options, trades):
    """Exact sum of the tails' volumes."""
    cutter = TradeCutter(rule_of(options["bars"]), True, 3600.0)
    cutter.push(*(trades[name] for name in ("ts", "price", "size", "aggressor_side")))
    return sum((Fraction(x) for x in cutter.finish().tails["volume"]), Fraction())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_from_trades_in_pieces(kind, candles, trades):
    options = {"bars": {"kind": kind} | KINDS[kind]}
    trades["size"] /= 10
    made = build(candles, trades, options, 3600.0)
    pieces = Chunks(lambda: iter([trades[:0], trades[:7], trades[7:250], trades[250:]]))
    streamed = build(candles, pieces, options, 3600.0)
    pd.testing.assert_frame_equal(made.bars, streamed.bars, check_exact=True)
    assert streamed.quality == made.quality
    quality = made.quality
    assert quality["kind"] == kind
    assert quality["source"] == "trades"
    assert quality["trades"] == len(trades)
    assert quality["gaps"]["count"] == 1
    assert quality["threshold"]["min"] <= quality["threshold"]["max"]
    if kind in ("imbalance", "run"):
        assert sum(quality["closed_by"].values()) == len(made.bars)
        assert quality["closed_by"]["warm-up"] == 1
    # The trades' exact total is the bars', the tails' and what float sums round away.
    exact = sum((Fraction(x) for x in trades["size"]), Fraction())
    assert quality["volume"]["source"] == float(exact)
    held = sum((Fraction(x) for x in made.bars["volume"]), Fraction())
    tails = volume_of_tails(options, trades)
    assert quality["volume"]["rounding"] == float(exact - held - tails)


def test_time_bars_come_from_trades_where_there_are_no_candles(trades):
    made = build(empty_candles(), trades, TIME, 3600.0)
    assert made.quality["source"] == "trades"
    assert (made.bars["ts_close"] - made.bars["ts_open"] == 3 * STEP).all()
    assert (made.bars["ts_open"] % (3 * STEP) == 0).all()
    assert "threshold" not in made.quality


@pytest.mark.parametrize("kind", ["tick", "volume", "dollar"])
def test_counted_bars_of_candles(kind, candles):
    options = {"bars": {"kind": kind} | KINDS[kind] | {"tick_threshold": 250}}
    made = build(candles, empty_trades(), options, 3600.0)
    assert made.quality["source"] == "candles"
    assert made.quality["volume"]["rounding"] == 0
    assert made.quality["threshold"]["median"] > 0
    if kind == "tick":
        candles["trades"] = np.nan
        with pytest.raises(DataError, match="row 1: has no count of trades"):
            build(candles, empty_trades(), options, 3600.0)


@pytest.mark.parametrize("kind", ["imbalance", "run"])
def test_signed_bars_need_trades(kind, candles):
    match = rf"bars\.kind = '{kind}'.*has no trades.*fetch trades or take another kind"
    with pytest.raises(ConfigError, match=match):
        build(candles, empty_trades(), {"bars": {"kind": kind} | FLOW}, 3600.0)


def test_what_cannot_be_built_is_refused(candles, trades):
    with pytest.raises(
        ConfigError, match=r"bars\.kind = 'lunar'.*time, tick, volume, dollar, imbalance, run"
    ):
        build(candles, trades, {"bars": {"kind": "lunar"}}, 3600.0)
    with pytest.raises(DataError, match="no candles and no trades"):
        build(empty_candles(), empty_trades(), TIME, 3600.0)
    rich = {"bars": {"kind": "dollar", "threshold": "fixed", "dollar_threshold": 1e12}}
    with pytest.raises(ConfigError, match=r"dollar_threshold = 1000000000000\.0.*a lower value"):
        build(candles, trades, rich, 3600.0)
    with pytest.raises(ConfigError, match=r"bars\.interval = '1d'.*shorter bars"):
        build(candles, trades, {"bars": {"kind": "time", "interval": "1d"}}, 3600.0)


def load_script(root, name):
    from importlib.util import module_from_spec, spec_from_file_location

    description = spec_from_file_location(name, root / "scripts" / f"{name}.py")
    module = module_from_spec(description)
    description.loader.exec_module(module)
    return module


def test_script_writes_what_it_builds_and_the_same_bytes_twice(root, tmp_path, candles, trades):
    write_table(candles, tmp_path / "candles.parquet")
    write_table(trades, tmp_path / "trades.parquet")
    write_json({"max_gap": 3600.0}, tmp_path / "quality.json")
    inputs = SimpleNamespace(
        candles=tmp_path / "candles.parquet",
        trades=tmp_path / "trades.parquet",
        quality=tmp_path / "quality.json",
    )
    spec = {"stage": "bars", "id": "0" * 16, "settings": DOLLAR, "upstream": {"fetch": "1" * 16}}
    names = {"bars": "parquet", "gaps": "parquet", "quality": "json", "spec": "json"}
    script = load_script(root, "build_bars")
    contents = []
    for folder in ("a", "b"):
        outputs = {name: tmp_path / folder / f"{name}.{kind}" for name, kind in names.items()}
        script.main(inputs, SimpleNamespace(**outputs), spec)
        contents.append({name: path.read_bytes() for name, path in outputs.items()})
    assert contents[0] == contents[1]
    made = build(candles, trades, DOLLAR, 3600.0)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a/bars.parquet"), made.bars)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a/gaps.parquet"), made.gaps)
    assert read_json(tmp_path / "a/quality.json") == json.loads(json.dumps(made.quality))
    assert read_json(tmp_path / "a/spec.json") == spec


def test_script_leaves_nothing_behind_an_error(root, tmp_path, candles):
    write_table(candles, tmp_path / "candles.parquet")
    write_table(empty_trades(), tmp_path / "trades.parquet")
    write_json({"max_gap": 3600.0}, tmp_path / "quality.json")
    inputs = SimpleNamespace(
        candles=tmp_path / "candles.parquet",
        trades=tmp_path / "trades.parquet",
        quality=tmp_path / "quality.json",
    )
    names = ("bars", "gaps", "quality", "spec")
    outputs = SimpleNamespace(**{name: tmp_path / "out" / name for name in names})
    settings = {"bars": {"kind": "time", "interval": "1m"}}
    with pytest.raises(ConfigError):
        load_script(root, "build_bars").main(inputs, outputs, {"settings": settings})
    assert not (tmp_path / "out").exists()


def test_a_tape_without_sides_does_not_tell_what_takers_bought(candles, trades):
    silent = trades.copy()
    silent.loc[7, "aggressor_side"] = 0
    made = build(candles, silent, DOLLAR, 3600.0)
    assert made.bars["taker_buy_volume"].isna().all()
    told = build(candles, trades, DOLLAR, 3600.0)
    assert told.bars["taker_buy_volume"].notna().all()
    pd.testing.assert_series_equal(made.bars["volume"], told.bars["volume"])
