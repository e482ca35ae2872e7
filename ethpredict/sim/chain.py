"""Base fees as the chain computes them, in integers of wei."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ethpredict.errors import ConfigError
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


@dataclass(frozen=True)
class Chain:
    """How a chain prices gas.

    Attributes
    ----------
    name : str
        As in :data:`CHAINS`.
    elasticity, denominator : int
        Of :func:`next_base_fee`; both 0 where the gas price is flat.
    floor : int
        Least base fee, wei; 0 where the chain has none that is known.
    block_time_s : float
        Usual time between blocks, s.
    l1_data_fee : bool
        Whether each transaction also pays for its data on another chain.
    """

    name: str
    elasticity: int
    denominator: int
    floor: int
    block_time_s: float
    l1_data_fee: bool

    @property
    def flat(self) -> bool:
        """Whether the gas price ignores how full blocks are."""
        return self.elasticity == 0

    def next_base_fee(self, base_fee: int, gas_used: int, gas_limit: int) -> int:
        """Base fee of the next block, wei; on a flat chain the one given, at least the floor."""
        if self.flat:
            return max(whole("base_fee", base_fee), self.floor)
        return next_base_fee(
            base_fee, gas_used, gas_limit, self.elasticity, self.denominator, self.floor
        )


# Chains change these by upgrade or by vote: an experiment that hangs on them states its own.
CHAINS: dict[str, Chain] = {
    chain.name: chain
    for chain in (
        Chain("mainnet", 2, 8, 0, 12.0, False),
        Chain("op", 6, 50, 0, 2.0, True),
        Chain("op_canyon", 6, 250, 0, 2.0, True),
        # As documented from 4 February 2026; before, denominator and floor were smaller.
        Chain("base", 6, 125, 2_000_000, 2.0, True),
        Chain("base_sepolia", 10, 50, 0, 2.0, True),
        Chain("bsc", 0, 0, 0, 3.0, False),
    )
}


def chain_by_name(name: str, floor: int | None = None) -> Chain:
    """Gas rules of a chain by its name.

    Parameters
    ----------
    name : str
        mainnet, op (before Canyon), op_canyon, base, base_sepolia or bsc (flat gas price).
    floor : int, optional
        Least base fee instead of the chain's own, wei, >= 0.

    Returns
    -------
    Chain

    Raises
    ------
    ConfigError
        If the name is unknown.
    AmountError
        If the floor is no integer >= 0.

    Examples
    --------
    >>> chain_by_name("base").next_base_fee(1_000_000_000, 10_000_000, 10_000_000)
    1040000019
    """
    if name not in CHAINS:
        raise ConfigError("sim.chain", name, "one of " + ", ".join(sorted(CHAINS)))
    chain = CHAINS[name]
    return chain if floor is None else replace(chain, floor=whole("floor", floor))


def l1_data_fee(
    fastlz_size: int,
    l1_base_fee: int,
    l1_blob_base_fee: int = 0,
    base_fee_scalar: int = 1_000_000,
    blob_base_fee_scalar: int = 0,
) -> int:
    """Fee for the data of one transaction of an OP-stack chain, wei (the Fjord rule).

    Parameters
    ----------
    fastlz_size : int
        Bytes of the signed transaction compressed by FastLZ, >= 0.
    l1_base_fee, l1_blob_base_fee : int
        Base fee and blob base fee of the chain below, wei, >= 0.
    base_fee_scalar, blob_base_fee_scalar : int
        The chain's weights in millionths, >= 0; they are set on the chain and change.

    Returns
    -------
    int
        ``size (16 s_base l1_base_fee + s_blob l1_blob_base_fee) // 1e12`` with the size in
        millionths of a byte, ``max(100e6, 836500 fastlz_size - 42585600)``.

    Raises
    ------
    AmountError
        If a value is no integer >= 0.

    References
    ----------
    OP Stack specification, Fjord, L1 cost function,
    https://specs.optimism.io/protocol/fjord/exec-engine.html

    Examples
    --------
    >>> l1_data_fee(200, l1_base_fee=10**10, base_fee_scalar=2_000)
    39908608000
    """
    size = max(100_000_000, 836_500 * whole("fastlz_size", fastlz_size) - 42_585_600)
    base, blob = (
        whole("l1_base_fee", l1_base_fee),
        whole("l1_blob_base_fee", l1_blob_base_fee),
    )
    by_base = whole("base_fee_scalar", base_fee_scalar)
    by_blob = whole("blob_base_fee_scalar", blob_base_fee_scalar)
    return size * (16 * by_base * base + by_blob * blob) // 10**12


def l1_data_fee_ecotone(
    calldata_zeros: int,
    calldata_others: int,
    l1_base_fee: int,
    l1_blob_base_fee: int = 0,
    base_fee_scalar: int = 1_000_000,
    blob_base_fee_scalar: int = 0,
) -> int:
    """Fee for the data of one transaction of an OP-stack chain, wei, until Fjord (Ecotone).

    Parameters
    ----------
    calldata_zeros, calldata_others : int
        Bytes of the signed transaction that are 0, and that are not, >= 0.
    l1_base_fee, l1_blob_base_fee : int
        Base fee and blob base fee of the chain below, wei, >= 0.
    base_fee_scalar, blob_base_fee_scalar : int
        The chain's weights in millionths, >= 0; they are set on the chain and change.

    Returns
    -------
    int
        ``(4 zeros + 16 others) (16 s_base l1_base_fee + s_blob l1_blob_base_fee) // 16e6``.

    Raises
    ------
    AmountError
        If a value is no integer >= 0.

    References
    ----------
    OP Stack specification, Ecotone L1 cost function,
    https://specs.optimism.io/protocol/exec-engine.html

    Examples
    --------
    >>> l1_data_fee_ecotone(40, 160, l1_base_fee=10**10, base_fee_scalar=2_000)
    54400000000
    """
    names = ("calldata_zeros", "calldata_others", "l1_base_fee", "l1_blob_base_fee")
    zeros, others, base, blob = (
        whole(name, value)
        for name, value in zip(
            names, (calldata_zeros, calldata_others, l1_base_fee, l1_blob_base_fee), strict=True
        )
    )
    by_base = whole("base_fee_scalar", base_fee_scalar)
    by_blob = whole("blob_base_fee_scalar", blob_base_fee_scalar)
    weighed = 16 * by_base * base + by_blob * blob
    return (4 * zeros + 16 * others) * weighed // 16_000_000
