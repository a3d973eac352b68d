"""The sea: water areas of `land_areas` made of coastlines, which OpenStreetMap maps as lines only.

What belongs here: from ``natural=coastline`` to polygons inside the region. Lakes, bays and
rivers are areas of their own (`areas`).
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.layers import empty_layer
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.lines import line_frame, select_lines
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.ragged import Ints, Shapes
from pipeline.sources.osm.shapes import lines_of
from pipeline.sources.osm.tags import is_yes

_ASIDE_DEG = 1e-6
"""A tenth of a metre: so far from a coastline one looks whether land or water lies there."""

_MOST_DISSENT = 0.1
"""So large a share of a face's coastline may have it on the wrong side: an islet drawn so."""


def read_sea(
    ways: Ways, reach: Reach, covered: shapely.Geometry, account: Account
) -> gpd.GeoDataFrame:
    """Rows of `land_areas` (``natural=water``, ``water=sea``) for the sea inside the region.

    Land lies left of a coastline and water right of it. Coastlines drawn backwards, by which
    more roads begin in the sea than on land, are turned and counted. One that ends inside the
    region bounds nothing.
    """
    coast = ways.take(np.flatnonzero(ways.tags.equals("natural", "coastline")))
    rule = np.full(len(coast.id), None, dtype=object)
    _, part = select_lines(coast, rule, "coastline way", reach, account)
    frame = shapely.intersection(reach.region, covered)
    if not len(part.ways.id) or shapely.is_empty(frame):
        return empty_layer("land_areas", WGS84)
    lines = lines_of(part.ways)
    faces = _faces(lines, frame)
    wet = _votes(lines, faces)
    roads = _road_starts(ways, faces)
    if roads[wet > 0].sum() > roads[wet < 0].sum():
        account.add("coastline way kept", "drawn_backwards", len(lines))
        wet = -wet
    sea = faces[wet > 0]
    number = int(part.ways.id.min())
    columns = {
        "area_id": [f"w{number}/{n}" for n in range(1, len(sea) + 1)],
        "key": "natural",
        "value": "water",
        "water": "sea",
        "name": None,
    }
    return gpd.GeoDataFrame(columns, geometry=sea, crs=WGS84)


def _faces(lines: Shapes, frame: shapely.Geometry) -> NDArray[np.object_]:
    """What coastlines cut the frame into, in an order that none of theirs changes."""
    cuts = shapely.union_all([*lines, shapely.boundary(frame)])
    faces = shapely.get_parts(shapely.polygonize([cuts]))
    faces = faces[shapely.contains_properly(frame, shapely.point_on_surface(faces))]
    corner = shapely.bounds(faces)
    return np.asarray(faces[np.lexsort(corner.T)], dtype=object)


def _votes(lines: Shapes, faces: NDArray[np.object_]) -> Ints:
    """Steps of coastline that have each face on their right, less those that have it left.

    A face that many have on either side is bounded by a coastline with an open end: 0.
    """
    xy, line = shapely.get_coordinates(lines, return_index=True)
    steps = np.flatnonzero(line[1:] == line[:-1])
    along = xy[steps + 1] - xy[steps]
    length = np.hypot(along[:, 0], along[:, 1])
    right = np.column_stack([along[:, 1], -along[:, 0]]) / np.where(length > 0, length, 1)[:, None]
    middle = (xy[steps] + xy[steps + 1]) / 2.0
    sides = np.zeros((2, len(faces)), dtype=np.int64)
    tree = shapely.STRtree(faces)
    for row, side in enumerate((1, -1)):
        points = shapely.points(middle + side * right * _ASIDE_DEG)
        _, face = tree.query(points, predicate="within")
        sides[row] = np.bincount(face, minlength=len(faces))
    is_torn = sides.min(axis=0) > _MOST_DISSENT * sides.sum(axis=0)
    return np.where(is_torn, 0, sides[0] - sides[1])


def _road_starts(ways: Ways, faces: NDArray[np.object_]) -> Ints:
    """Number of road ways that begin in each face."""
    rows = np.flatnonzero(ways.tags.has("highway") & (np.diff(ways.offsets) > 0))
    first = ways.offsets[rows]
    there = first[np.isfinite(ways.lon[first])]
    points = shapely.points(ways.lon[there], ways.lat[there])
    _, face = shapely.STRtree(faces).query(points, predicate="within")
    return np.bincount(face, minlength=len(faces))


def read_maritime(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `maritime_borders`: ways of administrative borders that mappers say lie at sea."""
    is_border = ways.tags.equals("boundary", "administrative")
    at_sea = is_yes(ways.tags.get("maritime"))
    ways = ways.take(np.flatnonzero(is_border & at_sea))
    rule = np.full(len(ways.id), None, dtype=object)
    _, part = select_lines(ways, rule, "maritime border way", reach, account)
    return line_frame(part, {}).drop(columns="node_ids")
