"""Inventory book against ledgers that are written in another way."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethpredict.errors import ConfigError
from ethpredict.quoting.inventory import InventoryBook

LIMIT = 50
TRADES = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(1, 40), st.integers(1, 400_000)), max_size=60
)


class LotLedger:
    """One entry per single lot: first in, first out, or at the average of all entries."""

    def __init__(self) -> None:
        self.open: deque[tuple[int, Fraction]] = deque()
        self.fifo_profit, self.average_profit = 0, Fraction(0)
        self.fifo: deque[int] = deque()

    def trade(self, side: int, price: int) -> None:
        held = sum(sign for sign, _ in self.open)
        if held * side < 0:
            average = sum(cost for _, cost in self.open) / len(self.open)
            self.average_profit += -side * (price - average)
            self.open = deque([(-side, average)] * (len(self.open) - 1))
            self.fifo_profit += -side * (price - self.fifo.popleft())
        else:
            self.open.append((side, Fraction(price)))
            self.fifo.append(price)


@given(TRADES, st.integers(1, 400_000))
def test_against_a_ledger_of_single_lots(trades, mark):
    book, ledger, cash, reductions = InventoryBook(LIMIT), LotLedger(), 0, 0
    for ts, (side, wanted, price) in enumerate(trades):
        lots = book.allowed(side, wanted)
        if lots == 0:
            continue
        fill = book.fill(side, lots, price, ts)
        reductions += fill.closed > 0
        for _ in range(lots):
            ledger.trade(side, price)
            cash -= side * price
    signs = [sign for sign, _ in ledger.open]
    assert book.lots == sum(signs)
    assert book.cash == cash
    # Exact identities, in integers.
    assert book.realised + book.unrealised(mark) == cash + book.lots * mark
    fifo_open = sum(mark - p for p in ledger.fifo) * (1 if book.lots > 0 else -1)
    assert ledger.fifo_profit + fifo_open == book.realised + book.unrealised(mark)
    # The average-cost split differs from fractions by half a unit per reduction at most.
    assert abs(book.realised - ledger.average_profit) <= Fraction(reductions, 2)
    if ledger.open:
        average = sum(cost for _, cost in ledger.open) / len(ledger.open)
        assert abs(book.cost - book.lots * average) <= Fraction(reductions, 2)
    else:
        assert book.cost == 0
        assert book.realised == ledger.fifo_profit == cash


@given(TRADES)
def test_limit_holds_and_extending_never_realises(trades):
    book = InventoryBook(LIMIT, target=5)
    for ts, (side, lots, price) in enumerate(trades):
        before = book.lots
        room = book.room(side)
        if lots > room:
            state = (book.lots, book.cash, book.cost, book.realised)
            with pytest.raises(ConfigError, match="limit"):
                book.fill(side, lots, price, ts)
            assert state == (book.lots, book.cash, book.cost, book.realised)
            continue
        fill = book.fill(side, lots, price, ts)
        assert fill.opened + fill.closed == lots
        assert fill.closed == (min(lots, abs(before)) if before * side < 0 else 0)
        assert fill.closed or fill.realised == 0
        assert abs(book.lots) <= LIMIT
        assert book.excess == book.lots - 5
        assert book.room(1) + book.room(-1) == 2 * LIMIT


def test_a_flip_by_hand():
    book = InventoryBook(limit=10)
    book.fill(1, 2, 100, 0)
    book.fill(1, 1, 101, 0)
    assert book.average_cost == pytest.approx(301 / 3)
    assert book.fill(-1, 1, 110, 1).realised == 10  # 110 - 301/3, rounded
    assert book.cost == 201
    assert book.fill(np.int64(-1), np.int64(4), 90, 2).realised == 180 - 201
    assert (book.lots, book.average_cost, book.cash) == (-2, 90.0, -301 + 110 + 360)
    assert book.unrealised(95) == -10


def test_timeout_counts_from_the_last_change_of_sign():
    second = 10**9
    book = InventoryBook(limit=10, timeout_s=60.0)
    assert not book.overdue(10**18)
    book.fill(1, 2, 100, 0)
    book.fill(1, 1, 100, 50 * second)
    assert not book.overdue(60 * second)
    assert book.overdue(60 * second + 1)
    book.fill(-1, 5, 100, 70 * second)
    assert not book.overdue(130 * second)
    assert book.overdue(131 * second)
    book.fill(1, 2, 100, 140 * second)
    assert not book.overdue(10**18)
    assert not InventoryBook(3).overdue(10**18)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 0}, "side"),
        ({"lots": 0}, "lots"),
        ({"lots": 1.0}, "lots"),
        ({"price": True}, "price"),
        ({"ts": 4}, "last fill"),
    ],
)
def test_illegal_fills(changes, message):
    book = InventoryBook(limit=10)
    book.fill(1, 1, 100, 5)
    with pytest.raises(ConfigError, match=message):
        book.fill(**{"side": 1, "lots": 1, "price": 100, "ts": 6, **changes})


def test_illegal_books():
    for arguments in ({"limit": -1}, {"limit": 3, "target": 4}, {"limit": 3, "timeout_s": 0.0}):
        with pytest.raises(ConfigError, match="inventory"):
            InventoryBook(**arguments)
