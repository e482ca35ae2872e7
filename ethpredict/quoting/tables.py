"""Exact quotes for many parameter sets at once, and a cache of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.quoting._table_kernels import table_log_ratios
from ethpredict.quoting.checks import check_positive
from ethpredict.quoting.exact import evolved
from ethpredict.quoting.generator import glft_generator

Array = npt.NDArray[np.float64]
# Bucket of sigma = 0, which has no logarithm.
_STILL = float(np.iinfo(np.int32).min)


@dataclass(frozen=True)
class QuoteTables:
    """Exact quotes of N parameter sets for every inventory from -Q to Q lots.

    Attributes
    ----------
    centre : ndarray, shape (N,)
        ``ln(1+gamma/k)/gamma + xi/2``, USD.
    decay : ndarray, shape (N,)
        k, 1/USD.
    log_ratio : ndarray, shape (N, 2Q)
        ``ln(v_{q+1}/v_q)`` for q = -Q .. Q-1. Bid at q and ask at q+1 follow from the
        same entry, so a table takes half the memory of its quotes.
    """

    centre: Array
    decay: Array
    log_ratio: Array

    def quotes(self, row: npt.ArrayLike, q: npt.ArrayLike) -> tuple[Array, Array]:
        """Distances below and above the mid at given inventories.

        Parameters
        ----------
        row : array_like of int
            Which parameter set, 0 .. N-1.
        q : array_like
            Inventory in lots; between whole lots ln v is interpolated linearly.

        Returns
        -------
        delta_bid, delta_ask : ndarray
            USD; broadcast shape. nan where a whole lot more would pass the limit, where
            there is no quote, or where q is nan.
        """
        which, lots = np.broadcast_arrays(
            np.asarray(row, dtype=np.int64), np.asarray(q, dtype=np.float64)
        )
        centre, decay = self.centre[which], self.decay[which]
        bid = centre - self._ratio(which, lots) / decay
        ask = centre + self._ratio(which, lots - 1.0) / decay
        return bid, ask

    def _ratio(self, row: npt.NDArray[np.int64], q: Array) -> Array:
        """``ln v(q+1) - ln v(q)``; nan outside -Q <= q <= Q-1."""
        width = self.log_ratio.shape[1]
        place = q + width // 2
        legal = (place >= 0.0) & (place <= width - 1.0)
        safe = np.where(legal, place, 0.0)
        low = safe.astype(np.int64)
        part = safe - low
        below = self.log_ratio[row, low]
        above = self.log_ratio[row, np.minimum(low + 1, width - 1)]
        return np.where(legal, below + part * (above - below), np.nan)


def exact_tables(
    gamma: npt.ArrayLike,
    sigma: npt.ArrayLike,
    A: npt.ArrayLike,
    k: npt.ArrayLike,
    Q: int,
    mu: npt.ArrayLike = 0.0,
    xi: npt.ArrayLike = 0.0,
    horizon: npt.ArrayLike | None = None,
) -> QuoteTables:
    """Exact GLFT quotes of all parameter sets, about 3 us a table at Q = 50.

    Parameters
    ----------
    gamma, sigma, A, k, mu, xi : array_like
        As in :func:`ethpredict.quoting.exact.exact_quotes`; they broadcast to N sets,
        counted in C order.
    Q : int
        Inventory limit, lots, >= 1.
    horizon : array_like, optional
        Seconds that the drift still lasts, after which the driftless stationary quotes
        hold (``v = exp(-M_mu horizon) f0``). None: the drift lasts for ever. Over a
        horizon a table takes about 100 us and more.

    Returns
    -------
    QuoteTables
        8 (2Q + 2) bytes a set.

    Raises
    ------
    ConfigError
        If a parameter is outside its range or not finite.

    Examples
    --------
    >>> tables = exact_tables(gamma=0.01, sigma=[0.2, 0.3], A=0.9, k=0.3, Q=30)
    >>> bid, ask = tables.quotes(row=1, q=0)
    >>> round(float(bid), 6), round(float(ask), 6)
    (3.313045, 3.313045)
    """
    left = np.inf if horizon is None else horizon
    check_positive(("horizon",), horizon=left)
    if np.isnan(left).any():
        raise ConfigError("quoting.horizon", math.nan, ">= 0")
    m = glft_generator(gamma, sigma, A, k, Q, mu, xi)
    given = (m.centre, m.alpha, m.beta, m.eta, k, left)
    wide = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in given))
    centre, alpha, beta, eta, decay, time = (np.ravel(v) for v in wide)
    out = np.empty((len(eta), 2 * int(Q)))
    ending = np.isfinite(time)
    table_log_ratios(int(Q), alpha, np.where(ending, 0.0, beta), eta, out)
    for i in np.flatnonzero(ending & (beta != 0.0) & (time > 0.0)):
        out[i] = evolved(out[i], alpha[i], beta[i], eta[i], time[i])
    return QuoteTables(centre.copy(), decay.copy(), out)


class TableCache:
    """Exact tables of the parameter sets met so far, by buckets of sigma and drift.

    A table is solved at the centre of its buckets, once per (sigma bucket, A, k, gamma,
    drift bucket, xi); Q belongs to the cache.

    Parameters
    ----------
    Q : int
        Inventory limit, lots, >= 1.
    sigma_step : float
        Relative width of a sigma bucket, > 0: buckets are centred at
        ``(1 + sigma_step)^i``.
    mu_step : float
        Width of a drift bucket, USD/s, > 0: centred at ``i mu_step``.
    max_tables : int
        Most tables held. A call that would pass it drops the older ones.

    Raises
    ------
    ConfigError
        If an argument is outside its range.

    Examples
    --------
    >>> cache = TableCache(Q=10, sigma_step=0.05, mu_step=1e-3)
    >>> bid, ask = cache.quotes(0.01, [0.3, 0.301, 0.3], 0.9, 0.3, [0.0, 1e-4, 2e-3], q=[0, 0, 0])
    >>> len(cache), bool(bid[0] == bid[1]), bool(bid[2] < bid[0])
    (2, True, True)
    """

    def __init__(
        self, Q: int, sigma_step: float = 0.02, mu_step: float = 1e-4, max_tables: int = 500_000
    ) -> None:
        check_positive(Q=Q, sigma_step=sigma_step, mu_step=mu_step, max_tables=max_tables)
        self._limit, self._most = int(Q), int(max_tables)
        self._log_step, self._mu_step = math.log1p(sigma_step), mu_step
        self._rows: dict[tuple[float, ...], int] = {}
        self._tables = QuoteTables(np.empty(0), np.empty(0), np.empty((0, 2 * self._limit)))

    def __len__(self) -> int:
        """Tables held."""
        return len(self._rows)

    def quotes(
        self,
        gamma: npt.ArrayLike,
        sigma: npt.ArrayLike,
        A: npt.ArrayLike,
        k: npt.ArrayLike,
        mu: npt.ArrayLike,
        q: npt.ArrayLike,
        xi: npt.ArrayLike = 0.0,
    ) -> tuple[Array, Array]:
        """Quotes at the buckets' centres; arguments broadcast to one dimension.

        Parameters
        ----------
        gamma, sigma, A, k, mu, xi : array_like
            As in :func:`exact_tables`.
        q : array_like
            Inventory, lots.

        Returns
        -------
        delta_bid, delta_ask : ndarray, shape (T,)
            USD; nan where an argument is nan or there is no quote.

        Raises
        ------
        ConfigError
            If one call needs more than `max_tables` tables.
        """
        wide = np.broadcast_arrays(
            *(np.atleast_1d(np.asarray(v, np.float64)) for v in (gamma, sigma, A, k, mu, xi, q))
        )
        g, s, a, decay, drift, jump, lots = wide
        with np.errstate(divide="ignore", invalid="ignore"):
            bucket = np.where(s == 0.0, _STILL, np.rint(np.log(s) / self._log_step))
        keys = np.column_stack([bucket, a, decay, g, np.rint(drift / self._mu_step), jump])
        known = ~np.isnan(keys).any(axis=1)
        bid, ask = np.full(len(lots), np.nan), np.full(len(lots), np.nan)
        if known.any():
            distinct, which = np.unique(keys[known], axis=0, return_inverse=True)
            rows = self._held(distinct)[which.ravel()]
            bid[known], ask[known] = self._tables.quotes(rows, lots[known])
        return bid, ask

    def _held(self, keys: Array) -> npt.NDArray[np.int64]:
        """Rows of the tables of distinct keys, solving those that are missing."""
        names = [tuple(key) for key in keys.tolist()]
        missing = [i for i, name in enumerate(names) if name not in self._rows]
        if len(self._rows) + len(missing) > self._most:
            if len(names) > self._most:
                raise ConfigError(
                    "max_tables",
                    self._most,
                    f">= {len(names)}, the tables of one call",
                    "Widen sigma_step or mu_step.",
                )
            self._rows, missing = {}, list(range(len(names)))
            self._tables = QuoteTables(np.empty(0), np.empty(0), np.empty((0, 2 * self._limit)))
        if missing:
            bucket, a, decay, g, step, jump = keys[missing].T
            sigma = np.where(bucket == _STILL, 0.0, np.exp(bucket * self._log_step))
            fresh = exact_tables(g, sigma, a, decay, self._limit, step * self._mu_step, jump)
            for place, i in enumerate(missing, start=len(self._rows)):
                self._rows[names[i]] = place
            old = self._tables
            self._tables = QuoteTables(
                np.concatenate((old.centre, fresh.centre)),
                np.concatenate((old.decay, fresh.decay)),
                np.concatenate((old.log_ratio, fresh.log_ratio)),
            )
        return np.array([self._rows[name] for name in names], dtype=np.int64)
