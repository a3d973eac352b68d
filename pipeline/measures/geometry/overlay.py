"""Overlays that keep to their dimension: lines of lines, areas of areas.

What belongs here: intersection and difference of lines or areas with areas, without what a
mere touch leaves behind. Rounding belongs to `grid`, points in areas to `areas`.

Where a line meets an area along a stretch and touches it at one more place, GEOS gives a
collection of a line and a point, which further overlays refuse ("mixed-dimension"); two
areas that share ground and elsewhere an edge give a polygon and a line. Measures that go on
with an overlay take it from here.
"""

from __future__ import annotations

from typing import overload

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Geometries = NDArray[np.object_]

_COLLECTION = int(shapely.GeometryType.GEOMETRYCOLLECTION)
_EMPTY = {1: shapely.MultiLineString(), 2: shapely.MultiPolygon()}


@overload
def lines_inside(lines: Geometries, areas: Geometries | shapely.Geometry) -> Geometries: ...
@overload
def lines_inside(lines: shapely.Geometry, areas: shapely.Geometry) -> shapely.Geometry: ...
def lines_inside(
    lines: Geometries | shapely.Geometry, areas: Geometries | shapely.Geometry
) -> Geometries | shapely.Geometry:
    """The lines inside areas (or on areas' outlines), without points where they only touch.

    Both in one CRS; valid geometry, scalars or arrays as in `shapely.intersection`. An
    empty multi-geometry where nothing is left.
    """
    return of_dimension(shapely.intersection(lines, areas), 1)


@overload
def areas_inside(areas: Geometries, others: Geometries | shapely.Geometry) -> Geometries: ...
@overload
def areas_inside(areas: shapely.Geometry, others: shapely.Geometry) -> shapely.Geometry: ...
def areas_inside(
    areas: Geometries | shapely.Geometry, others: Geometries | shapely.Geometry
) -> Geometries | shapely.Geometry:
    """The ground that areas share with others, without edges and points where they only touch.

    Inputs and empties as in `lines_inside`.
    """
    return of_dimension(shapely.intersection(areas, others), 2)


@overload
def of_dimension(geometry: Geometries, dimension: int) -> Geometries: ...
@overload
def of_dimension(geometry: shapely.Geometry, dimension: int) -> shapely.Geometry: ...
def of_dimension(
    geometry: Geometries | shapely.Geometry, dimension: int
) -> Geometries | shapely.Geometry:
    """The parts of one dimension (1 lines, 2 areas) of geometries; what has only those is kept.

    Nulls stay null.
    """
    cleaned = np.array(geometry, dtype=object)
    flat = cleaned.reshape(-1)
    is_mixed = (shapely.get_type_id(flat) == _COLLECTION) | (
        (shapely.get_dimensions(flat) != dimension) & ~shapely.is_missing(flat)
    )
    for at in np.flatnonzero(is_mixed):
        flat[at] = _parts_of(flat[at], dimension)
    return flat.reshape(cleaned.shape) if cleaned.ndim else flat[0]


def _parts_of(geometry: shapely.Geometry, dimension: int) -> shapely.Geometry:
    parts = np.array([geometry], dtype=object)
    while (shapely.get_type_id(parts) >= int(shapely.GeometryType.MULTIPOINT)).any():
        parts = shapely.get_parts(parts)
    parts = parts[(shapely.get_dimensions(parts) == dimension) & ~shapely.is_empty(parts)]
    if not len(parts):
        return _EMPTY[dimension]
    if len(parts) == 1:
        return parts[0]
    return shapely.multilinestrings(parts) if dimension == 1 else shapely.multipolygons(parts)


def with_vertices_joined(areas: Geometries, distance_m: float) -> Geometries:
    """Areas whose vertices nearer to one another than a distance are one, in all of them alike.

    Overlays leave vertices a nanometre apart, which projecting puts in another order: the
    outline then crosses itself. What areas share stays shared.

    Parameters
    ----------
    areas
        Polygons in one metric CRS.
    distance_m
        Far below what the areas are measured by: vertices move by no more, but where a row of
        such near ones makes a chain.
    """
    places, at = np.unique(shapely.get_coordinates(areas), axis=0, return_inverse=True)
    if not len(places):
        return areas
    first, second = cKDTree(places).query_pairs(distance_m, output_type="ndarray").T
    if not len(first):
        return areas
    size = len(places)
    near = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    of_place = connected_components(near, directed=False)[1]
    # The first in the order of x and y stands for all.
    chosen = np.unique(of_place, return_index=True)[1]
    moved = places[chosen[of_place]][at.ravel()]
    joined = shapely.set_coordinates(np.array(areas, dtype=object), moved)
    joined = shapely.remove_repeated_points(joined, 0.0)
    # A spike is left where its two sides have become one.
    is_broken = ~shapely.is_valid(joined)
    joined[is_broken] = of_dimension(shapely.make_valid(joined[is_broken]), 2)
    return np.asarray(joined, dtype=object)
