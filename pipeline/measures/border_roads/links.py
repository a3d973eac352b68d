"""What border dead ends face, and the links that are missing, as layers.

What belongs here: the recipes of the three stages, and turning what they find
into rows: sides, ids, cost class, confidence, status of ends that face nothing,
ranks. Finding the ends belongs to `dead_ends`; who faces whom and the way round
to `pairing`; what lies in a gap to `gaps`; person-minutes to `gains`; several
links at once to the `scenario` verb.

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.border_roads import gains
from pipeline.measures.border_roads.confidence import (
    MAPPING_GAP_FACTOR,
    OPEN_END_FACTOR,
    own_confidence,
    pairing_factor,
)
from pipeline.measures.border_roads.gaps import describe_gaps, open_status
from pipeline.measures.border_roads.pairs import (
    BARRIER_REACH_M,
    ClassNetworks,
    border_between,
    border_of,
    joins_of,
    measure_detours,
    pairs_within,
    prepare_ends,
    propose_links,
)
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.borders.borders import is_natural_border, natural_lines
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.terms import ROAD_CLASSES

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]

NEIGHBOUR_M = 15.0
"""Two mapping gaps this near are one gap with two ends."""


def pair_road_ends(
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    road_ends: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    params: MissingLinksParams,
    borders_params: BordersParams,
) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """Pair the findings of all borders at once and describe each gap.

    Returns
    -------
    ``dead_ends``: the findings with what they face, and mapping gaps and rail
    ends, which never make a link; without ends that face another end which is
    near by road already (rule ``short_way_round``). ``link_candidates``: one row
    per pair, and per end that faces a through road. ``end_rules``: how many ends
    of each border each rule took, ``finding`` for those that are told.

    Raises
    ------
    CrsError
        If a layer is not in metres.
    """
    crs = require_metric(borders, "borders")
    require_metric(roads, "roads")
    ends = prepare_ends(road_ends)
    if not len(ends):
        empty: dict[str, Any] = {
            name: _empty(name, crs) for name in ("dead_ends", "link_candidates")
        }
        return {**empty, "end_rules": _count_rules(road_ends, empty["dead_ends"])}
    networks = ClassNetworks(roads, road_nodes)

    def crosses(i: Ints, j: Ints) -> Flags:
        city = ends["city_id"].to_numpy(object)
        return np.asarray((city[i] != city[j]) & (border_of(ends, borders, i, j) >= 0))

    def foreign(xy: Floats, i: Ints) -> Flags:
        there = locate_points(xy[:, 0], xy[:, 1], cities).to_numpy(object)
        return np.asarray(border_between(ends, borders, i, there) >= 0)

    links, is_short = propose_links(ends, roads, networks, crosses, foreign, params)
    links = _settle_sides(links, ends, borders, roads)
    links = measure_detours(links, networks, routing_network, roads)
    facts = describe_gaps(
        links, roads, waterways, land_areas, railways, buildings, barriers, params
    )
    links = pd.concat([links.drop(columns="obstacle", errors="ignore"), facts], axis=1)
    natural = natural_lines(waterways, land_areas, borders_params.river_min_width_m)

    def is_natural(points: Geometries, border_id: Any) -> Flags:
        x, y = shapely.get_x(points), shapely.get_y(points)
        reach = borders_params.river_distance_m
        return is_natural_border(x, y, border_id, borders, natural, reach)

    candidates = _as_links(links, ends, is_natural, params, crs)
    dead_ends = _as_dead_ends(
        ends, links, is_short, is_natural, roads, railways, land_areas, params, crs
    )
    rules = _count_rules(road_ends, dead_ends)
    return {"dead_ends": dead_ends, "link_candidates": candidates, "end_rules": rules}


def link_gains(
    rows: tuple[int, int],
    link_candidates: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> pd.DataFrame:
    """What each link saves the people of a range of zones (see `gains.partial_gains`).

    Returns
    -------
    Layer ``link_gains``: one row per link, 0 where nobody of the range gains.
    """
    a, b = gains.partial_gains(
        rows, link_candidates, zone_grid, routing_network, params, routing_params
    )
    table = pd.DataFrame(
        {
            "link_id": link_candidates["link_id"],
            "first_zone": rows[0],
            "gain_person_min_a": a,
            "gain_person_min_b": b,
        }
    )
    return conform("link_gains", table)


def assemble_links(
    link_candidates: gpd.GeoDataFrame, link_gains: pd.DataFrame, zone_grid: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Layer ``missing_links``: the candidates with both cities' gains, shares and ranks.

    The gain of a city whose population is not known is null.
    """
    parts = link_gains.sort_values(["link_id", "first_zone"])
    total = parts.groupby("link_id")[["gain_person_min_a", "gain_person_min_b"]].sum()
    total = total.reindex(link_candidates["link_id"])
    known = zone_grid.loc[zone_grid["population"].notna().to_numpy(), "city_id"].unique()
    gain = {
        side: np.where(link_candidates[city].isin(known), total[f"gain_person_min_{side}"], np.nan)
        for side, city in (("a", "from_city"), ("b", "to_city"))
    }
    both = gain["a"] + gain["b"]
    share = np.where(both > 0, 100.0 * gain["a"] / np.where(both > 0, both, 1.0), np.nan)
    table = link_candidates.assign(
        gain_person_min_a=gain["a"],
        gain_person_min_b=gain["b"],
        benefit_share_a_pct=share,
        rank=pd.array([pd.NA] * len(link_candidates), dtype="Int64"),
    )
    table = table[[*LAYERS["missing_links"].names, "geometry"]]
    return rank_links(
        gpd.GeoDataFrame(
            conform("missing_links", table), geometry="geometry", crs=link_candidates.crs
        )
    )


def rank_links(missing_links: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Number the links of all borders: 1 has the greatest total gain per km of gap.

    Ties go to the smaller link_id; a link whose gain is unknown has no rank and
    stands last.
    """
    total = (missing_links["gain_person_min_a"] + missing_links["gain_person_min_b"]).to_numpy(
        float
    )
    per_km = total / np.maximum(missing_links["gap_m"].to_numpy(float), 1.0) * 1e3
    ids = missing_links["link_id"].to_numpy(object).astype(str)
    order = np.lexsort((ids, -np.nan_to_num(per_km, nan=-1.0)))
    ordered = missing_links.iloc[order].reset_index(drop=True)
    known = ~np.isnan(per_km[order])
    rank = pd.array(np.cumsum(known), dtype="Int64")
    rank[~known] = pd.NA
    return gpd.GeoDataFrame(ordered.assign(rank=rank), geometry="geometry", crs=missing_links.crs)


def _count_rules(road_ends: gpd.GeoDataFrame, dead_ends: gpd.GeoDataFrame) -> pd.DataFrame:
    """Layer ``end_rules``: ends of each border by the rule that took them."""
    told = set(zip(dead_ends["border_id"], dead_ends["node_id"], strict=True))
    rule = road_ends["rule"].to_numpy(object).copy()
    for row in np.flatnonzero(rule == "finding"):
        end = road_ends.iloc[row]
        if (end["border_id"], end["node_id"]) not in told:
            rule[row] = "short_way_round"
        elif end["is_mapping_gap"]:
            rule[row] = "mapping_gap"
    table = pd.DataFrame({"border_id": road_ends["border_id"], "rule": rule})
    counted = table.groupby(["border_id", "rule"]).size().rename("ends").reset_index()
    for each in counted.itertuples():
        log.info("road ends of %s: %s %d", each.border_id, each.rule, each.ends)
    return conform("end_rules", counted)


def _empty(name: str, crs: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(empty_layer(name, crs), geometry="geometry", crs=crs)


# --- sides ---------------------------------------------------------------------------------


def _settle_sides(
    links: pd.DataFrame, ends: pd.DataFrame, borders: gpd.GeoDataFrame, roads: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Add joins, speed, minutes, gap geometry and the border; is_swapped: i is on city_b's side."""
    links = pd.concat([links.reset_index(drop=True), joins_of(links, ends, roads)], axis=1)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    if not len(links):
        return links.assign(link_minutes=np.empty(0), geometry=[], is_swapped=False, border_id=[])
    row_of = pd.Series(np.arange(len(borders)), index=borders["border_id"].to_numpy(object))
    own = row_of.reindex(ends["border_id"].to_numpy(object)[i]).to_numpy().astype(np.int64)
    paired = np.where(j >= 0, border_of(ends, borders, i, np.maximum(j, 0)), own)
    border = np.where(paired >= 0, paired, own)
    is_swapped = borders["city_a"].to_numpy(object)[border] != ends["city_id"].to_numpy(object)[i]
    speed = ends["speed_kmh"].to_numpy(float)
    edge, beyond = links["edge"].to_numpy(np.int64), links["beyond"].to_numpy(np.int64)
    other_edge = np.where(edge >= 0, edge, beyond)
    road_speed = np.where(other_edge >= 0, roads["speed_kmh"].to_numpy(float)[other_edge], np.inf)
    speed = np.minimum(speed[i], np.where(j >= 0, speed[j], road_speed))
    length = links["gap_m"].to_numpy(float).copy()
    length[beyond >= 0] = links["extra_m"].to_numpy(float)[beyond >= 0]
    start = ends[["x", "y"]].to_numpy(float)[i]
    stop = np.where(
        (j >= 0)[:, None], ends[["x", "y"]].to_numpy(float)[j], links[["x", "y"]].to_numpy(float)
    )
    blocked = beyond >= 0
    heading = ends[["dx", "dy"]].to_numpy(float)[i]
    stop[blocked] = start[blocked] + heading[blocked] * BARRIER_REACH_M
    start[blocked] = start[blocked] - heading[blocked] * BARRIER_REACH_M
    first, last = (
        np.where(is_swapped[:, None], stop, start),
        np.where(is_swapped[:, None], start, stop),
    )
    links["to_node"] = np.where(edge >= 0, _nearer_node(links, roads), links["node_j"])
    return links.assign(
        border_id=borders["border_id"].to_numpy(object)[border],
        city_a=borders["city_a"].to_numpy(object)[border],
        city_b=borders["city_b"].to_numpy(object)[border],
        is_swapped=is_swapped,
        link_minutes=length / 1e3 / speed * 60.0,
        geometry=list(shapely.linestrings(np.stack([first, last], axis=1))),
    )


def _nearer_node(links: pd.DataFrame, roads: gpd.GeoDataFrame) -> Ints:
    """The end of the faced edge that is nearer to where the link meets it."""
    edge = links["edge"].to_numpy(np.int64)
    spots = shapely.points(np.nan_to_num(links[["x", "y"]].to_numpy(float)))
    share = shapely.line_locate_point(roads.geometry.to_numpy()[edge], spots, normalized=True)
    nearer = np.where(
        share <= 0.5,
        roads["from_node"].to_numpy(np.int64)[edge],
        roads["to_node"].to_numpy(np.int64)[edge],
    )
    return np.asarray(nearer, dtype=np.int64)


# --- layers -------------------------------------------------------------------------------


def _link_ids(links: pd.DataFrame, ends: pd.DataFrame, border_id: Any) -> Any:
    first = np.minimum(links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64))
    second = np.maximum(links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64))
    return [f"{each}/{a}-{b}" for each, a, b in zip(border_id, first, second, strict=True)]


def _as_links(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    is_natural: Callable[[Geometries, Any], Flags],
    params: MissingLinksParams,
    crs: Any,
) -> gpd.GeoDataFrame:
    if not len(links):
        return _empty("link_candidates", crs)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    swapped = links["is_swapped"].to_numpy(bool)
    border_id = links["border_id"].to_numpy(object)
    own = own_confidence(ends)
    confidence = np.where(j >= 0, np.minimum(own[i], own[j]), own[i]) * pairing_factor(
        links["quality"].to_numpy(float), (links["kind"] == "facing_road").to_numpy(dtype=bool)
    )
    twin_i = np.where(links["twin_i"] != links["node_i"], links["twin_i"], -1)
    twin_j = np.where(links["twin_j"] != links["node_j"], links["twin_j"], -1)

    def sided(near: Any, far: Any) -> tuple[Any, Any]:
        return np.where(swapped, far, near), np.where(swapped, near, far)

    join_from, join_to = sided(links["node_i"], links["to_node"])
    twin_from, twin_to = sided(twin_i, twin_j)
    is_faced = (links["kind"] == "facing_road").to_numpy(bool)
    gap = links["gap_m"].to_numpy(float)
    detour = links["detour_m"].to_numpy(float)
    rank = links["class_rank"].to_numpy(np.int64)
    frame = pd.DataFrame(
        {
            "link_id": _link_ids(links, ends, border_id),
            "border_id": border_id,
            "from_node": join_from,
            "to_node": join_to,
            "from_city": links["city_a"],
            "to_city": links["city_b"],
            "highway": np.array(ROAD_CLASSES, dtype=object)[rank],
            "gap_m": gap,
            "detour_m": detour,
            "detour_ratio": detour / gap,
            "minutes_saved": links["minutes_saved"],
            "obstacle": links["obstacle"],
            "status": links["status"],
            "indicative_cost_class": _cost_class(
                gap, links["bridge_m"].to_numpy(float), rank, params
            ),
            "kind": links["kind"],
            "confidence": confidence,
            "is_natural_border": is_natural(
                shapely.line_interpolate_point(
                    np.asarray(links["geometry"].tolist(), dtype=object), 0.5, normalized=True
                ),
                border_id,
            ),
            "link_minutes": links["link_minutes"],
            "join_from": join_from,
            "join_to": join_to,
            "twin_from": pd.array(pd.Series(twin_from).where(twin_from >= 0), dtype="Int64"),
            "twin_to": pd.array(pd.Series(twin_to).where(twin_to >= 0), dtype="Int64"),
            "facing_x": links["x"],
            "facing_y": links["y"],
            "is_facing_from": is_faced & swapped,
        }
    )
    frame = gpd.GeoDataFrame(frame, geometry=list(links["geometry"]), crs=crs)
    # Two ends may meet the same junction from both sides: one link.
    frame = frame.sort_values(["link_id", "gap_m"]).drop_duplicates("link_id", ignore_index=True)
    frame = conform("link_candidates", frame)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _cost_class(gap_m: Floats, bridge_m: Floats, rank: Ints, params: MissingLinksParams) -> Any:
    """Class of length times cost of the road class, the bridged part several times dearer."""
    costs: dict[str, float] = {str(name): cost for name, cost in params.cost_per_km.items()}
    per_km: Floats = np.array([costs[name] for name in ROAD_CLASSES], dtype=np.float64)[rank]
    cost = per_km * (gap_m + bridge_m * (params.bridge_cost_factor - 1.0)) / 1e3
    names = np.array(["low", "medium", "high", "very_high"], dtype=object)
    return names[np.searchsorted(np.array(params.cost_classes_m_cny), cost, side="left")]


def _as_dead_ends(
    ends: pd.DataFrame,
    links: pd.DataFrame,
    is_short: Flags,
    is_natural: Callable[[Geometries, Any], Flags],
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: MissingLinksParams,
    crs: Any,
) -> gpd.GeoDataFrame:
    count = len(ends)
    kind = np.full(count, "open_end", dtype=object)
    status = open_status(ends, roads, land_areas, params)
    obstacle, link_id = np.full(count, None, dtype=object), np.full(count, None, dtype=object)
    quality = np.full(count, OPEN_END_FACTOR)
    ids = (
        np.array(_link_ids(links, ends, links["border_id"]), dtype=object)
        if len(links)
        else np.empty(0, object)
    )
    for column in ("i", "j"):
        at = links[column].to_numpy(np.int64)
        own = at >= 0
        kind[at[own]] = links["kind"].to_numpy(object)[own]
        status[at[own]] = links["status"].to_numpy(object)[own]
        obstacle[at[own]] = links["obstacle"].to_numpy(object)[own]
        link_id[at[own]] = ids[own]
        quality[at[own]] = pairing_factor(
            links["quality"].to_numpy(float), (links["kind"] == "facing_road").to_numpy(dtype=bool)
        )[own]
    gap = ends["is_mapping_gap"].to_numpy(bool)
    kind[gap] = np.where(_has_neighbour(ends, gap), "facing_pair", "facing_road")
    status[gap], obstacle[gap], quality[gap] = "mapping_gap", "none", MAPPING_GAP_FACTOR
    rail = (ends["end_type"] == "rail_end").to_numpy(bool)
    kind[rail] = _rail_kinds(ends[rail], params)
    status[rail] = _rail_status(ends[rail], railways)
    lone_barrier = (ends["end_type"] == "barrier_end").to_numpy(bool) & (kind == "open_end")
    obstacle[lone_barrier] = None
    base = ends["border_id"].astype(str) + "/" + ends["node_id"].astype(str)
    # Two roads end at a barrier on a node; a station may bear a road node's number.
    again = base.groupby(base.to_numpy()).cumcount()
    frame = ends.assign(
        dead_end_id=base.where(again == 0, base + "/" + (again + 1).astype(str)),
        kind=kind,
        status=status,
        obstacle=obstacle,
        link_id=link_id,
        confidence=own_confidence(ends) * quality,
        is_natural_border=is_natural(
            shapely.points(ends[["x", "y"]].to_numpy(float)), ends["border_id"]
        ),
    )[[*LAYERS["dead_ends"].names]]
    frame = gpd.GeoDataFrame(
        frame, geometry=shapely.points(ends[["x", "y"]].to_numpy(float)), crs=crs
    )
    frame = conform("dead_ends", frame[~is_short])
    frame = frame.sort_values("dead_end_id", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _has_neighbour(ends: pd.DataFrame, gap: Flags) -> Flags:
    """Of the mapping gaps, which ones are a gap to another of them."""
    near = np.zeros(len(ends), dtype=bool)
    i, j = pairs_within(ends[["x", "y"]].to_numpy(float), np.flatnonzero(gap), NEIGHBOUR_M)
    near[i], near[j] = True, True
    return near[gap]


def _rail_kinds(ends: pd.DataFrame, params: MissingLinksParams) -> Any:
    """``facing_pair`` where a line of the other city ends ahead and looks back."""
    kind = np.full(len(ends), "open_end", dtype=object)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    i, j = pairs_within(xy, np.arange(len(ends)), params.max_gap_m)
    across = xy[j] - xy[i]
    ahead = across / np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-9)[:, None]
    limit = np.cos(np.radians(params.facing_tolerance_deg))
    city = ends["city_id"].to_numpy(object)
    faces = ((heading[i] * ahead).sum(axis=1) >= limit) & (
        -(heading[j] * ahead).sum(axis=1) >= limit
    )
    faces &= city[i] != city[j]
    kind[i[faces]], kind[j[faces]] = "facing_pair", "facing_pair"
    return kind


def _rail_status(ends: pd.DataFrame, railways: gpd.GeoDataFrame) -> Any:
    """Track under construction or proposed that starts at the terminal and runs ahead."""
    status = np.full(len(ends), "unbuilt", dtype=object)
    rows = np.flatnonzero((railways["status"] != "open").to_numpy(dtype=bool))
    if not len(rows) or not len(ends):
        return status
    start = ends[["x", "y"]].to_numpy(float)
    ahead = shapely.points(start + ends[["dx", "dy"]].to_numpy(float) * 300.0)
    lines = railways.geometry.to_numpy()[rows]
    which, track = shapely.STRtree(lines).query(ahead, "dwithin", 350.0)
    state = railways["status"].to_numpy(object)[rows][track]
    status[which[state == "proposed"]] = "planned"
    status[which[state == "construction"]] = "under_construction"
    return status
