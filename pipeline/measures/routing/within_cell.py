"""How long a trip inside one zone takes.

What belongs here: the one figure for it that the matrix of travel times and the
gains of missing links share. Trips between zones belong to `routing`.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

CELL_DISTANCE = 0.9
"""Mean distance between two random points of a regular hexagon of circumradius 1 is
0.826 (Dunbar 1997: 0.8263); with a road detour of about 1.1 that is 0.9 radii.
Only trips inside one cell use it.
"""

LOCAL_SPEED_KMH = 30.0
"""The free-flow speed of local roads."""


def within_cell_min(cells: NDArray[np.object_]) -> NDArray[np.float64]:
    """Minutes of a trip inside each cell, whose two points are anywhere in it.

    Parameters
    ----------
    cells
        Hexagons in a metric CRS; the radius is that of a regular one of the same area.
    """
    radius_m = np.sqrt(shapely.area(cells) * 2.0 / (3.0 * np.sqrt(3.0)))
    return np.asarray(CELL_DISTANCE * radius_m / 1000.0 / LOCAL_SPEED_KMH * 60.0)
