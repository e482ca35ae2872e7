"""Many swaps of one pool in the exact integers of its contract, compiled.

:mod:`ethpredict.sim.amm` is the same in Python's own integers, one swap at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ethpredict.errors import ConfigError
from ethpredict.sim._wide_kernels import DIGITS, swap_all
from ethpredict.sim.amm import (
    AERODROME_MAX_FEE_BPS,
    BPS,
    aerodrome_swap,
    fee_in_bps,
    uniswap_v2_swap,
)
from ethpredict.sim.amounts import UINT256_MAX, AmountError, whole

_BYTES = 4 * DIGITS


class SwapSequence(NamedTuple):
    """What many swaps paid out and left, all integers.

    Attributes
    ----------
    amounts_out : list of int
        Tokens received by each.
    reserve0, reserve1 : int
        Reserves after the last.
    """

    amounts_out: list[int]
    reserve0: int
    reserve1: int


def _digits(values: Iterable[int]) -> npt.NDArray[np.uint32]:
    """Numbers as rows of digits."""
    packed = b"".join([value.to_bytes(_BYTES, "little") for value in values])
    return np.frombuffer(packed, dtype="<u4").reshape(-1, DIGITS)


def _numbers(digits: npt.NDArray[Any]) -> list[int]:
    """Rows of digits as numbers."""
    packed = digits.astype("<u4").tobytes()
    return [
        int.from_bytes(packed[at : at + _BYTES], "little") for at in range(0, len(packed), _BYTES)
    ]


def swap_sequence(
    amounts_in: Sequence[int],
    zero_in: npt.ArrayLike,
    reserve0: int,
    reserve1: int,
    fee_bps: int = 30,
    fee_leaves: bool = False,
) -> SwapSequence:
    """Swap one after another on a constant-product pool.

    Parameters
    ----------
    amounts_in : sequence of int, length n
        Tokens paid, smallest unit; > 0 (with `fee_leaves` also 0).
    zero_in : array_like of bool, shape (n,)
        Whether each pays token 0 (else token 1).
    reserve0, reserve1 : int
        Reserves before the first, smallest unit, > 0.
    fee_bps : int
        0..9999; with `fee_leaves` 0..300.
    fee_leaves : bool
        False: a Uniswap v2 fork, :func:`ethpredict.sim.amm.uniswap_v2_swap`. True: a volatile
        Aerodrome pool, :func:`ethpredict.sim.amm.aerodrome_swap`.

    Returns
    -------
    SwapSequence

    Raises
    ------
    AmountError
        If an amount is no integer or out of its range, or a swap leaves 256 bits (a reserve of
        a Uniswap v2 fork: 112).
    ConfigError
        If the fee is outside its range, or `zero_in` has another length.

    Examples
    --------
    >>> swap_sequence([2, 3], [True, False], 100, 100)
    SwapSequence(amounts_out=[1, 2], reserve0=100, reserve1=102)
    """
    fee = fee_in_bps(fee_bps, AERODROME_MAX_FEE_BPS if fee_leaves else BPS - 1)
    least = 0 if fee_leaves else 1
    paid = [
        value
        if type(value) is int and least <= value <= UINT256_MAX
        else whole(f"amounts_in[{place}]", value, least)
        for place, value in enumerate(amounts_in)
    ]
    sides = np.ascontiguousarray(zero_in, dtype=np.bool_)
    if sides.shape != (len(paid),):
        raise ConfigError("zero_in", sides.shape, f"one entry for each of {len(paid)} amounts")
    reserves = _digits([whole("reserve0", reserve0, 1), whole("reserve1", reserve1, 1)])
    state, got = reserves.astype(np.uint64), np.empty((len(paid), DIGITS), np.uint32)
    made = swap_all(_digits(paid), sides, state, fee, fee_leaves, got)
    left = _numbers(state)
    if made < len(paid):
        near, far = (left[0], left[1]) if sides[made] else (left[1], left[0])
        # One at a time, it says what leaves 256 bits.
        (aerodrome_swap if fee_leaves else uniswap_v2_swap)(paid[made], near, far, fee)
        raise AmountError(f"amounts_in[{made}]", paid[made], "small enough for 256 bits")
    return SwapSequence(_numbers(got), left[0], left[1])
