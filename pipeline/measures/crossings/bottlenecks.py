"""Where crossing roads narrow at the border, and the crossings that carry most.

What belongs here: telling a bottleneck from a road that is merely small, by one rule per
kind (`RULES`; what a kind is called and how it is drawn stands in `kinds`). How a road is
followed to both sides belongs to `approach`, what it carries to `loads`.
Method: docs/methods.md, Bottlenecks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.errors import require_answers
from pipeline.layers import empty_layer
from pipeline.measures.crossings import kinds
from pipeline.measures.crossings.approach import Crossing, CrossingRoads, Profile, RoadGraph
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.network.components import components
from pipeline.terms import CLASS_RANK, ROAD_CLASSES, Words

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Drops = Callable[[float, float], bool]
"""Whether a value is a drop from that of the lower approach."""


def find_bottlenecks(
    border_id: str,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    params: BottlenecksParams,
) -> gpd.GeoDataFrame:
    """Crossing roads that narrow at the border, and the crossings that carry most.

    Each crossing road is followed ``params.follow_m`` to both sides, and every kind's
    rule (`RULES`) is asked what it finds there.

    Returns
    -------
    Layer ``bottlenecks`` in the order of bottleneck_id.
    """
    crs = require_metric(roads, "roads")
    mine = crossings[crossings["border_id"] == border_id]
    if not len(mine):
        return empty_layer("bottlenecks", crs)
    across = CrossingRoads.at(border_id, borders, roads, road_nodes, mine, params)
    found = {kind.name: RULES[kind.name](across, params) for kind in kinds.KINDS}
    if not any(found.values()):
        return empty_layer("bottlenecks", crs)
    return _bottleneck_layer(border_id, found, crs)


class Finding(NamedTuple):
    """One bottleneck before it becomes a row; its kind is that of the rule that found it."""

    crossing: Crossing
    highway: str
    here_pcu_h: float
    approach_pcu_h: float
    """NaN where the road has no approach on one side."""
    evidence: str
    is_bridge: bool
    is_toll: bool
    load_share_pct: float
    edges: frozenset[int]
    """Rows of the narrow part."""
    reach: frozenset[int]
    """Rows of the road near its crossing: another crossing's finding there is the same one."""
    line: shapely.LineString
    name: str | None
    ref: str | None


# --- rules --------------------------------------------------------------------------------


def find_lane_drops(across: CrossingRoads, params: BottlenecksParams) -> list[Finding]:
    """At least one lane per direction fewer than on both approaches, all lanes tagged.

    Else a capacity at most ``params.capacity_ratio`` of the approaches' for want of lanes.
    """

    def find(road: _Road) -> Finding | None:
        run = _narrow_run(road, road.lanes, lambda here, there: there - here >= 1.0, params)
        if run is not None:
            return _finding(road, run, kinds.LANES_DROP, road.lanes, params)
        return _capacity_drop(road, params, for_lanes=True)

    return _once_per_stretch(across, find)


def find_class_drops(across: CrossingRoads, params: BottlenecksParams) -> list[Finding]:
    """At least ``params.class_drop`` classes lower than both approaches.

    Else a capacity at most ``params.capacity_ratio`` of the approaches' by the class alone.
    """

    def find(road: _Road) -> Finding | None:
        run = _narrow_run(
            road, -road.rank, lambda here, there: there - here >= params.class_drop, params
        )
        if run is not None:
            return _finding(road, run, kinds.CLASS_DROP, -road.rank, params)
        return _capacity_drop(road, params, for_lanes=False)

    return _once_per_stretch(across, find)


def find_speed_drops(across: CrossingRoads, params: BottlenecksParams) -> list[Finding]:
    """At least ``params.speed_drop_kmh`` slower than both approaches, all speeds tagged.

    The limit of a village is none, nor is one on a road below ``params.speed_lowest_class``,
    which is built for no more.
    """

    def find(road: _Road) -> Finding | None:
        run = _narrow_run(
            road, road.speed_kmh, lambda here, there: there - here >= params.speed_drop_kmh, params
        )
        if run is None or _is_village(road, run, params):
            return None
        if road.rank[run.inside].max() > CLASS_RANK[params.speed_lowest_class]:
            return None
        return _finding(road, run, kinds.SPEED_DROP, road.speed_kmh, params)

    return _once_per_stretch(across, find)


def find_critical_crossings(across: CrossingRoads, params: BottlenecksParams) -> list[Finding]:
    """The roads that carry the largest shares, both carriageways of a road together."""
    share = np.array([each.load_share_pct for each in across.crossings], dtype=float)
    road = _carriageways(across, params)
    table = pd.DataFrame({"share": share, "road": road, "at": np.arange(len(share))}).dropna()
    table["total"] = table.groupby("road")["share"].transform("sum").clip(upper=100.0)
    table = table.sort_values(
        ["total", "road", "share", "at"], ascending=[False, True, False, True]
    )
    table = table.drop_duplicates("road")
    table = table[table["total"] >= params.critical_share_pct].head(params.critical_most)
    return [
        _critical_finding(across, int(at), float(total))
        for at, total in zip(table["at"], table["total"], strict=True)
    ]


Rule = Callable[[CrossingRoads, BottlenecksParams], list[Finding]]

RULES: dict[str, Rule] = {
    "lane_drop": find_lane_drops,
    "class_drop": find_class_drops,
    "speed_drop": find_speed_drops,
    "critical_crossing": find_critical_crossings,
}
"""How each kind of `kinds.KINDS` is found."""


def require_whole(rows: Sequence[kinds.BottleneckKind], rules: Mapping[str, Rule]) -> None:
    """Refuse rows and rules that do not answer one another (`require_answers`)."""
    names = [each.name for each in rows]
    require_answers(
        "kinds of bottleneck",
        names,
        rules,
        word="rule",
        place="RULES in bottlenecks.py",
        table="KINDS in kinds.py",
    )


require_whole(kinds.KINDS, RULES)


# --- narrow parts -------------------------------------------------------------------------


class _Road(NamedTuple):
    """A crossing with its road, and the road's values by step; NaN where not tagged."""

    graph: RoadGraph
    crossing: Crossing
    profile: Profile
    lanes: Floats
    speed_kmh: Floats
    rank: Floats


def _roads(across: CrossingRoads) -> Iterator[_Road]:
    tags = across.graph.tags
    for crossing, profile in zip(across.crossings, across.profiles, strict=True):
        row = profile.row
        yield _Road(
            across.graph,
            crossing,
            profile,
            tags.lanes[row],
            tags.speed_kmh[row],
            tags.rank[row].astype(float),
        )


def _once_per_stretch(
    across: CrossingRoads, find: Callable[[_Road], Finding | None]
) -> list[Finding]:
    """What is found on the crossing roads, each stretch once: at the crossing that carries most.

    Several crossings find one run where a road weaves over the border.
    """
    found = [each for each in map(find, _roads(across)) if each is not None]
    found.sort(key=lambda each: (-np.nan_to_num(each.load_share_pct), each.crossing.crossing_id))
    kept: list[Finding] = []
    for each in found:
        if not any(each.edges & other.reach for other in kept):
            kept.append(each)
    return kept


def _capacity_drop(road: _Road, params: BottlenecksParams, for_lanes: bool) -> Finding | None:
    """Much less capacity than on both approaches, for want of lanes or by the class alone."""
    capacity = np.where(np.isnan(road.lanes), np.nan, road.graph.capacity[road.profile.row])
    run = _narrow_run(
        road, capacity, lambda here, there: here <= params.capacity_ratio * there, params
    )
    if run is None or _has_fewer_lanes(road, run) != for_lanes:
        return None
    return _finding(road, run, kinds.CAPACITY_DROP, capacity, params)


class _Run(NamedTuple):
    """A narrow run: pieces first to last (included), and both approaches' medians."""

    first: int
    last: int
    left: float
    right: float

    @property
    def inside(self) -> slice:
        return slice(self.first, self.last + 1)

    @property
    def outside(self) -> tuple[slice, slice]:
        return slice(0, self.first), slice(self.last + 1, None)


def _narrow_run(road: _Road, value: Floats, drops: Drops, params: BottlenecksParams) -> _Run | None:
    """The worst run near the crossing that is long enough and drops from both approaches.

    Higher values are better; nan is unknown, and breaks a run.
    """
    profile = road.profile
    near = _is_near(profile, params)
    for level in np.unique(value[near & ~np.isnan(value)]):
        low = np.nan_to_num(value, nan=np.inf) <= level
        edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(np.int8), [0]])))
        runs = [
            (first, stop - 1)
            for first, stop in zip(edges[::2], edges[1::2], strict=True)
            if near[first:stop].any()
        ]
        runs.sort(key=lambda run: _distance_to_zero(profile, *run))
        for first, last in runs:
            if profile.stop[last] - profile.start[first] < params.min_length_m:
                continue
            left = _median(value[:first], profile.length[:first], params.min_length_m)
            right = _median(value[last + 1 :], profile.length[last + 1 :], params.min_length_m)
            if np.isnan(left) or np.isnan(right):
                continue
            if drops(level, min(left, right)):
                return _Run(int(first), int(last), left, right)
    return None


def _distance_to_zero(profile: Profile, first: int, last: int) -> float:
    return float(max(profile.start[first], -profile.stop[last], 0.0))


def _median(value: Floats, length: Floats, least_m: float) -> float:
    """Length-weighted lower median of what is known; nan where less than ``least_m`` is."""
    known = ~np.isnan(value)
    value, length = value[known], length[known]
    if length.sum() < least_m:
        return float("nan")
    order = np.argsort(value, kind="stable")
    half = np.searchsorted(np.cumsum(length[order]), length.sum() / 2.0)
    return float(value[order][min(half, len(order) - 1)])


def _is_near(profile: Profile, params: BottlenecksParams) -> NDArray[np.bool_]:
    return np.asarray((profile.start < params.near_m) & (profile.stop > -params.near_m))


def _is_village(road: _Road, run: _Run, params: BottlenecksParams) -> bool:
    """Whether the run lies in built-up land for the most part."""
    length = road.profile.length[run.inside]
    rows = road.profile.row[run.inside]
    is_urban = road.graph.roads["is_urban"].to_numpy(bool)[rows]
    return bool(length[is_urban].sum() >= params.village_share * length.sum())


def _has_fewer_lanes(road: _Road, run: _Run) -> bool:
    """Which of the two factors of capacity fell: lanes, else the class."""
    here = np.nanmin(road.lanes[run.inside])
    there = min(_median(road.lanes[s], road.profile.length[s], 0.0) for s in run.outside)
    return bool(here < there)


def _finding(
    road: _Road, run: _Run, form: Words, value: Floats, params: BottlenecksParams
) -> Finding:
    graph, profile = road.graph, road.profile
    rows, length = profile.row[run.inside], profile.length[run.inside]
    worst = rows[np.argmin(value[run.inside])]
    capacity = graph.capacity[profile.row]
    approach = min(_median(capacity[s], profile.length[s], 0.0) for s in run.outside)
    bridge_m = length[graph.tags.is_bridge[rows]].sum()
    ends = {node for row in rows for node in graph.nodes[row]}
    name, ref = _first_name(graph, rows, road.crossing)
    return Finding(
        road.crossing,
        graph.highways[worst],
        float(capacity[run.inside].min()),
        approach,
        _evidence(form, float(np.min(value[run.inside])), run, float(length.sum())),
        bool(bridge_m >= params.bridge_share * length.sum()),
        bool(ends & graph.toll_nodes),
        road.crossing.load_share_pct,
        frozenset(rows.tolist()),
        frozenset(profile.row[_is_near(profile, params)].tolist()) | frozenset(rows.tolist()),
        _run_line(graph, profile, run),
        name,
        ref,
    )


def _evidence(form: Words, here: float, run: _Run, length_m: float) -> str:
    values = [here, run.left, run.right]
    if form is kinds.CLASS_DROP:
        texts = [ROAD_CLASSES[int(-each)] for each in values]
    else:
        texts = [f"{each:g}" for each in values]
    return form.en.format(here=texts[0], length=f"{length_m:.0f}", left=texts[1], right=texts[2])


def _first_name(graph: RoadGraph, rows: Ints, crossing: Crossing) -> tuple[str | None, str | None]:
    """The crossing's name and ref, else the first ones along the run."""
    names = [graph.names[graph.row_of[crossing.edge_id]], *(graph.names[row] for row in rows)]
    return (
        next((name for name, _ in names if name), None),
        next((ref for _, ref in names if ref), None),
    )


def _run_line(graph: RoadGraph, profile: Profile, run: _Run) -> shapely.LineString:
    """The run as one line in driving order."""
    parts = []
    for at in range(run.first, run.last + 1):
        xy = shapely.get_coordinates(graph.roads.geometry.iloc[profile.row[at]])
        parts.append(xy if profile.forward[at] else xy[::-1])
    xy = np.concatenate(parts)
    fresh = np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])
    return shapely.linestrings(xy[fresh])


# --- critical crossings -------------------------------------------------------------------


def _carriageways(across: CrossingRoads, params: BottlenecksParams) -> Ints:
    """A label per crossing: opposite one-ways of one class side by side share one."""
    graph = across.graph
    rows = np.array([graph.row_of[each.edge_id] for each in across.crossings])
    points = np.array([each.geometry for each in across.crossings], dtype=object)
    first, second = shapely.STRtree(points).query(
        points, predicate="dwithin", distance=params.carriageways_m
    )
    heading, rank = graph.out_deg[rows, 0], graph.tags.rank[rows]
    is_oneway = graph.tags.is_oneway[rows]
    turn = np.abs((heading[first] - heading[second] + 180.0) % 360.0 - 180.0)
    joined = is_oneway[first] & is_oneway[second] & (rank[first] == rank[second])
    joined &= turn > params.opposite_deg
    label = components(len(rows), first[joined], second[joined]).astype(np.int64)
    return np.where(label < 0, len(rows) + np.arange(len(rows)), label)


def _critical_finding(across: CrossingRoads, at: int, share: float) -> Finding:
    graph, crossing, profile = across.graph, across.crossings[at], across.profiles[at]
    row = graph.row_of[crossing.edge_id]
    capacity = graph.capacity[profile.row]
    sides = (profile.stop <= 0.0, profile.start >= 0.0)
    medians = [_median(capacity[side], profile.length[side], 1e-6) for side in sides]
    name, ref = _first_name(graph, np.array([row]), crossing)
    return Finding(
        crossing,
        graph.highways[row],
        float(crossing.capacity_pcu_h),
        # Unknown on one side is unknown: Python's min would depend on which side it is.
        float(np.min(medians)),
        kinds.LOAD_SHARE.en.format(share=f"{share:.1f}"),
        bool(crossing.is_bridge),
        bool(set(graph.nodes[row]) & graph.toll_nodes),
        share,
        frozenset([row]),
        frozenset([row]),
        graph.roads.geometry.iloc[row],
        name,
        ref,
    )


# --- layer --------------------------------------------------------------------------------


def _bottleneck_layer(
    border_id: str, by_kind: dict[str, list[Finding]], crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    kind = [name for name, found in by_kind.items() for _ in found]
    found = [each for part in by_kind.values() for each in part]
    here = np.array([each.here_pcu_h for each in found])
    approach = np.array([each.approach_pcu_h for each in found])
    table = pd.DataFrame(
        {
            "bottleneck_id": [
                f"{name}/{each.crossing.crossing_id}"
                for name, each in zip(kind, found, strict=True)
            ],
            "border_id": border_id,
            "kind": kind,
            "name": pd.Series([each.name for each in found], dtype="str"),
            "ref": pd.Series([each.ref for each in found], dtype="str"),
            "highway": [each.highway for each in found],
            "capacity_here_pcu_h": here,
            "capacity_approach_pcu_h": approach,
            "capacity_ratio": here / approach,
            "evidence": [each.evidence for each in found],
            "is_bridge": [each.is_bridge for each in found],
            "load_share_pct": [each.load_share_pct for each in found],
            "is_toll_plaza": [each.is_toll for each in found],
            "crossing_id": [each.crossing.crossing_id for each in found],
        }
    )
    lines = np.array([each.line for each in found], dtype=object)
    frame = gpd.GeoDataFrame(table, geometry=lines, crs=crs)
    return frame.sort_values("bottleneck_id", ignore_index=True)
