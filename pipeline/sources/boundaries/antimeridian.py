"""Metros across longitude 180, where one degree of longitude follows another with a jump of 360.

What belongs here: whether cities lie across it, and outlines in longitudes that run on from a
middle (`crs.run_on`), so that everything behind may take degrees as a plane. Sources, extracts
and files keep to -180 to 180; layers of a metro at the antimeridian run on over it.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.crs import shapes_run_on
from pipeline.sources.osm.shapes import polygonal

ANTIMERIDIAN = 180.0
_NEAR_DEG = 1.0
_TURN = 360.0
_TURNS = (-_TURN, 0.0, _TURN)

Geometries = NDArray[np.object_]


def on_both_sides(*longitudes: NDArray[np.float64]) -> bool:
    """Whether some longitudes lie just before the antimeridian, and some just behind it."""
    ahead = any((each >= ANTIMERIDIAN - _NEAR_DEG).any() for each in longitudes)
    return ahead and any((each <= _NEAR_DEG - ANTIMERIDIAN).any() for each in longitudes)


def lie_across(shapes: Geometries) -> bool:
    """Whether outlines whose longitudes run on from 180 reach it, and not half around the globe."""
    west, _, east, _ = shapely.total_bounds(shapes)
    return bool(west <= ANTIMERIDIAN <= east and east - west < _TURN / 2.0)


def are_cut(shapes: Geometries) -> bool:
    """Whether shapes are a world wide, and less than half of it seen from 180."""
    west, _, east, _ = shapely.total_bounds(shapes)
    return bool(
        east - west > _TURN / 2.0 and lie_across(np.asarray(shapes_run_on(shapes, ANTIMERIDIAN)))
    )


def uncut(shapes: Geometries) -> Geometries:
    """Outlines as they are; those that 180 cuts as seen from there, in one piece."""
    return joined(shapes_run_on(shapes, ANTIMERIDIAN)) if are_cut(shapes) else shapes


def drawn_over(shapes: Geometries) -> Geometries:
    """Single outlines drawn from 179 to -179 as if around the world, seen from 180."""
    shapes = shapes.copy()
    west, _, east, _ = shapely.bounds(shapes).T
    wide = np.flatnonzero((east - west > _TURN / 2.0) & (shapely.get_num_geometries(shapes) == 1))
    shapes[wide] = shapes_run_on(shapes[wide], ANTIMERIDIAN)
    return shapes


def joined(shapes: Geometries) -> Geometries:
    """Outlines of which parts that a file cuts at the antimeridian are one."""
    return polygonal([shapely.union_all(shapely.get_parts(each)) for each in shapes])


def covered_from(middle: float, covered: shapely.Geometry | None) -> shapely.Geometry | None:
    """An area of -180 to 180 in the turn around a middle: cut where that begins and ends."""
    if covered is None:
        return None
    turns = [
        shapely.transform(covered, lambda xy, by=by: xy + np.array([by, 0.0])) for by in _TURNS
    ]
    frame = shapely.box(middle - _TURN / 2.0, -90.0, middle + _TURN / 2.0, 90.0)
    return shapely.intersection(shapely.union_all(turns), frame)
