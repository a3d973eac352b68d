"""The belt of one border: its two sides, its stretches, positions along it.

What belongs here: the geometry that every measure of a belt shares. Which land
lies in the belt belongs to `land`, what it means to `ecology`; borders among
their neighbours belong to `borders`.

Coordinates are the metro's metric CRS, metres; positions along a border are
kilometres from the start of its chained line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.crs import require_metric
from pipeline.measures import borders as border_lines

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

SIDES = ("a", "b")

_REGION_STEP_M = 100.0
"""The parting line between two stretches is drawn from points set this far apart."""

_POLYGON = int(shapely.GeometryType.POLYGON)


@dataclass(frozen=True)
class Belt:
    """One border with the land within a distance of it, among its neighbours.

    ``sides`` holds a Polygon or MultiPolygon by city id; a side without land is
    not there.
    """

    border_id: str
    city_a: str
    city_b: str
    width_m: float
    line: Any
    sides: dict[str, Any]
    crs: pyproj.CRS

    @cached_property
    def whole(self) -> Any:
        """Both sides as one geometry."""
        return shapely.union_all(list(self.sides.values()))

    @cached_property
    def _parts(self) -> Geometries:
        return np.asarray(shapely.get_parts(self.line), dtype=object)

    def km_along(self, places: Any) -> Floats:
        """Kilometres along the border to the point nearest each place's point.

        A place that is no point stands for its centroid.
        """
        points = shapely.centroid(np.asarray(places, dtype=object))
        if not len(points):
            return np.empty(0)
        starts = np.concatenate([[0.0], np.cumsum(shapely.length(self._parts))])
        tree = shapely.STRtree(self._parts)
        who, part = tree.query_nearest(points, all_matches=False)
        km = np.full(len(points), np.nan)
        km[who] = starts[part] + shapely.line_locate_point(self._parts[part], points[who])
        return km / 1_000.0


def belt_of(
    border_id: str, borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, width_m: float
) -> Belt | None:
    """The belt of one border, as `borders.belts` draws it; None for a border without a line.

    Only borders within two widths can take land from this one, so only those
    are looked at.
    """
    crs = require_metric(borders, "borders")
    own = borders[borders["border_id"] == border_id]
    if own.empty or own.geometry.is_empty.all():
        return None
    line = own.geometry.iloc[0]
    shapely.prepare(line)
    near = borders[shapely.dwithin(line, borders.geometry.to_numpy(), 2.0 * width_m)]
    every = border_lines.belts(near, cities, width_m)
    mine = every[every["border_id"] == border_id]
    return Belt(
        border_id=border_id,
        city_a=str(own["city_a"].iloc[0]),
        city_b=str(own["city_b"].iloc[0]),
        width_m=width_m,
        line=border_lines.chain(line),
        sides=dict(zip(mine["city_id"].astype(str), mine.geometry.to_numpy(), strict=True)),
        crs=crs,
    )


def stretch_regions(belt: Belt, km: float) -> gpd.GeoDataFrame:
    """The border's stretches of ``km`` and, for each, the land nearer to it than to the others.

    Returns
    -------
    Columns n, km_from, km_to, geometry (the region; regions share nothing and
    cover the belt; the parting lines are off by metres at most).
    """
    stretches = border_lines.cut_into_stretches(belt.line, km)
    points, owner = _points_along(stretches.geometry.to_numpy())
    cells = _nearest_cells(points, 2.0 * belt.width_m)
    regions = [shapely.union_all(cells[owner == n]) for n in range(len(stretches))]
    return gpd.GeoDataFrame(stretches.drop(columns="geometry"), geometry=regions, crs=belt.crs)


def polygons_in(geometry: Any, min_m2: float = 0.0) -> tuple[Geometries, Ints]:
    """The polygons above an area inside any geometries, with the row each came from."""
    parts, owner = shapely.get_parts(np.asarray(geometry, dtype=object), return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)
    owner = owner[inner]
    keep = (shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) > min_m2)
    return parts[keep], owner[keep]


def joined(pairs: tuple[Ints, Ints], count: int) -> Ints:
    """Component number of each of ``count`` things, given which pairs hang together.

    Numbers follow the first member of each component.
    """
    first, second = pairs
    if not count:
        return np.empty(0, dtype=np.int64)
    links = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(count, count))
    _, label = connected_components(links, directed=False)
    _, first_seen, inverse = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first_seen))[inverse], dtype=np.int64)


def within_gap(geometry: Geometries, gap_m: float) -> tuple[Ints, Ints]:
    """Pairs (first < second) of geometries at most ``gap_m`` apart."""
    if not len(geometry):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    tree = shapely.STRtree(geometry)
    first, second = tree.query(geometry, predicate="dwithin", distance=gap_m)
    keep = first < second
    return first[keep], second[keep]


def _points_along(stretches: Geometries) -> tuple[Floats, Ints]:
    """Points in the middle of equal steps along each stretch; each place once."""
    lengths = shapely.length(stretches)
    counts = np.maximum(np.ceil(lengths / _REGION_STEP_M).astype(np.int64), 4)
    owner = np.repeat(np.arange(len(stretches)), counts)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    along = (rank + 0.5) / counts[owner] * lengths[owner]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(stretches[owner], along))
    # A border may pass a place twice; a micrometre tells two points apart.
    _, first = np.unique(xy.round(6), axis=0, return_index=True)
    first.sort()
    return xy[first], owner[first]


def _nearest_cells(points: Floats, reach_m: float) -> Geometries:
    """The Voronoi cell of each point, cut nowhere within ``reach_m`` of the points.

    Four far points are added, so that points on one straight line have cells too;
    they are too far to take anything within reach.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    far = 2.0 * reach_m + float((high - low).max())
    corners = np.array(
        [
            [low[0] - far, low[1] - far],
            [low[0] - far, high[1] + far],
            [high[0] + far, low[1] - far],
            [high[0] + far, high[1] + far],
        ]
    )
    cells = shapely.voronoi_polygons(
        shapely.multipoints(np.concatenate([points, corners])), ordered=True
    )
    return np.asarray(shapely.get_parts(cells)[: len(points)], dtype=object)
