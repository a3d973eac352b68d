"""A binary heap for compiled searches.

What belongs here: the two steps of a queue whose keys and items stand in two
arrays, the least key first. The caller keeps the size and sees to the room.
"""

from __future__ import annotations

from typing import Any

import numba

_compiled: Any = numba.njit(cache=True, nogil=True)


@_compiled
def push(keys, items, size, key, item):  # type: ignore[no-untyped-def]
    """Add to a binary heap; returns its new size."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at], items[at] = keys[above], items[above]
        at = above
    keys[at], items[at] = key, item
    return size + 1


@_compiled
def drop_first(keys, items, size):  # type: ignore[no-untyped-def]
    """Remove the least entry of a binary heap; returns its new size."""
    size -= 1
    key, item = keys[size], items[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], items[at] = keys[below], items[below]
        at = below
    keys[at], items[at] = key, item
    return size
