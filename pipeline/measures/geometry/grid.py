"""Polygons with their coordinates on a grid, still valid.

What belongs here: rounding the vertices of polygons, and how much room they must
have for that. Why a layer is rounded belongs to the layer.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.compiled import compiled

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

_COMPARED_VERTICES = 256
"""Larger polygons are not searched for room, since that looks at all pairs."""


def on_grid(polygons: Geometries, size_m: float) -> Geometries:
    """The polygons with vertices on multiples of ``size_m``, valid and apart by about as much.

    A vertex moves by 0.71 ``size_m`` at most, and so does each point of an edge. Where
    all edges of a polygon that do not meet are further than twice the size apart,
    rounding each vertex alone is enough; it is a small part of the work of
    `shapely.set_precision`, which takes the others and may part or drop them.

    Parameters
    ----------
    polygons
        Valid polygons without nulls, coordinates in metres.

    Returns
    -------
    One geometry for each polygon, in their order: a polygon, or for a narrow one what
    `shapely.set_precision` leaves of it (several polygons, none).
    """
    rounded = np.empty(len(polygons), dtype=object)
    is_roomy = _have_room(polygons, 2.0 * size_m)
    rounded[is_roomy] = shapely.set_precision(polygons[is_roomy], size_m, mode="pointwise")
    rounded[~is_roomy] = shapely.set_precision(polygons[~is_roomy], size_m)
    return rounded


def _have_room(polygons: Geometries, gap_m: float) -> NDArray[np.bool_]:
    """True where every vertex is further than ``gap_m`` from edges it does not end.

    False for large polygons.
    """
    is_roomy = shapely.get_num_coordinates(polygons) <= _COMPARED_VERTICES
    if is_roomy.any():
        _, xy, (ring_at, polygon_at) = shapely.to_ragged_array(polygons[is_roomy])
        is_roomy[is_roomy] = _are_edges_apart(xy, ring_at, polygon_at, gap_m)
    return np.asarray(is_roomy)


@compiled
def _are_edges_apart(xy: Floats, ring_at: Ids, polygon_at: Ids, gap: float) -> NDArray[np.bool_]:
    """Per polygon: whether every edge is longer than the gap, and from other vertices further."""
    apart = np.ones(len(polygon_at) - 1, np.bool_)
    for polygon in range(len(apart)):
        first, last = polygon_at[polygon], polygon_at[polygon + 1]
        for ring in range(first, last):
            for edge in range(ring_at[ring], ring_at[ring + 1] - 1):
                if not _is_edge_apart(xy, edge, ring_at[first], ring_at[last], gap):
                    apart[polygon] = False
                    break
            if not apart[polygon]:
                break
    return apart


@compiled
def _is_edge_apart(xy: Floats, edge: int, start: int, stop: int, gap: float) -> bool:
    """Whether an edge is longer than the gap, and so far from the vertices that do not end it."""
    ax, ay, bx, by = xy[edge, 0], xy[edge, 1], xy[edge + 1, 0], xy[edge + 1, 1]
    along_x, along_y = bx - ax, by - ay
    squared = along_x * along_x + along_y * along_y
    if squared <= gap * gap:
        return False
    west, east = min(ax, bx) - gap, max(ax, bx) + gap
    south, north = min(ay, by) - gap, max(ay, by) + gap
    for vertex in range(start, stop):
        x, y = xy[vertex, 0], xy[vertex, 1]
        if x < west or x > east or y < south or y > north:
            continue
        if (x == ax and y == ay) or (x == bx and y == by):
            continue
        share = ((x - ax) * along_x + (y - ay) * along_y) / squared
        share = min(1.0, max(0.0, share))
        off_x, off_y = x - ax - share * along_x, y - ay - share * along_y
        if off_x * off_x + off_y * off_y <= gap * gap:
            return False
    return True
