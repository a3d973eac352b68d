"""Ragged tables: rows with members of any number, as flat arrays with offsets.

Row ``i`` holds the members ``offsets[i]:offsets[i + 1]``. What the members are (nodes
of ways, members of relations) does not matter here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]


def ragged_take(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Positions of the members of some rows, and the offsets of the result."""
    counts = (offsets[1:] - offsets[:-1])[rows]
    new = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    inside = np.arange(new[-1]) + np.repeat(offsets[rows] - new[:-1], counts)
    return inside, new


def segment_sum(values: NDArray[Any], offsets: Ints) -> Ints:
    """Sum of values per row of a ragged table."""
    running = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return running[offsets[1:]] - running[offsets[:-1]]


def find_sorted(sorted_ids: Ints, wanted: Ints) -> Ints:
    """Row of each wanted id; -1 where it is not there."""
    if not len(sorted_ids):
        return np.full(len(wanted), -1, dtype=np.int64)
    row = np.searchsorted(sorted_ids, wanted)
    row[row == len(sorted_ids)] = 0
    return np.where(sorted_ids[row] == wanted, row, -1)


def segment_total(values: Floats, offsets: Ints) -> Floats:
    """Sum of floats per row of a ragged table."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    total = np.bincount(owner, weights=values, minlength=len(offsets) - 1)
    return total.astype(float)


def list_column(values: Ints, offsets: Ints) -> pd.Series:
    """A ragged table as a column of lists of int64."""
    lists = pa.LargeListArray.from_arrays(
        pa.array(offsets, pa.int64()), pa.array(values, pa.int64())
    )
    return pd.Series(lists.cast(pa.list_(pa.int64())), dtype=pd.ArrowDtype(pa.list_(pa.int64())))


def flat(lists: pd.Series) -> Ints:
    """The members of a column of lists, one behind the other."""
    array = pa.array(lists)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array.flatten().to_numpy(zero_copy_only=False)
