"""Calibration from a stream of trades: recovery, causality, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ethpredict.errors import TrialError
from ethpredict.quoting.trade_stream import stream_fits, trade_mid, trailing_windows
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
    assert not last["approximate"]
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
