"""The land on each side of borders, each place given to the border nearest to it.

What belongs here: buffers cut where borders compete, and the cells that part them. Which
border is nearest to a point belongs to `nearest`.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import require_metric
from pipeline.measures.geometry.overlay import areas_inside
from pipeline.measures.geometry.planar import Floats, Geometries, Ints

_BELT_STEPS = 200
"""A belt is parted at tripoints to within its width over this number."""

_JITTER_M = 1e-3


def belts(
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    width_m: float,
    border_id: str | None = None,
) -> gpd.GeoDataFrame:
    """The land on each side of each border, within a distance and nearest to that border.

    Belts of one width never overlap: where two borders are near each other, as
    at a tripoint, the land goes to the nearer one. The parting line is drawn
    through points set every ``width_m / 200`` along the borders, and is off by
    less than that.

    Parameters
    ----------
    border_id
        Only this border's belt; the others are then looked at as its rivals.

    Returns
    -------
    Columns border_id, city_id, side (``a``/``b``), geometry (Polygon or
    MultiPolygon); one row per border and side, none where a side has no land.
    """
    crs = require_metric(borders, "borders")
    ordered = borders.sort_values("border_id", ignore_index=True)
    lines = ordered.geometry.to_numpy()
    rows = np.arange(len(ordered))
    if border_id is not None:
        rows = np.flatnonzero((ordered["border_id"].astype(str) == border_id).to_numpy())
    own = _without_nearer(lines, rows, width_m)
    wanted = ordered.iloc[rows]
    area = dict(zip(cities["city_id"].astype(str), cities.geometry.to_numpy(), strict=True))
    sides = []
    for side in ("a", "b"):
        city = wanted[f"city_{side}"].astype(str).to_numpy()
        land = areas_inside(own, np.array([area[each] for each in city], dtype=object))
        sides.append(
            pd.DataFrame(
                {
                    "border_id": wanted["border_id"].astype(str),
                    "city_id": city,
                    "side": side,
                    "geometry": land,
                }
            )
        )
    both = pd.concat(sides, ignore_index=True).sort_values(["border_id", "side"])
    frame = gpd.GeoDataFrame(both, geometry="geometry", crs=crs)
    return frame[~frame.geometry.is_empty].reset_index(drop=True)


def nearest_cells(points: Floats, frame: Any) -> Geometries:
    """The cell of each of (n, 2) points: what is nearer to it than to the others.

    Points in rows along an axis break the construction by rounding, so each is
    moved by a millimetre at most, the same way for the same place.
    """
    moved = points + _JITTER_M * np.sin(points[:, ::-1] * [12.9898, 78.233])
    cells = shapely.voronoi_polygons(shapely.multipoints(moved), extend_to=frame, ordered=True)
    return np.asarray(shapely.get_parts(cells)[: len(points)], dtype=object)


def _without_nearer(lines: Geometries, rows: Ints, width_m: float) -> Geometries:
    """The buffers of some lines without what lies nearer to another; ties go to the lower row."""
    own = shapely.buffer(lines[rows], width_m, quad_segs=32)
    pieces = _contested_pieces(lines, width_m)
    points, owner = _points_of(pieces)
    if not len(points):
        return own
    frame = shapely.buffer(shapely.box(*shapely.total_bounds(own)), 2.0 * width_m)
    cells = nearest_cells(points, frame)
    # What two lines both reach, each reaches from its contested part.
    reach = {
        row: shapely.intersection(
            shapely.coverage_union_all(cells[owner == row]),
            shapely.buffer(
                shapely.multilinestrings([shapely.linestrings(xy) for xy in pieces[row]]),
                width_m,
                quad_segs=32,
            ),
        )
        for row in np.unique(owner)
    }
    for n, row in enumerate(rows):
        rivals = [each for each in reach if each != row]
        lost = [each for each in rivals if shapely.intersects(own[n], reach[each])]
        if lost:
            own[n] = shapely.difference(own[n], shapely.union_all([reach[each] for each in lost]))
    return own


def _contested_pieces(lines: Geometries, width_m: float) -> dict[int, list[Floats]]:
    """The parts of each line with another line within two belt widths, a vertex every step.

    Only there can a place be within reach of both.
    """
    step = width_m / _BELT_STEPS
    tree = shapely.STRtree(lines)
    first, second = tree.query(lines, predicate="dwithin", distance=2.0 * width_m)
    pieces: dict[int, list[Floats]] = {}
    for row in np.unique(first[first != second]):
        rivals = shapely.union_all(lines[second[(first == row) & (second != row)]])
        shapely.prepare(rivals)
        for xy in _spread(lines[row], step):
            near = shapely.dwithin(rivals, shapely.points(xy), 2.0 * width_m + 2.0 * step)
            start = np.flatnonzero(near & ~np.append(False, near[:-1]))
            stop = np.flatnonzero(near & ~np.append(near[1:], False)) + 1
            runs = [xy[i:j] for i, j in zip(start, stop, strict=True) if j - i > 1]
            if runs:
                pieces.setdefault(int(row), []).extend(runs)
    return pieces


def _points_of(pieces: dict[int, list[Floats]]) -> tuple[Floats, Ints]:
    """The vertices of all pieces, each place once, with the line they belong to."""
    if not pieces:
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    xy = np.concatenate([run for runs in pieces.values() for run in runs])
    who = np.repeat(list(pieces), [sum(len(run) for run in runs) for runs in pieces.values()])
    # A vertex that two lines share, where they touch, goes to the lower row.
    table = pd.DataFrame({"x": xy[:, 0].round(6), "y": xy[:, 1].round(6), "who": who})
    table = table.sort_values(["x", "y", "who"]).drop_duplicates(["x", "y"])
    return table[["x", "y"]].to_numpy(), table["who"].to_numpy(dtype=np.int64)


def _spread(line: Any, step: float) -> list[Floats]:
    """Points at most ``step`` apart along each part of a line; the outermost drawn in a little.

    At a tripoint three lines share their end. Drawn in, the land around it is
    parted between the lines that lead there, instead of going to one of them.
    """
    parts = shapely.get_parts(shapely.line_merge(line))
    xy, part = shapely.get_coordinates(shapely.segmentize(parts, step), return_index=True)
    first = np.flatnonzero(np.diff(part, prepend=-1))
    last = np.append(first[1:], len(part)) - 1
    result = xy.copy()
    result[first] += (xy[first + 1] - xy[first]) * 1e-3
    result[last] += (xy[last - 1] - xy[last]) * 1e-3
    return np.split(result, first[1:])
