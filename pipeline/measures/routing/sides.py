"""Sides of water: places join roads on their own.

What belongs here: the outlines of wide waters as the network keeps them, and how much water
lies between a place and a road. Which road a place joins belongs to `entry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]


def outlines_of(waters: Sequence[Any] | Geometries, width_m: float) -> dict[str, NDArray[Any]]:
    """Arrays ``water_*`` of the network: polygons that may part a place from a road.

    Waters whose bounds are nowhere ``width_m`` wide part nothing and are left out; the others
    lose what is finer than a tenth of it.
    """
    parts = shapely.get_parts(np.asarray(waters, dtype=object))
    west, south, east, north = shapely.bounds(parts).T if len(parts) else np.empty((4, 0))
    is_wide = np.maximum(east - west, north - south) >= width_m
    is_wide &= shapely.area(parts) >= width_m**2 if len(parts) else is_wide
    kept = shapely.simplify(parts[is_wide], width_m / 10.0) if is_wide.any() else parts[:0]
    width = np.array([width_m])
    if not len(kept):
        none = np.zeros(1, dtype=np.int64)
        return {
            "water_coords": np.empty((0, 2)),
            "water_rings": none,
            "water_polygons": none,
            "water_width_m": width,
        }
    _, coords, (rings, polygons) = shapely.to_ragged_array(kept)
    return {
        "water_coords": coords,
        "water_rings": rings.astype(np.int64),
        "water_polygons": polygons.astype(np.int64),
        "water_width_m": width,
    }


class Waters:
    """Wide waters, asked what they part."""

    def __init__(
        self,
        coords: NDArray[np.float64],
        rings: NDArray[np.int64],
        polygons: NDArray[np.int64],
        width_m: float,
    ) -> None:
        kind = shapely.GeometryType.POLYGON
        outlines = shapely.from_ragged_array(kind, np.array(coords), (rings, polygons))
        # What was drawn finer may have crossed itself.
        self._outlines = np.asarray(shapely.make_valid(outlines), dtype=object)
        self._tree = shapely.STRtree(self._outlines)
        self._width_m = width_m

    def part(self, points: Geometries, lines: Geometries) -> NDArray[np.bool_]:
        """Which points lie on land and have wide water between them and the end of their line."""
        which, water = self._tree.query(lines, predicate="intersects")
        wet = shapely.length(shapely.intersection(lines[which], self._outlines[water]))
        metres = np.bincount(which, weights=wet, minlength=len(lines))
        parted = metres >= self._width_m
        afloat, _ = self._tree.query(points, predicate="within")
        parted[afloat] = False
        return parted
