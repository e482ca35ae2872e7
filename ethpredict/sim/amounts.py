"""Whole token amounts as a contract sees them: unsigned integers, or a revert."""

from __future__ import annotations

import operator
from typing import Any

from ethpredict.errors import EthPredictError

UINT256_MAX = 2**256 - 1


class AmountError(EthPredictError, ValueError):
    """An amount that a contract would refuse (it reverts).

    Parameters
    ----------
    name : str
        Name of the amount.
    value : object
        The value that was given or reached.
    legal : str
        The legal type or range.
    remedy : str, optional
        What to do.
    """

    def __init__(self, name: str, value: object, legal: str, remedy: str = "") -> None:
        self.name, self.value, self.legal = name, value, legal
        hint = f" {remedy}" if remedy else ""
        super().__init__(f"{name} = {value!r}: must be {legal}.{hint}")


def whole(name: str, value: Any, low: int = 0, high: int = UINT256_MAX) -> int:
    """Return `value` as a Python integer within a range.

    Parameters
    ----------
    name : str
        Name for the message.
    value : int or numpy integer
        The amount, in the token's smallest unit.
    low, high : int
        Legal range, both ends included.

    Raises
    ------
    AmountError
        If the value is no integer (floats and booleans are refused: money is
        exact here) or stands outside the range.

    Examples
    --------
    >>> whole("amount_in", 5)
    5
    >>> whole("amount_in", 5.0)
    Traceback (most recent call last):
    ...
    ethpredict.sim.amounts.AmountError: amount_in = 5.0: must be an integer. Round it first.
    """
    if type(value) is int and low <= value <= high:
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise AmountError(name, value, "an integer", "Round it first.")
    number = operator.index(value)
    if not low <= number <= high:
        top = "2**256 - 1" if high == UINT256_MAX else str(high)
        raise AmountError(name, number, f"from {low} to {top}")
    return number


def uint256(value: int, what: str) -> int:
    """Return an intermediate result, or refuse what overflows on chain.

    Parameters
    ----------
    value : int
        Exact result.
    what : str
        Its meaning, for the message.

    Raises
    ------
    AmountError
        If `value` is negative or above 2**256 - 1: checked arithmetic reverts there.
    """
    if not 0 <= value <= UINT256_MAX:
        raise AmountError(what, value, "from 0 to 2**256 - 1", "The contract reverts here.")
    return value
