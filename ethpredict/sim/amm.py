"""Swaps of constant-product and stable pools in the exact integers of the contracts.

Amounts are in a token's smallest unit (wei) and fees in basis points of the
input. Nothing here is a float. The float twin for sweeps is ``_amm_kernels.py``;
liquidity shares are in :mod:`ethpredict.sim.shares`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ethpredict.errors import ConfigError
from ethpredict.sim.amounts import AmountError, uint256, whole
from ethpredict.sim.stable_curve import stable_amount_out

BPS = 10_000
AERODROME_MAX_FEE_BPS = 300
# Pairs of Uniswap v2 and its forks keep reserves in 112 bits and refuse what leaves them.
RESERVE_MAX = 2**112 - 1


class Swap(NamedTuple):
    """What one swap paid and left, all integers.

    Attributes
    ----------
    amount_out : int
        Tokens received.
    reserve_in, reserve_out : int
        Reserves after the swap.
    fee : int
        Fee in units of the input. On Aerodrome it has left the reserves; on a
        Uniswap v2 fork it stays in them, and this is its whole part.
    """

    amount_out: int
    reserve_in: int
    reserve_out: int
    fee: int


def fee_in_bps(value: Any, high: int) -> int:
    """Return a fee as an integer of basis points in [0, high], or raise ConfigError."""
    try:
        return whole("fee_bps", value, 0, high)
    except AmountError as error:
        raise ConfigError("fee_bps", value, f"an integer from 0 to {high}") from error


def kept_share(fee_bps: int) -> tuple[int, int]:
    """What a swap keeps of its input as the fraction that the contract writes.

    Uniswap v2 counts in 1/1000, PancakeSwap v2 in 1/10000. The quotient is the same in
    either; they differ in where a product leaves 256 bits.
    """
    keep = BPS - fee_in_bps(fee_bps, BPS - 1)
    return (keep // 10, BPS // 10) if fee_bps == 30 else (keep, BPS)


def uniswap_v2_amount_out(
    amount_in: int, reserve_in: int, reserve_out: int, fee_bps: int = 30
) -> int:
    """Output of a swap on a Uniswap v2 fork, as ``getAmountOut`` of its library.

    Parameters
    ----------
    amount_in : int
        Tokens paid, smallest unit, > 0.
    reserve_in, reserve_out : int
        Reserves before the swap, > 0.
    fee_bps : int
        30 = Uniswap v2 (997/1000), 25 = PancakeSwap v2 (9975/10000), 0..9999.

    Returns
    -------
    int
        ``a (F-fee) R_out // (R_in F + a (F-fee))``, F = 10000. Rounded down, so the
        pool never loses.

    Raises
    ------
    AmountError
        If an amount is no integer, is not positive, or overflows 256 bits.
    ConfigError
        If the fee is outside its range.

    Examples
    --------
    >>> uniswap_v2_amount_out(2, 100, 100)
    1
    >>> uniswap_v2_amount_out(10**18, 5 * 10**18, 10 * 10**18, fee_bps=25)
    1663192997082117548
    """
    amount = whole("amount_in", amount_in, 1)
    r_in, r_out = whole("reserve_in", reserve_in, 1), whole("reserve_out", reserve_out, 1)
    keep, whole_bps = kept_share(fee_bps)
    net = uint256(amount * keep, "amount_in less the fee")
    return uint256(net * r_out, "amount_in x reserve_out") // uint256(
        r_in * whole_bps + net, "reserve_in + amount_in"
    )


def uniswap_v2_amount_in(
    amount_out: int, reserve_in: int, reserve_out: int, fee_bps: int = 30
) -> int:
    """Least input that buys at least `amount_out`, as ``getAmountIn``.

    Parameters
    ----------
    amount_out : int
        Tokens wanted, 0 < amount_out < reserve_out.
    reserve_in, reserve_out, fee_bps : int
        As in :func:`uniswap_v2_amount_out`.

    Returns
    -------
    int
        ``R_in out F // ((R_out - out) (F-fee)) + 1``.

    Raises
    ------
    AmountError, ConfigError
        As in :func:`uniswap_v2_amount_out`.

    Examples
    --------
    >>> uniswap_v2_amount_in(1, 100, 100)
    2
    """
    r_in, r_out = whole("reserve_in", reserve_in, 1), whole("reserve_out", reserve_out, 1)
    wanted = whole("amount_out", amount_out, 1, r_out - 1)
    keep, whole_bps = kept_share(fee_bps)
    owed = uint256(r_in * wanted * whole_bps, "reserve_in x amount_out")
    return owed // uint256((r_out - wanted) * keep, "reserve_out - amount_out") + 1


def uniswap_v2_swap(amount_in: int, reserve_in: int, reserve_out: int, fee_bps: int = 30) -> Swap:
    """Swap on a Uniswap v2 fork: the fee stays in the reserves.

    Parameters and errors are those of :func:`uniswap_v2_amount_out`; besides, a reserve must
    fit into 112 bits after the swap.

    Returns
    -------
    Swap
        Output, reserves after, fee. An output that rounds down to 0 is 0 (a pair asked for
        nothing else refuses it).
    """
    out = uniswap_v2_amount_out(amount_in, reserve_in, reserve_out, fee_bps)
    after = whole("reserve_in + amount_in", reserve_in + amount_in, 1, RESERVE_MAX)
    whole("reserve_out", reserve_out, 1, RESERVE_MAX)
    return Swap(out, after, reserve_out - out, amount_in * fee_bps // BPS)


def uniswap_v2_keeps_product(
    amounts_in: tuple[int, int],
    amounts_out: tuple[int, int],
    reserves: tuple[int, int],
    fee_bps: int = 30,
) -> bool:
    """Whether a pair accepts a swap: the fee-adjusted product must not fall.

    Parameters
    ----------
    amounts_in, amounts_out : tuple of int
        Token 0 and token 1 paid into and taken out of the pair, >= 0.
    reserves : tuple of int
        Reserves before, > 0; each output must be below its reserve.
    fee_bps : int
        As in :func:`uniswap_v2_amount_out`.

    Returns
    -------
    bool
        ``prod(F balance_i - fee in_i) >= F^2 R0 R1`` with balance = reserve + in - out.
    """
    fee, product = fee_in_bps(fee_bps, BPS - 1), 1
    for i in range(2):
        reserve = whole(f"reserves[{i}]", reserves[i], 1)
        paid = whole(f"amounts_in[{i}]", amounts_in[i])
        taken = whole(f"amounts_out[{i}]", amounts_out[i], 0, reserve - 1)
        product *= (reserve + paid - taken) * BPS - paid * fee
    return product >= reserves[0] * reserves[1] * BPS * BPS


def uniswap_v2_arbitrage(
    reserve0: int, reserve1: int, price0: int, price1: int, fee_bps: int = 30
) -> tuple[int, int]:
    """Input that moves a pair to the edge of its no-arbitrage band, in integers.

    Parameters
    ----------
    reserve0, reserve1 : int
        Reserves, > 0.
    price0, price1 : int
        True price as a ratio: `price0` of token 0 are worth `price1` of token 1, > 0.
    fee_bps : int
        As in :func:`uniswap_v2_amount_out`.

    Returns
    -------
    amount0_in, amount1_in : int
        At most one is positive: token 0 is paid in where the pool overvalues it.

    References
    ----------
    Uniswap v2-periphery, ``UniswapV2LiquidityMathLibrary.computeProfitMaximizingTrade``.
    """
    r0, r1 = whole("reserve0", reserve0, 1), whole("reserve1", reserve1, 1)
    p0, p1 = whole("price0", price0, 1), whole("price1", price1, 1)
    keep = BPS - fee_in_bps(fee_bps, BPS - 1)
    zero_in = r0 * p1 // r1 < p0
    near, num, den = (r0, p0, p1) if zero_in else (r1, p1, p0)
    goal = math.isqrt(r0 * r1 * BPS * num // (den * keep))
    amount = max(0, goal - near * BPS // keep)
    return (amount, 0) if zero_in else (0, amount)


def aerodrome_amount_out(
    amount_in: int,
    reserve_in: int,
    reserve_out: int,
    fee_bps: int = 30,
    stable: bool = False,
    decimals_in: int = 18,
    decimals_out: int = 18,
    zero_in: bool = True,
) -> int:
    """Output of a swap on an Aerodrome pool, as ``getAmountOut`` of its contract.

    Parameters
    ----------
    amount_in : int
        Tokens paid, smallest unit, >= 0.
    reserve_in, reserve_out : int
        Reserves before the swap, > 0.
    fee_bps : int
        Fee of the pool, 0..300. The factory's defaults are 30 (volatile) and 5 (stable).
    stable : bool
        True: the curve ``x^3 y + y^3 x``; False: constant product.
    decimals_in, decimals_out : int
        Decimals of both tokens, 0..77; they matter on stable pools only.
    zero_in : bool
        Whether token 0 is paid in. It matters on stable pools of tokens with different
        decimals only, and there in rare cases: one comparison of the contract's Newton steps
        scales the two sides by the decimals of tokens 0 and 1, whichever is paid.

    Returns
    -------
    int
        With ``a' = a - a fee // 10000``: volatile ``a' R_out // (R_in + a')``, stable by
        the contract's Newton steps.

    Raises
    ------
    AmountError
        If an amount is no integer, is out of range, overflows 256 bits, or the
        Newton steps do not converge: the contract reverts in each case.
    ConfigError
        If the fee is outside its range.

    Examples
    --------
    >>> aerodrome_amount_out(10**18, 5 * 10**18, 10 * 10**18)
    1662497915624478906
    >>> aerodrome_amount_out(10**6, 10**12, 10**24, 5, True, 6, 18)
    999499999999999999
    """
    amount = whole("amount_in", amount_in)
    r_in, r_out = whole("reserve_in", reserve_in, 1), whole("reserve_out", reserve_out, 1)
    fee = fee_in_bps(fee_bps, AERODROME_MAX_FEE_BPS)
    net = amount - uint256(amount * fee, "amount_in x fee") // BPS
    if stable:
        scales = (
            10 ** whole("decimals_in", decimals_in, 0, 77),
            10 ** whole("decimals_out", decimals_out, 0, 77),
        )
        return stable_amount_out(net, r_in, r_out, *scales, zero_in)
    return uint256(net * r_out, "amount_in x reserve_out") // uint256(
        r_in + net, "reserve_in + amount_in"
    )


def aerodrome_swap(
    amount_in: int,
    reserve_in: int,
    reserve_out: int,
    fee_bps: int = 30,
    stable: bool = False,
    decimals_in: int = 18,
    decimals_out: int = 18,
    zero_in: bool = True,
) -> Swap:
    """Swap on an Aerodrome pool: the fee leaves the reserves for the fee vault.

    Parameters and errors are those of :func:`aerodrome_amount_out`.

    Returns
    -------
    Swap
        Output, reserves after (``R_in + a - fee``), fee.
    """
    out = aerodrome_amount_out(
        amount_in, reserve_in, reserve_out, fee_bps, stable, decimals_in, decimals_out, zero_in
    )
    fee = amount_in * fee_bps // BPS
    return Swap(out, reserve_in + amount_in - fee, reserve_out - out, fee)
