"""Roads that stop short of a border.

What belongs here: finding every end near a border on the physical topology,
its heading, and the rule that makes it a finding or not. Rail lines that stop
belong to `rail_ends`; what an end faces, whether a link is missing and what it
would gain to `missing_links`.

The rules are those of methods.md 3; ``docs/dead-ends.md`` explains them to
readers. An end is judged by geometry and tags alone, never by the order of rows
or borders: all ties go to the smaller id.

Coordinates are the metro's metric CRS. Directions are unit vectors pointing
outward, away from the road that ends.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.border_roads import confidence
from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.rail_ends import find_rail_ends
from pipeline.measures.border_roads.surroundings import (
    SAME_WAY_COS,
    Flags,
    Floats,
    Geometries,
    Ints,
    Surroundings,
    compass_deg,
    dot,
    inside,
    of_border,
    surround,
    unit,
)
from pipeline.measures.borders.borders import BorderIndex
from pipeline.measures.geometry.areas import locate_points
from pipeline.terms import BLOCKING_BARRIERS, CLASS_RANK, ENTRANCES, stops_cars

log = logging.getLogger(__name__)

TURNING_PLACES = ("turning_circle", "turning_loop", "mini_roundabout")
LOWEST_LISTED = CLASS_RANK["residential"]
"""Ends of lower classes are too many to list; they are not examined at all."""

_PROBE_M = 100.0
_MOST_STEPS = 15
_MARGIN_M = 1_500.0


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
    params: DeadEndsParams,
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
    road_nodes
        Layer ``road_nodes``, in which the extract's cut is marked already.

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
        return empty_layer("road_ends", crs)
    own = borders[(borders["border_id"] == border_id).to_numpy(dtype=bool)]
    border = own.iloc[0]
    near = surround(
        border.geometry,
        roads,
        road_nodes,
        tagged_nodes,
        land_areas,
        barriers,
        stations,
        2.0 * params.search_radius_m + _MARGIN_M,
    )
    ends = place_ends(list_ends(near, params), near, border, borders, params.search_radius_m)
    ends = describe_ends(ends, near, BorderIndex(own), params)
    ends = _home_city(ends, border, cities, params)
    ends = judge_ends(ends, near, params)
    table = as_layer(ends, near, border_id, crs)
    rail = find_rail_ends(border_id, borders, railways, stations, transit_links, params)
    result = pd.concat([each for each in (table, rail) if len(each)] or [table])
    for rule, count in result["rule"].value_counts().sort_index().items():
        log.info("road ends of %s: %s %d of %d", border_id, rule, count, len(result))
    result = result.sort_values(["node_id", "edge_id"], ignore_index=True)
    return gpd.GeoDataFrame(result, geometry="geometry", crs=crs)


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
    alike = dot(near.leave[first], near.leave[second]) > SAME_WAY_COS
    different = near.half_edge[first] != near.half_edge[second]
    # Two roads with numbers of their own that end at one place are not one road.
    ref = near.roads["ref"].fillna("").to_numpy(object)
    one, two = ref[near.half_edge[first]], ref[near.half_edge[second]]
    same = (one == two) | (one == "") | (two == "")
    is_joined[near.half_node[first]] = both & turns & alike & different & same
    return is_joined


def _blocked_nodes(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both directions of roads cut by a barrier on a node: one row per direction."""
    ranked = _through_nodes(near, params, stops_cars(near.nodes["barrier"], near.nodes["access"]))
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
    through = dot(near.leave[first], near.leave[second]) < 0.0
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
    ends: pd.DataFrame,
    near: Surroundings,
    border: pd.Series,
    borders: gpd.GeoDataFrame,
    reach_m: float,
    city: str | None = None,
    line: int = 0,
) -> pd.DataFrame:
    """The ends that belong to one border (see `of_border`), with city_id, distance_m and line.

    ``city`` replaces every end's city, where the border is a placebo inside one,
    and ``line`` tells several placebos apart: an end may be placed along more
    than one, and ends of different lines know nothing of each other.
    """
    cities = near.nodes["city_id"].to_numpy(dtype=object)[ends["node"].to_numpy(np.int64)]
    ends = ends.assign(city_id=cities if city is None else city, line=line)
    return of_border(ends, border, borders, reach_m)


# --- what an end looks like ---------------------------------------------------------------


def describe_ends(
    ends: pd.DataFrame, near: Surroundings, border: BorderIndex, params: DeadEndsParams
) -> pd.DataFrame:
    """Add heading (dx, dy), the last segment's direction (tip_x, tip_y), and the point behind.

    ``back_x, back_y`` lies ``params.heading_length_m`` back along the road, or
    where the road's own line begins. ``cos`` is the cosine of the angle at which
    the heading leads to the border (see `BorderIndex.approach_cos`).
    """
    back = _point_behind(ends, near, params.heading_length_m)
    point = ends[["x", "y"]].to_numpy(float)
    heading = unit(point - back)
    tip = unit(point - _vertex_behind(ends, near))
    cos = border.approach_cos(
        point[:, 0],
        point[:, 1],
        heading,
        course_m=params.border_course_m,
        most_deg=params.heading_tolerance_deg,
    )
    return ends.assign(
        dx=heading[:, 0],
        dy=heading[:, 1],
        tip_x=tip[:, 0],
        tip_y=tip[:, 1],
        back_x=back[:, 0],
        back_y=back[:, 1],
        cos=cos,
    )


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
    return inside(near.lines[edge], side, left)


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
    straight = -dot(near.leave[half], near.leave[far[who]])
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
        ("too_short", _is_mouth(ends, near, params)),
        ("turning_circle", node["highway"].isin(TURNING_PLACES).to_numpy(dtype=bool)),
        ("loop", _ends_in_loop(ends, near)),
        ("pedestrian_street", ~is_barrier & _on_pedestrian_street(node, near)),
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
        confidence_tags=confidence.tag_factor(road),
        confidence_heading=confidence.heading_factor(
            ends["cos"].to_numpy(float), params.heading_tolerance_deg
        ),
        confidence_class=confidence.class_factor(
            road["class_rank"].to_numpy(),
            (ends["end_type"] == "class_end").to_numpy(dtype=bool),
            _goes_on_lower(ends, near, road),
        ),
        confidence_density=confidence.density_factor(xy, near.lines),
    )
    table.loc[twin < 0, "twin_node_id"] = pd.NA
    return table


def _is(near: Surroundings, tag: str, values: Collection[str]) -> Flags:
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
    marks = near.tagged["entrance"].notna().to_numpy(dtype=bool) | _is(near, "barrier", ENTRANCES)
    return _near_spots(xy, near.tagged_xy[marks], params.entrance_distance_m)


def _is_mouth(ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams) -> Flags:
    """Class ends whose class is a few metres long: the mouth of the lower road, or its bridge."""
    rank = near.roads["class_rank"].to_numpy().astype(np.int64)
    length = shapely.length(near.lines)
    edge, side = ends["edge"].to_numpy(np.int64).copy(), ends["side"].to_numpy(np.int64).copy()
    run = length[edge]
    active = np.flatnonzero((ends["end_type"] == "class_end").to_numpy(dtype=bool))
    for _ in range(_MOST_STEPS):
        active = active[run[active] < params.class_end_least_m]
        if not len(active):
            break
        next_edge, next_side = _continuation(edge[active], side[active], near)
        goes_on = (next_edge >= 0) & (rank[next_edge] == rank[edge[active]])
        active = active[goes_on]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
        run[active] += length[edge[active]]
    is_class_end = (ends["end_type"] == "class_end").to_numpy(dtype=bool)
    return np.asarray(is_class_end & (run < params.class_end_least_m))


def _on_pedestrian_street(node: pd.DataFrame, near: Surroundings) -> Flags:
    """Whether the street goes on at each node, for people on foot only."""
    chosen = near.tagged["is_on_pedestrian_street"].to_numpy(dtype=bool)
    return np.isin(node["node_id"].to_numpy(), near.tagged["node_id"].to_numpy()[chosen])


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


def _goes_on_lower(ends: pd.DataFrame, near: Surroundings, road: pd.DataFrame) -> Flags:
    """Class ends whose road goes on ahead as a lower class under the same name or number."""
    node = ends["node"].to_numpy(np.int64)
    size = near.first[node + 1] - near.first[node]
    who = np.repeat(np.arange(len(ends)), size)
    half = np.repeat(near.first[node] - (np.cumsum(size) - size), size) + np.arange(size.sum())
    edge = near.half_edge[half]
    same = np.zeros(len(half), dtype=bool)
    for text in ("name", "ref"):
        own, other = road[text].to_numpy(object)[who], near.roads[text].to_numpy(object)[edge]
        same |= (own == other) & near.roads[text].notna().to_numpy(bool)[edge]
    ahead = dot(near.leave[half], ends[["dx", "dy"]].to_numpy(float)[who]) > 0.0
    lower = near.roads["class_rank"].to_numpy()[edge] > road["class_rank"].to_numpy()[who]
    found = np.zeros(len(ends), dtype=bool)
    found[who[same & ahead & lower]] = True
    return found & (ends["end_type"] == "class_end").to_numpy(dtype=bool)


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
        line = ends["line"].to_numpy()
        good = (
            (flow[i] != flow[j])
            & (line[i] == line[j])
            & (dot(heading[i], heading[j]) > SAME_WAY_COS)
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
        against = -dot(direction, heading[which]) * _flow(ends)[rows][which]
        own = edge == ends["edge"].to_numpy()[rows][which]
        fits = (
            (against > SAME_WAY_COS)
            & ~own
            & _same_road(road.iloc[rows[which]], near.roads.iloc[edge])
        )
        # The nearest point of a half that stops beside the end lies behind the probe.
        along = shapely.line_locate_point(near.lines[edge], probe[which])
        foot = shapely.get_coordinates(shapely.line_interpolate_point(near.lines[edge], along))
        fits &= np.abs(dot(foot - shapely.get_coordinates(probe[which]), heading[which])) < 30.0
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
    return unit(shapely.get_coordinates(after) - shapely.get_coordinates(before))


def _is_faced(ends: pd.DataFrame, road: pd.DataFrame, rule: Any, params: DeadEndsParams) -> Flags:
    """Whether an end of the other city, of about the same class, looks back at each end."""
    faced = np.zeros(len(ends), dtype=bool)
    rows = np.flatnonzero(rule == "finding")
    if len(rows) < 2:
        return faced
    xy, heading = ends[["x", "y"]].to_numpy(float)[rows], ends[["dx", "dy"]].to_numpy(float)[rows]
    i, j = cKDTree(xy).query_pairs(params.search_radius_m, output_type="ndarray").reshape(-1, 2).T
    ahead = unit(xy[j] - xy[i])
    city, rank = ends["city_id"].to_numpy(object)[rows], road["class_rank"].to_numpy(np.int64)[rows]
    line = ends["line"].to_numpy()[rows]
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


def _is_mapping_gap(
    ends: pd.DataFrame,
    near: Surroundings,
    road: pd.DataFrame,
    node: pd.DataFrame,
    eligible: Flags,
    params: DeadEndsParams,
) -> Flags:
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


# --- layers -------------------------------------------------------------------------------


def as_layer(ends: pd.DataFrame, near: Surroundings, border_id: Any, crs: Any) -> gpd.GeoDataFrame:
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
