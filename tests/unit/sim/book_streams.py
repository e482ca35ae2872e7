"""Random messages for the book's tests and benchmark."""

from __future__ import annotations

import numpy as np

KINDS = ("limit", "market", "ioc", "post_only")


def wild_stream(n: int, seed: int) -> np.ndarray:
    """All kinds in any order, with ids that often no longer rest."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, 6), np.int64)
    rows[:, 0] = rng.choice(7, n, p=[0.4, 0.03, 0.05, 0.07, 0.35, 0.05, 0.05])
    rows[:, 1] = np.arange(n)
    late = rows[:, 0] >= 4
    rows[late, 1] = np.maximum(np.arange(n) - 1 - rng.integers(0, 300, n), 0)[late]
    rows[:, 2] = rng.choice([-1, 1], n)
    rows[:, 3] = 1000 + rng.integers(-20, 21, n) - rows[:, 2] * 3
    # Now and then far away: other pages of the book.
    far = rng.random(n) < 0.01
    rows[far, 3] -= (rows[:, 2] * rng.integers(0, 1000, n))[far]
    rows[:, 4] = rng.integers(1, 101, n)
    rows[:, 5] = rng.integers(0, 20, n)
    return rows


def market_stream(n: int, seed: int) -> np.ndarray:
    """As on an exchange: orders near a moving mid, nearly all cancelled, 6 % market orders."""
    rng = np.random.default_rng(seed)
    half = n // 2 + 1
    new = np.zeros((half, 6), np.int64)
    new[:, 1] = np.arange(half)
    new[:, 2] = side = rng.choice([-1, 1], half)
    mid = 100_000 + np.cumsum(rng.choice([-1, 0, 1], half, p=[0.005, 0.99, 0.005]))
    new[:, 3] = mid - side * np.minimum(rng.geometric(0.15, half), 60)
    new[:, 4] = rng.integers(1, 101, half)
    draw = rng.random(half)
    taker = draw < 0.06
    new[taker, 0], new[taker, 4] = 1, 3 * new[taker, 4]
    new[(draw >= 0.06) & (draw < 0.1), 0] = 3
    cancel = new[~taker].copy()
    cancel[:, 0] = 4
    due = 2.0 * np.arange(half)
    gone = due[~taker] + rng.exponential(600.0, len(cancel))
    order = np.argsort(np.concatenate([due, gone]), kind="stable")[:n]
    return np.ascontiguousarray(np.concatenate([new, cancel])[order])


def play(book, messages) -> list[list[int]]:
    """Send the messages one by one; trades with the number of their message."""
    trades = []
    for i, (kind, order_id, side, tick, qty, owner) in enumerate(messages.tolist()):
        if kind == 4:
            book.cancel(order_id)
        elif kind == 6:
            book.reduce(order_id, qty)
        elif kind == 5:
            trades += [[*trade, i] for trade in book.amend(order_id, tick, qty)]
        else:
            made = book.submit(order_id, side, tick, qty, KINDS[kind], owner)
            trades += [[*trade, i] for trade in made]
    return trades
