"""Plain Python of the pool, of its draws and of the best trade."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ethpredict.sim._pool_kernels import BISECTIONS

WORD = (1 << 64) - 1


def scramble(word: int) -> int:
    """One round of splitmix64.

    Examples
    --------
    >>> hex(scramble(0))
    '0xe220a8397b1dcdaf'
    """
    word = (word + 0x9E3779B97F4A7C15) & WORD
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & WORD
    return word ^ (word >> 31)


def draw_word(seed: int, replicate: int, row: int, purpose: int) -> int:
    """64 random bits of one key."""
    word = 0
    for part in (seed, replicate, row, purpose):
        word = scramble(word ^ part)
    return word


def _unit(word: int) -> float:
    """A number strictly between 0 and 1."""
    return ((word >> 12) + 0.5) / 2.0**52


def draw_uniform(seed: int, replicate: int, row: int, purpose: int) -> float:
    """Uniform draw on (0, 1)."""
    return _unit(draw_word(seed, replicate, row, purpose))


def draw_normal(seed: int, replicate: int, row: int, purpose: int) -> float:
    """Standard normal draw (Box-Muller)."""
    word = draw_word(seed, replicate, row, purpose)
    radius = math.sqrt(-2.0 * math.log(_unit(word)))
    return radius * math.cos(2.0 * math.pi * _unit(scramble(word)))


@dataclass
class Pool:
    """A constant-product pool whose fee stays in the reserves.

    Parameters
    ----------
    reserve0, reserve1 : float
        ETH and USD, > 0.
    fee : float
        Share of the input, in [0, 1).
    """

    reserve0: float
    reserve1: float
    fee: float

    def cost(self, size: float) -> float:
        """USD paid for `size` ETH; negative when ETH is sold; inf beyond the reserve."""
        keep = 1.0 - self.fee
        if size >= self.reserve0:
            return math.inf
        if size >= 0.0:
            return size * self.reserve1 / ((self.reserve0 - size) * keep)
        net = -size * keep
        return -(net * self.reserve1 / (self.reserve0 + net))

    def pay_usd(self, amount: float) -> None:
        """Somebody buys ETH for `amount` USD."""
        net = amount * (1.0 - self.fee)
        self.reserve0, self.reserve1 = (
            self.reserve0 - net * self.reserve0 / (self.reserve1 + net),
            self.reserve1 + amount,
        )

    def pay_eth(self, amount: float) -> None:
        """Somebody sells `amount` ETH."""
        net = amount * (1.0 - self.fee)
        self.reserve0, self.reserve1 = (
            self.reserve0 + amount,
            self.reserve1 - net * self.reserve1 / (self.reserve0 + net),
        )

    def noise(self, share: float) -> None:
        """Net flow of a signed share of the pool's value."""
        if share > 0.0:
            self.pay_usd(2.0 * share * self.reserve1)
        elif share < 0.0:
            self.pay_eth(-2.0 * share * self.reserve0)

    def arbitrage(self, price: float, cost: float) -> None:
        """Competitor brings the pool to the edge of its band if that earns more than its cost."""
        keep, own = 1.0 - self.fee, self.reserve1 / self.reserve0
        invariant = self.reserve0 * self.reserve1
        if price * keep > own:
            amount = (math.sqrt(invariant * price * keep) - self.reserve1) / keep
            root = math.sqrt(price * self.reserve0) - math.sqrt(self.reserve1 / keep)
            if amount > 0.0 and root * root > cost:
                self.pay_usd(amount)
        elif price < keep * own:
            amount = (math.sqrt(invariant * keep / price) - self.reserve0) / keep
            root = math.sqrt(self.reserve1) - math.sqrt(price * self.reserve0 / keep)
            if amount > 0.0 and root * root > cost:
                self.pay_eth(amount)


def best_trade(
    pool: Pool,
    mid: float,
    held: float,
    tilt: float,
    curvature: float,
    limit: float,
    balance: float,
) -> tuple[float, float]:
    """Trade that maximises ``a M - C(a) + theta(q+a) - theta(q)``, and that maximum.

    Parameters
    ----------
    pool : Pool
        The pool.
    mid : float
        Reference mid, USD.
    held, limit : float
        Inventory and its limit, ETH.
    tilt, curvature : float
        ``theta(q) = tilt q - curvature q^2/2``.
    balance : float
        USD that can be spent.
    """
    keep, product = 1.0 - pool.fee, pool.reserve0 * pool.reserve1

    def slope(size: float, side: int) -> float:
        if side > 0:
            left = pool.reserve0 - size
            price = product / (left * left * keep)
        else:
            deep = pool.reserve0 - size * keep
            price = product * keep / (deep * deep)
        return mid - price + tilt - curvature * (held + size)

    net = max(0.0, balance) * keep
    affordable = net * pool.reserve0 / (pool.reserve1 + net)
    size = 0.0
    for side, most in ((1, min(limit - held, affordable)), (-1, limit + held)):
        if slope(0.0, side) * side <= 0.0:
            continue
        low, high = 0.0, max(0.0, most)
        if slope(side * high, side) * side >= 0.0:
            low = high
        else:
            for _ in range(BISECTIONS):
                middle = 0.5 * (low + high)
                if slope(side * middle, side) * side > 0.0:
                    low = middle
                else:
                    high = middle
        size = side * low
        break
    value = size * (mid + tilt) - curvature * size * (held + 0.5 * size)
    return size, value - pool.cost(size)
