"""Lighter's ways: zeros left out, null for empty, percent, seconds beside milliseconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.sources import lighter
from ethpredict.data.timestamps import parse_moment
from ethpredict.errors import DataError
from tests.local_server import Asked, Reply, serving

STEP = 300_000
START = parse_moment("2025-01-01") // 10**6


def venue(asked: Asked) -> Reply:
    """Candles exist from the start on; every tenth had no trade, so its volumes are left out."""
    low, high = int(asked.query["start_timestamp"]), int(asked.query["end_timestamp"])
    if asked.path == "/api/v1/fundings":
        stamps = range(max(low, START) // 1000, min(high, START + 10 * 3_600_000) // 1000, 3600)
        rows = [
            {"timestamp": t, "value": "0.02", "rate": "0.0012", "direction": d}
            for t, d in zip(stamps, ["long", "short"] * 6, strict=False)
        ]
        return Reply({"code": 200, "resolution": "1h", "fundings": rows})
    assert int(asked.query["count_back"]) == 500
    times = [t for t in range(max(low, START), high + 1, STEP) if t % STEP == 0][-500:]
    candles = []
    for t in times:
        price = {"t": t, "o": 2361.11, "h": 2362.22, "l": 2360.0, "c": 2361.0 + t // STEP % 2}
        candles.append(price if t // STEP % 10 == 0 else price | {"v": t / 1e12, "V": 9.5, "i": 7})
    return Reply({"code": 200, "r": "5m", "c": candles or None})


def access_to(make_access, url: str, **data):
    words = {"interval": "5m", "lighter": {"market_id": 0, "url": url}, "source": "lighter"}
    return make_access(**words, **data)


def test_windows_join_and_zeros_come_back(make_access) -> None:
    with serving(venue) as server:
        market = lighter.fetch(access_to(make_access, server.url, end="2025-01-05"))
    candles = market.candles
    assert len(candles) == 4 * 288
    assert (np.diff(candles["ts_open"]) == STEP * 10**6).all()
    silent = candles["ts_open"] // (STEP * 10**6) % 10 == 0
    assert silent.sum() > 100
    assert (candles.loc[silent, "volume"] == 0).all()
    assert (candles.loc[~silent, "volume"] > 0).all()
    assert candles["trades"].isna().all()
    assert candles["taker_buy_volume"].isna().all()


def test_null_is_an_empty_window(make_access) -> None:
    with serving(venue) as server:
        access = access_to(make_access, server.url, start="2024-12-25", end="2025-01-02")
        assert len(lighter.fetch(access).candles) == 288


def test_nothing_but_null_is_an_error(make_access, shared_data: Path) -> None:
    recorded = (shared_data / "api_shapes/lighter_http_candles_null.json").read_text()
    with (
        serving(lambda _: Reply(recorded)) as server,
        pytest.raises(DataError, match="no rows for this period; check symbol"),
    ):
        lighter.fetch(access_to(make_access, server.url))


def test_funding_in_seconds_and_percent(make_access) -> None:
    with serving(venue) as server:
        rates, _ = lighter.funding(access_to(make_access, server.url))
    assert rates["ts"].iloc[0] == START * 10**6
    assert rates["value"].iloc[:2].tolist() == pytest.approx([1.2e-5, -1.2e-5])


def test_a_rate_is_a_percentage_of_the_price(shared_data: Path) -> None:
    """`value` is paid in USD for one ETH: it equals rate/100 of the mark price."""
    folder = shared_data / "lighter"
    paid = pd.read_csv(folder / "fundings_ETH_perp_1h_20260328_20260628.csv")
    mark = pd.read_csv(folder / "mark_price_candles_ETH_perp_1h_20260328_20260628.csv")
    both = paid.merge(mark, on="timestamp_ms")
    both = both[both["rate"] >= 0.001]  # printed to four digits
    ratio = both["value"] / (both["rate"] / 100 * both["open"])
    assert len(both) > 100
    assert ratio.median() == pytest.approx(1, abs=0.01)


def test_recorded_candles_are_read(make_access, shared_data: Path) -> None:
    recorded = json.loads((shared_data / "api_shapes/lighter_http_candles.json").read_text())
    with serving(lambda _: Reply(recorded)) as server:
        access = access_to(
            make_access, server.url, start="2023-11-14 22:13", end="2023-11-14 22:16"
        )
        access.data["interval"] = "1m"
        with pytest.raises(DataError, match="off the grid"):  # the fixture's stamps are odd
            lighter.fetch(access)


def test_an_error_code_says_what_to_check(make_access) -> None:
    refusal = {"code": 20001, "message": "invalid param: market_id"}
    with (
        serving(lambda _: Reply(refusal)) as server,
        pytest.raises(DataError, match=r"code 20001: invalid param.*data.lighter.market_id"),
    ):
        lighter.fetch(access_to(make_access, server.url))
