"""Base fees as the chain computes them, in integers of wei."""

from __future__ import annotations

from ethpredict.sim.amounts import whole


def next_base_fee(
    base_fee: int,
    gas_used: int,
    gas_limit: int,
    elasticity: int = 2,
    denominator: int = 8,
    floor: int = 0,
) -> int:
    """Base fee of the next block by EIP-1559.

    Parameters
    ----------
    base_fee : int
        Base fee of this block, wei, >= 0.
    gas_used : int
        Gas that this block used, >= 0.
    gas_limit : int
        Gas limit of this block, >= elasticity.
    elasticity : int
        Limit over target, > 0: mainnet 2, OP chains 6, Base Sepolia 10.
    denominator : int
        Bound of the change per block, > 0: mainnet 8, OP 50, OP since Canyon 250.
    floor : int
        Least base fee of the chain, wei; 0 where it has none.

    Returns
    -------
    int
        With ``target = gas_limit // elasticity``: unchanged at the target,
        ``+ max(1, base_fee (used - target) // (target D))`` above it and
        ``- base_fee (target - used) // (target D)`` below it; at least `floor`.

    Raises
    ------
    AmountError
        If a value is no integer or is out of range.

    References
    ----------
    Buterin et al. (2019), EIP-1559: Fee market change for ETH 1.0 chain,
    https://eips.ethereum.org/EIPS/eip-1559

    Examples
    --------
    >>> next_base_fee(1_000_000_000, 10_000_000, 10_000_000)
    1125000000
    """
    fee, used = whole("base_fee", base_fee), whole("gas_used", gas_used)
    stretch, bound = whole("elasticity", elasticity, 1), whole("denominator", denominator, 1)
    target = whole("gas_limit", gas_limit, stretch) // stretch
    least = whole("floor", floor)
    if used > target:
        fee += max(1, fee * (used - target) // (target * bound))
    else:
        fee -= fee * (target - used) // (target * bound)
    return max(fee, least)
