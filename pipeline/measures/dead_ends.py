"""Roads and rail lines that stop short of a border.

What belongs here: finding every end near a border on the physical topology,
its heading, and the rule that makes it a finding or not. What an end faces,
whether a link is missing and what it would gain belongs to `missing_links`.

The rules are those of methods.md 3; ``docs/dead-ends.md`` explains them to
readers. An end is judged by geometry and tags alone, never by the order of rows
or borders: all ties go to the smaller id.

Coordinates are the metro's metric CRS. Directions are unit vectors pointing
outward, away from the road that ends.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline import schemas
from pipeline.config import CLASS_RANK, DeadEndsParams, ExtractParams
from pipeline.crs import require_metric
from pipeline.measures.borders import BorderIndex
from pipeline.measures.network import locate_points
from pipeline.measures.routing import BLOCKING_BARRIERS, CLOSED_ACCESS, OPEN_ACCESS

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]

TURNING_PLACES = ("turning_circle", "turning_loop", "mini_roundabout")
GATES = (
    "gate", "lift_gate", "swing_gate", "sliding_gate", "entrance", "toll_booth", "border_control",
    "sally_port", "bump_gate", "hampshire_gate", "cattle_grid", "chain", "wicket_gate",
)  # fmt: skip
"""Barriers that mark somebody's entrance rather than a road cut in two."""

RAIL_GROUPS = {
    "subway": "metro", "light_rail": "metro", "tram": "metro", "monorail": "metro",
    "train": "rail", "highspeed": "rail", "rail": "rail", "narrow_gauge": "rail",
}  # fmt: skip
"""Rail modes and track classes that continue one another."""

SAME_WAY_COS = 0.7
"""Two directions are one within about 45 degrees."""

DENSITY_RADIUS_M = 1_000.0
FULL_DENSITY_KM_PER_KM2 = 1.0
"""Countryside that is mapped has about a kilometre of road per km2 (methods.md 9)."""

LOWEST_LISTED = CLASS_RANK["residential"]
"""Ends of lower classes are too many to list; they are not examined at all."""

_PROBE_M = 100.0
_LOCAL_M = 20.0
_MOST_STEPS = 15
_GRAIN_M = 250.0
_MARGIN_M = 1_500.0
_RAIL_AHEAD_M = (800.0, 2_000.0)


def find_road_ends(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    extract_area: gpd.GeoDataFrame,
    params: DeadEndsParams,
    extract_params: ExtractParams,
) -> gpd.GeoDataFrame:
    """Every end near one border, each with its rule: ``finding``, or what excludes it.

    An end belongs to the nearest border of its own city, so no end is listed
    under two borders. Ends of classes below ``params.lowest_class`` are listed
    down to residential as ``class_below``. Whether a way round is short enough
    that nothing is missing is known after pairing only.

    Parameters
    ----------
    border_id
        The border to work on; all layers may hold the whole metro.
    extract_area, extract_params
        Part of the stage's contract; the cut itself is already marked in
        ``road_nodes.is_extract_edge``.

    Returns
    -------
    Layer ``road_ends``, sorted by node id.

    Raises
    ------
    CrsError
        If roads or borders are not in metres.
    """
    crs = require_metric(borders, "borders")
    require_metric(roads, "roads")
    if not len(borders):
        return schemas.empty("road_ends", crs)
    border = borders.loc[(borders["border_id"] == border_id).to_numpy()].iloc[0]
    near = surround(
        border.geometry, roads, road_nodes, tagged_nodes, land_areas, barriers, stations,
        2.0 * params.search_radius_m + _MARGIN_M,
    )  # fmt: skip
    ends = place_ends(list_ends(near, params), near, border, borders, params.search_radius_m)
    ends = describe_ends(ends, near, border.geometry, params)
    ends = _home_city(ends, border, cities, params)
    ends = judge_ends(ends, near, params)
    rail = _rail_ends(border, borders, railways, stations, transit_links, params)
    table = as_layer(ends, near, border_id, crs)
    rail = _rail_as_layer(rail, border_id, crs)
    result = (
        pd.concat([each for each in (table, rail) if len(each)])
        if len(table) + len(rail)
        else table
    )
    for rule, count in result["rule"].value_counts().sort_index().items():
        log.info("road ends of %s: %s %d of %d", border_id, rule, count, len(result))
    result = result.sort_values(["node_id", "edge_id"], ignore_index=True)
    return gpd.GeoDataFrame(result, geometry="geometry", crs=crs)


# --- surroundings -------------------------------------------------------------------------


@dataclass(frozen=True)
class Surroundings:
    """Everything near a border that an end is judged by.

    ``roads`` are the open edges, in the order of edge_id, with ``lines``. The
    half-edges ``half_*`` (two per edge: side 0 at its from_node, side 1 at its
    to_node) are sorted by node; node n (a row of ``nodes``) owns the half-edges
    ``first[n]:first[n + 1]``. ``leave`` points from the node into the edge.
    """

    roads: pd.DataFrame
    lines: Geometries
    nodes: pd.DataFrame
    node_xy: Floats
    half_node: Ints
    half_edge: Ints
    half_side: Ints
    leave: Floats
    first: Ints
    tagged: pd.DataFrame
    tagged_xy: Floats
    parking: Geometries
    stations_xy: Floats
    barriers: Geometries


def surround(
    line: Any,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    reach_m: float,
) -> Surroundings:
    """Cut the layers down to about ``reach_m`` around a line and index them."""
    tree = cKDTree(shapely.get_coordinates(shapely.segmentize(line, _GRAIN_M)))
    box = shapely.bounds(line) + np.array([-1, -1, 1, 1]) * (reach_m + _GRAIN_M)
    ids = road_nodes["node_id"].to_numpy()[_near_points(road_nodes, tree, box, reach_m)]
    is_near = np.isin(roads["from_node"].to_numpy(), ids) | np.isin(
        roads["to_node"].to_numpy(), ids
    )
    is_near &= (roads["status"] == "open").to_numpy(dtype=bool)
    chosen = roads[is_near].sort_values("edge_id", ignore_index=True)
    lines = chosen.geometry.to_numpy()
    tagged = tagged_nodes[_near_points(tagged_nodes, tree, box, reach_m)]
    rail = stations[stations["kind"].isin(("train", "subway", "light_rail")).to_numpy(dtype=bool)]
    rail = rail[_near_points(rail, tree, box, reach_m)]
    parking = _within(land_areas[_is_parking(land_areas)].geometry.to_numpy(), box)
    half = _half_edges(chosen, lines)
    nodes = road_nodes.set_index("node_id").reindex(half["node_ids"])
    return Surroundings(
        roads=pd.DataFrame(chosen.drop(columns="geometry")),
        lines=lines,
        nodes=pd.DataFrame(nodes.drop(columns="geometry").reset_index()),
        node_xy=half["xy"],
        half_node=half["node"],
        half_edge=half["edge"],
        half_side=half["side"],
        leave=half["leave"],
        first=half["first"],
        tagged=pd.DataFrame(tagged.drop(columns="geometry")).reset_index(drop=True),
        tagged_xy=shapely.get_coordinates(tagged.geometry.to_numpy()),
        parking=parking,
        stations_xy=shapely.get_coordinates(rail.geometry.to_numpy()),
        barriers=_within(barriers.geometry.to_numpy(), box),
    )


def _near_points(frame: gpd.GeoDataFrame, tree: cKDTree, box: Floats, reach_m: float) -> Flags:
    xy = shapely.get_coordinates(frame.geometry.to_numpy())
    found = np.zeros(len(frame), dtype=bool)
    if not len(frame):
        return found
    inside = np.flatnonzero(
        (xy[:, 0] >= box[0]) & (xy[:, 1] >= box[1]) & (xy[:, 0] <= box[2]) & (xy[:, 1] <= box[3])
    )
    distance, _ = tree.query(xy[inside], distance_upper_bound=reach_m + _GRAIN_M)
    found[inside[np.isfinite(distance)]] = True
    return found


def _is_parking(land_areas: gpd.GeoDataFrame) -> Flags:
    chosen = (land_areas["key"] == "amenity") & (land_areas["value"] == "parking")
    return np.asarray(chosen.to_numpy(dtype=bool), dtype=bool)


def _within(geometry: Geometries, box: Floats) -> Geometries:
    if not len(geometry):
        return np.empty(0, dtype=object)
    bounds = shapely.bounds(geometry)
    hit = (
        (bounds[:, 0] <= box[2]) & (bounds[:, 2] >= box[0])
        & (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])
    )  # fmt: skip
    return np.asarray(geometry[hit], dtype=object)


def _half_edges(roads: pd.DataFrame, lines: Geometries) -> dict[str, Any]:
    count = len(roads)
    ends = np.concatenate(
        [roads["from_node"].to_numpy(np.int64), roads["to_node"].to_numpy(np.int64)]
    )
    node_ids, code = np.unique(ends, return_inverse=True)
    edge = np.tile(np.arange(count), 2)
    side = np.repeat([0, 1], count)
    order = np.lexsort((side, edge, code))
    node, edge, side = code[order], edge[order], side[order]
    at = np.where(side == 0, 0, -1)
    point = (
        shapely.get_coordinates(shapely.get_point(lines[edge], at)) if count else np.empty((0, 2))
    )
    first = np.searchsorted(node, np.arange(len(node_ids) + 1))
    leave = _unit(_inside(lines[edge], side, np.full(len(edge), _LOCAL_M)) - point)
    return {
        "node_ids": node_ids, "xy": point[first[:-1]], "node": node, "edge": edge, "side": side,
        "leave": leave, "first": first,
    }  # fmt: skip


def _inside(lines: Geometries, side: Ints, distance_m: Floats) -> Floats:
    """Points ``distance_m`` into lines from one of their ends; the other end where shorter."""
    if not len(lines):
        return np.empty((0, 2))
    length = shapely.length(lines)
    along = np.minimum(distance_m, length)
    along = np.where(side == 0, along, length - along)
    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines, along)))


def _unit(vectors: Floats) -> Floats:
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    return np.asarray(vectors / np.where(length > 0, length, 1.0)[:, None])


def _dot(first: Floats, second: Floats) -> Floats:
    return np.asarray((first * second).sum(axis=1))


# --- which ends there are -----------------------------------------------------------------


def list_ends(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Every end of the surroundings, near or far from the border.

    Columns node (row of ``near.nodes``), edge (row of ``near.roads``), side,
    end_type, beyond (edge row behind a barrier, else -1), is_piece (what lies
    beyond is a closed piece), x, y.
    """
    parts = [
        _topological_ends(near, params),
        _blocked_nodes(near, params),
        _closed_pieces(near, params),
    ]
    ends = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    # Where a barrier stands on an end, the barrier explains more.
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    ends = ends[is_barrier | ~np.isin(ends["node"], ends["node"][is_barrier])]
    ends = ends.sort_values(["node", "edge"]).drop_duplicates(["node", "edge"], ignore_index=True)
    ends["is_piece"] = near.roads["is_closed"].to_numpy(bool)[ends["beyond"]] & (
        ends["beyond"] >= 0
    )
    xy = near.node_xy[ends["node"].to_numpy(np.int64)]
    return ends.assign(x=xy[:, 0], y=xy[:, 1])


def _topological_ends(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Nodes of degree one, and class ends; both halves that join count as one road."""
    rank = near.roads["class_rank"].to_numpy()[near.half_edge].astype(np.int64)
    count = len(near.nodes)
    degree = np.diff(near.first)
    best = np.full(count, 99)
    np.minimum.at(best, near.half_node, rank)
    equal = rank < best[near.half_node] + params.class_end_step
    peers = np.bincount(near.half_node, weights=equal, minlength=count).astype(np.int64)
    is_joined = _joined_halves(near, equal, peers)
    is_end = (best <= LOWEST_LISTED) & ((peers == 1) | is_joined)
    # Below the classes looked for only plain stubs are listed.
    is_end &= (best <= CLASS_RANK[params.lowest_class]) | (degree == 1)
    own = np.flatnonzero(is_end[near.half_node] & (rank == best[near.half_node]))
    own = own[np.unique(near.half_node[own], return_index=True)[1]] if len(own) else own
    own = own[~near.roads["is_link"].to_numpy(bool)[near.half_edge[own]]]
    node = near.half_node[own]
    return pd.DataFrame(
        {
            "node": node,
            "edge": near.half_edge[own],
            "side": near.half_side[own],
            "end_type": np.where(degree[node] == peers[node], "degree_one", "class_end"),
            "beyond": np.full(len(own), -1),
        }
    )


def _joined_halves(near: Surroundings, equal: Flags, peers: Ints) -> Flags:
    """Nodes where a dual carriageway's two halves run together and nothing goes on."""
    is_joined = np.zeros(len(near.nodes), dtype=bool)
    pair = np.flatnonzero(equal & (peers[near.half_node] == 2))
    first, second = pair[::2], pair[1::2]
    oneway = near.roads["is_oneway"].to_numpy(bool)
    both = oneway[near.half_edge[first]] & oneway[near.half_edge[second]]
    turns = near.half_side[first] != near.half_side[second]
    alike = _dot(near.leave[first], near.leave[second]) > SAME_WAY_COS
    different = near.half_edge[first] != near.half_edge[second]
    is_joined[near.half_node[first]] = both & turns & alike & different
    return is_joined


def _blocked_nodes(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both directions of roads cut by a barrier on a node: one row per direction."""
    barrier = near.nodes["barrier"].fillna("").astype(str)
    access = near.nodes["access"].fillna("").astype(str)
    blocks = (barrier.isin(BLOCKING_BARRIERS) & ~access.isin(OPEN_ACCESS)) | (
        (barrier != "") & access.isin(CLOSED_ACCESS)
    )
    ranked = _through_nodes(near, params, blocks.to_numpy(dtype=bool))
    return _both_directions(near, ranked)


def _through_nodes(near: Surroundings, params: DeadEndsParams, chosen: Flags) -> tuple[Ints, Ints]:
    """Half-edge pairs of the roads that run through chosen nodes, on the classes looked for."""
    rank = near.roads["class_rank"].to_numpy()[near.half_edge]
    fits = chosen[near.half_node] & (rank <= CLASS_RANK[params.lowest_class])
    # A closed piece has ends of its own (see _closed_pieces).
    fits &= ~near.roads["is_closed"].to_numpy(bool)[near.half_edge]
    count = np.bincount(near.half_node, weights=fits, minlength=len(near.nodes))
    pair = np.flatnonzero(fits & (count[near.half_node] == 2))
    first, second = pair[::2], pair[1::2]
    through = _dot(near.leave[first], near.leave[second]) < 0.0
    return first[through], second[through]


def _both_directions(near: Surroundings, pairs: tuple[Ints, Ints]) -> pd.DataFrame:
    first, second = pairs
    own, other = np.concatenate([first, second]), np.concatenate([second, first])
    return pd.DataFrame(
        {
            "node": near.half_node[own],
            "edge": near.half_edge[own],
            "side": near.half_side[own],
            "end_type": "barrier_end",
            "beyond": near.half_edge[other],
        }
    )


def _closed_pieces(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both ends of a short closed piece between two open roads."""
    closed = near.roads["is_closed"].to_numpy(bool)
    rank = near.roads["class_rank"].to_numpy()
    fits = rank <= CLASS_RANK[params.lowest_class]
    short = near.roads["length_m"].to_numpy(float) <= params.closed_piece_m
    open_count = np.bincount(
        near.half_node, weights=(fits & ~closed)[near.half_edge], minlength=len(near.nodes)
    )
    piece = np.flatnonzero(
        (closed & fits & short)[near.half_edge] & (open_count[near.half_node] == 1)
    )
    edge, times = np.unique(near.half_edge[piece], return_counts=True)
    piece = piece[np.isin(near.half_edge[piece], edge[times == 2])]
    open_half = np.flatnonzero((fits & ~closed)[near.half_edge])
    of_node = pd.Series(open_half, index=near.half_node[open_half])
    of_node = of_node[~of_node.index.duplicated()]
    own = of_node.reindex(near.half_node[piece]).to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "node": near.half_node[piece],
            "edge": near.half_edge[own],
            "side": near.half_side[own],
            "end_type": "barrier_end",
            "beyond": near.half_edge[piece],
        }
    )


def place_ends(
    ends: pd.DataFrame, near: Surroundings, border: pd.Series, borders: gpd.GeoDataFrame,
    reach_m: float, city: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The ends that belong to one border, with city_id, distance_m and the border's normal.

    An end belongs to the nearest of its own city's borders: at a tripoint the
    line between the two other cities is no border of its own. ``city`` replaces
    every end's city, where the line is a placebo inside one.
    """
    cities = near.nodes["city_id"].to_numpy(dtype=object)[ends["node"].to_numpy(np.int64)]
    ends = ends.assign(city_id=cities if city is None else city)
    kept = []
    for side in dict.fromkeys((border["city_a"], border["city_b"])):
        mine = ends[(ends["city_id"] == side).to_numpy(dtype=bool)]
        is_own = ((borders["city_a"] == side) | (borders["city_b"] == side)).to_numpy(dtype=bool)
        own = borders[is_own].reset_index(drop=True)
        index = BorderIndex(own)
        row, distance = index.nearest(mine["x"], mine["y"], reach_m)
        here = (row >= 0) & (own["border_id"].to_numpy()[np.maximum(row, 0)] == border["border_id"])
        mine = mine[here].assign(distance_m=distance[here])
        mine["normal_x"], mine["normal_y"] = index.normal(mine["x"], mine["y"])
        kept.append(mine)
    return pd.concat(kept, ignore_index=True)


# --- what an end looks like ---------------------------------------------------------------


def describe_ends(
    ends: pd.DataFrame, near: Surroundings, line: Any, params: DeadEndsParams
) -> pd.DataFrame:
    """Add heading (dx, dy), the last segment's direction (tip_x, tip_y), and the point behind.

    ``back_x, back_y`` lies ``params.heading_length_m`` back along the road, or
    where the road's own line begins. ``cos`` is the cosine between heading and
    border normal. Of a barrier's two directions the one towards the border stays.
    """
    back = _point_behind(ends, near, params.heading_length_m)
    point = ends[["x", "y"]].to_numpy(float)
    heading = _unit(point - back)
    tip = _unit(point - _vertex_behind(ends, near))
    normal = ends[["normal_x", "normal_y"]].to_numpy(float)
    return ends.assign(
        dx=heading[:, 0], dy=heading[:, 1], tip_x=tip[:, 0], tip_y=tip[:, 1],
        back_x=back[:, 0], back_y=back[:, 1],
        cos=np.maximum(_dot(heading, normal), _cos_ahead(ends, heading, line, params)),
    )  # fmt: skip


def _cos_ahead(ends: pd.DataFrame, heading: Floats, line: Any, params: DeadEndsParams) -> Floats:
    """Distance to the border over that along the heading; -1 where the extension misses it."""
    result = np.full(len(ends), -1.0)
    if not len(ends):
        return result
    start, distance = ends[["x", "y"]].to_numpy(float), ends["distance_m"].to_numpy(float)
    reach = distance / np.cos(np.radians(min(params.heading_tolerance_deg, 80.0))) + 1.0
    rays = shapely.linestrings(np.stack([start, start + heading * reach[:, None]], axis=1))
    xy, part = shapely.get_coordinates(shapely.get_parts(line), return_index=True)
    together = part[1:] == part[:-1]
    pieces = shapely.linestrings(np.stack([xy[:-1][together], xy[1:][together]], axis=1))
    who, piece = shapely.STRtree(pieces).query(rays, "intersects")
    hit = shapely.intersection(rays[who], pieces[piece])
    ahead = np.full(len(ends), np.inf)
    np.minimum.at(ahead, who, shapely.distance(shapely.points(start[who]), hit))
    good = np.isfinite(ahead) & (ahead > 0)
    result[good] = np.minimum(distance[good] / ahead[good], 1.0)
    return result


def _vertex_behind(ends: pd.DataFrame, near: Surroundings) -> Floats:
    lines = near.lines[ends["edge"].to_numpy()]
    at = np.where(ends["side"] == 0, 1, -2)
    return np.asarray(shapely.get_coordinates(shapely.get_point(lines, at))).reshape(-1, 2)


def _point_behind(ends: pd.DataFrame, near: Surroundings, length_m: float) -> Floats:
    """The point ``length_m`` back along each road, through nodes where the same road goes on."""
    length = shapely.length(near.lines)
    edge, side = ends["edge"].to_numpy(np.int64).copy(), ends["side"].to_numpy(np.int64).copy()
    left = np.full(len(ends), length_m)
    active = np.arange(len(ends))
    for _ in range(_MOST_STEPS):
        active = active[left[active] > length[edge[active]]]
        if not len(active):
            break
        next_edge, next_side = _continuation(edge[active], side[active], near)
        goes_on = next_edge >= 0
        active = active[goes_on]
        left[active] -= length[edge[active]]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
    return _inside(near.lines[edge], side, left)


def _continuation(edge: Ints, side: Ints, near: Surroundings) -> tuple[Ints, Ints]:
    """The half-edge by which a road goes on behind an edge entered at ``side``; -1 where none.

    The other edge where two meet; else the straightest that turns by less than
    60 degrees, where a step of class costs as much as turning by some 30 degrees.
    """
    count = len(near.lines)
    position = np.empty((count, 2), dtype=np.int64)
    position[near.half_edge, near.half_side] = np.arange(len(near.half_edge))
    far = position[edge, 1 - side]
    node = near.half_node[far]
    size = near.first[node + 1] - near.first[node]
    who = np.repeat(np.arange(len(edge)), size)
    half = (
        np.repeat(near.first[node], size)
        + np.arange(size.sum())
        - np.repeat(np.cumsum(size) - size, size)
    )
    rank = near.roads["class_rank"].to_numpy().astype(np.int64)
    straight = -_dot(near.leave[half], near.leave[far[who]])
    step = np.abs(rank[near.half_edge[half]] - rank[edge[who]])
    follows = (straight > 0.5) | (size[who] == 2)
    score = np.where((half != far[who]) & follows, straight - 0.15 * step, -9.0)
    order = np.lexsort((half, -score.round(6), who))
    first = order[np.unique(who[order], return_index=True)[1]] if len(order) else order
    chosen_edge, chosen_side = np.full(len(edge), -1), np.zeros(len(edge), dtype=np.int64)
    good = first[score[first] > -9.0]
    chosen_edge[who[good]], chosen_side[who[good]] = (
        near.half_edge[half[good]],
        near.half_side[half[good]],
    )
    return chosen_edge, chosen_side


def _home_city(
    ends: pd.DataFrame, border: pd.Series, cities: gpd.GeoDataFrame, params: DeadEndsParams
) -> pd.DataFrame:
    """Settle which city each end's road comes from.

    An end that just overshoots the border belongs to the city behind it; of a
    barrier's two ends one belongs to either city, even where the barrier stands
    somewhat inside one. Such ends may have the border behind them, so their
    heading is measured against the normal's axis.
    """
    pair = cities[cities["city_id"].isin((border["city_a"], border["city_b"]))]
    behind = locate_points(ends["back_x"], ends["back_y"], pair).to_numpy(dtype=object)
    own = ends["city_id"].to_numpy(dtype=object)
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    is_near = (ends["distance_m"] <= params.heading_length_m).to_numpy(dtype=bool)
    overshoots = is_near & (behind != own) & pd.notna(behind) & ~is_barrier
    other = np.where(own == border["city_a"], border["city_b"], border["city_a"])
    by_heading = np.where(ends["cos"].to_numpy(float) >= 0.0, own, other)
    place = np.where(ends["is_piece"], ends["beyond"], -1 - ends["node"])
    told_apart = pd.Series(behind).groupby(place).transform("nunique").to_numpy() == 2
    city = np.where(overshoots | (is_barrier & told_apart), behind, own)
    city = np.where(is_barrier & ~told_apart, by_heading, city)
    on_line = (ends["distance_m"] < 1.0).to_numpy(dtype=bool)
    cos = np.where(overshoots | on_line | is_barrier, ends["cos"].abs(), ends["cos"])
    return ends.assign(city_id=city, cos=cos)


# --- which rule holds ---------------------------------------------------------------------


def judge_ends(ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Add rule, is_mapping_gap, twin_node_id and the confidence factors.

    The first rule that holds names the end, in the order below: what the end
    is comes before where it heads.
    """
    ends = ends.reset_index(drop=True)
    road = near.roads.iloc[ends["edge"]].reset_index(drop=True)
    node = near.nodes.iloc[ends["node"]].reset_index(drop=True)
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    # Where any road goes on, the bridge is mapped whole.
    is_single = (ends["end_type"] == "degree_one").to_numpy(dtype=bool)
    is_below = (road["class_rank"] > CLASS_RANK[params.lowest_class]).to_numpy(dtype=bool)
    xy = ends[["x", "y"]].to_numpy(float)
    heads_away = (ends["cos"] < np.cos(np.radians(params.heading_tolerance_deg)) - 1e-9).to_numpy(
        dtype=bool
    )
    twin, is_second = _twins(ends, near, road, ~is_below, params)
    continues = _half_continues(ends, near, road, ~is_below & (twin < 0) & ~is_barrier, params)
    rules: list[tuple[str, Flags]] = [
        ("class_below", is_below),
        ("extract_edge", node["is_extract_edge"].to_numpy(dtype=bool)),
        ("too_far", is_barrier & (ends["distance_m"] > params.barrier_end_m).to_numpy(dtype=bool)),
        ("turning_circle", node["highway"].isin(TURNING_PLACES).to_numpy(dtype=bool)),
        ("loop", _ends_in_loop(ends, near)),
        (
            "service_road",
            road["service"].notna().to_numpy(dtype=bool) | (road["class_rank"] >= 7).to_numpy(bool),
        ),
        ("parking", ~is_barrier & _near_any(xy, near.parking, params.parking_distance_m)),
        (
            "ferry_terminal",
            _near_spots(
                xy,
                near.tagged_xy[_is(near, "amenity", ("ferry_terminal",))],
                params.terminal_distance_m,
            ),
        ),
        ("station", ~is_barrier & _near_spots(xy, near.stations_xy, params.terminal_distance_m)),
        (
            "entrance_barrier",
            ~is_barrier & (road["is_closed"].to_numpy(bool) | _at_entrance(xy, near, params)),
        ),
        (
            "bridge_or_tunnel_in_part",
            is_single & (road["is_bridge"] | road["is_tunnel"]).to_numpy(dtype=bool),
        ),
        ("dual_carriageway_twin", is_second),
        ("dual_carriageway_continues", continues),
        ("heading_away", heads_away),
    ]
    names = np.array([name for name, _ in rules] + ["finding"], dtype=object)
    holds = np.stack([held for _, held in rules] + [np.ones(len(ends), dtype=bool)])
    rule = names[holds.argmax(axis=0)] if len(ends) else np.empty(0, dtype=object)
    is_blind = node["is_noexit"].to_numpy(dtype=bool) & (rule == "finding") & ~is_barrier
    rule[is_blind & ~_is_faced(ends, road, rule, params)] = "noexit"
    table = ends.assign(
        rule=rule,
        is_mapping_gap=_is_mapping_gap(
            ends, near, road, node, (rule == "finding") & ~is_barrier, params
        ),
        twin_node_id=pd.array(
            np.where(twin >= 0, near.nodes["node_id"].to_numpy()[ends["node"].to_numpy()[twin]], 0),
            dtype="Int64",
        )
        if len(ends)
        else pd.array([], dtype="Int64"),
        confidence_tags=_tag_factor(road),
        confidence_heading=_heading_factor(ends["cos"].to_numpy(float), params),
        confidence_class=_class_factor(road, ends),
        confidence_density=_density_factor(xy, near),
    )
    table.loc[twin < 0, "twin_node_id"] = pd.NA
    return table


def _is(near: Surroundings, tag: str, values: tuple[str, ...]) -> Flags:
    return np.asarray(near.tagged[tag].isin(values).to_numpy(dtype=bool), dtype=bool)


def _near_any(xy: Floats, shapes: Geometries, distance_m: float) -> Flags:
    hit = np.zeros(len(xy), dtype=bool)
    if len(xy) and len(shapes):
        hit[shapely.STRtree(shapes).query(shapely.points(xy), "dwithin", distance_m)[0]] = True
    return hit


def _near_spots(xy: Floats, spots: Floats, distance_m: float) -> Flags:
    if not len(xy) or not len(spots):
        return np.zeros(len(xy), dtype=bool)
    return np.asarray(cKDTree(spots).query(xy)[0] <= distance_m)


def _at_entrance(xy: Floats, near: Surroundings, params: DeadEndsParams) -> Flags:
    marks = near.tagged["entrance"].notna().to_numpy(dtype=bool) | _is(near, "barrier", GATES)
    return _near_spots(xy, near.tagged_xy[marks], params.entrance_distance_m)


def _ends_in_loop(ends: pd.DataFrame, near: Surroundings) -> Flags:
    """Whether what meets an end is a ring: a roundabout, an edge or a way that comes back to it."""
    ring = near.roads["is_roundabout"].to_numpy(bool)[near.half_edge]
    from_id, to_id = near.roads["from_node"].to_numpy(), near.roads["to_node"].to_numpy()
    ring |= (from_id == to_id)[near.half_edge]
    way = near.roads["way_id"].to_numpy()[near.half_edge]
    own_way = near.roads["way_id"].to_numpy()[ends["edge"]]
    at = pd.DataFrame({"way": way, "node": near.half_node})
    # A way is a ring where each of its nodes has an even number of its edges' ends.
    ways_here = np.unique(way[np.isin(near.half_node, ends["node"])])
    at = at[np.isin(way, ways_here)]
    odd = at.groupby(["way", "node"]).size().mod(2).groupby("way").sum()
    closed_ways = odd.index[odd == 0].to_numpy()
    closed_ways = closed_ways[~np.isin(closed_ways, own_way)]
    ring |= np.isin(way, closed_ways)
    return np.isin(ends["node"].to_numpy(), near.half_node[ring])


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


def _twins(
    ends: pd.DataFrame,
    near: Surroundings,
    road: pd.DataFrame,
    eligible: Flags,
    params: DeadEndsParams,
) -> tuple[Ints, Flags]:
    """Row of the other half's end (-1: none), and whether this is the half told second."""
    twin = np.full(len(ends), -1, dtype=np.int64)
    rows = np.flatnonzero(eligible & road["is_oneway"].to_numpy(bool))
    if len(rows) > 1:
        xy = ends[["x", "y"]].to_numpy(float)[rows]
        pairs = rows[
            cKDTree(xy).query_pairs(params.dual_distance_m, output_type="ndarray")
        ].reshape(-1, 2)
        i, j = pairs[:, 0], pairs[:, 1]
        heading, flow = ends[["dx", "dy"]].to_numpy(float), _flow(ends)
        good = (
            (flow[i] != flow[j])
            & (_dot(heading[i], heading[j]) > SAME_WAY_COS)
            & _same_road(road.iloc[i], road.iloc[j])
        )
        i, j = i[good], j[good]
        distance = np.hypot(
            *(ends[["x", "y"]].to_numpy(float)[i] - ends[["x", "y"]].to_numpy(float)[j]).T
        )
        for at in np.lexsort((j, i, distance.round(3))):
            if twin[i[at]] < 0 and twin[j[at]] < 0:
                twin[i[at]], twin[j[at]] = j[at], i[at]
    node_id = near.nodes["node_id"].to_numpy()[ends["node"]] if len(ends) else np.empty(0)
    is_second = (twin >= 0) & (node_id > node_id[twin]) if len(ends) else np.zeros(0, dtype=bool)
    return twin, is_second


def _half_continues(
    ends: pd.DataFrame,
    near: Surroundings,
    road: pd.DataFrame,
    eligible: Flags,
    params: DeadEndsParams,
) -> Flags:
    """One-way ends whose other half runs on: beside the end, and still beside it 100 m ahead."""
    result = np.zeros(len(ends), dtype=bool)
    rows = np.flatnonzero(eligible & road["is_oneway"].to_numpy(bool))
    halves = np.flatnonzero(
        near.roads["is_oneway"].to_numpy(bool) & ~near.roads["is_roundabout"].to_numpy(bool)
    )
    if not len(rows) or not len(halves):
        return result
    tree = shapely.STRtree(near.lines[halves])
    here = ends[["x", "y"]].to_numpy(float)[rows]
    heading = ends[["dx", "dy"]].to_numpy(float)[rows]
    seen = []
    for ahead in (0.0, _PROBE_M):
        probe = shapely.points(here + heading * ahead)
        which, edge = tree.query(probe, "dwithin", params.dual_distance_m)
        edge = halves[edge]
        direction = _direction_at(near.lines[edge], probe[which])
        against = -_dot(direction, heading[which]) * _flow(ends)[rows][which]
        own = edge == ends["edge"].to_numpy()[rows][which]
        fits = (
            (against > SAME_WAY_COS)
            & ~own
            & _same_road(road.iloc[rows[which]], near.roads.iloc[edge])
        )
        # The nearest point of a half that stops beside the end lies behind the probe.
        along = shapely.line_locate_point(near.lines[edge], probe[which])
        foot = shapely.get_coordinates(shapely.line_interpolate_point(near.lines[edge], along))
        fits &= np.abs(_dot(foot - shapely.get_coordinates(probe[which]), heading[which])) < 30.0
        found = np.zeros(len(rows), dtype=bool)
        found[which[fits]] = True
        seen.append(found)
    result[rows] = seen[0] & seen[1]
    return result


def _direction_at(lines: Geometries, points: Geometries) -> Floats:
    """Drawing direction of lines where they pass points."""
    along = shapely.line_locate_point(lines, points)
    length = shapely.length(lines)
    before = shapely.line_interpolate_point(lines, np.maximum(along - 15.0, 0.0))
    after = shapely.line_interpolate_point(lines, np.minimum(along + 15.0, length))
    return _unit(shapely.get_coordinates(after) - shapely.get_coordinates(before))


def _is_faced(ends: pd.DataFrame, road: pd.DataFrame, rule: Any, params: DeadEndsParams) -> Flags:
    """Whether an end of the other city, of about the same class, looks back at each end."""
    faced = np.zeros(len(ends), dtype=bool)
    rows = np.flatnonzero(rule == "finding")
    if len(rows) < 2:
        return faced
    xy, heading = ends[["x", "y"]].to_numpy(float)[rows], ends[["dx", "dy"]].to_numpy(float)[rows]
    i, j = cKDTree(xy).query_pairs(params.search_radius_m, output_type="ndarray").reshape(-1, 2).T
    ahead = _unit(xy[j] - xy[i])
    city, rank = ends["city_id"].to_numpy(object)[rows], road["class_rank"].to_numpy(np.int64)[rows]
    good = (
        (_dot(heading[i], ahead) > SAME_WAY_COS) & (-_dot(heading[j], ahead) > SAME_WAY_COS)
        & (city[i] != city[j]) & (np.abs(rank[i] - rank[j]) <= 1)
    )  # fmt: skip
    faced[rows[i[good]]] = True
    faced[rows[j[good]]] = True
    return faced


def _is_mapping_gap(
    ends: pd.DataFrame, near: Surroundings, road: pd.DataFrame, node: pd.DataFrame, eligible: Flags,
    params: DeadEndsParams,
) -> Flags:  # fmt: skip
    """Another road at the same level, within reach of the last segment's extension."""
    result = np.zeros(len(ends), dtype=bool)
    blocked = node["barrier"].isin(BLOCKING_BARRIERS).to_numpy(dtype=bool)
    rows = np.flatnonzero(eligible & ~blocked)
    if not len(rows):
        return result
    start = ends[["x", "y"]].to_numpy(float)[rows]
    tip = ends[["tip_x", "tip_y"]].to_numpy(float)[rows]
    rays = shapely.linestrings(np.stack([start, start + tip * params.mapping_gap_m], axis=1))
    which, edge = shapely.STRtree(near.lines).query(rays, "dwithin", 1.0)
    node_id = node["node_id"].to_numpy()[rows][which]
    touches = (near.roads["from_node"].to_numpy()[edge] == node_id) | (
        near.roads["to_node"].to_numpy()[edge] == node_id
    )
    same_level = near.roads["layer"].to_numpy()[edge] == road["layer"].to_numpy()[rows][which]
    surface = ~(near.roads["is_bridge"] | near.roads["is_tunnel"]).to_numpy(bool)[edge]
    good = ~touches & same_level & surface
    which, edge = which[good], edge[good]
    foot = shapely.get_point(
        shapely.shortest_line(shapely.points(start[which]), near.lines[edge]), 1
    )
    gap = (
        shapely.linestrings(np.stack([start[which], shapely.get_coordinates(foot)], axis=1))
        if len(which)
        else []
    )
    free = ~_crossed(np.asarray(gap, dtype=object), near.barriers)
    result[rows[which[free]]] = True
    return result


def _crossed(lines: Geometries, shapes: Geometries) -> Flags:
    hit = np.zeros(len(lines), dtype=bool)
    if len(lines) and len(shapes):
        hit[shapely.STRtree(shapes).query(lines, "intersects")[0]] = True
    return hit


# --- confidence ---------------------------------------------------------------------------


def _tag_factor(road: pd.DataFrame) -> Floats:
    """0.7 for an untagged road to 1 for one with a name or number, lanes and a speed."""
    known = (
        (road["name"].notna() | road["ref"].notna()).to_numpy(float)
        + (road["lanes_evidence"] == "tagged").to_numpy(float)
        + (road["speed_evidence"] == "tagged").to_numpy(float)
    )
    return np.asarray(0.7 + 0.1 * known)


def _heading_factor(cos: Floats, params: DeadEndsParams) -> Floats:
    """1 straight at the border, falling to 0.6 at the tolerance (and on to 0 behind it)."""
    angle = np.degrees(np.arccos(np.clip(cos, -1.0, 1.0)))
    return np.asarray(np.clip(1.0 - 0.4 * angle / params.heading_tolerance_deg, 0.0, 1.0))


def _class_factor(road: pd.DataFrame, ends: pd.DataFrame) -> Floats:
    """1 from primary up, 0.05 less per class below; a class end a tenth less."""
    below = np.maximum(road["class_rank"].to_numpy(float) - CLASS_RANK["primary"], 0.0)
    is_class_end = (ends["end_type"] == "class_end").to_numpy(float)
    return np.asarray((1.0 - 0.05 * below) * (1.0 - 0.1 * is_class_end))


def _density_factor(xy: Floats, near: Surroundings) -> Floats:
    """0.6 where no other road is mapped within a kilometre, 1 from a kilometre of road per km2."""
    if not len(xy):
        return np.empty(0)
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(near.lines, 0.5, normalized=True)
    )
    found = cKDTree(middle).query_ball_point(xy, DENSITY_RADIUS_M)
    size = np.array([len(each) for each in found])
    flat = np.concatenate([np.sort(np.asarray(each, dtype=np.int64)) for each in found])
    length = np.bincount(
        np.repeat(np.arange(len(xy)), size),
        weights=shapely.length(near.lines)[flat],
        minlength=len(xy),
    )
    density = length / 1e3 / (np.pi * (DENSITY_RADIUS_M / 1e3) ** 2)
    return np.asarray(0.6 + 0.4 * np.minimum(density / FULL_DENSITY_KM_PER_KM2, 1.0))


# --- rail ---------------------------------------------------------------------------------


def _rail_ends(
    border: pd.Series,
    borders: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    params: DeadEndsParams,
) -> pd.DataFrame:
    """Terminal stations near the border whose line heads for it and whose track does not go on.

    A terminal is a station all of whose neighbours on rail lines of one group
    (metro or railway) lie to one side. Columns as `describe_ends`, with
    station_id, track (row of ``railways``), rule.
    """
    ends = _terminals(stations, transit_links)
    if not len(ends):
        return ends
    ends = _rail_of_border(ends, border, borders, params)
    if not len(ends):
        return ends
    heading = ends[["dx", "dy"]].to_numpy(float)
    cos = _dot(heading, ends[["normal_x", "normal_y"]].to_numpy(float))
    cos = np.where(ends["distance_m"] < 1.0, np.abs(cos), cos)
    away = cos < np.cos(np.radians(params.heading_tolerance_deg)) - 1e-9
    ends = ends.assign(cos=cos, rule=np.where(away, "heading_away", "finding"))
    track = _nearest_track(ends, railways)
    # Where no track is mapped the mode stands for the class, and 0 for the way.
    ways = np.append(railways["way_id"].to_numpy(np.int64), 0)
    classes = np.array([*railways["railway"].to_numpy(object), None], dtype=object)
    ends["way_id"] = ways[track]
    ends["highway"] = np.where(track >= 0, classes[track], ends["kind"])
    return ends[~_track_goes_on(ends, railways)].reset_index(drop=True)


def _terminals(stations: gpd.GeoDataFrame, transit_links: gpd.GeoDataFrame) -> pd.DataFrame:
    group = transit_links["mode"].map(RAIL_GROUPS)
    rides = pd.DataFrame(
        {"a": transit_links["from_station"], "b": transit_links["to_station"], "group": group}
    )[group.notna().to_numpy(dtype=bool)]
    both = pd.concat([rides, rides.rename(columns={"a": "b", "b": "a"})]).drop_duplicates()
    both = both[(both["a"] != both["b"]).to_numpy(dtype=bool)].sort_values(
        ["a", "group", "b"], ignore_index=True
    )
    place = stations.drop_duplicates("station_id").set_index("station_id")
    both = both[both["a"].isin(place.index) & both["b"].isin(place.index)].reset_index(drop=True)
    if not len(both):
        return pd.DataFrame()
    here = shapely.get_coordinates(place.geometry.loc[both["a"]].to_numpy())
    there = shapely.get_coordinates(place.geometry.loc[both["b"]].to_numpy())
    towards = _unit(there - here)
    both["ux"], both["uy"] = towards[:, 0], towards[:, 1]
    mean = both.groupby(["a", "group"])[["ux", "uy"]].transform("mean").to_numpy(float)
    both["aligned"] = _dot(towards, _unit(mean))
    table = both.groupby(["a", "group"], as_index=False).agg(
        ux=("ux", "mean"), uy=("uy", "mean"), aligned=("aligned", "min")
    )
    table = table[(table["aligned"] > 0.5).to_numpy(dtype=bool)].reset_index(drop=True)
    heading = -_unit(table[["ux", "uy"]].to_numpy(float))
    rows = place.loc[table["a"]]
    xy = shapely.get_coordinates(rows.geometry.to_numpy())
    return pd.DataFrame(
        {
            "station_id": table["a"], "group": table["group"],
            "dx": heading[:, 0], "dy": heading[:, 1],
            "x": xy[:, 0], "y": xy[:, 1], "city_id": rows["city_id"].to_numpy(object),
            "name": rows["name"].to_numpy(object), "kind": rows["kind"].to_numpy(object),
        }
    )  # fmt: skip


def _rail_of_border(
    ends: pd.DataFrame, border: pd.Series, borders: gpd.GeoDataFrame, params: DeadEndsParams
) -> pd.DataFrame:
    kept = []
    for side in dict.fromkeys((border["city_a"], border["city_b"])):
        mine = ends[(ends["city_id"] == side).to_numpy(dtype=bool)]
        is_own = ((borders["city_a"] == side) | (borders["city_b"] == side)).to_numpy(dtype=bool)
        own = borders[is_own].reset_index(drop=True)
        index = BorderIndex(own)
        row, distance = index.nearest(mine["x"], mine["y"], params.search_radius_m)
        here = (row >= 0) & (own["border_id"].to_numpy()[np.maximum(row, 0)] == border["border_id"])
        mine = mine[here].assign(distance_m=distance[here])
        mine["normal_x"], mine["normal_y"] = index.normal(mine["x"], mine["y"])
        kept.append(mine)
    return pd.concat(kept, ignore_index=True)


def _main_tracks(railways: gpd.GeoDataFrame) -> Ints:
    chosen = (railways["status"] == "open") & railways["service"].isna()
    return np.flatnonzero(chosen.to_numpy(dtype=bool))


def _nearest_track(ends: pd.DataFrame, railways: gpd.GeoDataFrame) -> Ints:
    """Row of the nearest open main track of the same group within 300 m; -1 where none."""
    result = np.full(len(ends), -1, dtype=np.int64)
    rows = _main_tracks(railways)
    if not len(rows):
        return result
    group = railways["railway"].map(RAIL_GROUPS).to_numpy(object)[rows]
    lines, ways = railways.geometry.to_numpy()[rows], railways["way_id"].to_numpy()[rows]
    points = shapely.points(ends[["x", "y"]].to_numpy(float))
    which, track = shapely.STRtree(lines).query(points, "dwithin", 300.0)
    fits = group[track] == ends["group"].to_numpy(object)[which]
    which, track = which[fits], track[fits]
    distance = shapely.distance(points[which], lines[track]).round(3)
    order = np.lexsort((ways[track], distance, which))
    which, track = which[order], track[order]
    first = np.unique(which, return_index=True)[1]
    result[which[first]] = rows[track[first]]
    return result


def _track_goes_on(ends: pd.DataFrame, railways: gpd.GeoDataFrame) -> Flags:
    """Open main track of the same group ahead of the terminal, beyond its turning sidings."""
    goes_on = np.zeros(len(ends), dtype=bool)
    rows = _main_tracks(railways)
    if not len(rows):
        return goes_on
    group = railways["railway"].map(RAIL_GROUPS).to_numpy(object)[rows]
    lines = railways.geometry.to_numpy()[rows]
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    side = np.stack([-heading[:, 1], heading[:, 0]], axis=1)
    low, high = _RAIL_AHEAD_M
    corners = [
        xy + heading * low - side * low * 0.5, xy + heading * high - side * high * 0.5,
        xy + heading * high + side * high * 0.5, xy + heading * low + side * low * 0.5,
    ]  # fmt: skip
    sectors = shapely.polygons(np.stack(corners, axis=1))
    which, track = shapely.STRtree(lines).query(sectors, "intersects")
    goes_on[which[group[track] == ends["group"].to_numpy(object)[which]]] = True
    return goes_on


# --- layers -------------------------------------------------------------------------------


def _compass_deg(dx: Any, dy: Any) -> Floats:
    return np.asarray(np.degrees(np.arctan2(np.asarray(dx, float), np.asarray(dy, float))) % 360.0)


def as_layer(ends: pd.DataFrame, near: Surroundings, border_id: str, crs: Any) -> gpd.GeoDataFrame:
    """Described and judged ends as rows of the layer ``road_ends``."""
    road = near.roads.iloc[ends["edge"]].reset_index(drop=True)
    edge_ids = near.roads["edge_id"].to_numpy(object)
    beyond = ends["beyond"].to_numpy(np.int64)
    columns = {
        "border_id": np.full(len(ends), border_id, dtype=object),
        "city_id": ends["city_id"].to_numpy(object),
        "node_id": near.nodes["node_id"].to_numpy()[ends["node"].to_numpy(np.int64)],
        "beyond_edge_id": np.where(beyond >= 0, edge_ids[beyond], None) if len(edge_ids) else [],
        "distance_to_border_m": ends["distance_m"],
        "heading_deg": _compass_deg(ends["dx"], ends["dy"]),
    }
    for name in ("edge_id", "way_id", "highway", "name", "ref", "speed_kmh"):
        columns[name] = road[name].to_numpy()
    for name in (
        "end_type", "rule", "is_mapping_gap", "confidence_tags", "confidence_heading",
        "confidence_class", "confidence_density",
    ):  # fmt: skip
        columns[name] = ends[name].to_numpy()
    frame = pd.DataFrame(columns).assign(twin_node_id=ends["twin_node_id"].array)
    points = shapely.points(ends[["x", "y"]].to_numpy(float)) if len(ends) else []
    return _conformed(frame, points, crs)


def _rail_as_layer(ends: pd.DataFrame, border_id: str, crs: Any) -> gpd.GeoDataFrame:
    if not len(ends):
        return schemas.empty("road_ends", crs)
    number = ends["station_id"].astype(str).str.removeprefix("n").astype("int64")
    frame = pd.DataFrame(
        {
            "border_id": border_id,
            "city_id": ends["city_id"],
            "node_id": number,
            "way_id": ends["way_id"],
            "edge_id": "rail/" + ends["way_id"].astype(str) + "/" + ends["group"],
            "highway": ends["highway"],
            "name": ends["name"],
            "ref": None,
            "end_type": "rail_end",
            "rule": ends["rule"],
            "distance_to_border_m": ends["distance_m"],
            "heading_deg": _compass_deg(ends["dx"], ends["dy"]),
            "is_mapping_gap": False,
            "confidence_tags": 0.9,
            "confidence_heading": np.clip(
                1.0 - 0.4 * np.degrees(np.arccos(np.clip(ends["cos"], -1, 1))) / 60.0, 0, 1
            ),
            "confidence_class": 1.0,
            "confidence_density": 1.0,
            "speed_kmh": np.nan,
            "twin_node_id": pd.array([pd.NA] * len(ends), dtype="Int64"),
            "beyond_edge_id": None,
        }
    )
    return _conformed(frame, shapely.points(ends[["x", "y"]].to_numpy(float)), crs)


def _conformed(frame: pd.DataFrame, points: Any, crs: Any) -> gpd.GeoDataFrame:
    result = schemas.conform("road_ends", gpd.GeoDataFrame(frame, geometry=list(points), crs=crs))
    return gpd.GeoDataFrame(result, geometry="geometry", crs=crs)
