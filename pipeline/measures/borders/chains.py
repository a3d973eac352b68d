"""A border as one walk from end to end, and cut into stretches along it.

What belongs here: the order and direction of a line's parts, so that results depend on the
line alone.
"""

from __future__ import annotations

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import shapely.ops

from pipeline.measures.geometry.planar import Floats, Geometries


def chain(line: Any) -> Any:
    """A line's parts, merged, directed and ordered from one end to the other.

    The walk starts at the free end that sorts first by (x, y) and goes on to
    the nearest part left. A closed part starts at its first vertex by (x, y) and
    runs anticlockwise. So the result depends on the line alone, not on how its
    parts were listed.
    """
    merged = shapely.line_merge(line)
    parts = [_settled(part) for part in shapely.get_parts(merged) if not shapely.is_empty(part)]
    parts.sort(key=lambda part: (*part[0], *part[-1], len(part)))
    if not parts:
        return shapely.MultiLineString()
    ends = [end for part in parts for end in (part[0], part[-1])]
    free = [end for end in ends if ends.count(end) == 1]
    here = min(free or ends)
    ordered = []
    while parts:
        distances = [
            (min(_gap(here, part[0]), _gap(here, part[-1])), n) for n, part in enumerate(parts)
        ]
        part = parts.pop(min(distances)[1])
        if _gap(here, part[-1]) < _gap(here, part[0]):
            part = part[::-1]
        ordered.append(part)
        here = part[-1]
    return shapely.MultiLineString(ordered)


def cut_into_stretches(line: Any, km: float) -> gpd.GeoDataFrame:
    """Cut a border into stretches of ``km`` along its chained length.

    Gaps between parts count for nothing. The last stretch is the rest; one
    shorter than half a stretch joins the stretch before it.

    Returns
    -------
    Columns n (0, 1, ...), km_from, km_to, geometry (MultiLineString, no CRS set).
    """
    parts = shapely.get_parts(chain(line))
    lengths = shapely.length(parts)
    total = float(lengths.sum())
    count = max(1, int(total / (km * 1_000.0) + 0.5))
    bounds = np.append(np.arange(count) * km * 1_000.0, total)
    offsets = np.concatenate([[0.0], np.cumsum(lengths)])
    stretches = [
        _substring(parts, offsets, start, stop) for start, stop in itertools.pairwise(bounds)
    ]
    return gpd.GeoDataFrame(
        {"n": np.arange(count), "km_from": bounds[:-1] / 1e3, "km_to": bounds[1:] / 1e3},
        geometry=stretches,
    )


def _settled(part: Any) -> list[tuple[float, float]]:
    """A part's vertices; a closed one from its first vertex by (x, y), anticlockwise."""
    points = [tuple(point) for point in shapely.get_coordinates(part).tolist()]
    if points[0] == points[-1] and len(points) > 3:
        if not shapely.is_ccw(shapely.linearrings(points)):
            points = points[::-1]
        start = points.index(min(points))
        points = points[start:-1] + points[: start + 1]
    elif points[-1] < points[0]:
        points = points[::-1]
    return points


def _gap(first: tuple[float, float], second: tuple[float, float]) -> float:
    return float(np.hypot(first[0] - second[0], first[1] - second[1]))


def _substring(parts: Geometries, offsets: Floats, start: float, stop: float) -> Any:
    """The stretch between two arc lengths of chained parts."""
    touched = np.flatnonzero((offsets[1:] > start) & (offsets[:-1] < stop))
    pieces = [
        shapely.ops.substring(parts[n], max(start - offsets[n], 0.0), stop - offsets[n])
        for n in touched
    ]
    return shapely.multilinestrings([piece for piece in pieces if piece.geom_type == "LineString"])
