"""Motorways: one-way pairs between cities, with interchanges.

What belongs here: the course of motorways and the links that join them to the
ground network. They stand on level 1: a crossing without a link is a bridge,
made later in `crossings`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from pipeline.sample.lines import CODE, RANK, Lines, concat, graph_of, make_lines
from pipeline.sample.places import Settlement

Floats = NDArray[np.float64]

_HALF_MEDIAN_M = 13.0
_VERTEX_M = 150.0
_LEVEL = 1
_LINK_LEVEL = 2
_INTERCHANGE_M = 4_200.0
_RAMP_M = 1_900.0
"""How far from its crossing a ramp leaves the carriageway; then it runs beside it."""
_BESIDE_M = 24.0
_SERVICE_AREA_M = 7_000.0


@dataclass(frozen=True)
class Motorways:
    """Carriageways and links, and the axes they were drawn from."""

    lines: Lines
    axes: tuple[shapely.LineString, ...]
    interchanges: Floats


def draw_motorways(
    settlements: list[Settlement],
    ground: Lines,
    avoid: BaseGeometry,
    length_m: float,
    link_m: float,
    rng: np.random.Generator,
) -> Motorways:
    """Motorways between neighbouring cities until the carriageway length is spent."""
    axes: list[Floats] = []
    graph = graph_of(ground)
    rank_at = np.full(graph.count, 99)
    np.minimum.at(rank_at, graph.ends.ravel(), np.repeat(RANK[ground.cls], 2))
    left = length_m
    cities = [s for s in settlements if s.kind == "city"]
    for i, j in _city_pairs(cities):
        a, b = np.array(cities[i].xy), np.array(cities[j].xy)
        if 2.15 * np.hypot(*(b - a)) > left:
            continue
        ends = [_join(graph.xy, rank_at, p, q) for p, q in ((a, b), (b, a))]
        axis = _course(ends[0], ends[1], avoid, rng, axes)
        if axis is None:
            continue
        axes.append(axis)
        left -= 2 * float(np.hypot(*np.diff(axis, axis=0).T).sum())
    if not axes:
        axes = _short_axis(cities, graph.xy, rank_at, length_m, avoid, rng)
    tables = [_carriageways(axis) for axis in axes]
    links, places = _interchanges(axes, tables, ground, link_m)
    links += _service_areas(axes, tables, ground, places, link_m - _total_m(links))
    parts = [t for pair in tables for t in pair] + links
    return Motorways(concat(parts), tuple(shapely.LineString(a) for a in axes), places)


def _city_pairs(cities: list[Settlement]) -> list[tuple[int, int]]:
    """Neighbouring pairs: the tree from the core outwards, then the shorter of the rest."""
    xy = np.array([c.xy for c in cities])
    distance = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    tree = minimum_spanning_tree(coo_array(np.triu(distance))).tocoo()
    pairs = sorted(zip(*tree.coords, tree.data, strict=True), key=lambda p: (0 not in p[:2], p[2]))
    first = [(int(a), int(b)) for a, b, _ in pairs]
    rest = sorted(
        (distance[a, b], a, b)
        for a in range(len(xy))
        for b in range(a + 1, len(xy))
        if (a, b) not in first and distance[a, b] < 120_000
    )
    return first + [(a, b) for _, a, b in rest[: len(xy)]]


def _join(xy: Floats, rank_at: NDArray[np.int64], here: Floats, there: Floats) -> Floats:
    """A node of the best road outside the middle of a city, towards the other city."""
    way = (there - here) / np.hypot(*(there - here))
    out = (xy - here) @ way
    aside = np.abs((xy - here) @ np.array([-way[1], way[0]]))
    for rank in (1, 2, 3):
        ok = (rank_at == rank) & (out > 800) & (out < 9_000) & (aside < 0.7 * out + 900)
        if ok.any():
            score = np.where(ok, out - 0.8 * aside, -np.inf)
            return np.asarray(xy[int(score.argmax())])
    return np.asarray(xy[int(np.hypot(*(xy - here - 3000 * way).T).argmin())])


def _course(
    start: Floats, end: Floats, avoid: BaseGeometry, rng: np.random.Generator, axes: list[Floats]
) -> Floats | None:
    """The smooth way between two nodes that touches least of what is to be avoided."""
    length = float(np.hypot(*(end - start)))
    if length < 8_000:
        return None
    normal = np.array([-(end - start)[1], (end - start)[0]]) / length
    best, best_cost = None, np.inf
    shapely.prepare(avoid)
    for _ in range(16):
        share = np.array([0, 0.28, 0.55, 0.8, 1.0])
        shift = np.array([0, *(rng.normal(0, 0.045, 3) + rng.normal(0, 0.05)), 0]) * length
        knots = start + share[:, None] * (end - start) + shift[:, None] * normal
        xy = CubicSpline(share, knots)(np.linspace(0, 1, max(8, round(length * 1.03 / _VERTEX_M))))
        line = shapely.LineString(xy)
        cost = shapely.intersection(line, avoid).length + 0.2 * (line.length - length)
        cost += sum(4000.0 for other in axes if line.crosses(shapely.LineString(other)))
        if cost < best_cost:
            best, best_cost = xy, cost
    assert best is not None
    best[0], best[-1] = start, end
    return np.asarray(best)


def _short_axis(
    cities: list[Settlement],
    xy: Floats,
    rank_at: NDArray[np.int64],
    length_m: float,
    avoid: BaseGeometry,
    rng: np.random.Generator,
) -> list[Floats]:
    """When no whole link fits the budget: a stretch between two nodes of good roads."""
    core = np.array(cities[0].xy)
    good = np.flatnonzero(rank_at <= 2)
    distance = np.hypot(*(xy[good] - core).T)
    a = xy[good[np.argsort(distance)[len(good) // 3]]]
    gap = np.abs(np.hypot(*(xy[good] - a).T) - max(9_000.0, length_m / 2.1))
    axis = _course(a, xy[good[int(gap.argmin())]], avoid, rng, [])
    return [] if axis is None else [axis]


def _carriageways(axis: Floats) -> tuple[Lines, Lines]:
    """The right-hand carriageway along the axis, and the other one back."""
    tangent = np.gradient(axis, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None]
    right = np.column_stack([tangent[:, 1], -tangent[:, 0]]) * _HALF_MEDIAN_M
    there, back = axis + right, (axis - right)[::-1]
    there[0], there[-1], back[0], back[-1] = axis[0], axis[-1], axis[-1], axis[0]
    return tuple(
        make_lines([xy], [CODE["motorway"]], oneway=True, level=_LEVEL, end_levels=(0, 0))
        for xy in (there, back)
    )  # type: ignore[return-value]


def _interchanges(
    axes: list[Floats], tables: list[tuple[Lines, Lines]], ground: Lines, link_m: float
) -> tuple[list[Lines], Floats]:
    """Diamonds where an axis crosses a road of secondary or above, spaced along it."""
    geometry = ground.geometry
    good = np.flatnonzero(RANK[ground.cls] <= 4)
    tree = shapely.STRtree(geometry[good])
    line_of = np.repeat(np.arange(len(ground)), np.diff(ground.offset))
    vertices = ground.xy[np.isin(line_of, good)]
    vertex_tree = cKDTree(vertices)
    links: list[Lines] = []
    places: list[Floats] = []
    spent = 0.0
    for axis, (there, back) in zip(axes, tables, strict=True):
        line = shapely.LineString(axis)
        hits = []
        for row in good[tree.query(line, predicate="crosses")]:
            hits += [
                (RANK[ground.cls[row]], line.project(point), int(row), point)
                for point in shapely.get_parts(shapely.intersection(line, geometry[row]))
                if point.geom_type == "Point"
            ]
        used: list[float] = []
        for _, s, row, point in sorted(hits, key=lambda h: (h[0], h[1])):
            if not 2_000 < s < line.length - 2_000 or any(
                abs(s - k) < _INTERCHANGE_M for k in used
            ):
                continue
            feet = _feet(vertices, vertex_tree, geometry[row], point, line)
            if feet is None or spent > link_m:
                continue
            for table in _diamond(there, back, line, s, feet):
                links.append(table)
                spent += float(table.length_m().sum())
            used.append(s)
            places.append(shapely.get_coordinates(point)[0])
    return links, np.array(places).reshape(-1, 2)


def _feet(
    vertices: Floats,
    tree: cKDTree,
    road: shapely.LineString,
    point: shapely.Point,
    axis: shapely.LineString,
) -> list[Floats] | None:
    """Road vertices about 220 m to the right and left of the axis, where the road runs on."""
    s = road.project(point)
    a, b = (shapely.get_coordinates(road.interpolate(t))[0] for t in (s - 20, s + 20))
    along = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
    here = axis.project(point)
    c, d = (shapely.get_coordinates(axis.interpolate(t))[0] for t in (here - 20, here + 20))
    ahead = (d - c) / max(float(np.hypot(*(d - c))), 1e-9)
    square = along[0] * ahead[1] - along[1] * ahead[0]
    if abs(square) < 0.5:
        return None
    # The normal right of the axis is where ``along`` points when ``square`` is positive.
    right = along * np.sign(square)
    feet = []
    for side in (right, -right):
        gap, k = tree.query(np.array([point.x, point.y]) + 220.0 * side)
        foot = vertices[k]
        if gap > 90 or axis.distance(shapely.Point(foot)) < 100:
            return None
        feet.append(foot)
    return feet


def _diamond(
    there: Lines, back: Lines, axis: shapely.LineString, s: float, feet: list[Floats]
) -> list[Lines]:
    tables = []
    for carriage, foot, forward in ((there, feet[0], True), (back, feet[1], False)):
        xy = carriage.xy
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        middle = along[
            int(np.hypot(*(xy - shapely.get_coordinates(axis.interpolate(s))[0]).T).argmin())
        ]
        for leaves in (True, False):
            ramp, levels = _ramp(xy, along, middle, foot, leaves=leaves), (_LEVEL, 0)
            if not leaves:
                ramp, levels = ramp[::-1], (0, _LEVEL)
            tables.append(
                make_lines(
                    [ramp],
                    [CODE["motorway_link"]],
                    oneway=True,
                    level=_LINK_LEVEL,
                    end_levels=levels,
                )
            )
        del forward
    return tables


def _ramp(xy: Floats, along: Floats, middle: float, foot: Floats, *, leaves: bool) -> Floats:
    """From the carriageway to the foot: off it, beside it, then round to the crossing road."""
    sign = -1.0 if leaves else 1.0
    at = int(np.abs(along - (middle + sign * _RAMP_M)).argmin())
    at = min(max(at, 1), len(xy) - 2)
    reach = abs(float(along[at]) - middle)
    turn = min(620.0, 0.6 * reach)
    steps = np.arange(reach - 200.0, turn, -150.0)
    beside = [xy[at], *(_beside(xy, along, middle + sign * s, _BESIDE_M) for s in steps)]
    last = _beside(xy, along, middle + sign * turn, _BESIDE_M)
    control = _beside(xy, along, middle + sign * 0.35 * turn, _BESIDE_M)
    t = np.linspace(0, 1, 11)[:, None]
    curve = (1 - t) ** 2 * last + 2 * t * (1 - t) * control + t**2 * foot
    curve[-1] = foot
    return np.concatenate([np.array(beside), curve])


def _beside(xy: Floats, along: Floats, s: float, right_m: float) -> Floats:
    """The point that far to the right of a line, this many metres along it."""
    here, ahead = (
        np.array([np.interp(d, along, xy[:, 0]), np.interp(d, along, xy[:, 1])])
        for d in (s - 20.0, s + 20.0)
    )
    way = (ahead - here) / max(float(np.hypot(*(ahead - here))), 1e-9)
    return np.asarray((here + ahead) / 2 + right_m * np.array([way[1], -way[0]]))


def _total_m(tables: list[Lines]) -> float:
    return float(sum(t.length_m().sum() for t in tables))


def _service_areas(
    axes: list[Floats],
    tables: list[tuple[Lines, Lines]],
    ground: Lines,
    interchanges: Floats,
    left_m: float,
) -> list[Lines]:
    """Lanes off and back on at rest areas, on both sides, where no road is near."""
    roads = shapely.STRtree(ground.geometry)
    links: list[Lines] = []
    for axis, pair in zip(axes, tables, strict=True):
        line = shapely.LineString(axis)
        taken = [line.project(shapely.Point(p)) for p in interchanges if _near(line, p)]
        for s in np.arange(5_000.0, line.length - 5_000.0, 500.0):
            point = line.interpolate(s)
            if any(abs(s - k) < _SERVICE_AREA_M for k in taken):
                continue
            if len(roads.query(point, predicate="dwithin", distance=900.0)):
                continue
            if _total_m(links) > left_m:
                return links
            taken.append(float(s))
            links += [_rest_lane(carriage, point) for carriage in pair]
    return links


def _near(line: shapely.LineString, xy: Floats) -> bool:
    return bool(line.distance(shapely.Point(xy)) < 60.0)


def _rest_lane(carriage: Lines, point: shapely.Point) -> Lines:
    xy = carriage.xy
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    middle = float(along[int(np.hypot(*(xy - shapely.get_coordinates(point)[0]).T).argmin())])
    first, last = (int(np.abs(along - (middle + d)).argmin()) for d in (-750.0, 750.0))
    away = ((-560, 25), (-380, 70), (-200, 110), (0, 120), (200, 110), (380, 70), (560, 25))
    inner = [_beside(xy, along, middle + s, float(out)) for s, out in away]
    return make_lines(
        [np.array([xy[first], *inner, xy[last]])],
        [CODE["motorway_link"]],
        oneway=True,
        level=_LINK_LEVEL,
        end_levels=(_LEVEL, _LEVEL),
    )
