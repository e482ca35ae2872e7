"""Calibration from a stream of trades: recovery, causality, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ethpredict.data.book_check import rebuild_best
from ethpredict.data.captures import read_capture
from ethpredict.data.synthetic import generate, mid_path
from ethpredict.errors import TrialError
from ethpredict.quoting.book_mid import book_mids
from ethpredict.quoting.trade_mid import trade_mid, trade_mid_error
from ethpredict.quoting.trade_stream import stream_fits, trailing_windows
from tests.unit.data.synthetic_markets import settings as market_settings
from tests.unit.quoting.trade_paths import SECOND, planted_path

A, K, HALF_SPREAD = 0.08, 0.8, 0.1


@pytest.fixture(scope="module")
def trades() -> pd.DataFrame:
    """Eight hours: sweeps of a planted intensity around a quiet mid, and trades at the touch."""
    seconds = 8 * 3600
    path = planted_path(5, A, K, 0.004, 1.0, seconds)
    rng = np.random.default_rng(6)
    at = np.sort(rng.integers(0, seconds, 40_000)) * SECOND + 1
    side = np.where(rng.random(len(at)) < 0.5, 1, -1)
    mid = path.mid[at // SECOND]
    touch = pd.DataFrame({"ts": at, "price": mid + side * HALF_SPREAD, "aggressor_side": side})
    sweep = pd.DataFrame({"ts": path.ts, "price": path.price, "aggressor_side": path.side})
    return pd.concat([touch, sweep]).sort_values("ts", kind="stable", ignore_index=True)


def pieces(frame: pd.DataFrame, size: int):
    return lambda: (frame[i : i + size] for i in range(0, len(frame), size))


def fits_of(frame: pd.DataFrame, size: int = 7_000, **changes) -> pd.DataFrame:
    moments = np.array([2, 5, 8]) * 3600 * SECOND
    settings = {"window_days": 0.25, "window_s": 1.0, "nearest_bps": 1.0, "min_fills": 50}
    return stream_fits(pieces(frame, size), moments, **(settings | changes))


def test_planted_intensity_is_recovered(trades: pd.DataFrame) -> None:
    """Within 4 standard errors; the mid halfway between trades blurs the depths a little."""
    last = fits_of(trades)[lambda t: t["side"] == "both"].iloc[-1]
    assert last["approximate"]
    assert last["mid_source"] == "trades"
    assert last["reason"] == ""
    assert last["k"] == pytest.approx(K, abs=4 * last["k_se"] + 0.05 * K)
    assert last["A"] == pytest.approx(A, abs=4 * last["A_se"] + 0.1 * A)
    assert last["k_se"] < 0.1 * K
    assert np.isfinite(last["xi"])
    assert last["xi_se"] > 0.0


def test_pieces_and_later_trades_do_not_matter(trades: pd.DataFrame) -> None:
    whole = fits_of(trades)
    pd.testing.assert_frame_equal(whole, fits_of(trades, size=313), check_exact=True)
    moment = 5 * 3600 * SECOND
    later = trades["ts"] >= moment
    changed = trades.assign(price=trades["price"].where(~later, 1.0))
    known = whole["ts"] <= moment
    pd.testing.assert_frame_equal(whole[known], fits_of(changed)[known], check_exact=True)
    cut = stream_fits(
        pieces(trades[~later], 999),
        [moment],
        window_days=0.25,
        window_s=1.0,
        nearest_bps=1.0,
        min_fills=50,
    )
    pd.testing.assert_frame_equal(
        cut, whole[whole["ts"] == moment].reset_index(drop=True), check_exact=True
    )


def test_windows_of_the_stream(trades: pd.DataFrame) -> None:
    """No more is held than a window and a piece."""
    hour = 3600 * SECOND
    for moment, part in trailing_windows(pieces(trades, 500), np.arange(1, 9) * hour, hour):
        inside = trades["ts"].between(moment - hour, moment - 1)
        assert part["ts"].tolist() == trades.loc[inside, "ts"].tolist()


def test_refusals(trades: pd.DataFrame) -> None:
    with pytest.raises(TrialError, match="no trades before any fit"):
        fits_of(trades[:0])
    few = fits_of(trades, nearest_bps=200.0)
    assert few["A"].isna().all()
    assert few["reason"].str.contains("fills of the nearest order").all()


def test_mid_of_trades() -> None:
    assert trade_mid([], []).size == 0
    assert np.isnan(trade_mid([5.0, 6.0], [1, 1])).all()


def busy_market(**changes):
    """A day whose sweeps arrive with A of half the trades per second."""
    return generate(market_settings(days=1, sweep_fraction=0.5, **changes))


def day_fit(market, window_s: float, nearest_bps: float, book=tuple) -> pd.DataFrame:
    moment = int(market.candles["ts_open"].iloc[0]) + 24 * 3600 * SECOND
    fits = stream_fits(lambda: [market.trades], [moment], 1.0, window_s, nearest_bps, 50, book=book)
    return fits.set_index("side")


def test_the_synthetic_markets_own_trades_and_the_naive_estimate_beside_them() -> None:
    """Within 5 % at A dT = 1 and 2; at 2, where a window holds two fills, the naive loses 40 %."""
    market = busy_market(trades_per_day=345_600)
    truth = market.truth["fill"]
    assert truth["A"] == pytest.approx(1.0)
    for window_s, naive in ((1.0, 0.78), (2.0, 0.58)):
        fits = day_fit(market, window_s, 1.0)
        for side in ("bid", "ask", "both"):
            assert fits["A"][side] == pytest.approx(truth["A"], rel=0.05)
            assert fits["k"][side] == pytest.approx(truth["k"], rel=0.05)
            assert fits["p_value"][side] > 1e-3
            assert fits["A_naive"][side] == pytest.approx(naive * truth["A"], rel=0.05)


def test_trades_too_far_apart_to_tell_the_mid_are_refused() -> None:
    """One in four seconds: an order around such a mid is run over, A came out 8 times too high."""
    market = generate(market_settings(days=1))
    fits = day_fit(market, 1.0, 1.0)
    assert fits["A"].isna().all()
    assert fits["reason"].str.contains(r"the mid to within .* USD only, .* of 1/k").all()
    assert (fits["A_naive"] > 3.0 * market.truth["fill"]["A"]).all()


def test_error_of_the_mid_that_trades_tell() -> None:
    """Within 40 % of its distance from the mid path that no table shows; needs both sides."""
    wanted = market_settings(days=1, sweep_fraction=0.5, trades_per_day=345_600)
    market, (_, mid) = generate(wanted), mid_path(wanted)
    trades = market.trades
    told = trade_mid(trades["price"], trades["aggressor_side"])
    known = np.isfinite(told)
    at, side = trades["ts"].to_numpy()[known], trades["aggressor_side"].to_numpy()[known]
    opening = int(market.candles["ts_open"].iloc[0]) + np.arange(60, len(mid)) * SECOND
    off = told[known][np.searchsorted(at, opening, side="right") - 1] - mid[60:]
    error = trade_mid_error(at, side, at, told[known], 30.0)
    assert error == pytest.approx(float(np.sqrt(np.mean(off**2))), rel=0.4)
    assert trade_mid_error(at, np.ones(len(at)), at, told[known], 30.0) == np.inf
    assert trade_mid_error(at, side, at, told[known], 1e-9) == np.inf


def test_the_mid_of_the_synthetic_book() -> None:
    """Planted intensity within 5 % where orders stood, by the book's mid.

    A print must lie a tick beyond an order's level: half a tick more on average.
    """
    market = busy_market(trades_per_day=60_000, book="l2")
    truth = market.truth["fill"]
    fits = day_fit(market, 1.0, 3.0, pieces(market.book, 200_000))
    assert (fits["mid_source"] == "book").all()
    assert not fits["approximate"].any()
    distance = np.array([1.0, 2.0, 3.0])
    found = fits["A"]["both"] * np.exp(-fits["k"]["both"] * distance)
    half_tick = 0.5 * market.truth["book"]["tick"]
    planted = truth["A"] * np.exp(-truth["k"] * (distance + half_tick))
    np.testing.assert_allclose(found, planted, rtol=0.05)
    assert fits["k"]["both"] == pytest.approx(truth["k"], rel=0.05)


def test_book_mids_follow_the_rebuilt_book() -> None:
    """Against the book rebuilt update by update, in pieces of any size; a side may be empty."""
    rng = np.random.default_rng(3)
    n = 3_000
    side = rng.choice([-1, 1], n)
    book = pd.DataFrame(
        {
            "ts": np.cumsum(rng.integers(0, 2, n)) * (SECOND // 4),
            "side": side,
            "price": 100.0 - side * rng.integers(1, 5, n),
            "size": rng.choice([0.0, 0.0, 1.0], n),
            "snapshot": False,
            "id": np.arange(n),
        }
    )
    fresh = np.isin(np.arange(n) // 10, [0, 70, 200])
    book.loc[fresh, "snapshot"] = True
    book.loc[fresh, "size"] = 1.0
    book.loc[fresh, "id"] = book.loc[fresh, "id"] // 10 * 10
    book.loc[fresh, "ts"] = book.loc[book.loc[fresh, "id"], "ts"].to_numpy()
    best = rebuild_best(book).drop_duplicates("ts", keep="last").set_index("ts")
    wanted = 0.5 * (best["bid"] + best["ask"])
    whole = pd.concat(book_mids(pieces(book, n)), ignore_index=True)
    parts = pd.concat(book_mids(pieces(book, 17)), ignore_index=True)
    pd.testing.assert_frame_equal(whole, parts)
    assert whole["mid"].isna().any()
    place = np.searchsorted(whole["ts"], wanted.index, side="right") - 1
    np.testing.assert_array_equal(whole["mid"].to_numpy()[place], wanted.to_numpy())
    assert np.diff(whole["ts"]).max() <= 5 * SECOND // 4


def test_a_real_capture_with_standard_errors(shared_data) -> None:
    """Six minutes of Binance spot, mid of the rebuilt book; figures in docs/quoting.md."""
    found = read_capture(shared_data / "l2_capture" / "binance_spot_ethusdt_20240808.gz")
    end = int(found.trades["ts"].iloc[-1]) + 1
    fits = stream_fits(
        lambda: [found.trades], [end], 0.01, 1.0, 0.08, 50, book=lambda: [found.book]
    ).set_index("side")
    both = fits.loc["both"]
    assert both["mid_source"] == "book"
    assert 0.0 < both["A_se"] < 0.15 * both["A"]
    assert 0.0 < both["k_se"] < 0.15 * both["k"]
    assert both["xi"] > 3.0 * both["xi_se"] > 0.0
    joint = abs(fits["k"]["bid"] - fits["k"]["ask"])
    assert joint < 3.0 * np.hypot(fits["k_se"]["bid"], fits["k_se"]["ask"])
