"""Parts of geometries, which of them hang together, and points along lines.

What belongs here: geometry that belts, land and findings share, without any notion of a
border. Points in areas belong to `geometry.areas`, the belt to `belt`.

All lengths are metres in the metro's metric CRS.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


_INDEXED_VERTICES = 64
"""Geometries above this get an index of their edges when many distances are asked of them."""

_POLYGON = int(shapely.GeometryType.POLYGON)


def sound(geometry: Geometries) -> Geometries:
    """The same areas as valid geometry: rings are taken for what they outline.

    So land drawn twice over itself stays land (a repair by line work would leave
    a hole there). A layer that was written in degrees and read back may have
    vertices folded by the rounding.
    """
    is_broken = ~shapely.is_valid(geometry)
    if is_broken.any():
        geometry = geometry.copy()
        geometry[is_broken] = shapely.make_valid(
            geometry[is_broken], method="structure", keep_collapsed=False
        )
    return geometry


def polygons_in(
    geometry: Geometries | Sequence[shapely.Geometry], min_m2: float = 0.0
) -> tuple[Geometries, Ints]:
    """The polygons above an area inside any geometries, with the row each came from."""
    parts, owner = shapely.get_parts(np.asarray(geometry, dtype=object), return_index=True)
    if (shapely.get_type_id(parts) > _POLYGON).any():
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


def boxes_within(geometry: Geometries, gap_m: float) -> tuple[Ints, Ints]:
    """Pairs (first < second) of geometries whose boxes, one widened by ``gap_m``, meet."""
    first, second = shapely.STRtree(geometry).query(wide_boxes(geometry, gap_m))
    keep = first < second
    return first[keep], second[keep]


def within_gap(geometry: Geometries, gap_m: float) -> tuple[Ints, Ints]:
    """Pairs (first < second) of geometries at most ``gap_m`` apart."""
    if not len(geometry):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first, second = boxes_within(geometry, gap_m)
    # An index of its edges pays for a large geometry alone, and when it is asked first.
    vertices = shapely.get_num_coordinates(geometry)
    is_swapped = vertices[first] < vertices[second]
    large = geometry[vertices > _INDEXED_VERTICES]
    shapely.prepare(large)
    is_near = shapely.dwithin(
        geometry[np.where(is_swapped, second, first)],
        geometry[np.where(is_swapped, first, second)],
        gap_m,
    )
    shapely.destroy_prepared(large)
    return first[is_near], second[is_near]


def wide_boxes(geometry: Geometries, by_m: float) -> Geometries:
    """The box of each geometry, widened on all sides."""
    west, south, east, north = shapely.bounds(geometry).T
    return np.asarray(shapely.box(west - by_m, south - by_m, east + by_m, north + by_m))


def points_along(
    lines: Geometries, step_m: float, least: int = 1
) -> tuple[Floats, Floats, Floats, Ints]:
    """Points in the middle of equal steps along lines, each at most ``step_m`` long.

    Parameters
    ----------
    least
        Points on a line at least, however short; lines without length have none.

    Returns
    -------
    Coordinates (n, 2), unit vectors of the drawing direction there (n, 2), the
    length of the step each stands for, and the row of its line.
    """
    parts, row = shapely.get_parts(np.asarray(lines, dtype=object), return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    inside = part[1:] == part[:-1]
    start, along = xy[:-1][inside], np.diff(xy, axis=0)[inside]
    length = np.hypot(along[:, 0], along[:, 1])
    keep = length > 0.0
    start, along, length = start[keep], along[keep], length[keep]
    line = row[part[:-1][inside][keep]]
    total = np.bincount(line, length, minlength=len(lines))
    counts = np.where(total > 0, np.maximum(np.ceil(total / step_m), least), 0).astype(np.int64)
    owner = np.repeat(np.arange(len(lines)), counts)
    step = total[owner] / counts[owner]
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    end = np.cumsum(length)
    at = np.repeat(np.cumsum(total) - total, counts) + (rank + 0.5) * step
    segment = np.minimum(np.searchsorted(end, at), max(len(end) - 1, 0))
    unit = along[segment] / length[segment][:, None]
    back = (end[segment] - at)[:, None]
    return start[segment] + along[segment] - back * unit, unit, step, owner
