"""The named place next to a finding and the county around it, so that a reader finds it.

Only the nearest settlement of the layer ``places`` and the area of the layer ``counties`` belong
here; they are a help for readers, not a measure.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.render.page.encode import METRES_PER_DEGREE, Geometries

WITHIN_M = 5_000.0
KINDS = ("city", "town", "suburb", "quarter", "village", "hamlet")


def nearest_names(frame: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> pd.Series:
    """Name of the nearest settlement to each row's middle; null beyond `WITHIN_M`.

    Both in WGS84; distances in a plane scaled at the frame's middle latitude.
    """
    named = places[(places["name"].notna() & places["place"].isin(KINDS)).to_numpy()]
    names = np.full(len(frame), None, dtype=object)
    if len(frame) and len(named):
        middle = (frame.total_bounds[1] + frame.total_bounds[3]) / 2
        scale = METRES_PER_DEGREE * np.array([max(np.cos(np.radians(middle)), 0.01), 1.0])
        tree = shapely.STRtree(_points(named, scale))
        found = tree.query_nearest(_points(frame, scale), max_distance=WITHIN_M, all_matches=False)
        names[found[0]] = named["name"].to_numpy(dtype=object)[found[1]]
    return pd.Series(names, index=frame.index, dtype="object")


def end_names(lines: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> list[tuple[object, object]]:
    """The settlement next to the first and to the last point of each missing link, in WGS84.

    Each on its own side of the border, in the city of that end (``from_city``, ``to_city``), so
    that a link is named by both sides; `nearest_names` where that city has none so near.
    """
    sides = (
        _names_within(lines.set_geometry(ends), lines[city].to_numpy(object), places)
        for ends, city in zip(_ends(lines), ("from_city", "to_city"), strict=True)
    )
    return list(zip(*sides, strict=True))


def _names_within(
    points: gpd.GeoDataFrame, cities: NDArray[np.object_], places: gpd.GeoDataFrame
) -> pd.Series:
    names = nearest_names(points, places)
    for city in pd.unique(cities[pd.notna(cities)]):
        rows = np.flatnonzero(cities == city)
        own = places[(places["city_id"] == city).to_numpy(bool)]
        found = nearest_names(points.iloc[rows], own).to_numpy(object)
        is_found = pd.notna(found)
        names.iloc[rows[is_found]] = found[is_found]
    return names


def end_counties(
    lines: gpd.GeoDataFrame, counties: gpd.GeoDataFrame
) -> list[tuple[object, object]]:
    """Name of the county around the first and around the last point of each line; null: none.

    Both in WGS84.
    """
    names = counties["name"].to_numpy(dtype=object)
    tree = shapely.STRtree(counties.geometry.to_numpy())
    sides = []
    for ends in _ends(lines):
        found = np.full(len(lines), None, dtype=object)
        point, county = tree.query(ends, predicate="intersects")
        # On a shared line the first county by row counts.
        point, first = np.unique(point, return_index=True)
        found[point] = names[county[first]]
        sides.append(pd.Series(found, dtype=object).where(pd.notna(found), None))
    return list(zip(*sides, strict=True))


def _ends(lines: gpd.GeoDataFrame) -> tuple[Geometries, Geometries]:
    """First and last point of each line."""
    geometry = lines.geometry.to_numpy()
    first = shapely.get_point(shapely.get_geometry(geometry, 0), 0)
    last = shapely.get_point(shapely.get_geometry(geometry, -1), -1)
    return first, last


def _points(frame: gpd.GeoDataFrame, scale: NDArray[np.float64]) -> Geometries:
    geometry = frame.geometry.to_numpy()
    is_line = shapely.get_dimensions(geometry) == 1
    points = np.array(shapely.centroid(geometry), dtype=object)
    points[is_line] = shapely.line_interpolate_point(
        shapely.get_geometry(geometry[is_line], 0), 0.5, normalized=True
    )
    return shapely.points(shapely.get_coordinates(points) * scale)
