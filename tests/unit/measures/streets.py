"""A compact builder of prepared networks for the tests of times and areas."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import shapely

from pipeline.crs import local_metric_crs
from pipeline.layers import empty_layer
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare

CRS = local_metric_crs(113.6, 34.7)


def make_network(
    edges: list[tuple[int, int, Any, dict[str, Any]]], crs: Any = CRS
) -> RoutingNetwork:
    """Edges of (from_node, to_node, line coordinates, changes) at 60 km/h."""
    rows = [
        {
            "way_id": n,
            "from_node": a,
            "to_node": b,
            "highway": "primary",
            "name": None,
            "ref": None,
            "status": "open",
            "is_oneway": False,
            "speed_kmh": 60.0,
            "length_m": shapely.LineString(line).length,
            "class_rank": 2,
            "is_urban": False,
            "is_in_core": False,
            "is_closed": False,
            "is_local": False,
            "is_doubled": False,
            "is_link": False,
            "is_tunnel": False,
        }
        | changes
        for n, (a, b, line, changes) in enumerate(edges)
    ]
    lines = [shapely.LineString(line) for _, _, line, _ in edges]
    roads = gpd.GeoDataFrame(rows, geometry=lines, crs=crs) if rows else empty_layer("roads", crs)
    return prepare(
        roads, empty_layer("road_nodes", crs), empty_layer("turn_restrictions"), RoutingParams()
    )
