"""Zone-to-zone times, a piece at a time.

What belongs here: walking through the layer ``travel_times``, whether it stands in
memory whole or comes part by part, so that what uses the times needs no more memory
for a metro of more zones. Making them belongs to `travel_times`, what they are used
for to the other measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FREE_FLOW: Final = "drive"
"""The mode of times without congestion."""

CHUNK = 2_000_000
"""Rows of travel times looked at together: bounds the memory."""


class PairTimes(Protocol):
    """Layer ``travel_times`` in parts, which may be walked through as often as wanted."""

    def __len__(self) -> int:
        """Rows of all parts."""

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Every part, in order."""

    def holding(self, column: str, values: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Every part, in order, without most of the rows that have none of these values."""


def pieces_of(travel_times: pd.DataFrame | PairTimes) -> Iterable[pd.DataFrame]:
    """The layer as frames: itself, where it is one."""
    return (travel_times,) if isinstance(travel_times, pd.DataFrame) else travel_times


def pieces_holding(
    travel_times: pd.DataFrame | PairTimes, column: str, values: Sequence[str]
) -> Iterable[pd.DataFrame]:
    """The layer as frames that have every row with one of these values, and some others."""
    if isinstance(travel_times, pd.DataFrame):
        return (travel_times,)
    return travel_times.holding(column, values)


def positions(column: pd.Series, cells: pd.Series) -> NDArray[np.int64]:
    """Row of each cell in ``cells`` by category codes; -1 where it is not there."""
    column = column.astype("category")
    by_code = pd.Index(cells).get_indexer(column.cat.categories)
    # One more place for the code of null, -1.
    return np.append(by_code, -1)[column.cat.codes.to_numpy()]


def drive_chunks(
    travel_times: pd.DataFrame | PairTimes, cells: pd.Series
) -> Iterator[tuple[Any, Any, Floats]]:
    """Free-flow times between zones as rows of ``cells``, at most `CHUNK` at a time.

    Yields
    ------
    Origin and destination as row numbers, and minutes; cells that are not among
    ``cells`` are left out.
    """
    for piece in pieces_holding(travel_times, "mode", [FREE_FLOW]):
        modes = piece["mode"].astype("category")
        drive = modes.cat.categories.get_indexer([FREE_FLOW])[0]
        for start in range(0, len(piece), CHUNK):
            part = slice(start, start + CHUNK)
            origin = positions(piece["from_cell"].iloc[part], cells)
            destination = positions(piece["to_cell"].iloc[part], cells)
            keep = (modes.cat.codes.to_numpy()[part] == drive) & (origin >= 0) & (destination >= 0)
            if not keep.any():
                continue
            minutes = piece["minutes"].to_numpy()[part][keep].astype(float)
            yield origin[keep], destination[keep], minutes
