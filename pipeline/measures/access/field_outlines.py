"""Areas from fields on a grid: what lies within a distance of cells, and nested outlines.

What belongs here: outlines of the land near reached cells, without small holes, and their
simplification together, so that they stay nested. Which cells are reached belongs to
`isochrones`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import contourpy
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from pipeline.measures.geometry.areas import area_reaches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


def outline(column: Ints, row: Ints, cell_m: float, reach_m: float) -> shapely.MultiPolygon:
    """Land within ``reach_m`` of the cells' centres: the distance field, cut at that level."""
    pad = int(np.ceil(reach_m / cell_m)) + 2
    left, low = int(column.min()) - pad, int(row.min()) - pad
    is_far = np.ones(
        (int(column.max()) - left + pad + 1, int(row.max()) - low + pad + 1), dtype=bool
    )
    is_far[column - left, row - low] = False
    distance = distance_transform_edt(is_far) * cell_m
    return _below(distance, reach_m, (left + 0.5) * cell_m, (low + 0.5) * cell_m, cell_m)


def _below(
    field: Floats, level: float, x0: float, y0: float, cell_m: float
) -> shapely.MultiPolygon:
    """Where a field on grid points is below a level: a MultiPolygon.

    Each square of grid points is four triangles with the mean in the middle, so
    that the interpolated field is one surface, and lower fields give containing
    areas.
    """
    # A grid point exactly on the level would make outlines that touch themselves.
    if np.isclose(field, level, rtol=0.0, atol=1e-7).any():
        level += 1e-3
    column = x0 + cell_m * np.arange(field.shape[0])
    row = y0 + cell_m * np.arange(field.shape[1])
    contours = contourpy.contour_generator(
        row, column, field, name="serial", quad_as_tri=True, fill_type="ChunkCombinedOffsetOffset"
    )
    filled: Any = contours.filled(-1.0, level)
    (points,), (rings,), (polygons,) = filled
    if points is None:
        return shapely.MultiPolygon()
    return shapely.multipolygons(
        shapely.from_ragged_array(
            shapely.GeometryType.POLYGON,
            np.ascontiguousarray(points[:, ::-1]),
            (rings, polygons),
        )
    )


def fill_holes(area: shapely.MultiPolygon, least_m2: float) -> shapely.MultiPolygon:
    """Without its small holes. A wider limit's holes lie in the narrower's, so nesting stays."""
    rings, owner = shapely.get_rings(shapely.get_parts(area), return_index=True)
    is_shell = np.r_[True, owner[1:] != owner[:-1]]
    keep = is_shell | area_reaches(shapely.area(shapely.polygons(rings)), least_m2)
    return shapely.multipolygons(_with_holes(rings[keep], owner[keep]))


def _with_holes(rings: Geometries, owner: Ints) -> Geometries:
    """Polygons from their rings, shell first; rings of one polygon share ``owner``."""
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    ring_start = np.searchsorted(ring, np.arange(len(rings) + 1))
    polygon_start = np.searchsorted(owner, np.append(np.unique(owner), owner[-1] + 1))
    return shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, coords, (ring_start, polygon_start)
    )


def simplify_together(
    reached: Mapping[float, shapely.MultiPolygon], tolerance_m: float
) -> dict[float, shapely.MultiPolygon]:
    """Simplify nested areas as the rings between them, so that they stay nested."""
    if not reached:
        return {}
    limits = sorted(reached)
    areas = [reached[limit] for limit in limits]
    rings = [areas[0]] + [shapely.difference(wider, inner) for inner, wider in pairwise(areas)]
    simple = shapely.coverage_simplify(np.array(rings, dtype=object), tolerance_m)
    return {
        limit: as_multi(shapely.coverage_union_all(simple[: number + 1]))
        for number, limit in enumerate(limits)
    }


def as_multi(area: shapely.MultiPolygon) -> shapely.MultiPolygon:
    parts = shapely.get_parts(area)
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
