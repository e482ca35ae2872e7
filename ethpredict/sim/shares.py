"""Liquidity shares of pools in the exact integers of the contracts."""

from __future__ import annotations

import math

from ethpredict.errors import ConfigError
from ethpredict.sim.amounts import AmountError, uint256, whole
from ethpredict.sim.stable_curve import ONE, invariant

MINIMUM_LIQUIDITY = 1_000
# The least value of the curve that the first deposit into a stable pool must exceed.
MINIMUM_K = 10**10
# (numerator, weight of the new root, weight of the old root) of the protocol's share.
_PROTOCOL_FEE = {"uniswap": (1, 5, 1), "pancakeswap": (8, 17, 8)}


def minted_shares(
    amount0: int, amount1: int, reserve0: int = 0, reserve1: int = 0, total_supply: int = 0
) -> int:
    """Shares that a deposit earns.

    Parameters
    ----------
    amount0, amount1 : int
        Deposit, smallest units, > 0.
    reserve0, reserve1 : int
        Reserves before the deposit.
    total_supply : int
        Shares outstanding (after the protocol's own mint, where there is one). 0: the
        first deposit, of which 1000 shares are locked for ever.

    Returns
    -------
    int
        ``isqrt(a0 a1) - 1000`` for the first deposit, else
        ``min(a0 TS // R0, a1 TS // R1)``.

    Raises
    ------
    AmountError
        If an amount is out of range or the deposit earns no share.

    Examples
    --------
    >>> minted_shares(10**18, 4 * 10**18)
    1999999999999999000
    """
    a0, a1 = whole("amount0", amount0, 1), whole("amount1", amount1, 1)
    supply = whole("total_supply", total_supply)
    if supply == 0:
        shares = math.isqrt(uint256(a0 * a1, "amount0 x amount1")) - MINIMUM_LIQUIDITY
    else:
        r0, r1 = whole("reserve0", reserve0, 1), whole("reserve1", reserve1, 1)
        shares = min(
            uint256(a0 * supply, "amount0 x supply") // r0,
            uint256(a1 * supply, "amount1 x supply") // r1,
        )
    if shares <= 0:
        raise AmountError("minted shares", shares, "positive", "Deposit more.")
    return shares


def check_first_stable_deposit(
    amount0: int, amount1: int, decimals0: int = 18, decimals1: int = 18
) -> None:
    """Refuse a first deposit that a stable pool of Aerodrome refuses.

    Parameters
    ----------
    amount0, amount1 : int
        Deposit, smallest units, > 0.
    decimals0, decimals1 : int
        Decimals of both tokens, 0..77.

    Raises
    ------
    AmountError
        If the two amounts are not worth the same at a price of 1, or the curve's value is not
        above 1e10.

    References
    ----------
    aerodrome-finance/contracts, ``Pool.sol``, ``mint``.

    Examples
    --------
    >>> check_first_stable_deposit(10**6, 10**18, 6, 18)
    """
    a0, a1 = whole("amount0", amount0, 1), whole("amount1", amount1, 1)
    scale0 = 10 ** whole("decimals0", decimals0, 0, 77)
    scale1 = 10 ** whole("decimals1", decimals1, 0, 77)
    worth = uint256(a0 * ONE, "amount0 x 1e18") // scale0
    if worth != uint256(a1 * ONE, "amount1 x 1e18") // scale1:
        raise AmountError("amount1", a1, "worth as much as amount0 at a price of 1")
    value = invariant(a0, a1, scale0, scale1)
    if value <= MINIMUM_K:
        raise AmountError("value of the stable curve", value, "above 1e10", "Deposit more.")


def burned_amounts(shares: int, balance0: int, balance1: int, total_supply: int) -> tuple[int, int]:
    """Tokens that shares are redeemed for.

    Parameters
    ----------
    shares : int
        Shares given back, 0 < shares <= total_supply.
    balance0, balance1 : int
        The pool's balances, smallest units, > 0.
    total_supply : int
        Shares outstanding, > 0.

    Returns
    -------
    amount0, amount1 : int
        ``shares balance // TS`` of each token.

    Raises
    ------
    AmountError
        If an amount is out of range or one token would pay nothing.
    """
    supply = whole("total_supply", total_supply, 1)
    given = whole("shares", shares, 1, supply)
    amounts = []
    for name, balance in (("balance0", balance0), ("balance1", balance1)):
        paid = uint256(given * whole(name, balance, 1), f"shares x {name}") // supply
        if paid == 0:
            raise AmountError("redeemed amount", 0, "positive", "Redeem more shares.")
        amounts.append(paid)
    return amounts[0], amounts[1]


def protocol_shares(
    total_supply: int, reserve0: int, reserve1: int, k_last: int, fork: str = "uniswap"
) -> int:
    """Shares minted to the protocol for the growth of ``sqrt(R0 R1)`` since the last mint.

    Parameters
    ----------
    total_supply : int
        Shares outstanding, > 0.
    reserve0, reserve1 : int
        Reserves now, > 0.
    k_last : int
        Product of the reserves at the last mint or burn; 0 = the fee is off.
    fork : {"uniswap", "pancakeswap"}
        Uniswap v2 takes one sixth of the growth, PancakeSwap v2 8/25.

    Returns
    -------
    int
        Uniswap ``TS (rk - rl) // (5 rk + rl)``; PancakeSwap
        ``8 TS (rk - rl) // (17 rk + 8 rl)``; 0 without growth.

    Raises
    ------
    AmountError
        If an amount is out of range.
    ConfigError
        If the fork is unknown.
    """
    if fork not in _PROTOCOL_FEE:
        raise ConfigError("fork", fork, f"one of {sorted(_PROTOCOL_FEE)}")
    supply = whole("total_supply", total_supply, 1)
    product = whole("reserve0", reserve0, 1) * whole("reserve1", reserve1, 1)
    root, root_last = math.isqrt(product), math.isqrt(whole("k_last", k_last))
    if root_last == 0 or root <= root_last:
        return 0
    share, new_weight, old_weight = _PROTOCOL_FEE[fork]
    grown = uint256(supply * (root - root_last) * share, "supply x growth")
    return grown // (root * new_weight + root_last * old_weight)
