"""The liquidity provider in plain Python: what its compiled kernel must reproduce bit for bit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _provider_kernels as lp
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.reference_pool import draw_normal, draw_uniform
from ethpredict.sim.rows import Floats, MarketRows, PathRows


@dataclass
class Provider:
    """A pool, our share of it, and what we hold outside.

    Parameters
    ----------
    reserve0, reserve1 : float
        ETH and USD in the pool.
    wallet0, wallet1 : float
        ETH and USD outside.
    fee : float
        Share of the input.
    keep : bool
        Whether fees stay in the reserves (else: in a vault, ours by share).
    """

    reserve0: float
    reserve1: float
    wallet0: float
    wallet1: float
    fee: float
    keep: bool
    share: float = 0.0
    vault0: float = 0.0
    vault1: float = 0.0
    accounts: list[float] = field(default_factory=lambda: [0.0] * acc.N_ACCOUNTS)

    @property
    def eth(self) -> float:
        """All our ETH."""
        return self.share * self.reserve0 + self.wallet0 + self.vault0

    @property
    def usd(self) -> float:
        """All our USD."""
        return self.share * self.reserve1 + self.wallet1 + self.vault1

    def mint(self) -> None:
        """Put in what the pool's ratio allows."""
        add = min(self.wallet0 / self.reserve0, self.wallet1 / self.reserve1)
        self.share = (self.share + add) / (1.0 + add)
        self.wallet0 -= add * self.reserve0
        self.wallet1 -= add * self.reserve1
        self.reserve0 += add * self.reserve0
        self.reserve1 += add * self.reserve1

    def burn(self) -> None:
        """Take everything out."""
        out0, out1 = self.share * self.reserve0, self.share * self.reserve1
        self.wallet0 += out0 + self.vault0
        self.wallet1 += out1 + self.vault1
        self.reserve0 -= out0
        self.reserve1 -= out1
        self.share = self.vault0 = self.vault1 = 0.0

    def transact(self, action: int, price: float, costs: tuple[float, float]) -> float:
        """Mint (1) or burn (-1), and pay for it; the ETH that came out of the pool."""
        before = self.share * self.reserve0
        if action > 0:
            self.mint()
            self.accounts[acc.N_SELLS] += 1.0
        else:
            self.burn()
            self.accounts[acc.N_BUYS] += 1.0
        moved = before - self.share * self.reserve0
        self.accounts[acc.NOTIONAL] += 2.0 * abs(moved) * price
        self.accounts[acc.TAKEN] += 1.0
        self.accounts[acc.GAS] -= costs[0]
        self.accounts[acc.BRIBE] -= costs[1]
        return moved

    def swap(self, amount: float, eth_in: bool, price: float) -> float:
        """Somebody swaps; the fee's value, USD. Our part of fee and loss is booked."""
        paid = amount * self.fee
        net = amount * (1.0 - self.fee)
        added = amount if self.keep else amount - paid
        if eth_in:
            out = net * self.reserve1 / (self.reserve0 + net)
            self.reserve0, self.reserve1 = self.reserve0 + added, self.reserve1 - out
            value, adverse = paid * price, (amount - paid) * price - out
            self.vault0 += 0.0 if self.keep else self.share * paid
        else:
            out = net * self.reserve0 / (self.reserve1 + net)
            self.reserve0, self.reserve1 = self.reserve0 - out, self.reserve1 + added
            value, adverse = paid, (amount - paid) - out * price
            self.vault1 += 0.0 if self.keep else self.share * paid
        self.accounts[acc.LP_FEES] += self.share * value
        self.accounts[acc.LP_ADVERSE] += self.share * adverse
        return value

    def arbitrage(self, price: float, cost: float) -> float:
        """The competitor closes what is left of the gap to the price; the fee's value, USD."""
        keep, own = 1.0 - self.fee, self.reserve1 / self.reserve0
        invariant = self.reserve0 * self.reserve1
        if price * keep > own:
            amount = (math.sqrt(invariant * price * keep) - self.reserve1) / keep
            root = math.sqrt(price * self.reserve0) - math.sqrt(self.reserve1 / keep)
        elif price < keep * own:
            amount = (math.sqrt(invariant * keep / price) - self.reserve0) / keep
            root = math.sqrt(self.reserve1) - math.sqrt(price * self.reserve0 / keep)
        else:
            return 0.0
        if not root * root > cost:
            return 0.0
        value = self.swap(amount, price < keep * own, price)
        self.accounts[acc.LP_ARBITRAGE_FEES] += self.share * value
        self.accounts[acc.ARBITRAGE_PROFIT] += self.share * (root * root)
        return value


def run_lp(
    market: MarketRows, path: PathRows, mu: Floats, fees: Floats, settings: Floats
) -> Outcome:
    """Play one provider over its rows.

    Parameters
    ----------
    market, path : MarketRows, PathRows
        Rows of the segment.
    mu : ndarray, shape (n,)
        Predicted drift, USD/s.
    fees : ndarray, shape (n,)
        Base fee known at each close, gwei.
    settings : ndarray, shape (N_LP_SETTINGS,)
        The run's settings.
    """
    n = len(market.close)
    close = [float(value) for value in market.close]
    half = 0.5 * float(settings[lp.L_DEPOSIT])
    start0, start1 = half / close[0], half
    reserve1 = 0.5 * float(settings[lp.L_LIQUIDITY])
    ours = Provider(
        reserve1 / close[0],
        reserve1,
        start0,
        start1,
        float(settings[lp.L_FEE]),
        bool(settings[lp.L_KEEP]),
    )
    book, limit = ours.accounts, float(settings[lp.L_LIMIT])
    gas_eth = float(settings[lp.L_GAS_UNITS]) * 1e-9
    equity, inventory = np.empty(n), np.empty(n)
    detail = np.full((acc.N_DETAIL, n), np.nan)
    income, price = 0.0, close[0]
    for j in range(n):
        i = max(j - 1, 0)
        mid, sigma, span = close[i], float(path.sigma[i]), float(market.seconds[j])
        base_cost = (gas_eth * float(fees[i]) + float(settings[lp.L_DATA_FEE]) * 1e-9) * mid
        tip_cost = gas_eth * float(settings[lp.L_TIP]) * mid
        moved = 0.0
        own = ours.reserve1 / ours.reserve0
        detail[acc.D_BID, j], detail[acc.D_ASK, j] = own * (1 - ours.fee), own / (1 - ours.fee)
        if j > 0:
            drift = float(mu[i]) * min(float(path.h_rem[i]), float(settings[lp.L_HORIZON]))
            action = wanted(
                ours, settings, mid, sigma, drift, income, base_cost + tip_cost, ours.eth - start0
            )
            rate, moved = _row(
                ours,
                market,
                settings,
                j,
                sigma / mid if sigma > 0.0 else 0.0,
                price,
                start0,
                (base_cost, tip_cost),
                action,
            )
            price = close[j]
            income += (rate / span - income) * min(1.0, span / float(settings[lp.L_INCOME_WINDOW]))
        if ours.share > 0.0:
            book[acc.LP_SECONDS] += span
            relative = sigma / mid if sigma > 0.0 else 0.0
            position = ours.share * (ours.reserve0 * close[j] + ours.reserve1)
            book[acc.LVR_MODEL] += 0.125 * relative * relative * position * span
        off, spent = ours.eth - start0, book[acc.GAS] + book[acc.BRIBE]
        cash = ours.usd - start1 + spent
        equity[j], inventory[j] = off * close[j] + cash, off
        book[acc.ABS_INVENTORY_S] += abs(off) * span
        book[acc.LIMIT_S] += span if abs(off) >= limit else 0.0
        detail[acc.D_FILL, j], detail[acc.D_CASH, j] = moved, cash
        detail[acc.D_MU, j], detail[acc.D_TARGET, j] = mu[i], ours.share
    leave(ours, settings, close[-1], float(fees[-1]), start0, start1)
    return Outcome(np.array(book), equity, inventory, detail)


def wanted(
    ours: Provider,
    settings: Floats,
    mid: float,
    sigma: float,
    drift: float,
    income: float,
    cost: float,
    off: float,
) -> int:
    """1 to mint, -1 to burn, 0 to wait."""
    inside = ours.share > 0.0
    if abs(off) >= settings[lp.L_LIMIT]:
        return -1 if inside else 0
    if settings[lp.L_ALWAYS] > 0.0:
        return 0 if inside else 1
    if not sigma > 0.0:
        return 0
    horizon, moved, relative = float(settings[lp.L_HORIZON]), drift / mid, sigma / mid
    worth = income * horizon - 0.125 * (relative * relative * horizon + moved * moved)
    worth *= ours.eth * mid + ours.usd
    if inside:
        return -1 if worth < -cost else 0
    return 1 if worth > 2.0 * cost else 0


def _row(
    ours: Provider,
    market: MarketRows,
    settings: Floats,
    j: int,
    relative: float,
    start: float,
    endowment: float,
    costs: tuple[float, float],
    action: int,
) -> tuple[float, float]:
    """Every block of a row; the pool's fees per USD in it, and the ETH that we took out."""
    seed, replicate = int(settings[lp.L_SEED]), int(settings[lp.L_REPLICATE])
    block_time, duration = float(settings[lp.L_BLOCK_TIME]), float(market.duration[j])
    blocks = max(1, math.floor(duration / block_time + 0.5))
    wait = float(settings[lp.L_LATENCY]) + block_time
    first = min(blocks, max(1, math.floor(wait / block_time + 0.5)))
    row, accounts = market.first_row + j, ours.accounts
    included = False
    if action:
        accounts[acc.N_SENT] += 1.0
        accounts[acc.OFFERED] += 1.0
        luck = draw_uniform(seed, replicate, row, lp.LP_INCLUSION)
        included = not market.gap[j] and luck < settings[lp.L_INCLUSION]
        accounts[acc.N_NOT_INCLUDED] += 0.0 if included else 1.0
    noise = float(settings[lp.L_TURNOVER]) * block_time / lp.DAY_S * math.sqrt(0.5 * math.pi)
    spread = relative * math.sqrt(duration / blocks)
    end = float(market.close[j])
    price, log_price, log_end = start, math.log(start), math.log(end)
    earned = value = moved = 0.0
    for b in range(blocks):
        key, left, now = row * lp.MOST_BLOCKS + b, float(blocks - b), end
        if left > 1.0:
            log_price += (log_end - log_price) / left
            shock = draw_normal(seed, replicate, key, lp.BRIDGE)
            log_price += spread * math.sqrt((left - 1.0) / left) * shock
            now = math.exp(log_price)
        accounts[acc.INVENTORY] += (ours.eth - endowment) * (now - price)
        price = now
        earned += _block(ours, settings, price, costs[0] + costs[1], noise, key)
        value += ours.reserve0 * price + ours.reserve1
        if included and b == first - 1:
            moved = ours.transact(action, price, costs)
    return earned / (value / blocks), moved


def _block(
    ours: Provider, settings: Floats, price: float, cost: float, noise: float, key: int
) -> float:
    """Noise flow and the competitor of one block; the pool's fees, USD."""
    seed, replicate = int(settings[lp.L_SEED]), int(settings[lp.L_REPLICATE])
    flow = noise * draw_normal(seed, replicate, key, lp.BLOCK_NOISE) if noise > 0.0 else 0.0
    earned = 0.0
    if flow > 0.0:
        earned = ours.swap(2.0 * flow * ours.reserve1, False, price)
    elif flow < 0.0:
        earned = ours.swap(-2.0 * flow * ours.reserve0, True, price)
    phi = float(settings[lp.L_ARBITRAGE])
    if not (phi < 1.0 and draw_uniform(seed, replicate, key, lp.BLOCK_ARBITRAGE) >= phi):
        earned += ours.arbitrage(price, cost)
    return earned


def leave(
    ours: Provider, settings: Floats, mid: float, base_fee: float, start0: float, start1: float
) -> None:
    """Burn, and trade the ETH back to the endowment through the pool."""
    gas = float(settings[lp.L_GAS_UNITS]) * (base_fee + float(settings[lp.L_TIP]))
    gas = (gas + float(settings[lp.L_DATA_FEE])) * (1e-9 * mid)
    book = ours.accounts
    if ours.share > 0.0:
        ours.burn()
        book[acc.LIQUIDATION] -= gas
    off, keep = ours.eth - start0, 1.0 - ours.fee
    if -off >= ours.reserve0:
        book[acc.STUCK] = 1.0
        return
    if off < 0.0:
        cost = -off * ours.reserve1 / ((ours.reserve0 + off) * keep)
        book[acc.LIQUIDATION] += -cost - off * mid - gas
    elif off > 0.0:
        net = off * keep
        book[acc.LIQUIDATION] += net * ours.reserve1 / (ours.reserve0 + net) - off * mid - gas
    spent = book[acc.GAS] + book[acc.BRIBE]
    book[acc.CASH] = ours.usd - start1 + spent + book[acc.LIQUIDATION] + off * mid
