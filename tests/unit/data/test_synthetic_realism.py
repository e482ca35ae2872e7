"""The default market lies within the range of real ETH candles.

The ranges are those of every whole window of 30 and 90 days in three real
files (Binance spot ETHUSDT 1h 2024-2025, Binance spot ETHUSDT 5m December
2024, Lighter ETH perpetual 5m 2026-03-28 to 2026-06-28); the intraday figures
are of the three files as wholes. The last test measures them again where the
files stand beside the checkout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.synthetic import generate
from tests.unit.data.synthetic_markets import Figures, default_market, figures, hourly, settings

Series = tuple[np.ndarray, np.ndarray, np.ndarray]
DAY_NS = 86_400 * 10**9
RANGES_5M = {
    "annual_volatility": (0.4007, 0.7343),
    "kurtosis": (15.23, 39.59),
}
RANGES_1H = {
    "annual_volatility": (0.4213, 0.9154),
    "kurtosis": (5.555, 49.37),
    "daily_volume": (150_208.0, 689_732.0),
    "daily_volume_cv": (0.2450, 1.1104),
}
# Both candle lengths, whole files.
INTRADAY = {"volume_season": (2.202, 3.195), "return_season": (1.817, 2.681)}


def _columns(candles: pd.DataFrame) -> Series:
    ts_open, close, volume = (candles[c].to_numpy() for c in ("ts_open", "close", "volume"))
    return ts_open, close, volume


def _check(measured: Figures, ranges: dict[str, tuple[float, float]]) -> None:
    for name, (low, high) in ranges.items():
        value = asdict(measured)[name]
        assert low <= value <= high, (name, value, low, high)


def test_the_default_lies_within_the_real_ranges() -> None:
    short = _columns(default_market().candles)
    long = hourly(*short)
    _check(figures(*short), RANGES_5M | INTRADAY)
    _check(figures(*long), RANGES_1H | INTRADAY)


def test_volatility_clusters_and_moves_with_volume_as_in_the_real_files() -> None:
    _, close, volume = _columns(default_market().candles)
    moves = np.abs(np.diff(np.log(close)))

    def lagged(lag: int) -> float:
        return float(np.corrcoef(moves[lag:], moves[:-lag])[0, 1])

    # Real 5m files: 0.30-0.32 one candle later, 0.16-0.18 an hour later, 0.08-0.11 a day later.
    assert 0.2 < lagged(1) < 0.4
    assert 0.1 < lagged(12) < 0.25
    assert 0.03 < lagged(288) < 0.15
    # Real 5m files: 0.46-0.50.
    with_volume = np.corrcoef(np.log1p(volume[1:]), moves)[0, 1]
    assert 0.35 < with_volume < 0.6


def test_other_seeds_stay_near_the_ranges() -> None:
    ranges = {name: (low / 1.5, high * 1.5) for name, (low, high) in RANGES_5M.items()}
    for seed in (1, 2):
        _check(figures(*_columns(generate(settings(seed=seed, days=45)).candles)), ranges)


def _nanoseconds(stamps: pd.Series) -> np.ndarray:
    return pd.to_datetime(stamps, utc=True).dt.as_unit("ns").astype("int64").to_numpy()


def _real(folder: Path) -> tuple[Series, Series, Series]:
    """Binance 1h, Binance 5m, Lighter 5m."""
    binance = pd.read_csv(folder / "klines" / "ETHUSDT-1h-2024-2025.csv")
    december = pd.read_csv(folder / "klines" / "ETHUSDT-5m-2024-12.csv")
    (path,) = (folder / "lighter").glob("candles_ETH_perp_5m_*.csv")
    lighter = pd.read_csv(path)
    binance["ts_open"] = _nanoseconds(binance["timestamp"])
    december["ts_open"] = _nanoseconds(december["open_time"])
    lighter["ts_open"] = lighter["timestamp_ms"] * 1_000_000
    return _columns(binance), _columns(december), _columns(lighter)


def _windows(series: Series) -> Iterator[Series]:
    """Whole windows of 30 and 90 days, from the first row."""
    ts_open, close, volume = series
    per_day = DAY_NS // int(ts_open[1] - ts_open[0])
    for days in (30, 90):
        n = days * per_day
        for first in range(0, len(close) - n + 1, n):
            window = slice(first, first + n)
            yield ts_open[window], close[window], volume[window]


def _span(series: Iterable[Series], name: str) -> tuple[float, float]:
    values = [asdict(figures(*s))[name] for s in series]
    return min(values), max(values)


def test_the_ranges_are_those_of_the_real_files(shared_data: Path) -> None:
    binance, december, lighter = _real(shared_data)
    short = [*_windows(december), *_windows(lighter)]
    long = [w for s in (binance, hourly(*december), hourly(*lighter)) for w in _windows(s)]
    whole = [binance, december, lighter, hourly(*december), hourly(*lighter)]
    for series, ranges in ((short, RANGES_5M), (long, RANGES_1H), (whole, INTRADAY)):
        for name, bounds in ranges.items():
            assert _span(series, name) == pytest.approx(bounds, rel=5e-4), name
