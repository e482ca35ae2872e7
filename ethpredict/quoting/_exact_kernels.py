"""Compiled kernels of the exact GLFT solution, in ratios of neighbouring values only.

The matrix M is tridiagonal on q = -Q..Q: diagonal ``d_q = alpha q^2 - beta q``,
off-diagonal ``-eta``. Its positive eigenvector spans hundreds of orders of magnitude,
so a dense solver loses its tails to rounding; the logarithms of its ratios
``l_q = ln(v_{q+1}/v_q)``, shape (2Q,), do not. Everything is scaled by eta and shifted
by the smallest diagonal entry: ``s_q = (d_q - d_m)/eta >= 0`` and
``t = (d_m - lambda)/eta`` in (0, 2). Sweeps from both ends meet where the vector peaks
(:func:`twist_lots`): past the peak a recurrence would magnify its rounding errors.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

# Expected jumps that one step of the uniformization sums over.
REACH = 64.0


@njit(cache=True, nogil=True, error_model="numpy")
def scaled_diagonal(Q: int, alpha: float, beta: float, eta: float) -> tuple[np.ndarray, int]:
    """Diagonal ``s`` and the index m of its minimum.

    Parameters
    ----------
    Q : int
        Inventory limit, lots, >= 1.
    alpha, beta, eta : float
        1/s; alpha >= 0, eta > 0.

    Returns
    -------
    s : ndarray, shape (2Q+1,)
        ``(d_q - d_m)/eta``, factored so that nothing cancels.
    m : int
        Position of the minimum (inventory m - Q).
    """
    if alpha > 0.0:
        centre = min(max(beta / (2.0 * alpha), -float(Q)), float(Q))
    else:
        centre = float(Q) * np.sign(beta)
    lowest = np.rint(centre)
    s = np.empty(2 * Q + 1)
    for i in range(2 * Q + 1):
        q = float(i - Q)
        s[i] = max(0.0, (q - lowest) * (alpha * (q + lowest) - beta) / eta)
    return s, int(lowest) + Q


@njit(cache=True, nogil=True, error_model="numpy")
def twist_lots(Q: int, a: float, b: float) -> float:
    """Inventory near the peak of the stationary vector, where both sweeps meet.

    Parameters
    ----------
    Q : int
        Inventory limit, lots.
    a, b : float
        ``alpha/eta`` and ``beta/eta``.

    Returns
    -------
    float
        A whole number in [-Q, Q]: the least diagonal entry ``b/(2a)``, held off the
        limit by the length over which the vector rises from 0 there (Airy, harmonic or
        half the box, whichever is shortest).
    """
    size = abs(b)
    pull = max(size - 2.0 * a * Q, 0.0)
    rise = 1.0 / (pull ** (1.0 / 3.0) / 1.319 + a**0.25 + 1.0 / (Q + 1.0))
    farthest = max(Q + 1.0 - rise, 0.0)
    centre = farthest
    if 2.0 * a * farthest > size:
        centre = size / (2.0 * a)
    return np.copysign(np.rint(min(centre, float(Q))), b)


@njit(cache=True, nogil=True, error_model="numpy")
def first_guess(Q: int, a: float, b: float, lowest: float) -> float:
    """Start of the search for ``t = (d_m - lambda)/eta``.

    Parameters
    ----------
    Q : int
        Inventory limit, lots.
    a, b : float
        ``alpha/eta`` and ``beta/eta``.
    lowest : float
        Inventory of the least diagonal entry.

    Returns
    -------
    float
        In (0, 2): the harmonic (Mathieu) limit blended with the box's where a is
        small, the three central rows where it is large, the steep edge where the
        limit binds.
    """
    box = 0.5 * np.pi / (Q + 1.0)
    left = a * (1.0 - 2.0 * lowest) + b
    right = a * (1.0 + 2.0 * lowest) - b
    t = 1.0
    if lowest >= Q or lowest <= -Q:
        edge = left if lowest >= Q else right
        t = 2.0 - 2.338 * max(edge, 0.0) ** (2.0 / 3.0)
        if t < 1.0:
            t = 1.0 / (max(edge, 0.0) + 1.0)
    elif a < 0.8:
        off = 0.25 * (right - left) / a if a > 0.0 else 0.0
        t = 2.0 - np.sqrt(a + box**4) + a * (0.0625 + off * off)
    else:
        for _ in range(3):
            below, above = 1.0 / (left + t), 1.0 / (right + t)
            t -= (t - below - above) / (1.0 + below * below + above * above)
    return min(max(t, 1e-9), 2.0 - 0.5 * box * box)


@njit(cache=True, nogil=True, error_model="numpy")
def _sweep(s: np.ndarray, m: int, t: float, ratio: np.ndarray) -> tuple[bool, float, float]:
    """Two-sided ratios at a trial eigenvalue, meeting at m.

    `ratio` is filled with ``v_{i+1}/v_i`` left of m and ``v_i/v_{i+1}`` from m on.
    Returns whether all pivots are positive, the mismatch g(t) at m, and g'(t).
    """
    n = len(s)
    pivot, slope, left, left_slope = 0.0, 0.0, 0.0, 0.0
    for i in range(m):
        pivot = s[i] + t - left
        slope = 1.0 + left_slope
        if not pivot > 0.0:
            return False, 0.0, 0.0
        ratio[i] = pivot
        left = 1.0 / pivot
        left_slope = slope * left * left
    right, right_slope = 0.0, 0.0
    for i in range(n - 1, m, -1):
        pivot = s[i] + t - right
        slope = 1.0 + right_slope
        if not pivot > 0.0:
            return False, 0.0, 0.0
        ratio[i - 1] = pivot
        right = 1.0 / pivot
        right_slope = slope * right * right
    return True, s[m] + t - left - right, 1.0 + left_slope + right_slope


@njit(cache=True, nogil=True, error_model="numpy")
def stationary_log_ratios(Q: int, alpha: float, beta: float, eta: float) -> np.ndarray:
    """``ln(v_{q+1}/v_q)`` of the eigenvector of the smallest eigenvalue.

    Parameters
    ----------
    Q, alpha, beta, eta
        As in :func:`scaled_diagonal`.

    Returns
    -------
    ndarray, shape (2Q,)
        For q = -Q .. Q-1.

    Notes
    -----
    M - lambda is positive definite iff all two-sided pivots and the mismatch g at m are
    positive; g is increasing and concave in t there. Newton steps inside a bracket.
    """
    s, least = scaled_diagonal(Q, alpha, beta, eta)
    m = int(twist_lots(Q, alpha / eta, beta / eta)) + Q
    ratio = np.empty(2 * Q)
    low, high = 0.0, 2.0
    t = first_guess(Q, alpha / eta, beta / eta, float(least - Q))
    for _ in range(200):
        positive, mismatch, slope = _sweep(s, m, t, ratio)
        if positive and mismatch >= 0.0:
            high = t
        else:
            low = t
        guess = t - mismatch / slope if positive else 0.5 * (low + high)
        if not low < guess < high:
            guess = 0.5 * (low + high)
        if abs(guess - t) <= 2.3e-16 * t or guess in (low, high):
            break
        t = guess
    # The bracket's upper end is positive definite in any case.
    if not _sweep(s, m, t, ratio)[0]:
        _sweep(s, m, high, ratio)
    for i in range(2 * Q):
        ratio[i] = np.log(ratio[i]) if i < m else -np.log(ratio[i])
    return ratio


@njit(cache=True, nogil=True, error_model="numpy")
def evolve_log_ratios(
    log_ratio: np.ndarray, alpha: float, beta: float, eta: float, horizon: float
) -> np.ndarray:
    """Log ratios of ``exp(-M horizon) v`` from those of v.

    Parameters
    ----------
    log_ratio : ndarray, shape (2Q,)
        ``ln(v_{q+1}/v_q)`` at the end of the horizon.
    alpha, beta, eta : float
        As in :func:`scaled_diagonal`.
    horizon : float
        Seconds, >= 0, finite.

    Returns
    -------
    ndarray, shape (2Q,)
        Log ratios at the start.

    Notes
    -----
    Uniformization with the current v as scale: in ``w = v(t)/v`` the matrix
    ``c - D^{-1} M D`` is non-negative and w starts at 1, so every term of the
    exponential series is positive, nothing cancels and nothing underflows.
    """
    n = len(log_ratio) + 1
    s, _ = scaled_diagonal(n // 2, alpha, beta, eta)
    logs = log_ratio.copy()
    top = s.max()
    left = horizon * eta
    stay, up, down = np.empty(n), np.zeros(n), np.zeros(n)
    # One place beyond either end stays 0, so that the inner loop has no branch.
    w, term, after = np.ones(n), np.zeros(n + 2), np.zeros(n + 2)
    while left > 0.0:
        rate = 0.0
        for i in range(n):
            if i < n - 1:
                up[i] = np.exp(logs[i])
            if i > 0:
                down[i] = np.exp(-logs[i - 1])
            rate = max(rate, top - s[i] + up[i] + down[i])
        step = min(left, REACH / rate)
        for i in range(n):
            stay[i] = (top - s[i]) * step
            up[i] *= step
            down[i] *= step
            w[i] = 1.0
            term[i + 1] = 1.0
        # No entry of a term exceeds (rate step)^order / order!, and w is at least 1.
        bound, order = 1.0, 0
        while bound > 1e-18 or order < rate * step:
            order += 1
            bound *= rate * step / order
            share = 1.0 / order
            for i in range(n):
                after[i + 1] = share * (
                    stay[i] * term[i + 1] + up[i] * term[i + 2] + down[i] * term[i]
                )
            for i in range(n):
                w[i] += after[i + 1]
            term, after = after, term
        for i in range(n - 1):
            logs[i] += np.log(w[i + 1] / w[i])
        left -= step
    return logs
