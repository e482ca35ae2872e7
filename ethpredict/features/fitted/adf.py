"""Augmented Dickey-Fuller test with a constant, on a series with holes."""

from __future__ import annotations

import numpy as np

from ethpredict.features.fitted.base import FitError, Floats

MACKINNON_2010 = {
    0.01: (-3.43035, -6.5393, -16.786, -79.433),
    0.05: (-2.86154, -2.8903, -4.234, -40.040),
    0.10: (-2.56677, -1.5384, -2.809, 0.0),
}
"""Level -> (b_inf, b_1, b_2, b_3) for one series and a constant (table 2, N = 1, "c")."""

MIN_ROWS = 30


def critical_value(level: float, rows: int) -> float:
    """Value below which a unit root is rejected.

    Parameters
    ----------
    level : {0.01, 0.05, 0.1}
        Size of the test.
    rows : int, >= 1
        Rows of the regression, T.

    Notes
    -----
    ``b_inf + b_1/T + b_2/T^2 + b_3/T^3``.

    References
    ----------
    MacKinnon (2010), Critical values for cointegration tests, Queen's
    Economics Department Working Paper 1227, table 2.

    Examples
    --------
    >>> round(critical_value(0.05, 100), 5)
    -2.89091
    """
    b = MACKINNON_2010[level]
    return b[0] + b[1] / rows + b[2] / rows**2 + b[3] / rows**3


def adf(x: Floats, lags: int) -> tuple[float, int]:
    """Compute the t statistic of the level in the Dickey-Fuller regression, and its rows.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        Series; nan are holes, and no row of the regression spans one.
    lags : int, >= 0
        Lagged differences on the right-hand side.

    Returns
    -------
    statistic : float
    rows : int

    Raises
    ------
    FitError
        If fewer than 30 rows are whole.

    Notes
    -----
    ``dx_t = c + phi x_{t-1} + sum_j b_j dx_{t-j} + e_t``; the statistic is
    phi over its standard error.

    References
    ----------
    Said and Dickey (1984), doi:10.1093/biomet/71.3.599.
    """
    change = np.diff(x)
    if len(change) <= lags:
        raise FitError(f"{len(x)} values are too few for a Dickey-Fuller test")
    target = change[lags:]
    parts = [np.ones(len(target)), x[lags:-1]]
    parts += [change[lags - j : len(change) - j] for j in range(1, lags + 1)]
    design = np.column_stack(parts)
    whole = np.isfinite(target) & np.isfinite(design).all(axis=1)
    rows = int(whole.sum())
    if rows < MIN_ROWS:
        raise FitError(
            f"{rows} rows are whole, a Dickey-Fuller test needs {MIN_ROWS}; lengthen "
            "validation.train_days or raise features.fracdiff_tau"
        )
    design, target = design[whole], target[whole]
    # The level is nearly constant beside its mean: centring saves the digits.
    design[:, 1] -= design[:, 1].mean()
    q, r = np.linalg.qr(design)
    if abs(r[1, 1]) <= 1e-12 * max(1.0, float(np.abs(design[:, 1]).max())):
        raise FitError("a series that never changes has no Dickey-Fuller statistic")
    coefficients = np.linalg.solve(r, q.T @ target)
    residual = target - design @ coefficients
    variance = float(residual @ residual) / (rows - design.shape[1])
    inverse = np.linalg.inv(r)
    return float(coefficients[1] / np.sqrt(variance * (inverse[1] @ inverse[1]))), rows
