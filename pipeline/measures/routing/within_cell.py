"""How long a trip inside one zone takes (intrazonal time).

What belongs here: the one figure for it that the matrix of travel times and the
gains of missing links share. Trips between zones belong to `routing`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.routing.access import WEIGHTS, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams

Floats = NDArray[np.float64]


def within_cell_min(cells: NDArray[np.object_], params: RoutingParams) -> Floats:
    """Free-flow minutes of a trip inside each cell, whose two points are anywhere in it.

    Parameters
    ----------
    cells
        Hexagons in a metric CRS; the radius is that of a regular one of the same area.
    """
    radius_m = np.sqrt(shapely.area(cells) * 2.0 / (3.0 * np.sqrt(3.0)))
    return np.asarray(params.within_cell_radii * radius_m / 1000.0 / params.local_speed_kmh * 60.0)


def peak_factors(zone_grid: pd.DataFrame, network: RoutingNetwork) -> Floats:
    """Peak over free-flow time of the road that each zone is joined to; 1 where it has none."""
    segment = zone_grid["access_segment"].to_numpy(np.int64)
    factor = np.ones(len(segment))
    joined = segment >= 0
    plain = np.asarray(network.segment_plain)[segment[joined]]
    factor[joined] = plain[:, WEIGHTS.index("drive_peak")] / plain[:, WEIGHTS.index("drive")]
    return factor


def within_zone_min(
    zone_grid: pd.DataFrame, network: RoutingNetwork, mode: Mode, params: RoutingParams
) -> Floats:
    """Minutes of a trip inside each zone, by mode.

    At peak the free-flow minutes times the peak factor of the road that the zone
    is joined to: a trip inside the core city's built-up land is slowed as its
    roads are.

    Parameters
    ----------
    zone_grid
        Layer ``zone_grid`` in the network's metric CRS, with its cells as geometry.
    mode
        ``drive`` or ``drive_peak``.
    """
    minutes = within_cell_min(zone_grid.geometry.to_numpy(), params)
    return minutes * peak_factors(zone_grid, network) if mode == "drive_peak" else minutes
