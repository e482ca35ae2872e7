"""Quotes over a horizon where the limit is stiff: the equation of the log ratios."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.integrate import ode

Array = npt.NDArray[np.float64]
_TOLERANCE = 1e-12
_STEPS = 200_000


def evolve_stiff(log_ratio: Array, s: Array, time: float) -> Array:
    """Log ratios of ``exp(-M horizon) v`` by an implicit solver, in bounded time.

    Uniformization takes a number of steps proportional to the largest entry of M; this
    takes a few thousand whatever the entries are.

    Parameters
    ----------
    log_ratio : ndarray, shape (2Q,)
        ``l_q = ln(v_{q+1}/v_q)`` at the end of the horizon.
    s : ndarray, shape (2Q+1,)
        Diagonal of M over eta, up to a constant.
    time : float
        Horizon times eta, > 0, finite.

    Returns
    -------
    ndarray, shape (2Q,)
        Log ratios at the start of the horizon.

    Raises
    ------
    ArithmeticError
        If the solver does not reach the end.

    Notes
    -----
    ``l'_q = s_q - s_{q+1} + e^{l_{q+1}} + e^{-l_q} - e^{l_q} - e^{-l_{q-1}}`` with the
    terms beyond the limits absent. The columns of its Jacobian sum to 0 or less and only
    its diagonal is negative: the flow contracts in the sum of absolute values, so errors
    of single steps add up and never grow. Backward differences with a banded Jacobian
    (LSODA) to 1e-12 in every l.

    References
    ----------
    Hindmarsh (1983), ODEPACK, a systematized collection of ODE solvers.
    """
    drop = s[:-1] - s[1:]

    def slope(_: float, logs: Array) -> Array:
        up, down = np.exp(logs), np.exp(-logs)
        change = drop + down - up
        change[:-1] += up[1:]
        change[1:] -= down[:-1]
        return change

    def jacobian(_: float, logs: Array) -> Array:
        up, down = np.exp(logs), np.exp(-logs)
        band = np.zeros((3, len(logs)))
        band[0, 1:] = up[1:]
        band[1] = -up - down
        band[2, :-1] = down[:-1]
        return band

    solver = ode(slope, jacobian)
    solver.set_integrator(
        "lsoda", rtol=_TOLERANCE, atol=_TOLERANCE, lband=1, uband=1, nsteps=_STEPS
    )
    solver.set_initial_value(np.array(log_ratio, dtype=np.float64), 0.0)
    end = solver.integrate(time)
    if not solver.successful():
        raise ArithmeticError(
            f"the quotes over a horizon did not converge: Q = {len(log_ratio) // 2}, "
            f"largest diagonal {s.max():g} eta, horizon {time:g}/eta; "
            "use horizon=None or a smaller Q"
        )
    return np.asarray(end, dtype=np.float64)
