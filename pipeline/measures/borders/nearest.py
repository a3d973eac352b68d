"""Where places stand relative to borders: which one is nearest, how far, which way, which side.

What belongs here: questions about points. The land along a border belongs to `belts`.

Coordinates are the metro's metric CRS (easting, northing in metres). One rule settles every
tie: of borders equally near, the one whose id sorts first.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.measures.borders.segments import segments
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.planar import Floats, Ints

TIE_M = 1e-3
"""Distances within a millimetre are equal: reprojection noise must not pick a border."""


class BorderIndex:
    """Borders prepared for questions about many points.

    Parameters
    ----------
    borders
        Layer ``borders`` in a metric CRS; may be empty.
    """

    def __init__(self, borders: gpd.GeoDataFrame) -> None:
        ids = borders["border_id"].astype(str).to_numpy()
        self._order_of_row = np.argsort(np.argsort(ids, kind="stable"), kind="stable")
        self._row_of_order = np.argsort(ids, kind="stable")
        self._parts, owner = shapely.get_parts(borders.geometry.to_numpy(), return_index=True)
        self._start, self._stop, self._part = segments(self._parts)
        self._border = owner[self._part] if len(self._part) else self._part
        ends = np.stack([self._start, self._stop], axis=1)
        self._segments = shapely.linestrings(ends) if len(ends) else np.empty(0, dtype=object)
        self._tree = shapely.STRtree(self._segments)

    def nearest(
        self, x: ArrayLike, y: ArrayLike, max_m: float | None = None
    ) -> tuple[Ints, Floats]:
        """Row of the nearest border and the distance to it, metres; -1 and nan where none.

        Each point gets one border only; of equally near ones, as around a
        tripoint, the one whose id sorts first.
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        index = np.full(len(x), -1, dtype=np.int64)
        distance = np.full(len(x), np.nan)
        if not len(x) or not len(self._segments):
            return index, distance
        points = shapely.points(x, y)
        (who, _), found = self._tree.query_nearest(
            points, max_distance=max_m, return_distance=True, all_matches=False
        )
        distance[who] = found
        who, segment = self._tree.query(points[who], predicate="dwithin", distance=found + TIE_M)
        near = np.flatnonzero(~np.isnan(distance))[who]
        best = np.full(len(x), len(self._row_of_order), dtype=np.int64)
        np.minimum.at(best, near, self._order_of_row[self._border[segment]])
        reached = best < len(self._row_of_order)
        index[reached] = self._row_of_order[best[reached]]
        return index, distance

    def normal(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Unit vector from each point towards the nearest point of any border.

        On the line itself (within a millimetre) it is the perpendicular of the
        segment there, 90 degrees anticlockwise of its drawing direction: only its
        axis means something. nan without borders.
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        east, north = np.full(len(x), np.nan), np.full(len(x), np.nan)
        if not len(x) or not len(self._segments):
            return east, north
        points = shapely.points(x, y)
        who, segment = self._tree.query_nearest(points, all_matches=False)
        foot_x, foot_y = _feet(x[who], y[who], self._start[segment], self._stop[segment])
        along = self._stop[segment] - self._start[segment]
        dx, dy = foot_x - x[who], foot_y - y[who]
        on_line = np.hypot(dx, dy) <= TIE_M
        dx, dy = np.where(on_line, -along[:, 1], dx), np.where(on_line, along[:, 0], dy)
        length = np.hypot(dx, dy)
        east[who], north[who] = dx / length, dy / length
        return east, north

    def course_normal(self, x: ArrayLike, y: ArrayLike, half_m: float) -> tuple[Floats, Floats]:
        """Unit vector across the border's general course beside each point, towards the border.

        The course is the chord between the places ``half_m`` along the border to
        either side of the nearest point (less at its ends; a quarter of the way
        round on a closed part), so that a meander does not turn it. On the line
        itself only the vector's axis means something. nan without borders.
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        east, north = np.full(len(x), np.nan), np.full(len(x), np.nan)
        if not len(x) or not len(self._segments):
            return east, north
        who, segment = self._tree.query_nearest(shapely.points(x, y), all_matches=False)
        foot_x, foot_y = _feet(x[who], y[who], self._start[segment], self._stop[segment])
        step = np.hypot(*(self._stop - self._start).T)
        before = np.cumsum(step) - step
        first = np.searchsorted(self._part, np.arange(len(self._parts)))
        part = self._part[segment]
        along = before[segment] - before[first[part]]
        along += np.hypot(foot_x - self._start[segment, 0], foot_y - self._start[segment, 1])
        line, total = self._parts[part], shapely.length(self._parts[part])
        is_ring = shapely.is_closed(line)
        half = np.where(is_ring, np.minimum(half_m, total / 4.0), half_m)
        back, ahead = (
            np.where(is_ring, (along + way * half) % total, np.clip(along + way * half, 0.0, total))
            for way in (-1.0, 1.0)
        )
        chord = shapely.get_coordinates(
            shapely.line_interpolate_point(line, ahead)
        ) - shapely.get_coordinates(shapely.line_interpolate_point(line, back))
        normal = np.stack([-chord[:, 1], chord[:, 0]], axis=1)
        towards = np.stack([foot_x - x[who], foot_y - y[who]], axis=1)
        normal *= np.where((normal * towards).sum(axis=1) < 0.0, -1.0, 1.0)[:, None]
        length = np.hypot(normal[:, 0], normal[:, 1])
        east[who], north[who] = (normal / np.where(length > 0, length, np.nan)[:, None]).T
        return east, north

    def approach_cos(
        self, x: ArrayLike, y: ArrayLike, heading: Floats, *, course_m: float, most_deg: float
    ) -> Floats:
        """Cosine of the angle at which headings lead to the border; 1 is straight at it.

        Real borders wind, so the angle is the least of three, which on a straight
        border are one: to the way to the nearest point, to the normal of the
        border's course (see `course_normal`), and the one whose cosine is the
        straight distance over the distance along the heading, where the heading
        meets the border within ``most_deg``.

        Parameters
        ----------
        heading
            Unit vectors (n, 2).
        """
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        readings = [
            (np.stack(normal, axis=1) * heading).sum(axis=1)
            for normal in (self.normal(x, y), self.course_normal(x, y, course_m))
        ]
        best = np.fmax(np.fmax(*readings), self._cos_ahead(x, y, heading, most_deg))
        return np.asarray(best)

    def _cos_ahead(self, x: Floats, y: Floats, heading: Floats, most_deg: float) -> Floats:
        """Distance to the border over that along the heading; -1 where it is not met in time."""
        result = np.full(len(x), -1.0)
        if not len(x) or not len(self._segments):
            return result
        start = np.stack([x, y], axis=1)
        points = shapely.points(start)
        (who, _), distance = self._tree.query_nearest(
            points, return_distance=True, all_matches=False
        )
        reach = distance / np.cos(np.radians(min(most_deg, 80.0))) + 1.0
        stop = start[who] + heading[who] * reach[:, None]
        rays = shapely.linestrings(np.stack([start[who], stop], axis=1))
        ray, segment = self._tree.query(rays, predicate="intersects")
        hit = shapely.intersection(rays[ray], self._segments[segment])
        ahead = np.full(len(who), np.inf)
        np.minimum.at(ahead, ray, shapely.distance(points[who[ray]], hit))
        good = np.isfinite(ahead) & (ahead > 0)
        result[who[good]] = np.minimum(distance[good] / ahead[good], 1.0)
        return result


def side_of(
    x: ArrayLike, y: ArrayLike, border: Any, cities: gpd.GeoDataFrame
) -> NDArray[np.object_]:
    """``a``, ``b`` or None: in which of a border's two cities each point lies.

    Parameters
    ----------
    border
        One row of ``borders`` (anything with city_a and city_b).
    """
    pair = cities[cities["city_id"].isin([border["city_a"], border["city_b"]])]
    city = locate_points(x, y, pair)
    labels = {border["city_a"]: "a", border["city_b"]: "b"}
    return np.array([labels.get(each) for each in city], dtype=object)


def _feet(x: Floats, y: Floats, start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    """The nearest points of segments, one segment per point."""
    along = stop - start
    share = ((x - start[:, 0]) * along[:, 0] + (y - start[:, 1]) * along[:, 1]) / (along**2).sum(
        axis=1
    )
    share = np.clip(share, 0.0, 1.0)
    return start[:, 0] + share * along[:, 0], start[:, 1] + share * along[:, 1]
