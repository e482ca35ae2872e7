"""Compiled map from int64 keys to places: open addressing, linear probing, no tombstones."""

from __future__ import annotations

import numpy as np

from ethpredict.kernel_cache import njit

# Columns of an entry; a negative value marks a free one. The length is a power of two.
K_KEY, K_VALUE = 0, 1


@njit(cache=True, nogil=True)
def hash_slot(key: int, mask: int) -> int:
    """First place of a key in a table of `mask` + 1 places (Fibonacci hashing)."""
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    return int(np.int64(mixed >> np.uint64(20)) & mask)


@njit(cache=True, nogil=True)
def find_key(table: np.ndarray, key: int) -> int:
    """Value of a key, -1 where it is not in the table."""
    mask = len(table) - 1
    at = hash_slot(key, mask)
    while table[at, K_VALUE] >= 0:
        if table[at, K_KEY] == key:
            return table[at, K_VALUE]
        at = (at + 1) & mask
    return -1


@njit(cache=True, nogil=True)
def put_key(table: np.ndarray, key: int, value: int) -> None:
    """Add a key that is not in the table; there must be room."""
    mask = len(table) - 1
    at = hash_slot(key, mask)
    while table[at, K_VALUE] >= 0:
        at = (at + 1) & mask
    table[at, K_KEY] = key
    table[at, K_VALUE] = value


@njit(cache=True, nogil=True)
def drop_key(table: np.ndarray, key: int) -> None:
    """Remove a key; later entries of its run move up, so no tombstone stays."""
    mask = len(table) - 1
    at = hash_slot(key, mask)
    while table[at, K_KEY] != key or table[at, K_VALUE] < 0:
        at = (at + 1) & mask
    hole = at
    while True:
        at = (at + 1) & mask
        if table[at, K_VALUE] < 0:
            break
        home = hash_slot(table[at, K_KEY], mask)
        if ((at - home) & mask) >= ((at - hole) & mask):
            table[hole, K_KEY] = table[at, K_KEY]
            table[hole, K_VALUE] = table[at, K_VALUE]
            hole = at
    table[hole, K_VALUE] = -1


@njit(cache=True, nogil=True)
def copy_keys(old: np.ndarray, new: np.ndarray) -> None:
    """Put every key of one table into a larger, empty one."""
    for at in range(len(old)):
        if old[at, K_VALUE] >= 0:
            put_key(new, old[at, K_KEY], old[at, K_VALUE])
