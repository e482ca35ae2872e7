"""How far a fetch is: a bar on a terminal, lines in a log."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
_LINES = 10


def tracked(items: Iterable[Item], total: int, title: str) -> Iterator[Item]:
    """Pass items on and tell how many have come.

    Parameters
    ----------
    items : iterable
        What takes its time.
    total : int
        How many there will be, >= 0.
    title : str
        What is being fetched.

    Yields
    ------
    item
        As they come.

    Examples
    --------
    >>> list(tracked(iter("abc"), 3, "letters"))
    ['a', 'b', 'c']
    """
    console = Console(stderr=True)
    if console.is_terminal:
        items = track(items, title, total=total, console=console, transient=True)
    step = max(1, -(-total // _LINES))
    for number, item in enumerate(items, 1):
        yield item
        if number % step == 0 or number == total:
            logger.info("%s: %d of %d", title, number, total)
