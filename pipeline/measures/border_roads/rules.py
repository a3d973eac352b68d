"""Which ends are findings: one named rule after the other, the first that holds names the end.

What belongs here: the table of rules in the order of their precedence, and each rule's function.
A new rule is a row of `RULES` and its function. What the ends are is decided by `ends`; whether a
way round is short enough that nothing is missing is known after pairing only.

The rules are those of methods.md 3; ``docs/dead-ends.md`` explains them to readers. An end is
judged by geometry and tags alone, never by the order of rows or borders. Coordinates are the
metro's metric CRS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from pipeline.layers import conform
from pipeline.measures.border_roads import confidence
from pipeline.measures.border_roads.params import ConfidenceParams, DeadEndsParams
from pipeline.measures.border_roads.surroundings import SAME_WAY_COS, Surroundings, continuation
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Geometries,
    Ints,
    compass_deg,
    crosses_any,
    dot,
    near_any,
    near_spots,
    unit,
)
from pipeline.terms import BLOCKING_BARRIERS, CLASS_RANK, ENTRANCES

TURNING_PLACES = ("turning_circle", "turning_loop", "mini_roundabout")
_MOST_STEPS = 15


@dataclass(frozen=True)
class Judged:
    """Ends along one line or several, with what the rules ask: the road and node of each.

    ``ends`` is the table of `ends.describe_ends`, rows numbered from 0.
    """

    ends: pd.DataFrame
    near: Surroundings
    params: DeadEndsParams

    @cached_property
    def road(self) -> pd.DataFrame:
        """The road that ends, a row per end."""
        return self.near.roads.iloc[self.ends["edge"]].reset_index(drop=True)

    @cached_property
    def node(self) -> pd.DataFrame:
        """The node that it ends at, a row per end."""
        return self.near.nodes.iloc[self.ends["node"]].reset_index(drop=True)

    @cached_property
    def xy(self) -> Floats:
        return self.ends[["x", "y"]].to_numpy(float)

    @cached_property
    def heading(self) -> Floats:
        return self.ends[["dx", "dy"]].to_numpy(float)

    def is_type(self, end_type: str) -> Flags:
        """Whether an end is of a type: degree_one, class_end, barrier_end."""
        return np.asarray((self.ends["end_type"] == end_type).to_numpy(dtype=bool))

    @cached_property
    def is_barrier(self) -> Flags:
        return self.is_type("barrier_end")

    @cached_property
    def is_below(self) -> Flags:
        lowest = CLASS_RANK[self.params.lowest_class]
        return np.asarray((self.road["class_rank"] > lowest).to_numpy(dtype=bool))

    @cached_property
    def twin(self) -> Ints:
        """Row of the end of a dual carriageway's other half; -1 where there is none."""
        return _twins(self)

    def flag(self, table: pd.DataFrame, column: str) -> Flags:
        """A column of `road` or `node` as flags."""
        return np.asarray(table[column].to_numpy(dtype=bool))

    def spots(self, tag: str, values: tuple[str, ...]) -> Floats:
        """Places of the tagged nodes with one of these values."""
        return self.near.tagged_xy[self.near.tagged[tag].isin(values).to_numpy(dtype=bool)]


Rule = Callable[[Judged], Flags]


def judge_ends(
    ends: pd.DataFrame,
    near: Surroundings,
    params: DeadEndsParams,
    confidence_params: ConfidenceParams,
) -> pd.DataFrame:
    """Add rule, is_mapping_gap, twin_node_id and the confidence factors.

    The first rule of `RULES` that holds names the end: what an end is comes before where it
    heads. Ends that none holds for are findings, but for those mapped as ``noexit`` that no end
    of another city looks back at.
    """
    judged = Judged(ends.reset_index(drop=True), near, params)
    rule = _first_rule(judged)
    rule[_is_noexit(judged, rule)] = "noexit"
    table = judged.ends.assign(
        rule=rule,
        is_mapping_gap=_is_mapping_gap(judged, rule),
        twin_node_id=_twin_node_ids(judged),
    )
    return table.assign(**_confidence(judged, confidence_params))


def _first_rule(judged: Judged) -> np.ndarray:
    names = np.array([*(name for name, _ in RULES), "finding"], dtype=object)
    count = len(judged.ends)
    if not count:
        return np.empty(0, dtype=object)
    holds = [rule(judged) for _, rule in RULES]
    return np.asarray(names[np.stack([*holds, np.ones(count, dtype=bool)]).argmax(axis=0)])


def _twin_node_ids(judged: Judged) -> pd.Series:
    twin, node_id = judged.twin, judged.node["node_id"].to_numpy()
    ids = pd.Series(node_id[twin] if len(twin) else [], dtype="Int64")
    return ids.mask(twin < 0)


def _confidence(judged: Judged, params: ConfidenceParams) -> dict[str, Floats]:
    tolerance = judged.params.heading_tolerance_deg
    return {
        "confidence_tags": confidence.tag_factor(judged.road, params),
        "confidence_heading": confidence.heading_factor(
            judged.ends["cos"].to_numpy(float), tolerance, params
        ),
        "confidence_class": confidence.class_factor(
            judged.road["class_rank"].to_numpy(),
            judged.is_type("class_end"),
            _goes_on_lower(judged),
            params,
        ),
        "confidence_density": confidence.density_factor(judged.xy, judged.near.lines, params),
    }


# --- the rules ----------------------------------------------------------------------------


def is_class_below(judged: Judged) -> Flags:
    """The road is of a class below those looked for."""
    return judged.is_below


def is_extract_edge(judged: Judged) -> Flags:
    """The extract was cut here."""
    return judged.flag(judged.node, "is_extract_edge")


def is_too_far(judged: Judged) -> Flags:
    """A barrier that stands inside a city, not at its border."""
    far = (judged.ends["distance_m"] > judged.params.barrier_end_m).to_numpy(dtype=bool)
    return judged.is_barrier & far


def is_too_short(judged: Judged) -> Flags:
    """Class ends whose class is a few metres long: the mouth of the lower road, or its bridge."""
    least, rank = (
        judged.params.class_end_least_m,
        judged.near.roads["class_rank"].to_numpy(np.int64),
    )
    length = shapely.length(judged.near.lines)
    edge = judged.ends["edge"].to_numpy(np.int64).copy()
    side = judged.ends["side"].to_numpy(np.int64).copy()
    run = length[edge]
    active = np.flatnonzero(judged.is_type("class_end"))
    for _ in range(_MOST_STEPS):
        active = active[run[active] < least]
        if not len(active):
            break
        next_edge, next_side = continuation(edge[active], side[active], judged.near)
        goes_on = (next_edge >= 0) & (rank[next_edge] == rank[edge[active]])
        active = active[goes_on]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
        run[active] += length[edge[active]]
    return np.asarray(judged.is_type("class_end") & (run < least))


def is_turning_circle(judged: Judged) -> Flags:
    """Made to turn round at."""
    return np.asarray(judged.node["highway"].isin(TURNING_PLACES).to_numpy(dtype=bool))


def is_loop(judged: Judged) -> Flags:
    """What meets the end is a ring: a roundabout, an edge or a way that comes back to it."""
    near = judged.near
    ring = near.roads["is_roundabout"].to_numpy(bool)[near.half_edge]
    from_id, to_id = near.roads["from_node"].to_numpy(), near.roads["to_node"].to_numpy()
    ring |= (from_id == to_id)[near.half_edge]
    way = near.roads["way_id"].to_numpy()[near.half_edge]
    own_way = near.roads["way_id"].to_numpy()[judged.ends["edge"]]
    at = pd.DataFrame({"way": way, "node": near.half_node})
    # A way is a ring where each of its nodes has an even number of its edges' ends.
    ways_here = np.unique(way[np.isin(near.half_node, judged.ends["node"])])
    at = at[np.isin(way, ways_here)]
    odd = at.groupby(["way", "node"]).size().mod(2).groupby("way").sum()
    closed_ways = odd.index[odd == 0].to_numpy()
    closed_ways = closed_ways[~np.isin(closed_ways, own_way)]
    ring |= np.isin(way, closed_ways)
    return np.isin(judged.ends["node"].to_numpy(), near.half_node[ring])


def is_pedestrian_street(judged: Judged) -> Flags:
    """The street goes on, for people on foot only."""
    tagged = judged.near.tagged
    chosen = tagged["is_on_pedestrian_street"].to_numpy(dtype=bool)
    on_foot = np.isin(judged.node["node_id"].to_numpy(), tagged["node_id"].to_numpy()[chosen])
    return np.asarray(~judged.is_barrier & on_foot)


def is_service_road(judged: Judged) -> Flags:
    """A service road or track, or tagged so."""
    is_service = judged.road["service"].notna().to_numpy(dtype=bool)
    is_low = (judged.road["class_rank"] >= CLASS_RANK["service"]).to_numpy(dtype=bool)
    return np.asarray(is_service | is_low)


def is_parking(judged: Judged) -> Flags:
    """At a car park."""
    at = near_any(judged.xy, judged.near.parking, judged.params.parking_distance_m)
    return ~judged.is_barrier & at


def is_ferry_terminal(judged: Judged) -> Flags:
    """At a ferry terminal."""
    spots = judged.spots("amenity", ("ferry_terminal",))
    return near_spots(judged.xy, spots, judged.params.terminal_distance_m)


def is_station(judged: Judged) -> Flags:
    """At a railway station."""
    at = near_spots(judged.xy, judged.near.stations_xy, judged.params.terminal_distance_m)
    return ~judged.is_barrier & at


def is_entrance_barrier(judged: Judged) -> Flags:
    """At a gate or entrance, or a road that is closed itself."""
    tagged = judged.near.tagged
    marks = tagged["entrance"].notna().to_numpy(dtype=bool)
    marks = marks | tagged["barrier"].isin(ENTRANCES).to_numpy(dtype=bool)
    spots = judged.near.tagged_xy[marks]
    at = near_spots(judged.xy, spots, judged.params.entrance_distance_m)
    return ~judged.is_barrier & (judged.flag(judged.road, "is_closed") | at)


def is_bridge_or_tunnel_in_part(judged: Judged) -> Flags:
    """A bridge or tunnel that nothing is mapped behind; where any road goes on, it is whole."""
    above = judged.flag(judged.road, "is_bridge") | judged.flag(judged.road, "is_tunnel")
    return judged.is_type("degree_one") & above


def is_dual_carriageway_twin(judged: Judged) -> Flags:
    """The half that is listed second of a dual carriageway whose halves both end."""
    if not len(judged.ends):
        return np.zeros(0, dtype=bool)
    node_id, twin = judged.node["node_id"].to_numpy(), judged.twin
    return np.asarray((twin >= 0) & (node_id > node_id[twin]))


def is_dual_carriageway_continuing(judged: Judged) -> Flags:
    """One-way ends whose other half runs on: beside the end, and still beside it farther ahead."""
    result = np.zeros(len(judged.ends), dtype=bool)
    eligible = ~judged.is_below & (judged.twin < 0) & ~judged.is_barrier
    rows = np.flatnonzero(eligible & judged.flag(judged.road, "is_oneway"))
    roads = judged.near.roads
    halves = np.flatnonzero(
        roads["is_oneway"].to_numpy(bool) & ~roads["is_roundabout"].to_numpy(bool)
    )
    if not len(rows) or not len(halves):
        return result
    tree = shapely.STRtree(judged.near.lines[halves])
    result[rows] = np.logical_and.reduce(
        [
            _has_half_beside(judged, rows, halves, tree, ahead_m)
            for ahead_m in (0.0, judged.params.dual_ahead_m)
        ]
    )
    return result


def is_heading_away(judged: Judged) -> Flags:
    """The road does not lead to the border."""
    limit = np.cos(np.radians(judged.params.heading_tolerance_deg)) - 1e-9
    return np.asarray((judged.ends["cos"] < limit).to_numpy(dtype=bool))


RULES: tuple[tuple[str, Rule], ...] = (
    ("class_below", is_class_below),
    ("extract_edge", is_extract_edge),
    ("too_far", is_too_far),
    ("too_short", is_too_short),
    ("turning_circle", is_turning_circle),
    ("loop", is_loop),
    ("pedestrian_street", is_pedestrian_street),
    ("service_road", is_service_road),
    ("parking", is_parking),
    ("ferry_terminal", is_ferry_terminal),
    ("station", is_station),
    ("entrance_barrier", is_entrance_barrier),
    ("bridge_or_tunnel_in_part", is_bridge_or_tunnel_in_part),
    ("dual_carriageway_twin", is_dual_carriageway_twin),
    ("dual_carriageway_continues", is_dual_carriageway_continuing),
    ("heading_away", is_heading_away),
)
"""Names of rules with their functions, in the order of their precedence."""


# --- what follows from the rules ------------------------------------------------------------


def _is_noexit(judged: Judged, rule: np.ndarray) -> Flags:
    """Findings mapped as ``noexit`` that no end of another city looks back at."""
    blind = judged.flag(judged.node, "is_noexit") & (rule == "finding") & ~judged.is_barrier
    return np.asarray(blind & ~_is_faced(judged, rule))


def _is_faced(judged: Judged, rule: np.ndarray) -> Flags:
    """Whether an end of the other city, of about the same class, looks back at each end."""
    faced = np.zeros(len(judged.ends), dtype=bool)
    rows = np.flatnonzero(rule == "finding")
    if len(rows) < 2:
        return faced
    xy, heading = judged.xy[rows], judged.heading[rows]
    reach = judged.params.search_radius_m
    i, j = cKDTree(xy).query_pairs(reach, output_type="ndarray").reshape(-1, 2).T
    ahead = unit(xy[j] - xy[i])
    city = judged.ends["city_id"].to_numpy(object)[rows]
    rank = judged.road["class_rank"].to_numpy(np.int64)[rows]
    line = judged.ends["line"].to_numpy()[rows]
    good = (
        (dot(heading[i], ahead) > SAME_WAY_COS)
        & (-dot(heading[j], ahead) > SAME_WAY_COS)
        & (city[i] != city[j])
        & (np.abs(rank[i] - rank[j]) <= 1)
        & (line[i] == line[j])
    )
    faced[rows[i[good]]] = True
    faced[rows[j[good]]] = True
    return faced


def _is_mapping_gap(judged: Judged, rule: np.ndarray) -> Flags:
    """Another road at the same level, within reach of the last segment's extension."""
    result = np.zeros(len(judged.ends), dtype=bool)
    blocked = judged.node["barrier"].isin(BLOCKING_BARRIERS).to_numpy(dtype=bool)
    rows = np.flatnonzero((rule == "finding") & ~judged.is_barrier & ~blocked)
    if not len(rows):
        return result
    roads, lines = judged.near.roads, judged.near.lines
    start, tip = judged.xy[rows], judged.ends[["tip_x", "tip_y"]].to_numpy(float)[rows]
    ahead = start + tip * judged.params.mapping_gap_m
    rays = shapely.linestrings(np.stack([start, ahead], axis=1))
    which, edge = shapely.STRtree(lines).query(rays, "dwithin", 1.0)
    node_id = judged.node["node_id"].to_numpy()[rows][which]
    touches = (roads["from_node"].to_numpy()[edge] == node_id) | (
        roads["to_node"].to_numpy()[edge] == node_id
    )
    same_level = roads["layer"].to_numpy()[edge] == judged.road["layer"].to_numpy()[rows][which]
    surface = ~(roads["is_bridge"] | roads["is_tunnel"]).to_numpy(bool)[edge]
    good = ~touches & same_level & surface
    which, edge = which[good], edge[good]
    foot = shapely.get_point(shapely.shortest_line(shapely.points(start[which]), lines[edge]), 1)
    ends = np.stack([start[which], shapely.get_coordinates(foot).reshape(-1, 2)], axis=1)
    gap = shapely.linestrings(ends) if len(which) else []
    free = ~crosses_any(np.asarray(gap, dtype=object), judged.near.barriers)
    result[rows[which[free]]] = True
    return result


def _goes_on_lower(judged: Judged) -> Flags:
    """Class ends whose road goes on ahead as a lower class under the same name or number."""
    near, road = judged.near, judged.road
    node = judged.ends["node"].to_numpy(np.int64)
    size = near.first[node + 1] - near.first[node]
    who = np.repeat(np.arange(len(node)), size)
    half = np.repeat(near.first[node] - (np.cumsum(size) - size), size) + np.arange(size.sum())
    edge = near.half_edge[half]
    same = np.zeros(len(half), dtype=bool)
    for text in ("name", "ref"):
        own, other = road[text].to_numpy(object)[who], near.roads[text].to_numpy(object)[edge]
        same |= (own == other) & near.roads[text].notna().to_numpy(bool)[edge]
    ahead = dot(near.leave[half], judged.heading[who]) > 0.0
    lower = near.roads["class_rank"].to_numpy()[edge] > road["class_rank"].to_numpy()[who]
    found = np.zeros(len(node), dtype=bool)
    found[who[same & ahead & lower]] = True
    return found & judged.is_type("class_end")


# --- dual carriageways --------------------------------------------------------------------


def _twins(judged: Judged) -> Ints:
    """Row of the other half's end, the nearest that fits; -1 where there is none."""
    ends, xy = judged.ends, judged.xy
    twin = np.full(len(ends), -1, dtype=np.int64)
    rows = np.flatnonzero(~judged.is_below & judged.flag(judged.road, "is_oneway"))
    if len(rows) < 2:
        return twin
    near = cKDTree(xy[rows]).query_pairs(judged.params.dual_distance_m, output_type="ndarray")
    i, j = rows[near.reshape(-1, 2)].T
    flow, line = _flow(ends), ends["line"].to_numpy()
    good = (
        (flow[i] != flow[j])
        & (line[i] == line[j])
        & (dot(judged.heading[i], judged.heading[j]) > SAME_WAY_COS)
        & _same_road(judged.road.iloc[i], judged.road.iloc[j])
    )
    i, j = i[good], j[good]
    distance = np.hypot(*(xy[i] - xy[j]).T)
    for at in np.lexsort((j, i, distance.round(3))):
        if twin[i[at]] < 0 and twin[j[at]] < 0:
            twin[i[at]], twin[j[at]] = j[at], i[at]
    return twin


def _has_half_beside(
    judged: Judged, rows: Ints, halves: Ints, tree: shapely.STRtree, ahead_m: float
) -> Flags:
    """Whether a half of the opposite direction passes abreast of a point ahead of each end."""
    lines, heading = judged.near.lines, judged.heading[rows]
    probe = shapely.points(judged.xy[rows] + heading * ahead_m)
    which, edge = tree.query(probe, "dwithin", judged.params.dual_distance_m)
    edge = halves[edge]
    direction = _direction_at(lines[edge], probe[which])
    against = -dot(direction, heading[which]) * _flow(judged.ends)[rows][which]
    own = edge == judged.ends["edge"].to_numpy()[rows][which]
    same = _same_road(judged.road.iloc[rows[which]], judged.near.roads.iloc[edge])
    # The nearest point of a half that stops beside the end lies behind the probe.
    along = shapely.line_locate_point(lines[edge], probe[which])
    foot = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge], along))
    behind = np.abs(dot(foot - shapely.get_coordinates(probe[which]), heading[which]))
    fits = (against > SAME_WAY_COS) & ~own & same & (behind < judged.params.dual_beside_m)
    found = np.zeros(len(rows), dtype=bool)
    found[which[fits]] = True
    return found


def _flow(ends: pd.DataFrame) -> Floats:
    """+1 where a one-way's traffic runs towards the end, -1 where it comes from there."""
    return np.where(ends["side"].to_numpy() == 1, 1.0, -1.0)


def _same_road(first: pd.DataFrame, second: pd.DataFrame) -> Flags:
    """Same name, same ref, or (where neither has both) the same class."""
    name = (first["name"].to_numpy(object) == second["name"].to_numpy(object)) & first[
        "name"
    ].notna().to_numpy(bool)
    ref = (first["ref"].to_numpy(object) == second["ref"].to_numpy(object)) & first[
        "ref"
    ].notna().to_numpy(bool)
    rank = first["class_rank"].to_numpy() == second["class_rank"].to_numpy()
    return np.asarray(name | ref | rank)


def _direction_at(lines: Geometries, points: Geometries) -> Floats:
    """Drawing direction of lines where they pass points."""
    along = shapely.line_locate_point(lines, points)
    length = shapely.length(lines)
    before = shapely.line_interpolate_point(lines, np.maximum(along - 15.0, 0.0))
    after = shapely.line_interpolate_point(lines, np.minimum(along + 15.0, length))
    return unit(shapely.get_coordinates(after) - shapely.get_coordinates(before))


# --- the layer ----------------------------------------------------------------------------


def as_road_ends(
    ends: pd.DataFrame, near: Surroundings, border_id: str | pd.Series, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Described and judged ends as rows of the layer ``road_ends``; one border_id, or one each."""
    road = near.roads.iloc[ends["edge"]].reset_index(drop=True)
    edge_ids = near.roads["edge_id"].to_numpy(object)
    beyond = ends["beyond"].to_numpy(np.int64)
    columns = {
        "border_id": np.broadcast_to(np.asarray(border_id, dtype=object), len(ends)),
        "city_id": ends["city_id"].to_numpy(object),
        "node_id": near.nodes["node_id"].to_numpy()[ends["node"].to_numpy(np.int64)],
        "beyond_edge_id": np.where(beyond >= 0, edge_ids[beyond], None) if len(edge_ids) else [],
        "distance_to_border_m": ends["distance_m"],
        "heading_deg": compass_deg(ends["dx"], ends["dy"]),
    }
    for name in ("edge_id", "way_id", "highway", "name", "ref", "speed_kmh"):
        columns[name] = road[name].to_numpy()
    for name in (
        "end_type",
        "rule",
        "is_mapping_gap",
        "confidence_tags",
        "confidence_heading",
        "confidence_class",
        "confidence_density",
    ):
        columns[name] = ends[name].to_numpy()
    frame = pd.DataFrame(columns).assign(twin_node_id=ends["twin_node_id"].array)
    points = shapely.points(ends[["x", "y"]].to_numpy(float)) if len(ends) else []
    result = conform("road_ends", gpd.GeoDataFrame(frame, geometry=list(points), crs=crs))
    return gpd.GeoDataFrame(result, geometry="geometry", crs=crs)
