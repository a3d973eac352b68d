"""Layer `known_places`: points of which OpenStreetMap knows what stands there.

What belongs here: points on roads, and in mapped water, towns, woods and farmland. By them a raster
is told from one of another product (`rasters.legends`). They are the extract's, so that building
a road in a scenario changes nothing about a raster.
"""

from __future__ import annotations

from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.layers import empty_layer
from pipeline.terms import KNOWN_PLACES, ROADS

MOST_POINTS = 20_000
"""Of each kind: enough to tell by, and few to keep."""
ROAD_STEP_M = 100.0
_M_PER_DEGREE = 111_195.0

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]
Rows = TypeVar("Rows", Floats, Geometries)

_TAGS: dict[str, dict[str, tuple[str, ...]]] = {
    "mapped water": {"natural": ("water",), "landuse": ("reservoir",)},
    "mapped towns": {"landuse": ("residential", "commercial", "retail", "industrial")},
    "mapped woods": {"landuse": ("forest",), "natural": ("wood",)},
    "mapped farmland": {"landuse": ("farmland",)},
}


def read_known_places(
    highways: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame, least_m2: float
) -> gpd.GeoDataFrame:
    """Points by kind, at most `MOST_POINTS` of each.

    Parameters
    ----------
    highways, land_areas
        Layers of the extract, WGS84. Bridges, tunnels and roads to come say nothing.
    least_m2
        Areas below this, on a sphere, are left out: their middle is a matter of the raster's cells.
    """
    points = {ROADS: _on_roads(highways)}
    for kind, tags in _TAGS.items():
        mine = np.zeros(len(land_areas), dtype=bool)
        for key, values in tags.items():
            is_key = land_areas["key"].eq(key) & land_areas["value"].isin(values)
            mine |= is_key.to_numpy(bool)
        points[kind] = _in_areas(land_areas.geometry.to_numpy()[mine], least_m2)
    kinds = [kind for kind in KNOWN_PLACES for _ in range(len(points[kind]))]
    if not kinds:
        return empty_layer("known_places", WGS84)
    table = pd.DataFrame({"kind": kinds})
    xy = np.concatenate([points[kind] for kind in KNOWN_PLACES])
    return gpd.GeoDataFrame(table, geometry=shapely.points(xy), crs=WGS84)


def _on_roads(highways: gpd.GeoDataFrame) -> Floats:
    is_open = highways["status"].eq("open") & highways["bridge"].isna() & highways["tunnel"].isna()
    # Every road has two points or more: so many roads give enough.
    lines = _thinned(highways.geometry.to_numpy()[is_open.to_numpy(bool)])
    return _thinned(shapely.get_coordinates(shapely.segmentize(lines, ROAD_STEP_M / _M_PER_DEGREE)))


def _in_areas(shapes: Geometries, least_m2: float) -> Floats:
    north = np.radians(shapely.bounds(shapes).reshape(-1, 4)[:, 3])
    m2 = shapely.area(shapes) * _M_PER_DEGREE**2 * np.cos(north)
    inside = shapely.point_on_surface(_thinned(shapes[m2 >= least_m2]))
    return np.asarray(shapely.get_coordinates(inside), dtype=np.float64)


def _thinned(rows: Rows) -> Rows:
    return rows[:: max(1, -(-len(rows) // MOST_POINTS))]
