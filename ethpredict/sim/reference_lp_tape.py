"""A provider on a recorded pool in plain Python: what the compiled kernel must reproduce."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ethpredict.sim import _account_kernels as acc
from ethpredict.sim import _lp_tape_kernels as taped
from ethpredict.sim import _provider_kernels as lp
from ethpredict.sim.lp_tape import ProviderRows
from ethpredict.sim.metrics import Outcome
from ethpredict.sim.reference_lp import Provider, leave, wanted
from ethpredict.sim.reference_pool import draw_uniform
from ethpredict.sim.rows import Floats, MarketRows, PathRows


@dataclass
class Beside(Provider):
    """Our liquidity beside a recorded pool: `share` is ours over the recorded."""

    def mint(self) -> None:
        """Put in what the recorded ratio allows."""
        self.share = min(self.wallet0 / self.reserve0, self.wallet1 / self.reserve1)
        self.wallet0 -= self.share * self.reserve0
        self.wallet1 -= self.share * self.reserve1

    def burn(self) -> None:
        """Take everything out."""
        self.wallet0 += self.share * self.reserve0 + self.vault0
        self.wallet1 += self.share * self.reserve1 + self.vault1
        self.share = self.vault0 = self.vault1 = 0.0

    def meet(self, event: list[float], price: float) -> float:
        """One recorded event; its fee per USD of the recorded pool."""
        after0, after1 = event[taped.E_RESERVE0], event[taped.E_RESERVE1]
        fee0, fee1 = self.fee * event[taped.E_PAID0], self.fee * event[taped.E_PAID1]
        swap = event[taped.E_PAID0] > 0.0 or event[taped.E_PAID1] > 0.0
        if self.share > 0.0:
            first = math.sqrt(self.reserve0 * self.reserve1)
            last = math.sqrt(after0 * after1)
            own = self.share * first
            depth, growth = first, 1.0
            if swap and self.keep:
                growth += (last / first - 1.0) * (first / (first + own))
            elif swap and abs(last - first) > taped.SAME * first:
                depth = self._crossed(event, fee0, fee1, last)
            part = own / (depth + own) if swap else 0.0
            share = own * growth / last
            total = (share * after0 - self.share * self.reserve0) * price
            total += share * after1 - self.share * self.reserve1
            earned = part * fee0 * price + part * fee1
            if self.keep:
                total -= earned
            else:
                self.vault0, self.vault1 = self.vault0 + part * fee0, self.vault1 + part * fee1
            self.accounts[acc.LP_FEES] += earned
            self.accounts[acc.LP_ADVERSE] += total
            self.share = share
        self.reserve0, self.reserve1 = after0, after1
        return (fee0 * price + fee1) / (after0 * price + after1) if swap else 0.0

    def _crossed(self, event: list[float], fee0: float, fee1: float, last: float) -> float:
        """Liquidity that moves the price as far for the same input."""
        root = math.sqrt(self.reserve1 / self.reserve0)
        end = math.sqrt(event[taped.E_RESERVE1] / event[taped.E_RESERVE0])
        net0, net1 = event[taped.E_PAID0] - fee0, event[taped.E_PAID1] - fee1
        if net1 > 0.0:
            moved, least, net = abs(end - root), taped.LEAST_MOVE * root, net1
        else:
            moved, least, net = abs(1.0 / end - 1.0 / root), taped.LEAST_MOVE / root, net0
        return net / moved if moved > least else last


def run_lp_tape(
    market: MarketRows,
    path: PathRows,
    mu: Floats,
    fees: Floats,
    tape: ProviderRows,
    settings: Floats,
) -> Outcome:
    """Play one provider beside a recorded pool.

    Parameters
    ----------
    market, path : MarketRows, PathRows
        Rows of the segment.
    mu : ndarray, shape (n,)
        Predicted drift, USD/s.
    fees : ndarray, shape (n,)
        Base fee known at each close, gwei.
    tape : ProviderRows
        The record.
    settings : ndarray, shape (N_LP_SETTINGS,)
        The run's settings.
    """
    n = len(market.close)
    s = [float(value) for value in settings]
    close = [float(value) for value in market.close]
    start1 = 0.5 * s[lp.L_DEPOSIT]
    start0 = start1 / close[0]
    state = float(tape.start[0]), float(tape.start[1])
    ours = Beside(*state, start0, start1, s[lp.L_FEE], s[lp.L_KEEP] > 0.0)
    book, gas_eth = ours.accounts, s[lp.L_GAS_UNITS] * 1e-9
    equity, inventory = np.empty(n), np.empty(n)
    detail = np.full((acc.N_DETAIL, n), np.nan)
    income = 0.0
    for j in range(n):
        i = max(j - 1, 0)
        mid, span, moved = close[i], float(market.seconds[j]), 0.0
        base_cost = (gas_eth * float(fees[i]) + s[lp.L_DATA_FEE] * 1e-9) * mid
        costs = base_cost, gas_eth * s[lp.L_TIP] * mid
        if tape.known[j]:
            own = ours.reserve1 / ours.reserve0
            detail[acc.D_BID, j], detail[acc.D_ASK, j] = own * (1 - ours.fee), own / (1 - ours.fee)
        if j > 0:
            action = 0
            if tape.known[j]:
                drift = float(mu[i]) * min(float(path.h_rem[i]), s[lp.L_HORIZON])
                known = mid, float(path.sigma[i]), drift, income, sum(costs), ours.eth - start0
                action = wanted(ours, settings, *known)
            rate, moved = _row(ours, market, tape, j, action, costs, start0, s)
            income += (rate / span - income) * min(1.0, span / s[lp.L_INCOME_WINDOW])
        if ours.share > 0.0:
            book[acc.LP_SECONDS] += span
            change = math.log(close[j] / mid)
            position = ours.share * (ours.reserve0 * close[j] + ours.reserve1)
            book[acc.LVR_MODEL] += 0.125 * change * change * position
        off, spent = ours.eth - start0, book[acc.GAS] + book[acc.BRIBE]
        cash = ours.usd - start1 + spent
        equity[j], inventory[j] = off * close[j] + cash, off
        book[acc.ABS_INVENTORY_S] += abs(off) * span
        book[acc.LIMIT_S] += span if abs(off) >= s[lp.L_LIMIT] else 0.0
        detail[acc.D_FILL, j], detail[acc.D_CASH, j] = moved, cash
        detail[acc.D_MU, j], detail[acc.D_TARGET, j] = mu[i], ours.share / (1.0 + ours.share)
    # As one pool with our share in it, of which the last transaction takes everything out.
    whole = 1.0 + ours.share
    both = Provider(
        whole * ours.reserve0, whole * ours.reserve1, ours.wallet0, ours.wallet1, ours.fee,
        ours.keep, ours.share / whole, ours.vault0, ours.vault1, book,
    )  # fmt: skip
    leave(both, settings, close[-1], float(fees[-1]), start0, start1)
    return Outcome(np.array(book), equity, inventory, detail)


def _row(
    ours: Beside,
    market: MarketRows,
    tape: ProviderRows,
    j: int,
    action: int,
    costs: tuple[float, float],
    endowment: float,
    s: list[float],
) -> tuple[float, float]:
    """Every event of a row and our transaction: fees per USD in the pool, and ETH taken out."""
    book, included = ours.accounts, False
    if action:
        book[acc.N_SENT] += 1.0
        book[acc.OFFERED] += 1.0
        key = int(s[lp.L_SEED]), int(s[lp.L_REPLICATE]), market.first_row + j, lp.LP_INCLUSION
        included = not market.gap[j] and draw_uniform(*key) < s[lp.L_INCLUSION]
        book[acc.N_NOT_INCLUDED] += 0.0 if included else 1.0
    mid, end = float(market.close[j - 1]), float(market.close[j])
    price, rate, moved = mid, 0.0, 0.0
    for e in range(int(tape.borders[j]), int(tape.borders[j + 1]) + 1):
        if included and e == tape.ours[j]:
            moved = ours.transact(action, price, costs)
        event, now = None, end
        if e < tape.borders[j + 1]:
            event = [float(value) for value in tape.events[e]]
            now = mid + (end - mid) * event[taped.E_MOMENT]
        book[acc.INVENTORY] += (ours.eth - endowment) * (now - price)
        price = now
        if event is not None:
            rate += ours.meet(event, price)
    return rate, moved
