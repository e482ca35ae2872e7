"""Walk-forward calibration from a stream of trades, a trailing window of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethpredict.errors import TrialError
from ethpredict.quoting.book_mid import Pieces, book_mids
from ethpredict.quoting.impact import fill_impact
from ethpredict.quoting.trade_calibration import FIT_COLUMNS, walk_forward_trades
from ethpredict.quoting.trade_mid import trade_mid, trade_mid_error

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Trades = Callable[[], Iterable[pd.DataFrame]]

STREAM_COLUMNS = FIT_COLUMNS | {"xi": "float64", "xi_se": "float64", "mid_source": "str"}
DISTANCES = 8
# The farthest order is reached by this share of the prints beyond the nearest.
_REACHED = 0.02
_DAY_NS = 86_400 * 10**9
# A mid that no trade has renewed for so many windows is not one to quote around.
_STALE_WINDOWS = 30.0
# How many errors of the mid the nearest would-be order stands beyond the touch.
_STAND_OFF = 4.0
# The largest error of the mid in units of 1/k: A comes out too high by exp((k error)^2/2).
_MOST_ERROR = 0.35


def distance_grid(depth: Array, nearest: float) -> Array:
    """Distances of the would-be orders, from the nearest to one that few prints reach.

    Parameters
    ----------
    depth : ndarray
        How far prints lie beyond the mid, USD.
    nearest : float
        USD, > 0.

    Returns
    -------
    ndarray, shape (8,)
        USD, rising.
    """
    beyond = depth[depth > nearest]
    farthest = float(np.quantile(beyond, 1.0 - _REACHED)) if len(beyond) else 2.0 * nearest
    return np.linspace(nearest, max(farthest, 1.01 * nearest), DISTANCES)


def trailing_windows(
    trades: Trades, moments: npt.ArrayLike, span_ns: int
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Rows of ``[moment - span, moment)`` for every moment, from a stream.

    Parameters
    ----------
    trades : callable
        Gives the pieces of a table in order: of trades (columns ts, price, aggressor_side), or
        of any other with a sorted column ts.
    moments : array_like of int
        UTC ns, rising.
    span_ns : int
        Length of a window, ns.

    Yields
    ------
    moment, DataFrame
        No more than one window and one piece are held.
    """
    pieces = iter(trades())
    held = next(pieces, pd.DataFrame({"ts": [], "price": [], "aggressor_side": []}))
    done = False
    for moment in np.asarray(moments, dtype=np.int64).tolist():
        while not done and (len(held) == 0 or int(held["ts"].iloc[-1]) < moment):
            piece = next(pieces, None)
            done = piece is None
            if piece is not None:
                kept = held[held["ts"].to_numpy(np.int64) >= moment - span_ns]
                held = pd.concat([kept, piece], ignore_index=True)
        ts = held["ts"].to_numpy(np.int64)
        low, high = np.searchsorted(ts, [moment - span_ns, moment], side="left")
        yield moment, held.iloc[low:high]


def stream_fits(
    trades: Trades,
    moments: npt.ArrayLike,
    window_days: float,
    window_s: float,
    nearest_bps: float,
    min_fills: int,
    member: str = "calibration",
    book: Pieces = tuple,
) -> pd.DataFrame:
    """Intensity of both sides and impact at given moments, from earlier trades only.

    Parameters
    ----------
    trades, moments
        As in :func:`trailing_windows`.
    window_days : float
        Look-back, days, > 0.
    window_s : float
        How long a would-be order rests before it is re-quoted, s, > 0. The mid should
        hardly move within it: orders are also reached by the mid.
    nearest_bps : float
        Distance of the nearest would-be order, bps of the price, > 0; beyond the spread.
        Around a mid that trades tell it is moved out to four errors of that mid beyond the
        touch, so that ordinary trades around a mid that moved are not taken for deep ones.
    min_fills : int
        Fewer fills of the nearest order refuse a fit.
    member : str
        Whose fits they are, for the message.
    book : callable
        Gives the pieces of the `book_l2` table in order. Where it has rows in a span, the mid
        there is the book's, otherwise the one that trades tell (:func:`trade_mid`).

    Returns
    -------
    DataFrame
        Three rows per moment (bid, ask, both) with the columns of ``STREAM_COLUMNS``. xi, in
        the rows `both`, is the mean move of the mid, one window after a print beyond the
        nearest order, towards the taker. Such a print fills the whole order under strict
        trade-through, whatever its size, so that this is the move per fill of size D.
        mid_source is `book` or `trades`; the latter is flagged `approximate`, because between
        trades such a mid stands still. Where its error passes 0.35/k the fit is refused.
        A_naive and k_naive stand at distances from `nearest_bps` on in any case.

    Raises
    ------
    TrialError
        If the market has no trades at all.
    """
    found, seen = [], 0
    span = round(window_days * _DAY_NS)
    spans = trailing_windows(trades, moments, span)
    mids = trailing_windows(partial(book_mids, book), moments, span)
    for (moment, part), (_, quoted) in zip(spans, mids, strict=True):
        seen += len(part)
        at, middle, source = _mids(part, quoted)
        fits = _moment_fits(
            part, at, middle, moment, window_days, window_s, nearest_bps, min_fills, source
        )
        found.append(fits.assign(mid_source=source, approximate=source == "trades"))
    if seen == 0:
        raise TrialError(
            member,
            "the market has no trades before any fit: quoting.calibration.source trades needs "
            "them; fetch trades or set it to bars",
        )
    return pd.concat(found, ignore_index=True).astype(STREAM_COLUMNS)


def _mids(part: pd.DataFrame, quoted: pd.DataFrame) -> tuple[Ints, Array, str]:
    """Times and mids of one span, and where they come from."""
    if len(quoted):
        return quoted["ts"].to_numpy(np.int64), quoted["mid"].to_numpy(np.float64), "book"
    mid = trade_mid(part["price"].to_numpy(np.float64), part["aggressor_side"].to_numpy())
    known = np.isfinite(mid)
    return part["ts"].to_numpy(np.int64)[known], mid[known], "trades"


def _moment_fits(
    part: pd.DataFrame,
    at: Ints,
    middle: Array,
    moment: int,
    window_days: float,
    window_s: float,
    nearest_bps: float,
    min_fills: int,
    source: str,
) -> pd.DataFrame:
    """Intensity and impact on the trades of one span."""
    ts = part["ts"].to_numpy(np.int64)
    price, side = part["price"].to_numpy(np.float64), part["aggressor_side"].to_numpy()
    before = np.searchsorted(at, ts, side="left") - 1
    reference = np.full(len(ts), np.nan)
    if len(at):
        reference = np.where(before >= 0, middle[np.maximum(before, 0)], np.nan)
    depth = (price - reference) * side
    known = depth[np.isfinite(depth)]
    asked = nearest_bps * 1e-4 * (float(np.median(price)) if len(price) else 1.0)
    nearest, error = asked, 0.0
    if source == "trades" and len(known):
        error = trade_mid_error(ts, side, at, middle, _STALE_WINDOWS * window_s)
        touch = max(float(np.median(known)), 0.0)
        nearest = max(asked, touch + _STAND_OFF * error) if np.isfinite(error) else asked
    fits = walk_forward_trades(
        part,
        at,
        middle,
        [moment],
        window_days,
        distance_grid(known, nearest),
        window_s,
        min_fills,
        max_age_s=_STALE_WINDOWS * window_s,
        naive_deltas=distance_grid(known, asked),
    )
    fits = _refuse_stale(fits, error)
    deep = depth > nearest
    xi, xi_se = np.nan, np.nan
    try:
        jump = fill_impact(ts[deep], side[deep], at, middle, window_s, min_trades=min_fills)
        xi, xi_se = jump.value, jump.se
    except TrialError:
        # Too few prints for an impact are too few for a fit, whose reason says so.
        xi = np.nan
    pooled = fits["side"] == "both"
    return fits.assign(xi=np.where(pooled, xi, np.nan), xi_se=np.where(pooled, xi_se, np.nan))


def _refuse_stale(fits: pd.DataFrame, error: float) -> pd.DataFrame:
    """Take back fits around a mid whose error is no longer small against 1/k.

    The naive k counts as well: it is seen from near, where a stale mid still leaves prints.
    """
    steepest = fits[["k", "k_naive"]].max(axis=1) * error
    stale = steepest > _MOST_ERROR
    out = fits.copy()
    for i in fits.index[stale]:
        out.loc[i, "reason"] = (
            f"the trades tell the mid to within {error:.3g} USD only, {steepest[i]:.2g} of 1/k: "
            f"must be <= {_MOST_ERROR:g}, or A comes out too high; give the market a book, or set "
            "quoting.calibration.source to bars"
        )
    out.loc[stale, ["A", "A_se", "k", "k_se", "chi2", "p_value"]] = np.nan
    return out
