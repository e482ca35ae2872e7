"""Compiled swaps in the whole numbers of the contracts, up to 256 bits.

A number is a row of eight digits of 32 bits, the lowest first, each in a uint64, so that the
product of two digits and a carry fits. The plain reference is :mod:`ethpredict.sim.amm`, in
Python's own integers; a parity test compares both.
"""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

DIGITS = 8
ZERO, ONE, BITS = np.uint64(0), np.uint64(1), np.uint64(32)
LOW, BASE = np.uint64(0xFFFFFFFF), np.uint64(0x100000000)
TOP_BIT = np.uint64(0x80000000)
# Digits of a reserve of 112 bits: three full ones and half of the fourth.
RESERVE_DIGITS, HALF = 4, np.uint64(16)
WHOLE_BPS = np.uint64(10_000)


@njit(cache=True, nogil=True, error_model="numpy")
def length(digits: np.ndarray) -> int:
    """Digits up to the highest that is not 0."""
    n = len(digits)
    while n > 0 and digits[n - 1] == ZERO:
        n -= 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def times_digit(x: np.ndarray, digit: int, out: np.ndarray) -> bool:
    """``out = x digit``; whether it fits.

    Parameters
    ----------
    x, out : ndarray of uint64, shape (DIGITS,)
        Numbers; may be the same.
    digit : uint64
        Below 2^32.
    """
    carry = ZERO
    for i in range(DIGITS):
        part = x[i] * digit + carry
        out[i], carry = part & LOW, part >> BITS
    return carry == ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def times(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> bool:
    """``out = x y``; whether it fits. `out` is another array than both."""
    n_x, n_y, fits = length(x), length(y), True
    out[:] = ZERO
    for i in range(n_x):
        carry = ZERO
        for k in range(n_y):
            if i + k >= DIGITS:
                fits = fits and x[i] * y[k] + carry == ZERO
                continue
            part = x[i] * y[k] + out[i + k] + carry
            out[i + k], carry = part & LOW, part >> BITS
        if i + n_y < DIGITS:
            out[i + n_y] = carry
        elif carry != ZERO:
            fits = False
    return fits


@njit(cache=True, nogil=True, error_model="numpy")
def add(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> bool:
    """``out = x + y``; whether it fits. The arrays may be the same."""
    carry = ZERO
    for i in range(DIGITS):
        part = x[i] + y[i] + carry
        out[i], carry = part & LOW, part >> BITS
    return carry == ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def subtract(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """``out = x - y`` where x >= y. The arrays may be the same."""
    borrow = ZERO
    for i in range(DIGITS):
        part = BASE + x[i] - y[i] - borrow
        out[i], borrow = part & LOW, ONE - (part >> BITS)


@njit(cache=True, nogil=True, error_model="numpy")
def over_digit(x: np.ndarray, digit: int, out: np.ndarray) -> None:
    """``out = x // digit``, a digit of 1 to 2^32 - 1. The arrays may be the same."""
    rest = ZERO
    for i in range(DIGITS - 1, -1, -1):
        part = (rest << BITS) | x[i]
        out[i] = part // digit
        rest = part - out[i] * digit


@njit(cache=True, nogil=True, error_model="numpy")
def over(x: np.ndarray, y: np.ndarray, out: np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
    """``out = x // y`` for y > 0, by long division.

    Parameters
    ----------
    x, y : ndarray of uint64, shape (DIGITS,)
        Numbers.
    out : ndarray of uint64, shape (DIGITS,)
        Filled; another array than both.
    u, v : ndarray of uint64, shape (DIGITS + 1,)
        Room for both numbers, shifted.

    References
    ----------
    Knuth (1997), The Art of Computer Programming, volume 2, 4.3.1, algorithm D.
    """
    n_x, n_y = length(x), length(y)
    if n_y == 1:
        over_digit(x, y[0], out)
        return
    out[:] = ZERO
    if n_x < n_y:
        return
    # The highest bit of y goes to the top of its digit: then a guess is at most 2 too large.
    shift, top = ZERO, y[n_y - 1]
    while top & TOP_BIT == ZERO:
        top, shift = top << ONE, shift + ONE
    carry = ZERO
    for i in range(n_y):
        part = (y[i] << shift) | carry
        v[i], carry = part & LOW, part >> BITS
    carry = ZERO
    for i in range(n_x):
        part = (x[i] << shift) | carry
        u[i], carry = part & LOW, part >> BITS
    u[n_x] = carry
    for j in range(n_x - n_y, -1, -1):
        part = (u[j + n_y] << BITS) | u[j + n_y - 1]
        guess = part // v[n_y - 1]
        rest = part - guess * v[n_y - 1]
        while guess >= BASE or guess * v[n_y - 2] > ((rest << BITS) | u[j + n_y - 2]):
            guess -= ONE
            rest += v[n_y - 1]
            if rest >= BASE:
                break
        carry, borrow = ZERO, ZERO
        for i in range(n_y):
            taken = guess * v[i] + carry
            carry = taken >> BITS
            part = BASE + u[i + j] - (taken & LOW) - borrow
            u[i + j], borrow = part & LOW, ONE - (part >> BITS)
        part = BASE + u[j + n_y] - carry - borrow
        u[j + n_y] = part & LOW
        if part >> BITS == ZERO:
            guess -= ONE
            carry = ZERO
            for i in range(n_y):
                part = u[i + j] + v[i] + carry
                u[i + j], carry = part & LOW, part >> BITS
            u[j + n_y] = (u[j + n_y] + carry) & LOW
        out[j] = guess


@njit(cache=True, nogil=True, error_model="numpy")
def is_reserve(x: np.ndarray) -> bool:
    """Whether a number fits into the 112 bits that a pair of Uniswap v2 has for a reserve."""
    return length(x) < RESERVE_DIGITS or (
        length(x) == RESERVE_DIGITS and x[RESERVE_DIGITS - 1] >> HALF == ZERO
    )


@njit(cache=True, nogil=True, error_model="numpy")
def swap_all(
    paid: np.ndarray,
    zero_in: np.ndarray,
    reserves: np.ndarray,
    fee_bps: int,
    fee_leaves: bool,
    got: np.ndarray,
) -> int:
    """Swaps of one constant-product pool, one after another.

    Parameters
    ----------
    paid : ndarray of uint32, shape (n, DIGITS)
        What each swap pays in, with its fee.
    zero_in : ndarray of bool, shape (n,)
        Whether it pays token 0.
    reserves : ndarray of uint64, shape (2, DIGITS)
        Of tokens 0 and 1, > 0; changed to those after the swaps that were made.
    fee_bps : int
        0..9999.
    fee_leaves : bool
        Whether the fee is rounded down and leaves the reserves (Aerodrome) or stays in them.
    got : ndarray of uint32, shape (n, DIGITS)
        Filled: what each swap takes out.

    Returns
    -------
    int
        Swaps made: n, or fewer where the next one leaves 256 bits (a reserve whose fees stay:
        112).
    """
    fee, keep = np.uint64(fee_bps), WHOLE_BPS - np.uint64(fee_bps)
    amount, net = np.empty(DIGITS, np.uint64), np.empty(DIGITS, np.uint64)
    high, deep = np.empty(DIGITS, np.uint64), np.empty(DIGITS, np.uint64)
    out, grown = np.empty(DIGITS, np.uint64), np.empty(DIGITS, np.uint64)
    u, v = np.empty(DIGITS + 1, np.uint64), np.empty(DIGITS + 1, np.uint64)
    for n in range(len(paid)):
        for i in range(DIGITS):
            amount[i] = np.uint64(paid[n, i])
        side = 0 if zero_in[n] else 1
        near, far = reserves[side], reserves[1 - side]
        if fee_leaves:
            fits = times_digit(amount, fee, high)
            over_digit(high, WHOLE_BPS, high)
            subtract(amount, high, net)
            fits = fits and add(near, net, deep)
            amount[:] = net
        else:
            fits = times_digit(amount, keep, net) and times_digit(near, WHOLE_BPS, deep)
            fits = fits and add(deep, net, deep)
        fits = fits and times(net, far, high)
        if not (fits and add(near, amount, grown)):
            return n
        if not (fee_leaves or (is_reserve(grown) and is_reserve(far))):
            return n
        over(high, deep, out, u, v)
        near[:] = grown
        subtract(far, out, far)
        for i in range(DIGITS):
            got[n, i] = np.uint32(out[i])
    return len(paid)
