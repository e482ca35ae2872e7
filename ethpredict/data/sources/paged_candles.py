"""Candles of an API: windows on an absolute grid, one answer each, then the checks of a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ethpredict.data.candle_table import candle_part, checked_gap, market_of
from ethpredict.data.market import Market
from ethpredict.data.sources.access import Access, in_parallel, moments, rows_to_raw, windows
from ethpredict.data.timestamps import NS_PER_SECOND, interval_ns, iso
from ethpredict.io.downloads import Stored

logger = logging.getLogger(__name__)

Page = tuple[list[list[Any]], list[Stored]]


def fetch_candles(
    access: Access,
    folder: str,
    names: Sequence[str],
    limit: int,
    page: Callable[[int, int], Page],
) -> Market:
    """Fetch the windows of the period and join them.

    Parameters
    ----------
    access : Access
        The way to the source.
    folder : str
        Folder of the answers in the store.
    names : sequence of str
        Canonical columns of a row; the first is ``ts_open``.
    limit : int
        Candles per window.
    page : callable
        (start, end) of a window in UTC ns, end exclusive, to its rows and
        where they are kept.

    Returns
    -------
    Market
        Candles and their quality report.
    """
    checked_gap(dict(access.data))
    cuts = list(windows(access.start, access.end, limit * interval_ns(access.data["interval"])))
    pages = in_parallel(access, lambda cut: page(*cut), cuts, folder)
    step = interval_ns(access.data["interval"])
    rows: list[list[Any]] = []
    for (low, high), (found, kept) in zip(cuts, pages, strict=True):
        # A candle that was not over when it was fetched is none yet.
        latest = min(answer.fetched for answer in kept) * NS_PER_SECOND - step
        stamps = moments(folder, [row[0] for row in found])
        rows += [
            row for row, ts in zip(found, stamps, strict=True) if low <= ts < high and ts <= latest
        ]
    logger.info("%s: %d answers, %d candles", folder, len(pages), len(rows))
    data = dict(access.data)
    market = market_of(
        [candle_part(rows_to_raw(access.store.root / folder, names, rows), data)], data
    )
    first = int(market.candles["ts_open"].iloc[0])
    if first > access.start:
        logger.warning("%s: nothing before %s; data.start is earlier", folder, iso(first))
    records = [stored.record() for _, kept in pages for stored in kept]
    return replace(market, quality=market.quality | {"inputs": records})
