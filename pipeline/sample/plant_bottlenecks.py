"""Recipes for bottlenecks: roads that cross a border and narrow there, and decoys.

What belongs here: choosing roads that run several km to both sides of a border
and re-tagging them, clear of the rules' limits (docs/methods.md, Bottlenecks): a
bottleneck halves the lanes over 450 m or more; a decoy is too short, too far away, or untagged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from pipeline.sample.lines import IS_LINK, RANK
from pipeline.sample.osm import Tags
from pipeline.sample.plants import Plants
from pipeline.sample.ways import strokes

Floats = NDArray[np.float64]

_APPROACH_M = 3_300.0
_FREE_FLOW_KMH = np.array([100.0, 75, 60, 50, 40, 30, 30, 30, 15, 15, 45, 45, 45, 1, 1])


@dataclass(frozen=True)
class Crossing:
    """A road that crosses a border: its row, where along it, and the rows it runs on in."""

    row: int
    at_m: float
    point: Floats
    border_id: str
    approach: tuple[int, ...]


def plant_bottlenecks(plants: Plants) -> None:
    """Plant every kind of bottleneck and its decoys on roads of their own."""
    copies = 1 if plants.world.budget.nodes < 60_000 else 2
    found = list(_crossings(plants))
    plants.rng.shuffle(found)
    used = set(plants.kept_rows)
    for _ in range(copies):
        for kind in _KINDS:
            for crossing in found:
                rows = {crossing.row, *crossing.approach}
                if rows & used or not _build(plants, kind, crossing):
                    continue
                used |= rows
                break
    _critical(plants)


def _crossings(plants: Plants) -> Iterator[Crossing]:
    """Two-way roads of tertiary or above that run on for 1.5 km to both sides of a border."""
    roads, survey = plants.world.roads, plants.survey
    stroke = strokes(roads, survey.graph)
    length = roads.length_m()
    members: dict[int, list[int]] = {}
    for row, k in enumerate(stroke.tolist()):
        members.setdefault(k, []).append(row)
    ok = (survey.rank >= 1) & (survey.rank <= 4) & ~roads.oneway & (roads.level == 0)
    ok &= ~IS_LINK[roads.cls] & (length > 900)
    rows = np.flatnonzero(ok)
    for border_id, border in plants.world.territory.borders.items():
        tree = shapely.STRtree(survey.geometry[rows])
        for row in rows[tree.query(border, predicate="intersects")]:
            cut = shapely.intersection(survey.geometry[row], border)
            if cut.geom_type != "Point":
                continue
            at = survey.geometry[row].project(cut)
            if not 380 < at < length[row] - 380:
                continue
            before, after = _run(plants, int(row), members[int(stroke[row])], length)
            if (
                at + sum(length[list(before)]) < 1_500
                or length[row] - at + sum(length[list(after)]) < 1_500
            ):
                continue
            yield Crossing(
                int(row), at, shapely.get_coordinates(cut)[0], border_id, (*before, *after)
            )


def _run(
    plants: Plants, row: int, members: list[int], length: Floats
) -> tuple[list[int], list[int]]:
    """Rows of the same stroke before and after a road, out to the approach distance."""
    ends = plants.survey.graph.ends
    runs: list[list[int]] = []
    for side in (0, 1):
        run: list[int] = []
        node, gone, seen = int(ends[row, side]), 0.0, {row}
        while gone < _APPROACH_M:
            onward = [m for m in members if m not in seen and node in ends[m]]
            if not onward:
                break
            run.append(onward[0])
            seen.add(onward[0])
            gone += float(length[onward[0]])
            node = int(ends[onward[0]].sum() - node)
        runs.append(run)
    return runs[0], runs[1]


@dataclass(frozen=True)
class _Kind:
    """Lanes and speed limit before the narrow stretch and on it, and what its row states."""

    before: tuple[str, str]
    within: tuple[str, str]
    row_kind: str
    expected: str = "finding"
    obstacle: str = "none"
    classes_lower: int = 0


_KINDS = {
    "class_drop": _Kind(("2", "60"), ("2", "60"), "class_drop", classes_lower=2),
    "lane_drop": _Kind(("4", "60"), ("2", "60"), "lane_drop"),
    "speed_drop": _Kind(("4", "80"), ("4", "40"), "speed_drop"),
    "lane_drop_bridge": _Kind(("4", "60"), ("2", "60"), "lane_drop", obstacle="bridge"),
    "lane_drop_toll": _Kind(("4", "60"), ("2", "60"), "lane_drop", obstacle="toll"),
    "lanes_imputed": _Kind(("", ""), ("", ""), "lane_drop", "lanes_imputed", classes_lower=1),
    "speed_imputed": _Kind(("4", "80"), ("4", ""), "speed_drop", "speed_imputed"),
    "too_short": _Kind(("4", "60"), ("2", "60"), "lane_drop", "too_short"),
    "too_far": _Kind(("4", "60"), ("2", "60"), "lane_drop", "too_far"),
}
"""Kinds of narrow stretch by name, in the order in which they are planted."""


def _build(plants: Plants, name: str, crossing: Crossing) -> bool:
    """Narrow the road of a crossing in one of the ways; False where it does not fit there."""
    kind, is_class_drop = _KINDS[name], name == "class_drop"
    if is_class_drop and not plants.room(crossing.point, is_finding=True):
        return False
    number = len(plants.overrides) + 1
    stretch = _stretch(plants, name, crossing)
    if stretch is None:
        return False
    start, end = stretch
    base: Tags = {"name": f"示例跨界路{number}", "ref": f"S{800 + number % 99}"}
    outer = plants.override({**base, **_lanes_and_speed(kind.before)})
    inner = plants.override({**base, **_lanes_and_speed(kind.within)})
    for row in (crossing.row, *crossing.approach):
        plants.retag(row, outer)
    lower = _rank(plants, crossing) + kind.classes_lower if kind.classes_lower else -1
    is_bridge = kind.obstacle == "bridge"
    plants.narrow(crossing.row, start, end, inner, lower, is_bridge=is_bridge)
    line = plants.survey.geometry[crossing.row]
    plants.row(
        "bottleneck",
        crossing.point,
        crossing.border_id,
        kind.expected,
        road=inner,
        shape=shapely.ops.substring(line, start, end),
        kind=kind.row_kind,
        obstacle=kind.obstacle,
        no_node="yes",
    )
    if kind.obstacle == "toll":
        plants.toll_at.append((inner, crossing.point))
    if is_class_drop:
        _class_ends(plants, crossing, line, start, end, outer)
    plants.claim(crossing.point, is_finding=is_class_drop)
    return True


def _stretch(plants: Plants, name: str, crossing: Crossing) -> tuple[float, float] | None:
    """Where along the crossing's road the narrow stretch starts and ends; None: no room."""
    length = float(plants.survey.length[crossing.row])
    width = float(plants.rng.uniform(450, 700))
    shift = float(plants.rng.uniform(-150, 150))
    if name == "class_drop" and not _may_drop_class(plants, crossing, width):
        return None
    if name == "too_short":
        width, shift = 90.0, 0.0
    elif name == "too_far":
        ahead = length - crossing.at_m > crossing.at_m
        most = max(crossing.at_m, length - crossing.at_m)
        width, shift = 450.0, min(1_900.0, most - 300.0) * (1.0 if ahead else -1.0)
        if abs(shift) < 1_450.0:
            return None
    if name != "too_far" and width > 100:
        room = 2 * min(crossing.at_m, length - crossing.at_m) - 160
        width = min(width, room)
        shift = float(np.clip(shift, -(room - width) / 2, (room - width) / 2))
    start, end = crossing.at_m + shift - width / 2, crossing.at_m + shift + width / 2
    if not 60 < start < end < length - 60:
        return None
    if name == "class_drop" and not _is_plain_gap(plants, crossing, start, end):
        return None
    return start, end


def _lanes_and_speed(values: tuple[str, str]) -> Tags:
    return dict(zip(("lanes", "maxspeed"), values, strict=True))


def _rank(plants: Plants, crossing: Crossing) -> int:
    return int(RANK[int(plants.world.roads.cls[crossing.row])])


def _may_drop_class(plants: Plants, crossing: Crossing, width: float) -> bool:
    """Two classes lower is still a drivable class, and no short way leads round the stretch."""
    rank = _rank(plants, crossing)
    return rank + 2 <= 5 and _long_way_round(plants, crossing, rank, width)


def _is_plain_gap(plants: Plants, crossing: Crossing, start: float, end: float) -> bool:
    """The lowered stretch is a plain gap to traffic of its class: headed for, and empty."""
    line = plants.survey.geometry[crossing.row]
    gap = shapely.LineString([line.interpolate(start), line.interpolate(end)])
    ends = shapely.get_coordinates(gap)
    behind = shapely.get_coordinates(
        [line.interpolate(max(start - 100.0, 0.0)), line.interpolate(end + 100.0)]
    )
    ways = (ends - behind) / np.hypot(*(ends - behind).T)[:, None]
    if not plants.survey.heads_across(ends, ways, 45.0).all():
        return False
    return not plants.survey.meets(gap, 40.0, list(plants.survey.reserves))


def _long_way_round(plants: Plants, crossing: Crossing, rank: int, width: float) -> bool:
    """The way round the lowered stretch is long enough for its two ends to be a missing link."""
    limit = max(1.8 * width, 1_500.0)
    return not np.isfinite(plants.survey.way_round_m(crossing.row, rank + 1, limit))


def _class_ends(
    plants: Plants,
    crossing: Crossing,
    line: shapely.LineString,
    start: float,
    end: float,
    road: int,
) -> None:
    """A class drop's two ends go on by name as the lower street: nothing is missing there."""
    points = [np.round(shapely.get_coordinates(line.interpolate(s))[0], 2) for s in (start, end)]
    for point in points:
        plants.row(
            "dead_end",
            point,
            crossing.border_id,
            "name_goes_on",
            road=road,
            end_type="class_end",
        )
    plants.claim(*points, is_finding=True)


def _critical(plants: Plants) -> None:
    """The crossing on the fastest way between two neighbouring centres, where it has no rival.

    Without it the way takes 8 % longer, and the way crosses just this border.
    """
    roads, survey = plants.world.roads, plants.survey
    graph = survey.graph
    minutes = roads.length_m() / 1000 / _FREE_FLOW_KMH[roads.cls] * 60
    centres = {s.city_id: np.array(s.xy) for s in plants.world.settlements if s.kind == "city"}
    borders = plants.world.territory.borders
    cut = {
        k: set(np.flatnonzero(shapely.intersects(b, survey.geometry)).tolist())
        for k, b in borders.items()
    }
    for border_id in borders:
        first, second = (
            int(np.hypot(*(graph.xy - centres[k]).T).argmin()) for k in border_id.split("-")
        )
        best, rows = _fastest(graph.ends, graph.count, roads.oneway, minutes, first, second)
        crossed = [r for r in rows if r in cut[border_id]]
        others = [r for r in rows if any(r in c for k, c in cut.items() if k != border_id)]
        if len(crossed) != 1 or others:
            continue
        closed = minutes.copy()
        closed[crossed[0]] = np.inf
        second_best, _ = _fastest(graph.ends, graph.count, roads.oneway, closed, first, second)
        if second_best < 1.08 * best:
            continue
        row = crossed[0]
        piece = shapely.intersection(survey.geometry[row], borders[border_id])
        point = shapely.get_coordinates(piece)[0]
        plants.row(
            "bottleneck",
            point,
            border_id,
            "finding",
            road=None,
            shape=shapely.Point(point),
            kind="critical_crossing",
            obstacle="none",
            no_node="yes",
            near_line="yes",
        )


def _fastest(
    ends: NDArray[np.int64], count: int, oneway: NDArray[np.bool_], minutes: Floats, a: int, b: int
) -> tuple[float, list[int]]:
    """Minutes between two nodes, and the rows on the way."""
    ok = np.isfinite(minutes)
    rows = np.flatnonzero(ok)
    back = rows[~oneway[rows]]
    tail = np.concatenate([ends[rows, 0], ends[back, 1]])
    head = np.concatenate([ends[rows, 1], ends[back, 0]])
    cost = np.concatenate([minutes[rows], minutes[back]])
    which = np.concatenate([rows, back])
    # Keep the fastest of parallel roads: a sparse matrix would add them up.
    order = np.lexsort((cost, head, tail))
    keep = np.concatenate([[True], (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)])
    order = order[keep]
    matrix = coo_array((cost[order], (tail[order], head[order])), shape=(count, count)).tocsr()
    found, parent = dijkstra(matrix, indices=a, return_predecessors=True)
    # Sorted by tail, then head: a dict of all roads would take most of a large sample's time.
    code = tail[order].astype(np.int64) * count + head[order]
    path, node = [], b
    while parent[node] >= 0:
        at = np.searchsorted(code, int(parent[node]) * count + node)
        path.append(int(which[order[at]]))
        node = int(parent[node])
    return float(found[b]), path
