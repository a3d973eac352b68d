"""A binary heap for compiled searches.

What belongs here: the two steps of a queue whose keys and items stand in two
arrays, the least key first. The caller keeps the size and sees to the room.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled

Floats = NDArray[np.float64]
Items = NDArray[np.int32] | NDArray[np.int64]


@compiled
def push(keys: Floats, items: Items, size: int, key: float, item: int) -> int:
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


@compiled
def drop_first(keys: Floats, items: Items, size: int) -> int:
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
