"""Plane vectors, and what lies near or across what: the arithmetic that measures share.

What belongs here: functions of coordinate arrays (n, 2) in metres and of arrays of shapely
geometries, without any knowledge of roads or layers. Points in areas belong to `areas`.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]
Geometries = NDArray[np.object_]


def unit(vectors: Floats) -> Floats:
    """Vectors (n, 2) brought to length one; null vectors stay."""
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    return np.asarray(vectors / np.where(length > 0, length, 1.0)[:, None])


def dot(first: Floats, second: Floats) -> Floats:
    """Dot products of rows."""
    return np.asarray((first * second).sum(axis=1))


def compass_deg(dx: ArrayLike, dy: ArrayLike) -> Floats:
    """Degrees clockwise from grid north of vectors."""
    return np.asarray(np.degrees(np.arctan2(np.asarray(dx, float), np.asarray(dy, float))) % 360.0)


def angle_deg(cos: Floats) -> Floats:
    """Angles in degrees of cosines, which rounding may have carried beyond one."""
    return np.asarray(np.degrees(np.arccos(np.clip(cos, -1.0, 1.0))))


def cos_of(angle: float) -> float:
    """Cosine of an angle in degrees; a round angle has a round cosine (60 degrees: 0.5)."""
    return float(np.round(np.cos(np.radians(angle)), 12))


def straight_lines(start: Floats, stop: Floats) -> Geometries:
    """One straight line per row."""
    if not len(start):
        return np.empty(0, dtype=object)
    return np.asarray(shapely.linestrings(np.stack([start, stop], axis=1)), dtype=object)


def points_into(lines: Geometries, side: Ints, distance_m: Floats) -> Floats:
    """Points ``distance_m`` into lines from one of their ends; the other end where shorter."""
    if not len(lines):
        return np.empty((0, 2))
    length = shapely.length(lines)
    along = np.minimum(distance_m, length)
    along = np.where(side == 0, along, length - along)
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines, along)))


def crosses_any(lines: Geometries, shapes: Geometries) -> Flags:
    """Whether each line meets one of the shapes."""
    hit = np.zeros(len(lines), dtype=bool)
    if len(lines) and len(shapes):
        hit[shapely.STRtree(shapes).query(lines, "intersects")[0]] = True
    return hit


def near_any(xy: Floats, shapes: Geometries, distance_m: float) -> Flags:
    """Whether each point lies within a distance of one of the shapes."""
    hit = np.zeros(len(xy), dtype=bool)
    if len(xy) and len(shapes):
        hit[shapely.STRtree(shapes).query(shapely.points(xy), "dwithin", distance_m)[0]] = True
    return hit


def near_spots(xy: Floats, spots: Floats, distance_m: float) -> Flags:
    """Whether each point lies within a distance of one of the spots (m, 2)."""
    if not len(xy) or not len(spots):
        return np.zeros(len(xy), dtype=bool)
    return np.asarray(cKDTree(spots).query(xy)[0] <= distance_m)


def pairs_within(xy: Floats, rows: Ints, distance_m: float) -> tuple[Ints, Ints]:
    """Every pair of the chosen rows within a distance, the smaller row first, sorted."""
    if len(rows) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    found = cKDTree(xy[rows]).query_pairs(distance_m, output_type="ndarray").reshape(-1, 2)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    return rows[found[:, 0]], rows[found[:, 1]]


def first_of_each(group: Ints, order: NDArray[np.integer]) -> Ints:
    """Of rows in an order that keeps groups together, the first row of each group."""
    first = np.unique(group[order], return_index=True)[1]
    return np.asarray(order[first], dtype=np.int64)


def boxes_meet(geometry: Geometries, box: Floats) -> Flags:
    """Whether the bounding box of each geometry meets a box (west, south, east, north)."""
    if not len(geometry):
        return np.zeros(0, dtype=bool)
    bounds = shapely.bounds(geometry)
    return np.asarray(
        (bounds[:, 0] <= box[2])
        & (bounds[:, 2] >= box[0])
        & (bounds[:, 1] <= box[3])
        & (bounds[:, 3] >= box[1])
    )
