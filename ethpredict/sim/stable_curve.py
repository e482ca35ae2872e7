"""The stable curve ``x^3 y + x y^3`` with the integer Newton steps of the contract.

Reference: aerodrome-finance/contracts, ``Pool.sol`` (``_k``, ``_f``, ``_d``, ``_get_y``,
``_getAmountOut``). Every rounding and the order of the divisions are the contract's.
"""

from __future__ import annotations

from ethpredict.sim.amounts import AmountError, uint256

ONE = 10**18
_STEPS = 255


def invariant(x: int, y: int, scale_x: int = ONE, scale_y: int = ONE) -> int:
    """Value of the curve for raw reserves.

    Parameters
    ----------
    x, y : int
        Reserves in smallest units, >= 0.
    scale_x, scale_y : int
        ``10 ** decimals`` of each token.

    Returns
    -------
    int
        ``x^3 y + x y^3`` in 18-decimal fixed point.

    Raises
    ------
    AmountError
        If a product overflows 256 bits.
    """
    x, y = (
        uint256(x * ONE, "reserve x 1e18") // scale_x,
        uint256(y * ONE, "reserve x 1e18") // scale_y,
    )
    product = uint256(x * y, "x y") // ONE
    squares = uint256(x * x, "x^2") // ONE + uint256(y * y, "y^2") // ONE
    return uint256(product * squares, "stable invariant") // ONE


def _slope(x: int, y: int) -> int:
    """Derivative ``3 x y^2 + x^3`` by y, rounded as the contract does."""
    cube = uint256(uint256(x * x, "x^2") // ONE * x, "x^3") // ONE
    return uint256(3 * x * (uint256(y * y, "y^2") // ONE), "3 x y^2") // ONE + cube


def solve_y(x: int, target: int, y: int, scale_x: int = ONE, scale_y: int = ONE) -> int:
    """Reserve y that keeps the invariant at a new reserve x.

    Parameters
    ----------
    x : int
        New reserve of the input token, 18 decimals.
    target : int
        Invariant to keep.
    y : int
        Start of the Newton steps, 18 decimals.
    scale_x, scale_y : int
        ``10 ** decimals`` of tokens 0 and 1, whichever of them x is. The contract applies them
        again in one comparison although x and y are scaled already; kept, because it decides
        the last unit (and, for large pools of tokens with few decimals, whether the call
        reverts).

    Returns
    -------
    int
        y, 18 decimals.

    Raises
    ------
    AmountError
        If 255 steps do not converge, or on overflow: the contract reverts.
    """
    for _ in range(_STEPS):
        value, slope = invariant(x, y), _slope(x, y)
        if slope == 0:
            raise AmountError("slope of the stable curve", 0, "positive", "The pool is too small.")
        step = uint256(abs(target - value) * ONE, "distance x 1e18") // slope
        if value < target:
            if step == 0:
                if invariant(x, y + 1, scale_x, scale_y) > target:
                    return y + 1
                step = 1
            y += step
        else:
            if step == 0:
                if value == target or invariant(x, uint256(y - 1, "y - 1")) < target:
                    return y
                step = 1
            y = uint256(y - step, "y")
    raise AmountError("stable curve", target, f"reached in {_STEPS} Newton steps")


def stable_amount_out(
    net_in: int,
    reserve_in: int,
    reserve_out: int,
    scale_in: int,
    scale_out: int,
    zero_in: bool = True,
) -> int:
    """Output for an input from which the fee has been taken.

    Parameters
    ----------
    net_in : int
        Input less fee, smallest unit, >= 0.
    reserve_in, reserve_out : int
        Reserves before, smallest unit, > 0.
    scale_in, scale_out : int
        ``10 ** decimals``.
    zero_in : bool
        Whether token 0 is paid in.

    Returns
    -------
    int
        Tokens received, smallest unit.

    Raises
    ------
    AmountError
        Where the contract reverts.
    """
    target = invariant(reserve_in, reserve_out, scale_in, scale_out)
    x, y, added = (
        uint256(value * ONE, "amount x 1e18") // scale
        for value, scale in (
            (reserve_in, scale_in),
            (reserve_out, scale_out),
            (net_in, scale_in),
        )
    )
    scales = (scale_in, scale_out) if zero_in else (scale_out, scale_in)
    taken = uint256(y - solve_y(x + added, target, y, *scales), "output")
    return uint256(taken * scale_out, "output x scale") // ONE
