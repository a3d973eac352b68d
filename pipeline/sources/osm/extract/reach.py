"""The area that is read around a metro, and the questions whether something lies in it.

What belongs here: the metro's outline widened, and the belt along its inner borders.
How far the source's data go is `covered`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from pipeline.crs import WGS84, local_metric_crs, run_on
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.ragged import Flags, Floats, ragged_take, segment_sum
from pipeline.sources.params import ExtractParams

_OUTLINE_TOLERANCE_M = 200.0
"""The outline is thinned by this before it is widened, and widened by as much more."""


@dataclass(frozen=True)
class Reach:
    """The area that is read, in WGS84: the metro's outline and the belt around its borders."""

    outline: shapely.Geometry
    region: shapely.Geometry
    belt: shapely.Geometry
    metric: pyproj.CRS

    def copy(self) -> Reach:
        """The same, sharing no geometry: for another thread."""

        def own(shape: shapely.Geometry) -> shapely.Geometry:
            return shapely.from_wkb(shapely.to_wkb(shape))

        return Reach(own(self.outline), own(self.region), own(self.belt), self.metric)

    def has_points(self, lon: Floats, lat: Floats) -> Flags:
        """True for points in the region; NaN is outside."""
        return contains_points(self.region, lon, lat)

    def has_ways(self, ways: Ways, area: shapely.Geometry | None = None) -> Flags:
        """True for ways with any vertex in the region (or in ``area``)."""
        area = self.region if area is None else area
        there = np.zeros(len(ways.id), dtype=bool)
        filled = np.flatnonzero(np.diff(ways.offsets))
        # Most ways are decided by their first vertex.
        first = ways.offsets[filled]
        there[filled] = contains_points(area, ways.lon[first], ways.lat[first])
        rest = np.flatnonzero(~there)
        inside, offsets = ragged_take(ways.offsets, rest)
        there[rest] = (
            segment_sum(contains_points(area, ways.lon[inside], ways.lat[inside]), offsets) > 0
        )
        return there


def reach_around(cities: gpd.GeoDataFrame, params: ExtractParams) -> Reach:
    """What is read around the cities: the margin, and the belt along the lines they share.

    Its longitudes run on from the middle of the cities, as theirs do.
    """
    middle, lat = centre_of(cities)
    metric = local_metric_crs(middle, lat)
    shapes = cities.geometry.to_crs(metric).simplify(_OUTLINE_TOLERANCE_M).buffer(0).to_numpy()
    outline = shapely.union_all(shapes)
    region = shapely.buffer(outline, params.margin_m + _OUTLINE_TOLERANCE_M)
    # Near a shared line means near both cities: no need to find the line itself here.
    near = shapely.buffer(shapes, params.building_belt_m + _OUTLINE_TOLERANCE_M)
    first, second = shapely.STRtree(near).query(near, predicate="intersects")
    pairs = first < second
    belt = shapely.union_all(shapely.intersection(near[first[pairs]], near[second[pairs]]))
    back = pyproj.Transformer.from_crs(metric, WGS84, always_xy=True)

    def to_degrees(shape: shapely.Geometry) -> shapely.Geometry:
        def convert(xy: Floats) -> Floats:
            lon, lat = back.transform(xy[:, 0], xy[:, 1])
            return np.column_stack([run_on(lon, middle), lat])

        return shapely.transform(shape, convert)

    return Reach(
        shapely.union_all(cities.geometry.to_numpy()), to_degrees(region), to_degrees(belt), metric
    )


def centre_of(cities: gpd.GeoDataFrame) -> tuple[float, float]:
    """Longitude and latitude of the middle of the cities' box; longitude within -180 to 180."""
    west, south, east, north = cities.total_bounds
    return float(run_on((west + east) / 2, 0.0)), float(south + north) / 2


def contains_points(area: shapely.Geometry, lon: Floats, lat: Floats) -> Flags:
    """Points inside an area; the box first, since most points of an extract lie outside it."""
    inside = np.zeros(len(lon), dtype=bool)
    if shapely.is_empty(area):
        return inside
    west, south, east, north = shapely.bounds(area)
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    shapely.prepare(area)
    inside[near] = shapely.contains_xy(area, lon[near], lat[near])
    return inside
