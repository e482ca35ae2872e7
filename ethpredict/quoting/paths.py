"""Inventory-independent paths of a quote: sigma, A, k, xi and the prediction."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ethpredict.errors import TrialError
from ethpredict.quoting.calibration import Calibration, WalkForward
from ethpredict.quoting.trade_stream import Trades, stream_fits
from ethpredict.quoting.volatility import price_sigma

_LOG = logging.getLogger(__name__)

PATH_COLUMNS = {
    "quote_id": "str",
    "row": "int64",
    "ts": "int64",
    "segment": "int8",
    "sigma": "float64",
    "A": "float64",
    "k": "float64",
    "xi": "float64",
    "m": "float64",
    "p": "float64",
    "gain": "float64",
    "loss": "float64",
    "t_pred": "int64",
    "horizon_s": "float64",
    "base_rate": "float64",
}
CALIBRATION_COLUMNS = {
    "quote_id": "str",
    "ts": "int64",
    "side": "str",
    "A": "float64",
    "A_se": "float64",
    "k": "float64",
    "k_se": "float64",
    "n_fills": "int64",
    "approximate": "bool",
    "chi2": "float64",
    "p_value": "float64",
    "xi": "float64",
    "xi_se": "float64",
    "reason": "str",
    "A_naive": "float64",
    "k_naive": "float64",
    "mid_source": "str",
}
# Of the validation rows (segment 0): how many, how many with all four, and medians of those.
STATUS_COLUMNS = {
    "quote_id": "str",
    "status": "str",
    "error": "str",
    "rows": "int64",
    "fitted_rows": "int64",
    "sigma": "float64",
    "A": "float64",
    "k": "float64",
    "xi": "float64",
}
_MEDIANS = ("sigma", "A", "k", "xi")


class Streams:
    """Trades and book of the market, and the fits made from them.

    Members with equal settings and moments share one pass over the tables.
    """

    def __init__(self, trades: Trades, book: Trades) -> None:
        self._trades, self._book = trades, book
        self._fits: dict[tuple[Calibration, bytes], pd.DataFrame] = {}

    def fits(self, name: str, moments: np.ndarray, settings: Calibration) -> pd.DataFrame:
        """Fits at some moments; a refusal of all of them names the member."""
        key = replace(settings, volatility_window=0), moments.tobytes()
        if key not in self._fits:
            self._fits[key] = stream_fits(
                self._trades,
                moments,
                settings.window_days,
                settings.window_s,
                settings.nearest_bps,
                settings.min_fills,
                name,
                self._book,
            )
        return self._fits[key]


def _table(parts: list[pd.DataFrame], columns: dict[str, str]) -> pd.DataFrame:
    """One table with fixed columns and types, also where there is no part."""
    if not parts:
        return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in columns.items()})
    return pd.concat(parts, ignore_index=True)[list(columns)].astype(columns)


def build_paths(
    bars: pd.DataFrame,
    predictions: pd.DataFrame,
    members: list[dict[str, Any]],
    statuses: pd.DataFrame | None = None,
    trades: Trades = tuple,
    book: Trades = tuple,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Build the paths of every member of a quote pack.

    Parameters
    ----------
    bars : DataFrame
        The `bars` table that all members share.
    predictions : DataFrame
        Rows of the train packs: model_id, row, ts, segment, m, p, gain, loss, horizon_s.
    members : list of dict
        ``{"id", "settings": {"quoting": {"calibration": {...}}}, "upstream": {"train"}}``.
    statuses : DataFrame, optional
        model_id, status, error of the train packs; a failed model fails its quote.
    trades : callable
        Gives the pieces of the trade table in order, for members calibrated from trades.
    book : callable
        Gives the pieces of the `book_l2` table in order: their mid, where there is one.

    Returns
    -------
    paths : DataFrame
        One row per member and predicted row, sorted by quote_id and row: sigma
        (USD/sqrt(s)), A (1/s), k (1/USD), xi (USD, >= 0; 0 from bars), the prediction and
        t_pred, the moment it was made (UTC ns). A and k pool both sides. nan where not
        enough data had arrived: there the simulator does not quote. A path without any
        fit of A and k stays, with a warning: a pool run does not read them.
    calibration : DataFrame
        One row per member, fit and side (`bid`, `ask`, `both`), with standard errors;
        `approximate` is True from bars, which only bound the fills, and around a mid that
        trades alone tell; goodness of fit, impact,
        the naive estimates beside the fit, `mid_source` (`book` or `trades`) and the reason of
        a refusal are known from trades only.
    status : DataFrame
        quote_id, status (`ok` or `failed`), error; then of the validation rows their number,
        fitted_rows (those with sigma, A and k) and the medians of sigma, A, k, xi over the
        latter; sorted by quote_id.
    """
    shared: dict[Calibration, tuple[np.ndarray, WalkForward]] = {}
    by_model = dict(tuple(predictions.groupby("model_id", sort=True)))
    failed = {}
    if statuses is not None:
        bad = statuses[statuses["status"] != "ok"]
        failed = dict(zip(bad["model_id"], bad["error"], strict=True))
    paths, calibrations, status = [], [], []
    streams = Streams(trades, book)
    for member in sorted(members, key=lambda item: str(item["id"])):
        name, model = str(member["id"]), str(member["upstream"]["train"])
        settings = Calibration(**member["settings"]["quoting"]["calibration"])
        try:
            if model in failed:
                raise TrialError(name, f"its model {model} failed: {failed[model]}")
            if model not in by_model:
                raise TrialError(name, f"its model {model} has no predictions")
            if settings not in shared:
                shared[settings] = (
                    price_sigma(bars, settings.volatility_window),
                    WalkForward(bars, settings),
                )
            path, fits = _member_path(name, by_model[model], *shared[settings], settings, streams)
        except TrialError as error:
            _LOG.warning("quote failed: %s", error)
            status.append((name, "failed", str(error), 0, 0, *[np.nan] * len(_MEDIANS)))
            continue
        paths.append(path)
        calibrations.append(fits)
        status.append((name, "ok", "", *_medians(path)))
    return (
        _table(paths, PATH_COLUMNS),
        _table(calibrations, CALIBRATION_COLUMNS),
        pd.DataFrame(status, columns=list(STATUS_COLUMNS)).astype(STATUS_COLUMNS),
    )


def _medians(path: pd.DataFrame) -> tuple[float, ...]:
    """Rows of the validation, those that can be quoted on, and their typical parameters."""
    rows = path.loc[path["segment"] == 0, list(_MEDIANS)]
    fitted = rows[rows.notna().all(axis=1)]
    return (len(rows), len(fitted), *(float(fitted[name].median()) for name in _MEDIANS))


def _member_path(
    name: str,
    predicted: pd.DataFrame,
    sigma: np.ndarray,
    walk: WalkForward,
    settings: Calibration,
    streams: Streams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Paths and fits of one member on the rows of its model's predictions."""
    predicted = predicted.sort_values("row", kind="stable")
    rows, ts = predicted["row"].to_numpy(np.int64), predicted["ts"].to_numpy(np.int64)
    moments, which = np.unique(walk.moments(ts), return_inverse=True)
    table = _fit_table(name, moments, walk, settings, streams)
    pooled = table[table["side"] == "both"]
    pooled_a, pooled_k = pooled["A"].to_numpy(np.float64), pooled["k"].to_numpy(np.float64)
    impact = np.maximum(pooled["xi"].to_numpy(np.float64), 0.0)
    if np.isnan(pooled_a).all():
        # Not a failure: a pool, a fixed spread and a position that is held need no fit.
        _LOG.warning(
            "quote %s: no fit of A and k in %d windows of %g d: at most %d would-be fills, "
            "quoting.calibration.min_fills = %d; glft cannot quote on the order book with it. "
            "Lengthen window_days or lower min_fills%s",
            name,
            len(moments),
            settings.window_days,
            int(pooled["n_fills"].max()) if len(pooled) else 0,
            settings.min_fills,
            f"; last refusal: {pooled['reason'].iloc[-1]}" if pooled["reason"].any() else "",
        )
    if np.isnan(sigma[rows]).all():
        raise TrialError(
            name,
            f"no row has {settings.volatility_window} returns behind it without a gap "
            f"({len(sigma)} bars); shorten quoting.calibration.volatility_window",
        )
    path = pd.DataFrame(
        {
            "quote_id": name,
            "row": rows,
            "ts": ts,
            "segment": predicted["segment"].to_numpy(np.int8),
            "sigma": sigma[rows],
            "A": pooled_a[which],
            "k": pooled_k[which],
            "xi": np.nan_to_num(impact)[which],
            **{
                column: predicted[column].to_numpy(np.float64)
                for column in ("m", "p", "gain", "loss", "horizon_s")
            },
            "t_pred": ts,
            "base_rate": (
                predicted["base_rate"].to_numpy(np.float64) if "base_rate" in predicted else np.nan
            ),
        }
    )
    return path, table


def _fit_table(
    name: str, moments: np.ndarray, walk: WalkForward, settings: Calibration, streams: Streams
) -> pd.DataFrame:
    """Fits of one member at its moments, three sides each, with the columns of the artefact."""
    if settings.source == "trades":
        fits = streams.fits(name, moments, settings)
        return fits.assign(quote_id=name)[list(CALIBRATION_COLUMNS)].astype(CALIBRATION_COLUMNS)
    rest = {"chi2": np.nan, "p_value": np.nan, "xi": np.nan, "xi_se": np.nan, "reason": ""}
    rest |= {"A_naive": np.nan, "k_naive": np.nan, "mid_source": ""}
    rows = [
        (name, int(moment), side, f.A, f.A_se, f.k, f.k_se, f.n_fills, True, *rest.values())
        for moment in moments
        for side, f in walk.at(int(moment)).items()
    ]
    return pd.DataFrame(rows, columns=list(CALIBRATION_COLUMNS)).astype(CALIBRATION_COLUMNS)
