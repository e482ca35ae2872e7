"""Servers that answer as Binance's archive and DefiLlama do, with a market of any length.

Each file is made when it is asked for, from a seed and its month alone: two years of
minutes need no disk and are the same every time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd

from tests.local_server import Asked, Reply, zipped

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
_KLINES = re.compile(r"/data/spot/(?:monthly|daily)/klines/(\w+)/1m/\1-1m-([\d-]+)\.zip")
_FUNDING = re.compile(r"/data/futures/um/monthly/fundingRate/(\w+)/\1-fundingRate-([\d-]+)\.zip")


def _span(name: str) -> tuple[int, int]:
    """First and last moment (ms, exclusive) of a file's month or day."""
    begin = pd.Timestamp(name)
    step = pd.DateOffset(months=1) if name.count("-") == 1 else pd.DateOffset(days=1)
    return begin.value // 10**6, (begin + step).value // 10**6


def minutes(name: str) -> str:
    """Rows of twelve fields: returns with slow volatility, an anchor that months share."""
    low, high = _span(name)
    n = (high - low) // MINUTE
    rng = np.random.default_rng(low // MINUTE)
    days = np.arange(low, high, MINUTE) / DAY
    anchor = np.log(3000.0) + 0.2 * np.sin(days / 40) + 0.05 * np.sin(days / 3)
    noise = rng.normal(0, 4e-4, n) * (1 + 0.5 * np.sin(days * 2 * np.pi))
    shock = np.zeros(n)
    for i in range(1, n):  # reverts to the anchor, so that one file follows the other
        shock[i] = 0.995 * shock[i - 1] + noise[i]
    close = np.exp(anchor + shock)
    opened = np.concatenate([close[:1], close[:-1]])
    wick = np.abs(rng.normal(0, 2e-4, n)) * close
    top, bottom = np.maximum(opened, close) + wick, np.minimum(opened, close) - wick
    volume = rng.gamma(2.0, 60.0, n)
    taker = volume * rng.uniform(0.3, 0.7, n)
    factor = 1000 if low >= pd.Timestamp("2025-01-01").value // 10**6 else 1
    rows = []
    for i in range(n):
        ts = low + i * MINUTE
        rows.append(
            f"{ts * factor},{opened[i]:.2f},{top[i]:.2f},{bottom[i]:.2f},{close[i]:.2f},"
            f"{volume[i]:.4f},{(ts + MINUTE) * factor - 1},{volume[i] * close[i]:.4f},"
            f"{50 + i % 97},{taker[i]:.4f},{taker[i] * close[i]:.4f},0\n"
        )
    return "".join(rows)


def rates(name: str) -> str:
    low, high = _span(name)
    rows = "".join(f"{ts},8,{1e-4 * np.sin(ts / DAY):.8f}\n" for ts in range(low, high, 8 * HOUR))
    return "calc_time,funding_interval_hours,last_funding_rate\n" + rows


@lru_cache(maxsize=4)
def _zip(path: str) -> bytes | None:
    for pattern, make in ((_KLINES, minutes), (_FUNDING, rates)):
        match = pattern.fullmatch(path)
        if match:
            return zipped(make(match[2]))
    return None


def archive_and_llama(start: str, end: str) -> Callable[[Asked], Reply]:
    """Answers of both hosts for one period."""
    first, last = (pd.Timestamp(text).value // 10**9 for text in (start, end))
    days = range(first - 10 * 86_400, last, 86_400)

    def answer(asked: Asked) -> Reply:
        if asked.path.startswith("/v2/historicalChainTvl/"):
            return Reply([{"date": day, "tvl": 5e10 + day % 9e9} for day in days])
        if asked.path.startswith("/protocol/"):
            locked = [{"date": day, "totalLiquidityUSD": 2e10 + day % 5e9} for day in days]
            return Reply({"category": "Liquid Staking", "chainTvls": {"Ethereum": {"tvl": locked}}})
        content = _zip(asked.path.removesuffix(".CHECKSUM"))
        if content is None:
            return Reply("<Error>NoSuchKey</Error>", 404)
        if asked.path.endswith(".CHECKSUM"):
            name = asked.path.rpartition("/")[2].removesuffix(".CHECKSUM")
            return Reply(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
        return Reply(content)

    return answer
