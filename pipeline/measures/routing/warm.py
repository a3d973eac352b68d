"""Compiles the searches ahead of their first use.

What belongs here: one call of each compiled function that the stages use, on a
road of two edges. Compiling them all takes a few seconds of one core; numba keeps
the result beside the package, so later runs on the machine only load it.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import local_metric_crs
from pipeline.layers import empty_layer
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare


def compile_searches() -> None:
    """Call every compiled search once. Changes nothing but numba's cache."""
    crs = local_metric_crs(0.0, 0.0)
    roads = gpd.GeoDataFrame(
        {
            "edge_id": ["1", "2"],
            "way_id": [1, 2],
            "from_node": [1, 2],
            "to_node": [2, 3],
            "highway": "primary",
            "class_rank": 2,
            "status": "open",
            "is_closed": False,
            "is_oneway": False,
            "is_link": False,
            "is_tunnel": False,
            "is_roundabout": False,
            "is_urban": False,
            "is_in_core": False,
            "speed_kmh": 60.0,
            "length_m": 1_000.0,
            "city_id": "",
        },
        geometry=[shapely.LineString([(0, 0), (1e3, 0)]), shapely.LineString([(1e3, 0), (2e3, 0)])],
        crs=crs,
    )
    nodes = pd.DataFrame({"node_id": [1, 2, 3], "highway": None, "car_access": "open"})
    network = prepare(roads, nodes, empty_layer("turn_restrictions"), RoutingParams())
    access = network.access_of_nodes(np.array([1, 3]))
    for reverse in (False, True):
        network.times(access, reverse=reverse)
        network.trees(access, reverse=reverse)
    many = access.take(np.arange(20) % 2)
    network.times_between(access, access)
    network.times_between(many, access)
