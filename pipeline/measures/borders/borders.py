"""Borders between neighbouring cities, and where things stand relative to them.

What belongs here: deriving the shared lines from the areas (a coverage), the
share of them that follows nature, and the questions every other measure asks of
a border: which one is nearest, what is its normal here, which belt and which
stretch does a place belong to, on which side is it. What happens *at* a border
(ends, crossings, land use) belongs to the other measures.

Coordinates are the metro's metric CRS (easting, northing in metres). One rule
settles every tie: of borders equally near, the one whose id sorts first.
"""

from __future__ import annotations

import itertools
import logging
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops
from numpy.typing import ArrayLike, NDArray

from pipeline.crs import require_metric
from pipeline.layers import empty_layer
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.overlay import areas_inside, lines_inside
from pipeline.metros.catalogue import Metro
from pipeline.terms import RIVER_WATER, is_river_water, is_water

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

TIE_M = 1e-3
"""Distances within a millimetre are equal: reprojection noise must not pick a border."""

_BELT_STEPS = 200
"""A belt is parted at tripoints to within its width over this number."""

_JITTER_M = 1e-3
_LEAST_SLIT_M2 = 1.0


def derive_borders(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    metro: Metro,
    params: BordersParams,
) -> gpd.GeoDataFrame:
    """The lines that neighbouring areas share, one row per pair of neighbours.

    Topological: a border is made of the very edges that two areas of a valid
    coverage have in common. Where the areas do not fit (slivers and overlaps),
    they are made to within ``params.snap_tolerance_m`` first, and the row says
    how much: ``snapped_m`` of its length did not lie on both outlines, and
    ``overlap_km2`` belonged to both. Wider gaps stay gaps: no border there.
    Exclaves and enclaves keep their lines; areas that touch in points only
    have no border.

    At county level the areas are counties, and only lines between counties of
    different cities count; ``city_a`` and ``city_b`` are the cities on either
    side, ``area_a`` and ``area_b`` the counties.

    Returns
    -------
    Layer ``borders``, in the order of border_id, parts chained from one end to
    the other (see `chain`).
    """
    crs = require_metric(cities, "cities")
    areas = _areas(cities, counties, metro.border_level)
    lines = _shared_lines(areas, params.snap_tolerance_m)
    if not len(lines):
        return empty_layer("borders", crs)
    first, second = lines["first"].to_numpy(), lines["second"].to_numpy()
    ids, names = areas["area_id"].to_numpy(dtype=object), areas["name"].to_numpy(dtype=object)
    city = areas["city_id"].to_numpy(dtype=object)
    geometry = np.array([chain(line) for line in lines["geometry"]], dtype=object)
    water, rivers = natural_lines(waterways, land_areas, params.river_min_width_m)
    frame = pd.DataFrame(
        {
            "border_id": ids[first] + "-" + ids[second],
            "level": metro.border_level,
            "city_a": city[first],
            "city_b": city[second],
            "name": names[first] + "-" + names[second],
            "length_km": shapely.length(geometry) / 1_000.0,
            "natural_share_pct": _natural_share_pct(
                geometry, water, rivers, params.river_distance_m
            ),
            "area_a": ids[first],
            "area_b": ids[second],
            "snapped_m": lines["snapped_m"].to_numpy(),
            "overlap_km2": lines["overlap_m2"].to_numpy() / 1e6,
        }
    )
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=crs)


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
        self._start, self._stop, self._part = _segments(self._parts)
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


def nearest_border(points: Any, borders: gpd.GeoDataFrame) -> tuple[Ints, Floats]:
    """Row of the nearest border of each point, and metres to it. See `BorderIndex.nearest`.

    Parameters
    ----------
    points
        Array or series of shapely points.
    """
    x, y = _xy(points)
    return BorderIndex(borders).nearest(x, y)


def border_normal(points: Any, borders: gpd.GeoDataFrame) -> Floats:
    """Unit vectors (n, 2) from points to the nearest border. See `BorderIndex.normal`."""
    x, y = _xy(points)
    return np.stack(BorderIndex(borders).normal(x, y), axis=1)


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
                    "geometry": [_polygonal(each) for each in land],
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


def natural_lines(
    waterways: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame, min_width_m: float
) -> tuple[Geometries, Geometries]:
    """Water areas, and the river lines that are wide: with a water area, or tagged so.

    A river has a water area where its line runs through one mapped as a river
    (`terms.RIVER_WATER`; canals are not nature).
    """
    is_river_area = is_river_water(land_areas, RIVER_WATER)
    areas = land_areas.geometry.to_numpy()
    is_river = ((waterways["waterway"] == "river") & ~waterways["is_tunnel"].astype(bool)).to_numpy(
        dtype=bool
    )
    lines = waterways.geometry.to_numpy()[is_river]
    is_wide = (waterways["width_m"].to_numpy(dtype=float) > min_width_m)[is_river]
    if len(lines) and is_river_area.any():
        tree = shapely.STRtree(lines)
        is_wide[tree.query(areas[is_river_area], predicate="intersects")[1]] = True
    return areas[is_water(land_areas)], lines[is_wide]


def natural_part(
    lines: Geometries, natural: tuple[Geometries, Geometries], distance_m: float
) -> Geometries:
    """The part of each line that lies in water, or within a distance of a wide river.

    Parameters
    ----------
    natural
        Water areas and wide rivers, from `natural_lines`.
    """
    water, rivers = natural
    water_tree, river_tree = shapely.STRtree(water), shapely.STRtree(rivers)
    parts = np.empty(len(lines), dtype=object)
    for row, line in enumerate(lines):
        wet = water[water_tree.query(line, predicate="intersects")]
        near = rivers[river_tree.query(line, predicate="dwithin", distance=distance_m)]
        # The river far from the border adds vertices to the buffer and nothing else.
        frame = shapely.box(*(shapely.bounds(line) + 2.0 * distance_m * np.array([-1, -1, 1, 1])))
        reach = shapely.buffer(lines_inside(near, frame), distance_m, quad_segs=32)
        parts[row] = lines_inside(line, shapely.union_all([*wet, *reach]))
    return parts


def is_natural_border(
    x: ArrayLike,
    y: ArrayLike,
    border_ids: ArrayLike,
    borders: gpd.GeoDataFrame,
    natural: tuple[Geometries, Geometries],
    distance_m: float,
) -> NDArray[np.bool_]:
    """Whether the border beside each point follows nature there: in water, or near a wide river.

    The same test as ``natural_share_pct``, at the nearest point of the point's own
    border (``border_ids``).

    Parameters
    ----------
    natural
        Water areas and wide rivers, from `natural_lines`.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    water, rivers = natural
    found = np.zeros(len(x), dtype=bool)
    if not len(x):
        return found
    row = pd.Index(borders["border_id"]).get_indexer(pd.Index(border_ids))
    lines = borders.geometry.to_numpy()[row]
    foot = shapely.get_point(shapely.shortest_line(shapely.points(x, y), lines), 1)
    found[shapely.STRtree(water).query(foot, predicate="intersects")[0]] = True
    found[shapely.STRtree(rivers).query(foot, predicate="dwithin", distance=distance_m)[0]] = True
    return found


# --- areas to lines -----------------------------------------------------------------------


def _areas(cities: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, level: str) -> gpd.GeoDataFrame:
    """The areas that borders part, in the order of their ids."""
    if level == "county":
        areas = counties.rename(columns={"county_id": "area_id"})
    else:
        areas = cities.assign(area_id=cities["city_id"])
    areas = areas[["area_id", "city_id", "name", "geometry"]].sort_values("area_id")
    return gpd.GeoDataFrame(areas.reset_index(drop=True), geometry="geometry", crs=cities.crs)


def _shared_lines(areas: gpd.GeoDataFrame, tolerance_m: float) -> pd.DataFrame:
    """Shared line of every pair of areas of different cities, with what was snapped.

    Columns first, second (rows of ``areas``), geometry, snapped_m, overlap_m2.
    """
    given = _repaired(areas.geometry.to_numpy())
    cleaned = _fitted(given, tolerance_m)
    lines = _common_edges(given if cleaned is None else cleaned)
    city = areas["city_id"].to_numpy()
    lines = lines[city[lines["first"]] != city[lines["second"]]].reset_index(drop=True)
    lines["snapped_m"] = 0.0
    lines["overlap_m2"] = 0.0
    if cleaned is None or not len(lines):
        return lines
    line = lines["geometry"].to_numpy()
    fits = line.copy()
    for side in ("first", "second"):
        outline = shapely.buffer(shapely.boundary(given[lines[side]]), TIE_M)
        fits = lines_inside(fits, outline)
    lines["snapped_m"] = np.maximum(shapely.length(line) - shapely.length(fits), 0.0).round(3)
    overlap = areas_inside(given[lines["first"]], given[lines["second"]])
    lines["overlap_m2"] = shapely.area(overlap)
    log.info(
        "borders: snapped within %g m: %.0f m of line in %d pairs, overlaps %.4f km2",
        tolerance_m,
        lines["snapped_m"].sum(),
        int((lines["snapped_m"] > 0).sum()),
        lines["overlap_m2"].sum() / 1e6,
    )
    return lines


def _common_edges(areas: Geometries) -> pd.DataFrame:
    """Edges that two areas have in common, by pair of areas (columns first, second, geometry).

    An edge is a pair of consecutive vertices; equality is exact, which is what
    a valid coverage means.
    """
    start, stop, owner = _segments(areas)
    points, code = np.unique(
        np.concatenate([start, stop]).view(np.complex128).ravel(), return_inverse=True
    )
    low = np.minimum(code[: len(start)], code[len(start) :])
    high = np.maximum(code[: len(start)], code[len(start) :])
    order = np.lexsort((owner, high, low))
    low, high, owner = low[order], high[order], owner[order]
    twin = np.flatnonzero(
        (low[1:] == low[:-1]) & (high[1:] == high[:-1]) & (owner[1:] != owner[:-1])
    )
    ends = np.stack([points[low[twin]], points[high[twin]]], axis=1)
    edges = shapely.linestrings(np.stack([ends.real, ends.imag], axis=2)) if len(twin) else []
    table = pd.DataFrame({"first": owner[twin], "second": owner[twin + 1], "edge": edges})
    rows = [
        (first, second, shapely.multilinestrings(group.to_numpy()))
        for (first, second), group in table.groupby(["first", "second"])["edge"]
    ]
    lines = pd.DataFrame(rows, columns=["first", "second", "geometry"])
    return lines.astype({"first": np.int64, "second": np.int64})


def _repaired(areas: Geometries) -> Geometries:
    """The areas with invalid ones (bow ties, spikes) mended; valid ones keep every vertex."""
    result = np.array(areas, dtype=object)
    for row in np.flatnonzero(~shapely.is_valid(result)):
        result[row] = _polygonal(shapely.make_valid(result[row]))
        log.info("borders: area %d was invalid and has been mended", row)
    return result


def _fitted(areas: Geometries, tolerance_m: float) -> Geometries | None:
    """The areas made into a valid coverage; None where they are one already.

    Slits between areas are closed first, also those open to the outside, which a
    coverage cleaner takes for outside; then overlaps and enclosed gaps go to
    the neighbour with the longest common line.
    """
    slits, taker = _slits(areas, tolerance_m)
    if not len(slits) and shapely.coverage_is_valid(areas, gap_width=tolerance_m):
        return None
    filled = areas.copy()
    for row in np.unique(taker):
        filled[row] = shapely.union_all([filled[row], *slits[taker == row]])
    return np.asarray(shapely.coverage_clean(filled, gap_width=tolerance_m), dtype=object)


def _slits(areas: Geometries, tolerance_m: float) -> tuple[Geometries, Ints]:
    """Outside narrower than the tolerance between two areas, and the lower of their rows."""
    whole = shapely.union_all(areas)
    reach = tolerance_m / 2.0
    wider = shapely.buffer(whole, reach, join_style="mitre")
    closed = shapely.buffer(wider, -reach, join_style="mitre")
    pieces = shapely.get_parts(shapely.difference(closed, whole))
    pieces = pieces[shapely.area(pieces) > _LEAST_SLIT_M2]
    piece, owner = shapely.STRtree(areas).query(pieces, predicate="dwithin", distance=1e-6)
    count = np.bincount(piece, minlength=len(pieces))
    taker = np.full(len(pieces), len(areas))
    np.minimum.at(taker, piece, owner)
    return pieces[count > 1], taker[count > 1]


def _natural_share_pct(
    lines: Geometries, water: Geometries, rivers: Geometries, distance_m: float
) -> Floats:
    """Percent of each line's length inside water or near a wide river."""
    natural = natural_part(lines, (water, rivers), distance_m)
    return np.minimum(100.0 * shapely.length(natural) / shapely.length(lines), 100.0)


# --- belts, chains ------------------------------------------------------------------------


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


def _polygonal(geometry: Any) -> Any:
    """The polygons of an overlay's result, without the lines and points it may bring."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not len(polygons):
        return shapely.MultiPolygon()
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


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


# --- segments -----------------------------------------------------------------------------


def _segments(geometry: Geometries) -> tuple[Floats, Floats, Ints]:
    """Starts (n, 2), ends (n, 2) and owner rows of all segments of lines or polygons."""
    geometry = np.asarray(geometry, dtype=object)
    parts, owner = shapely.get_parts(geometry, return_index=True)
    if len(parts) and shapely.get_type_id(parts[0]) == shapely.GeometryType.POLYGON:
        parts, ring_owner = shapely.get_rings(parts, return_index=True)
        owner = owner[ring_owner]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    inside = (part[1:] == part[:-1]) & np.any(xy[1:] != xy[:-1], axis=1)
    return (
        np.ascontiguousarray(xy[:-1][inside]),
        np.ascontiguousarray(xy[1:][inside]),
        np.asarray(owner[part[:-1][inside]], dtype=np.int64),
    )


def _feet(x: Floats, y: Floats, start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    """The nearest points of segments, one segment per point."""
    along = stop - start
    share = ((x - start[:, 0]) * along[:, 0] + (y - start[:, 1]) * along[:, 1]) / (along**2).sum(
        axis=1
    )
    share = np.clip(share, 0.0, 1.0)
    return start[:, 0] + share * along[:, 0], start[:, 1] + share * along[:, 1]


def _xy(points: Any) -> tuple[Floats, Floats]:
    xy = shapely.get_coordinates(np.asarray(points, dtype=object))
    return xy[:, 0], xy[:, 1]
