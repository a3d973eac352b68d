"""How a place is joined to the road: the nearest one within the limit, and the way to it.

What belongs here: the access of centres and services to the routing network, the same for
times between centres, minutes of zones and isochrones. Zones are joined in `zones`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.measures.access.params import CentreTimesParams
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork


def join_to_roads(
    x: ArrayLike, y: ArrayLike, network: RoutingNetwork, params: CentreTimesParams
) -> tuple[Access, NDArray[np.float64]]:
    """Access of places, with the minutes between them and the road, and the metres to it.

    Parameters
    ----------
    x, y
        Metres in the network's metric CRS.
    params
        Limit of the distance, and speed on the way to the road.

    Returns
    -------
    The access, none where no road is within the limit; there the metres are NaN.
    """
    access, snap_m = network.access_of_points(x, y, params.max_snap_m)
    extra_min = np.nan_to_num(snap_m) / 1000.0 / params.access_speed_kmh * 60.0
    return access.with_extra_min(extra_min), snap_m
