"""Travel times from zone to zone, in batches of origins.

What belongs here: turning searches of the prepared network into the layer
``travel_times``. The searches belong to `routing`, times between centres to
`centre_times`, what the times are used for to the other measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.access.params import TravelTimesParams
from pipeline.measures.routing.access import Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_zone_min
from pipeline.terms import MODES

Floats = NDArray[np.float64]


class _Pairs(NamedTuple):
    """Pairs of zones within the cutoff: rows of the grid, and minutes."""

    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    minutes: NDArray[np.float32]


BLOCK = 128
"""Origins per dense block, so that a batch of any size needs little memory."""


def zone_times(
    rows: tuple[int, int],
    zone_grid: pd.DataFrame,
    routing_network: RoutingNetwork,
    params: TravelTimesParams,
    routing_params: RoutingParams,
) -> pd.DataFrame:
    """Times from a range of zones to all zones within the cutoff: layer ``travel_times``.

    Minutes between the cells' populated points, the minutes between these and
    the road included at both ends. A trip inside one cell, whose points are
    anywhere in it, takes what `within_cell` says, at peak by as much longer as the
    road that the cell is joined to. Zones without access have no rows.

    Parameters
    ----------
    rows
        Half-open range of origins, as rows of ``zone_grid``.
    zone_grid
        The whole grid; its order gives the categories of both cell columns, so
        that parts can be put together cheaply.
    routing_network
        Prepared network of the same metro.
    params
        Cutoff in minutes and modes.
    routing_params
        Speed and length of trips inside one cell.

    Returns
    -------
    DataFrame
        Sorted by mode (in the order of ``params.modes``), origin, destination.
    """
    access = routing_network.access_of_zones(zone_grid)
    parts, modes = [], list[Mode]()
    for mode in params.modes:
        inside = within_zone_min(zone_grid, routing_network, mode, routing_params)
        for part in _pairs_within(routing_network, access, inside, rows, mode, params.cutoff_min):
            parts.append(part)
            modes.append(mode)
    return _as_layer(zone_grid, parts, modes)


def _pairs_within(
    network: RoutingNetwork,
    access: Access,
    inside: Floats,
    rows: tuple[int, int],
    mode: Mode,
    cutoff_min: float,
) -> Iterator[_Pairs]:
    """Origin and destination rows and minutes within the cutoff, block by block."""
    for block, minutes in network.stream_between(
        access.take(slice(*rows)), access, mode=mode, cutoff_min=cutoff_min, batch=BLOCK
    ):
        own = np.arange(rows[0] + block.start, rows[0] + block.stop)
        minutes[np.arange(len(own)), own] = np.where(access.has_access[own], inside[own], np.inf)
        origin, destination = np.nonzero(minutes <= cutoff_min)
        yield _Pairs(own[origin], destination, minutes[origin, destination].astype(np.float32))


def _as_layer(
    zone_grid: pd.DataFrame,
    parts: list[_Pairs],
    modes: list[Mode],
) -> pd.DataFrame:
    nobody = _Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    parts, modes = [*parts, nobody], [*modes, "drive"]
    cells = pd.CategoricalDtype(zone_grid["cell"].to_numpy(dtype=object))
    kinds = pd.CategoricalDtype(list(MODES))
    counts = [len(part.minutes) for part in parts]
    codes = np.repeat([MODES.index(mode) for mode in modes], counts).astype(np.int8)
    origin, destination, minutes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pd.DataFrame(
        {
            "from_cell": pd.Categorical.from_codes(origin, dtype=cells),
            "to_cell": pd.Categorical.from_codes(destination, dtype=cells),
            "mode": pd.Categorical.from_codes(codes, dtype=kinds),
            "minutes": minutes,
        }
    )
