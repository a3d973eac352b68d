"""What border dead ends face, the links that are missing, and what each would gain.

What belongs here: pairing ends across a border, facing roads, what lies in the
gap, the detour that the gap forces, and the person-minutes that closing it
would save. Finding the ends belongs to `dead_ends`; scenarios of several links
at once to the `scenario` verb.

Sources: methods.md 3. The gain is exact for one link at a time: a path that uses
the new link uses it once, so the new time between two zones is the old one or
zone - one end - link - other end - zone.

Coordinates are the metro's metric CRS.
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
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial import cKDTree

from pipeline import schemas
from pipeline.config import (
    CLASS_RANK,
    ROAD_CLASSES,
    DeadEndsParams,
    MissingLinksParams,
    RoutingParams,
)
from pipeline.crs import require_metric
from pipeline.measures import routing
from pipeline.measures.network import locate_points

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]

GAP_DECAY_M = 1_500.0
"""A pair's quality falls to 1/e over this gap: near ends belong together first."""

SAME_NAME_BONUS = 1.4
CLASS_STEP_FACTOR = 0.85
FACING_ROAD_FACTOR = 0.1
"""Joining a through road competes with pairing two ends, and should rarely win."""

CORRIDOR_SHARE = 0.3
"""A planned road that fills this share of the gap is the link itself."""

NEIGHBOUR_M = 15.0
"""Two mapping gaps this near are one gap with two ends."""

OPEN_END_QUALITY = 0.8
MAPPING_GAP_QUALITY = 0.5
BARRIER_REACH_M = 10.0
"""A link through a barrier on a node is drawn from this far before it to this far behind."""

RAIL_CROSSING_M = 60.0
MOTORWAY_CROSSING_M = 100.0

_ROAD_ENDS = ("degree_one", "class_end", "barrier_end")
_WATER = (
    ("natural", ("water",)),
    ("waterway", ("riverbank", "dock")),
    ("landuse", ("reservoir", "basin")),
)
_RIVER_WATER = ("river", "canal", "oxbow")
_PROTECTED = (("boundary", ("protected_area", "national_park")), ("leisure", ("nature_reserve",)))


def pair_road_ends(
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    road_ends: gpd.GeoDataFrame,
    routing_network: routing.RoutingNetwork,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    params: MissingLinksParams,
    dead_ends_params: DeadEndsParams,
) -> dict[str, gpd.GeoDataFrame]:
    """Pair the findings of all borders at once and describe each gap.

    Returns
    -------
    ``dead_ends``: the findings with what they face, and mapping gaps and rail
    ends, which never make a link; without ends that face another end which is
    near by road already (rule ``short_way_round``). ``link_candidates``: one row
    per pair, and per end that faces a through road.

    Raises
    ------
    CrsError
        If a layer is not in metres.
    """
    crs = require_metric(borders, "borders")
    require_metric(roads, "roads")
    ends = prepare_ends(road_ends)
    if not len(ends):
        return {name: _empty(name, crs) for name in ("dead_ends", "link_candidates")}
    networks = ClassNetworks(roads, road_nodes)

    def crosses(i: Ints, j: Ints) -> Flags:
        city = ends["city_id"].to_numpy(object)
        return np.asarray((city[i] != city[j]) & (_border_of(ends, borders, i, j) >= 0))

    def foreign(xy: Floats, i: Ints) -> Flags:
        there = locate_points(xy[:, 0], xy[:, 1], cities).to_numpy(object)
        return np.asarray(_border_between(ends, borders, i, there) >= 0)

    links, is_short = propose_links(ends, roads, networks, crosses, foreign, params)
    links = _settle_sides(links, ends, borders, roads)
    links = _measure_detours(links, networks, routing_network, roads)
    facts = describe_gaps(
        links, roads, waterways, land_areas, railways, buildings, barriers, params
    )
    links = pd.concat([links.drop(columns="obstacle", errors="ignore"), facts], axis=1)
    candidates = _as_links(links, ends, params, crs)
    dead_ends = _as_dead_ends(
        ends, links, candidates, is_short, roads, railways, waterways, land_areas, params, crs
    )
    log.info("short_way_round drops %d of %d road ends", int(is_short.sum()), len(ends))
    return {"dead_ends": dead_ends, "link_candidates": candidates}


def link_gains(
    rows: tuple[int, int],
    link_candidates: gpd.GeoDataFrame,
    zone_grid: pd.DataFrame,
    travel_times: pd.DataFrame,
    routing_network: routing.RoutingNetwork,
    params: MissingLinksParams,
) -> gpd.GeoDataFrame:
    """What each link would save the people of both cities, minutes times persons.

    With t the free-flow times, H the horizon and m the link's minutes, the new
    time of zones i, j is min(t(i,j), t(i,a)+m+t(b,j), t(i,b)+m+t(a,j)). Only zones
    to which one end is more than m nearer than the other can gain, which prunes
    the blocks without changing the result. gain_a = sum over zones i of city_a of
    p_i sum_j w_ij min(t - t_new, cap), w_ij = p_j f(t_ij) / sum_k p_k f(t_ik).

    Parameters
    ----------
    rows
        Half-open range of rows of ``link_candidates`` to work on.
    travel_times
        Old times; of mode ``drive`` are used. For weights a pair that is not
        listed counts as the horizon; where such a pair would be quicker than
        the horizon over the link, its old time is searched for, so that a
        cutoff below the horizon adds no gain of its own.

    Returns
    -------
    Layer ``missing_links`` of these rows, ``rank`` null (see `rank_links`).
    """
    links = link_candidates.iloc[rows[0] : rows[1]].reset_index(drop=True)
    crs = getattr(link_candidates, "crs", None)
    if not len(links):
        return _empty("missing_links", crs)
    zones = _Zones(zone_grid, travel_times, routing_network, params)
    times = _end_times(links, zones, routing_network, params)
    gains = [
        zones.gain(link, *(each[n] for each in times)) for n, link in enumerate(links.itertuples())
    ]
    gain_a = np.array([each[0] for each in gains])
    gain_b = np.array([each[1] for each in gains])
    total = gain_a + gain_b
    share = np.where(total > 0, 100.0 * gain_a / np.where(total > 0, total, 1.0), np.nan)
    table = links.assign(
        gain_person_min_a=gain_a, gain_person_min_b=gain_b, benefit_share_a_pct=share,
        rank=pd.array([pd.NA] * len(links), dtype="Int64"),
    )  # fmt: skip
    table = table[[*schemas.LAYERS["missing_links"].names, "geometry"]]
    return gpd.GeoDataFrame(schemas.conform("missing_links", table), geometry="geometry", crs=crs)


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


def _empty(name: str, crs: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(schemas.empty(name, crs), geometry="geometry", crs=crs)


# --- ends and class networks --------------------------------------------------------------


def prepare_ends(road_ends: gpd.GeoDataFrame) -> pd.DataFrame:
    """The findings in the order of their ids, with coordinates, direction and class rank."""
    found = road_ends[(road_ends["rule"] == "finding").to_numpy(dtype=bool)]
    found = found.sort_values(["node_id", "edge_id", "border_id"], ignore_index=True)
    xy = shapely.get_coordinates(found.geometry.to_numpy())
    angle = np.radians(found["heading_deg"].to_numpy(float))
    rank = found["highway"].map(CLASS_RANK).astype("float").fillna(-9).to_numpy().astype(np.int64)
    table = pd.DataFrame(found.drop(columns="geometry"))
    return table.assign(x=xy[:, 0], y=xy[:, 1], dx=np.sin(angle), dy=np.cos(angle), class_rank=rank)


class ClassNetworks:
    """The road network limited to a class and above; each built once, when first asked for.

    Detours are measured on roads at most one class below the link, else the
    farm track that continues a class end would hide it.
    """

    def __init__(self, roads: gpd.GeoDataFrame, road_nodes: gpd.GeoDataFrame) -> None:
        self._roads = roads
        self._road_nodes = road_nodes
        self._networks: dict[int, routing.RoutingNetwork] = {}

    def for_link(self, class_rank: int) -> routing.RoutingNetwork:
        """The network on which the detour of a link of this class is measured."""
        lowest = min(class_rank + 1, len(ROAD_CLASSES) - 1)
        if lowest not in self._networks:
            chosen = (self._roads["class_rank"] <= lowest) & (self._roads["status"] == "open")
            nothing = schemas.empty("turn_restrictions")
            self._networks[lowest] = routing.prepare(
                self._roads[chosen.to_numpy(dtype=bool)], self._road_nodes, nothing,
                RoutingParams(lowest_class=ROAD_CLASSES[lowest]),
            )  # fmt: skip
        return self._networks[lowest]


def _border_of(ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints, j: Ints) -> Ints:
    """Row of the border between two ends' cities that either of them stands at; -1 where none."""
    first = _border_between(ends, borders, i, ends["city_id"].to_numpy(object)[j])
    second = _border_between(ends, borders, j, ends["city_id"].to_numpy(object)[i])
    return np.where(first >= 0, first, second)


def _border_between(
    ends: pd.DataFrame, borders: gpd.GeoDataFrame, i: Ints, other_city: Any
) -> Ints:
    """Row of the end's own border where it parts the end's city from the other; else -1."""
    ids = borders["border_id"].to_numpy(object)
    row = (
        pd.Series(np.arange(len(ids)), index=ids)
        .reindex(ends["border_id"].to_numpy(object)[i])
        .to_numpy()
    )
    own = ends["city_id"].to_numpy(object)[i]
    a, b = borders["city_a"].to_numpy(object)[row], borders["city_b"].to_numpy(object)[row]
    fits = ((a == own) & (b == other_city)) | ((b == own) & (a == other_city))
    return np.where(fits, row, -1)


# --- proposing ----------------------------------------------------------------------------


def propose_links(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    networks: ClassNetworks,
    crosses: Callable[[Ints, Ints], Flags],
    foreign: Callable[[Floats, Ints], Flags],
    params: MissingLinksParams,
) -> tuple[pd.DataFrame, Flags]:
    """The links to tell, and which ends have a short way round instead.

    Parameters
    ----------
    crosses
        Whether the link between ends i and j crosses the border looked at.
    foreign
        Whether points lie across the border from ends i.

    Returns
    -------
    Links with columns i, j (row of ``ends``; j -1 for a facing road), edge (row
    of ``roads`` faced, else -1), x, y (where it is met), gap_m, quality, kind,
    preset (what barrier ends know already).
    """
    is_road = ends["end_type"].isin(("degree_one", "class_end")).to_numpy(dtype=bool)
    free = np.flatnonzero(is_road & ~ends["is_mapping_gap"].to_numpy(dtype=bool))
    barrier = _barrier_links(ends, roads)
    barrier, barrier_short = _without_short(barrier, ends, roads, networks, params)
    pairs = _facing_pairs(ends, free, roads, crosses, params)
    good, short = _without_short(pairs, ends, roads, networks, params)
    faced = _facing_roads(ends, free, roads, foreign, params)
    faced, _ = _without_short(faced, ends, roads, networks, params)
    chosen = _assign(good, faced, len(ends), ends)
    used = np.zeros(len(ends), dtype=bool)
    used[chosen["i"]], used[chosen["j"]] = True, True
    faced = faced[~used[faced["i"].to_numpy(np.int64)]]
    links = pd.concat(
        [each for each in (barrier, chosen, faced) if len(each)] or [chosen], ignore_index=True
    )
    linked = np.zeros(len(ends), dtype=bool)
    for column in ("i", "j"):
        rows = links[column].to_numpy(np.int64)
        linked[rows[rows >= 0]] = True
    is_short = _have_short_way(short, barrier_short, len(ends)) & ~linked
    return links.sort_values(["i", "j"], ignore_index=True), is_short


def _have_short_way(short: pd.DataFrame, barrier_short: pd.DataFrame, count: int) -> Flags:
    result = np.zeros(count, dtype=bool)
    for table in (short, barrier_short):
        for column in ("i", "j"):
            rows = table[column].to_numpy(np.int64)
            result[rows[rows >= 0]] = True
    return result


def _links_table(**columns: Any) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    for name, value in (
        ("j", -1),
        ("edge", -1),
        ("x", np.nan),
        ("y", np.nan),
        ("piece", -1),
        ("beyond", -1),
    ):
        if name not in table:
            table[name] = value
    return table


def _facing_pairs(
    ends: pd.DataFrame, free: Ints, roads: gpd.GeoDataFrame, crosses: Callable[[Ints, Ints], Flags],
    params: MissingLinksParams,
) -> pd.DataFrame:  # fmt: skip
    """Pairs of ends that face each other across the border, with their quality."""
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    rank = ends["class_rank"].to_numpy(np.int64)
    i, j = _pairs_within(xy, free, params.max_gap_m)
    i, j = np.minimum(i, j), np.maximum(i, j)
    near = (np.abs(rank[i] - rank[j]) <= params.class_steps) & crosses(i, j)
    i, j = i[near], j[near]
    across = xy[j] - xy[i]
    gap = np.hypot(across[:, 0], across[:, 1])
    ahead = across / np.maximum(gap, 1e-9)[:, None]
    angle_i = _angle_deg((heading[i] * ahead).sum(axis=1))
    angle_j = _angle_deg(-(heading[j] * ahead).sum(axis=1))
    faces = (np.maximum(angle_i, angle_j) <= params.facing_tolerance_deg + 1e-9) & (gap > 0)
    i, j, gap = i[faces], j[faces], gap[faces]
    quality = (
        _gap_quality(gap)
        * _angle_quality(angle_i[faces], params)
        * _angle_quality(angle_j[faces], params)
        * np.where(rank[i] == rank[j], 1.0, CLASS_STEP_FACTOR)
        * np.where(
            _same_text(ends, i, j, "name") | _same_text(ends, i, j, "ref"), SAME_NAME_BONUS, 1.0
        )
    )
    return _links_table(
        i=i,
        j=j,
        gap_m=gap,
        quality=quality,
        kind="facing_pair",
        class_rank=np.maximum(rank[i], rank[j]),
    )


def _pairs_within(xy: Floats, rows: Ints, distance_m: float) -> tuple[Ints, Ints]:
    if len(rows) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    found = cKDTree(xy[rows]).query_pairs(distance_m, output_type="ndarray").reshape(-1, 2)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    return rows[found[:, 0]], rows[found[:, 1]]


def _angle_deg(cos: Floats) -> Floats:
    return np.asarray(np.degrees(np.arccos(np.clip(cos, -1.0, 1.0))))


def _gap_quality(gap_m: Floats) -> Floats:
    return np.asarray(np.exp(-gap_m / GAP_DECAY_M))


def _angle_quality(angle_deg: Floats, params: MissingLinksParams) -> Floats:
    """1 straight ahead, 0.5 at the tolerance."""
    return np.asarray(1.0 - 0.5 * angle_deg / params.facing_tolerance_deg)


def _same_text(ends: pd.DataFrame, i: Ints, j: Ints, column: str) -> Flags:
    text = ends[column].fillna("").astype(str).to_numpy(object)
    return np.asarray((text[i] == text[j]) & (text[i] != ""))


def _facing_roads(
    ends: pd.DataFrame, free: Ints, roads: gpd.GeoDataFrame,
    foreign: Callable[[Floats, Ints], Flags],
    params: MissingLinksParams,
) -> pd.DataFrame:  # fmt: skip
    """For each end the nearest through road ahead of it, where that lies across the border.

    Only roads of the link's class steps count, and none that is met behind
    another such road of the end's own side.
    """
    nothing = _links_table(i=[], j=[], gap_m=[], quality=[], kind=[], class_rank=[]).astype(
        {"i": np.int64}
    )
    rank = roads["class_rank"].to_numpy(np.int64)
    flat = ~(
        roads["is_bridge"] | roads["is_tunnel"] | roads["is_link"] | roads["is_closed"]
    ).to_numpy(bool)
    # Nothing is joined to a motorway between its junctions; service roads and tracks lead nowhere.
    usable = (
        flat
        & (roads["status"] == "open").to_numpy(bool)
        & (rank > 0)
        & (rank < CLASS_RANK["service"])
    )
    usable &= rank <= ends["class_rank"].max() + params.class_steps
    # A road that ends itself is no through road: it is faced at its end or not at all.
    usable[_edge_rows(ends, roads)[_edge_rows(ends, roads) >= 0]] = False
    rows = np.flatnonzero(usable)
    if not len(free) or not len(rows):
        return nothing
    xy, heading = ends[["x", "y"]].to_numpy(float)[free], ends[["dx", "dy"]].to_numpy(float)[free]
    sectors = _sectors(xy, heading, params.facing_tolerance_deg, params.max_gap_m)
    rows = rows[_touching_boxes(roads.geometry.to_numpy()[rows], sectors)]
    lines = roads.geometry.to_numpy()[rows]
    who, edge = shapely.STRtree(lines).query(sectors, "intersects")
    end_rank = ends["class_rank"].to_numpy(np.int64)[free]
    node = ends["node_id"].to_numpy()[free]
    own = (roads["from_node"].to_numpy()[rows][edge] == node[who]) | (
        roads["to_node"].to_numpy()[rows][edge] == node[who]
    )
    fits = (np.abs(rank[rows][edge] - end_rank[who]) <= params.class_steps) & ~own
    who, edge = who[fits], edge[fits]
    who, edge, foot = _feet(xy, heading, sectors, lines, who, edge, params)
    gap = np.hypot(*(foot - xy[who]).T)
    angle = _angle_deg((heading[who] * (foot - xy[who])).sum(axis=1) / np.maximum(gap, 1e-9))
    # Going straight on is worth a longer way: at the tolerance a metre counts twice.
    cost = (gap * (1.0 + angle / params.facing_tolerance_deg)).round(3)
    ids = roads["edge_id"].to_numpy(object)[rows].astype(str)
    order = np.lexsort((ids[edge], cost, who))
    first = order[np.unique(who[order], return_index=True)[1]] if len(order) else order
    who, edge, foot, gap = who[first], edge[first], foot[first], gap[first]
    good = (gap > 1.0) & foreign(foot, free[who]) if len(who) else np.zeros(0, dtype=bool)
    who, edge, foot, gap = who[good], edge[good], foot[good], gap[good]
    angle = _angle_deg((heading[who] * (foot - xy[who])).sum(axis=1) / np.maximum(gap, 1e-9))
    return _links_table(
        i=free[who], edge=rows[edge], x=foot[:, 0], y=foot[:, 1], gap_m=gap,
        quality=_gap_quality(gap) * _angle_quality(angle, params), kind="facing_road",
        class_rank=np.maximum(end_rank[who], rank[rows][edge]),
    )  # fmt: skip


def _feet(
    xy: Floats, heading: Floats, sectors: Geometries, lines: Geometries, who: Ints, edge: Ints,
    params: MissingLinksParams,
) -> tuple[Ints, Ints, Floats]:  # fmt: skip
    """Where each end may meet each road ahead: its nearest point in sight, and straight on."""
    rays = shapely.linestrings(np.stack([xy, xy + heading * params.max_gap_m], axis=1))
    straight = shapely.intersection(lines[edge], rays[who])
    seen = shapely.intersection(lines[edge], sectors[who])
    hits = ~shapely.is_empty(straight)
    parts = np.concatenate([seen, straight[hits]])
    who, edge = np.concatenate([who, who[hits]]), np.concatenate([edge, edge[hits]])
    good = ~shapely.is_empty(parts)
    who, edge, parts = who[good], edge[good], parts[good]
    foot = shapely.get_point(shapely.shortest_line(shapely.points(xy[who]), parts), 1)
    return who, edge, shapely.get_coordinates(foot)


def _sectors(xy: Floats, heading: Floats, half_deg: float, radius_m: float) -> Geometries:
    steps = np.radians(np.linspace(-half_deg, half_deg, 13))
    dx = heading[:, :1] * np.cos(steps) - heading[:, 1:] * np.sin(steps)
    dy = heading[:, :1] * np.sin(steps) + heading[:, 1:] * np.cos(steps)
    rim = xy[:, None, :] + radius_m * np.stack([dx, dy], axis=2)
    return np.asarray(shapely.polygons(np.concatenate([xy[:, None, :], rim], axis=1)))


def _touching_boxes(lines: Geometries, shapes: Geometries) -> Flags:
    """Cheap first cut: lines whose box lies in the shapes' common box."""
    box, bounds = shapely.total_bounds(shapes), shapely.bounds(lines)
    return np.asarray(
        (bounds[:, 0] <= box[2])
        & (bounds[:, 2] >= box[0])
        & (bounds[:, 1] <= box[3])
        & (bounds[:, 3] >= box[1])
    )


def _barrier_links(ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Links of barrier ends: across a blocked node, or along a closed piece.

    ``beyond`` is the row of the edge behind the barrier; ``piece`` the row of
    the closed piece, whose two ends make one link.
    """
    rows = np.flatnonzero((ends["end_type"] == "barrier_end").to_numpy(dtype=bool))
    edge_row = pd.Series(np.arange(len(roads)), index=roads["edge_id"].to_numpy(object))
    edge_row = edge_row[~edge_row.index.duplicated()]
    beyond = (
        edge_row.reindex(ends["beyond_edge_id"].to_numpy(object)[rows])
        .fillna(-1)
        .to_numpy()
        .astype(np.int64)
    )
    rows, beyond = rows[beyond >= 0], beyond[beyond >= 0]
    is_piece = roads["is_closed"].to_numpy(bool)[beyond]
    table = pd.DataFrame({"row": rows, "beyond": beyond})[is_piece]
    both = table.groupby("beyond")["row"].agg(["min", "max", "size"]).reset_index()
    both = both[(both["size"] == 2).to_numpy(bool)]
    rank = ends["class_rank"].to_numpy(np.int64)
    xy = ends[["x", "y"]].to_numpy(float)
    i, j = both["min"].to_numpy(np.int64), both["max"].to_numpy(np.int64)
    pieces = _links_table(
        i=i, j=j, gap_m=np.hypot(*(xy[i] - xy[j]).T), quality=1.0, kind="facing_pair",
        class_rank=np.maximum(rank[i], rank[j]), piece=both["beyond"].to_numpy(np.int64),
    )  # fmt: skip
    nodes = pd.DataFrame({"row": rows, "beyond": beyond, "node": ends["node_id"].to_numpy()[rows]})[
        ~is_piece
    ]
    nodes = (
        nodes.groupby("node")
        .agg(i=("row", "min"), j=("row", "max"), beyond=("beyond", "first"))
        .reset_index()
    )
    i, j, beyond = (nodes[name].to_numpy(np.int64) for name in ("i", "j", "beyond"))
    nodes = _links_table(
        i=i, j=np.where(j > i, j, -1), gap_m=2.0 * BARRIER_REACH_M, quality=1.0, kind="facing_pair",
        beyond=beyond,
        class_rank=np.maximum(rank[i], roads["class_rank"].to_numpy(np.int64)[beyond]),
    )  # fmt: skip
    return pd.concat([each for each in (pieces, nodes) if len(each)] or [pieces], ignore_index=True)


# --- joins and detours --------------------------------------------------------------------


def _edge_rows(ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> Ints:
    rows = pd.Series(np.arange(len(roads)), index=roads["edge_id"].to_numpy(object))
    rows = rows[~rows.index.duplicated()]
    found = rows.reindex(ends["edge_id"].to_numpy(object)).fillna(-1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _joins(links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Where each link joins the network on both sides: node_i, twin_i, node_j, twin_j, extra_m.

    ``extra_m`` is the way from a blocked node to the next junctions, part of the
    detour because a search cannot start inside the barrier.
    """
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    node, twin = (
        ends["node_id"].to_numpy(np.int64),
        ends["twin_node_id"].to_numpy(dtype=float, na_value=-1).astype(np.int64),
    )
    from_node, to_node = roads["from_node"].to_numpy(np.int64), roads["to_node"].to_numpy(np.int64)
    length = roads["length_m"].to_numpy(float)
    node_i, node_j = node[i].copy(), np.where(j >= 0, node[j], -1)
    twin_i, twin_j = twin[i].copy(), np.where(j >= 0, twin[j], -1)
    extra = np.zeros(len(links))
    blocked = np.flatnonzero(links["beyond"].to_numpy(np.int64) >= 0)
    home = _edge_rows(ends, roads)[i[blocked]]
    other = links["beyond"].to_numpy(np.int64)[blocked]
    here = node[i[blocked]]
    node_i[blocked] = np.where(from_node[home] == here, to_node[home], from_node[home])
    node_j[blocked] = np.where(from_node[other] == here, to_node[other], from_node[other])
    extra[blocked] = length[home] + length[other]
    return pd.DataFrame(
        {"node_i": node_i, "twin_i": np.where(twin_i >= 0, twin_i, node_i), "node_j": node_j,
         "twin_j": np.where(twin_j >= 0, twin_j, node_j), "extra_m": extra}
    )  # fmt: skip


def _side_access(
    network: routing.RoutingNetwork,
    links: pd.DataFrame,
    joins: pd.DataFrame,
    roads: gpd.GeoDataFrame,
) -> tuple[routing.Access, routing.Access]:
    """Access of both sides, each with its twin behind: 2n points on either side."""
    first = network.access_of_nodes(np.concatenate([joins["node_i"], joins["twin_i"]]))
    second = network.access_of_nodes(np.concatenate([joins["node_j"], joins["twin_j"]]))
    edge = links["edge"].to_numpy(np.int64)
    at = np.flatnonzero(edge >= 0)
    if len(at):
        faced = roads.iloc[edge[at]]
        segment = network.segments_of_edges(faced)
        spots = shapely.points(links[["x", "y"]].to_numpy(float)[at])
        share = shapely.line_locate_point(faced.geometry.to_numpy(), spots, normalized=True)
        flipped = (
            np.asarray(network.segment_is_flipped)[np.maximum(segment, 0)]
            if network.n_segments
            else np.zeros(len(at), bool)
        )
        on_road = network.access_on_segments(segment, np.where(flipped, 1.0 - share, share))
        order = np.arange(2 * len(links))
        order[at], order[len(links) + at] = (
            2 * len(links) + np.arange(len(at)),
            2 * len(links) + np.arange(len(at)),
        )
        second = routing.Access.concat([second, on_road]).take(order)
    return first, second


def _between(
    network: routing.RoutingNetwork, links: pd.DataFrame, joins: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    mode: routing.Mode, cutoff: float,
) -> Floats:  # fmt: skip
    """Shortest way between both sides of each link, over twins and both directions; inf: none."""
    count = len(links)
    if not count:
        return np.empty(0)
    first, second = _side_access(network, links, joins, roads)
    out = network.times_between(first, second, mode=mode, cutoff_min=cutoff)
    back = network.times_between(second, first, mode=mode, cutoff_min=cutoff)
    row = np.arange(count)
    ways = [
        table[p * count + row, q * count + row]
        for table in (out, back)
        for p in (0, 1)
        for q in (0, 1)
    ]
    return np.asarray(np.min(ways, axis=0))


def _without_short(
    links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame, networks: ClassNetworks,
    params: MissingLinksParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Links told apart: those that force a detour, and those with a short way round already."""
    is_short = np.zeros(len(links), dtype=bool)
    joins = _joins(links, ends, roads)
    for rank in np.unique(links["class_rank"].to_numpy(np.int64)) if len(links) else []:
        at = np.flatnonzero((links["class_rank"] == rank).to_numpy(bool))
        limit = np.maximum(
            params.min_detour_ratio * links["gap_m"].to_numpy(float)[at], params.min_detour_m
        )
        way = _between(
            networks.for_link(int(rank)),
            links.iloc[at],
            joins.iloc[at],
            roads,
            "metres",
            float(limit.max()),
        )
        is_short[at] = way + joins["extra_m"].to_numpy()[at] < limit
    return links[~is_short].reset_index(drop=True), links[is_short].reset_index(drop=True)


def _measure_detours(
    links: pd.DataFrame,
    networks: ClassNetworks,
    network: routing.RoutingNetwork,
    roads: gpd.GeoDataFrame,
) -> pd.DataFrame:
    detour = np.full(len(links), np.inf)
    for rank in np.unique(links["class_rank"].to_numpy(np.int64)) if len(links) else []:
        at = np.flatnonzero((links["class_rank"] == rank).to_numpy(bool))
        limited = networks.for_link(int(rank))
        detour[at] = _between(limited, links.iloc[at], links.iloc[at], roads, "metres", np.inf)
    detour += links["extra_m"].to_numpy(float)
    minutes = _between(network, links, links, roads, "drive", np.inf)
    minutes = minutes - links["link_minutes"].to_numpy(float)
    return links.assign(
        detour_m=np.where(np.isfinite(detour), detour, np.nan),
        minutes_saved=np.where(np.isfinite(minutes), minutes, np.nan),
    )


# --- assignment ---------------------------------------------------------------------------


def _assign(
    pairs: pd.DataFrame, faced: pd.DataFrame, count: int, ends: pd.DataFrame
) -> pd.DataFrame:
    """The set of pairs, no end used twice, with the greatest total quality.

    Solved per connected component. Between two cities the ends form two sides;
    around a tripoint an odd circle of cities may not, and there ends of
    different borders are not paired.
    """
    alone = np.zeros(count)
    alone[faced["i"].to_numpy(np.int64)] = FACING_ROAD_FACTOR * faced["quality"].to_numpy(float)
    i, j = pairs["i"].to_numpy(np.int64), pairs["j"].to_numpy(np.int64)
    value = pairs["quality"].to_numpy(float) - alone[i] - alone[j]
    pairs, i, j, value = pairs[value > 0], i[value > 0], j[value > 0], value[value > 0]
    if not len(pairs):
        return pairs
    side = _two_sides(i, j, count)
    border = ends["border_id"].to_numpy(object)
    odd = np.isin(_component(i, j, count)[i], _component(i, j, count)[i][side[i] == side[j]])
    keep = ~odd | (border[i] == border[j])
    pairs, i, j, value = pairs[keep], i[keep], j[keep], value[keep]
    label, side = _component(i, j, count), _two_sides(i, j, count)
    chosen = np.zeros(len(pairs), dtype=bool)
    for each in np.unique(label[i]):
        at = np.flatnonzero(label[i] == each)
        at = at[side[i[at]] != side[j[at]]]
        left = np.where(side[i[at]] == 0, i[at], j[at])
        right = np.where(side[i[at]] == 0, j[at], i[at])
        row_of, row = np.unique(left, return_inverse=True)
        column_of, column = np.unique(right, return_inverse=True)
        table = np.zeros((len(row_of), len(column_of)))
        table[row, column] = value[at]
        best = np.full(table.shape, -1)
        best[row, column] = at
        rows, columns = linear_sum_assignment(table, maximize=True)
        taken = best[rows, columns]
        chosen[taken[taken >= 0]] = True
    return pairs[chosen].reset_index(drop=True)


def _component(i: Ints, j: Ints, count: int) -> Ints:
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _two_sides(i: Ints, j: Ints, count: int) -> Ints:
    """0 or 1 by parity of the steps from each component's first end."""
    graph = coo_array(
        (np.ones(2 * len(i)), (np.concatenate([i, j]), np.concatenate([j, i]))),
        shape=(count, count),
    ).tocsr()
    side = np.zeros(count, dtype=np.int64)
    label = _component(i, j, count)
    for start in np.unique(label[i], return_index=True)[1]:
        order, parent = breadth_first_order(graph, i[start], directed=False)
        for node in order[1:]:
            side[node] = 1 - side[parent[node]]
    return side


# --- sides, gaps --------------------------------------------------------------------------


def _settle_sides(
    links: pd.DataFrame, ends: pd.DataFrame, borders: gpd.GeoDataFrame, roads: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Add joins, speed, minutes, gap geometry and the border; is_swapped: i is on city_b's side."""
    links = pd.concat([links.reset_index(drop=True), _joins(links, ends, roads)], axis=1)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    if not len(links):
        return links.assign(link_minutes=np.empty(0), geometry=[], is_swapped=False, border_id=[])
    row_of = pd.Series(np.arange(len(borders)), index=borders["border_id"].to_numpy(object))
    own = row_of.reindex(ends["border_id"].to_numpy(object)[i]).to_numpy().astype(np.int64)
    paired = np.where(j >= 0, _border_of(ends, borders, i, np.maximum(j, 0)), own)
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


def describe_gaps(
    links: pd.DataFrame, roads: gpd.GeoDataFrame, waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> pd.DataFrame:  # fmt: skip
    """Obstacle, status and bridge_m (length to be bridged) of each gap's straight line."""
    lines = np.asarray(links["geometry"].tolist(), dtype=object)
    wet_m, is_river_area, water = _water_in_gaps(lines, land_areas)
    river = waterways["waterway"].isin(("river", "canal")) & ~waterways["is_tunnel"].astype(bool)
    rivers = waterways[river.to_numpy(dtype=bool)]
    river_hit, river_width = _crossings(
        lines, rivers.geometry.to_numpy(), rivers["width_m"].to_numpy(float)
    )
    wet_m = np.maximum(wet_m, np.nan_to_num(river_width))
    flat = ~(roads["is_bridge"] | roads["is_tunnel"]).to_numpy(bool) & (
        roads["status"] == "open"
    ).to_numpy(bool)
    motorway = roads.geometry.to_numpy()[flat & (roads["highway"] == "motorway").to_numpy(bool)]
    track = (
        (railways["status"] == "open")
        & ~railways["is_tunnel"].astype(bool)
        & ~railways["is_bridge"].astype(bool)
    )
    tracks = railways.geometry.to_numpy()[track.to_numpy(dtype=bool)]
    has_motorway, has_track = _hits(lines, motorway), _hits(lines, tracks)
    is_barrier = (
        ((links["piece"] >= 0) | (links["beyond"] >= 0)).to_numpy(bool)
        if len(links)
        else np.zeros(0, bool)
    )
    protected = land_areas.geometry.to_numpy()[_of_values(land_areas, _PROTECTED)]
    inner = _shrunk(lines)
    holds = [
        ("barrier", is_barrier),
        ("river", river_hit | is_river_area),
        ("water", wet_m > 0),
        ("motorway", has_motorway),
        ("railway", has_track),
        ("building", _hits(inner, buildings.geometry.to_numpy())),
        ("protected", _hits(inner, protected)),
        ("barrier", _hits(lines, barriers.geometry.to_numpy())),
        ("none", np.ones(len(lines), dtype=bool)),
    ]
    names = np.array([name for name, _ in holds], dtype=object)
    obstacle = names[np.stack([held for _, held in holds]).argmax(axis=0)]
    planned = _planned_in_gaps(lines, roads)
    natural = _is_natural(lines, wet_m, water, roads, params) & ~is_barrier
    status = np.where(planned != "", planned, np.where(natural, "natural_barrier", "unbuilt"))
    bridge_m = wet_m + MOTORWAY_CROSSING_M * has_motorway + RAIL_CROSSING_M * has_track
    bridge_m = np.minimum(np.where(is_barrier, 0.0, bridge_m), shapely.length(lines))
    return pd.DataFrame({"obstacle": obstacle, "status": status, "bridge_m": bridge_m})


def _of_values(
    land_areas: gpd.GeoDataFrame, table: tuple[tuple[str, tuple[str, ...]], ...]
) -> Flags:
    chosen = np.zeros(len(land_areas), dtype=bool)
    for key, values in table:
        chosen |= ((land_areas["key"] == key) & land_areas["value"].isin(values)).to_numpy(
            dtype=bool
        )
    return chosen


def _shrunk(lines: Geometries) -> Geometries:
    """Lines without their outermost two metres, which may touch what stands at the ends."""
    if not len(lines):
        return lines
    length = shapely.length(lines)
    cut = np.minimum(2.0, length / 4.0)
    start = shapely.get_coordinates(shapely.line_interpolate_point(lines, cut))
    stop = shapely.get_coordinates(shapely.line_interpolate_point(lines, length - cut))
    return np.asarray(shapely.linestrings(np.stack([start, stop], axis=1)))


def _hits(lines: Geometries, shapes: Geometries) -> Flags:
    hit = np.zeros(len(lines), dtype=bool)
    if len(lines) and len(shapes):
        hit[shapely.STRtree(shapes).query(lines, "intersects")[0]] = True
    return hit


def _crossings(lines: Geometries, shapes: Geometries, width_m: Floats) -> tuple[Flags, Floats]:
    """Whether each line crosses a shape, and the greatest tagged width; nan where untagged."""
    hit, width = np.zeros(len(lines), dtype=bool), np.full(len(lines), np.nan)
    if len(lines) and len(shapes):
        which, shape = shapely.STRtree(shapes).query(lines, "intersects")
        hit[which] = True
        np.fmax.at(width, which, width_m[shape])
    return hit, width


def _water_in_gaps(
    lines: Geometries, land_areas: gpd.GeoDataFrame
) -> tuple[Floats, Flags, Geometries]:
    """Metres of each line over water areas, whether one is a river's, and all water areas."""
    chosen = _of_values(land_areas, _WATER)
    water = land_areas.geometry.to_numpy()[chosen]
    kind = land_areas["water"].isin(_RIVER_WATER) | (
        (land_areas["key"] == "waterway") & (land_areas["value"] == "riverbank")
    )
    is_river = kind.to_numpy(dtype=bool)[chosen]
    wet, river = np.zeros(len(lines)), np.zeros(len(lines), dtype=bool)
    if len(lines) and len(water):
        which, area = shapely.STRtree(water).query(lines, "intersects")
        for each in np.unique(which):
            over = area[which == each]
            part = shapely.intersection(lines[each], shapely.union_all(water[over]))
            wet[each] = shapely.length(part)
            river[each] = bool(is_river[over].any()) and wet[each] > 0
    return wet, river, water


def _is_natural(
    lines: Geometries,
    wet_m: Floats,
    water: Geometries,
    roads: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> Flags:
    """Water wider than the limit in the gap, and no road bridge over it near by."""
    natural = wet_m > params.natural_water_width_m
    if not natural.any():
        return natural
    chosen = roads["is_bridge"].to_numpy(bool) & (roads["status"] == "open").to_numpy(bool)
    chosen &= roads["class_rank"].to_numpy() <= CLASS_RANK["residential"]
    bridges = roads.geometry.to_numpy()[chosen]
    bridge_tree, water_tree = shapely.STRtree(bridges), shapely.STRtree(water)
    for each in np.flatnonzero(natural):
        reach = shapely.buffer(lines[each], params.natural_bridge_distance_m)
        near = water[water_tree.query(reach, "intersects")]
        if not len(near):
            continue
        body = shapely.get_parts(shapely.union_all(near))
        body = body[shapely.intersects(body, lines[each])]
        over = bridges[bridge_tree.query(reach, "intersects")]
        natural[each] = (
            not shapely.intersects(shapely.multilinestrings(list(over)), shapely.union_all(body))
            if len(over)
            else True
        )
    return natural


def _planned_in_gaps(lines: Geometries, roads: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """``under_construction`` or ``planned`` where such a road fills the gap, else empty."""
    result = np.full(len(lines), "", dtype=object)
    rows = np.flatnonzero((roads["status"] != "open").to_numpy(dtype=bool))
    if not len(rows) or not len(lines):
        return result
    gap = shapely.length(lines)
    corridor = shapely.buffer(lines, np.clip(0.1 * gap, 50.0, 300.0))
    future = roads.geometry.to_numpy()[rows]
    status = roads["status"].to_numpy(object)[rows]
    which, edge = shapely.STRtree(future).query(corridor, "intersects")
    inside = shapely.length(shapely.intersection(future[edge], corridor[which]))
    for name, told in (("proposed", "planned"), ("construction", "under_construction")):
        of = status[edge] == name
        length = np.bincount(which[of], weights=inside[of], minlength=len(lines))
        result[length >= CORRIDOR_SHARE * gap] = told
    return result


# --- layers -------------------------------------------------------------------------------


def _pairing_quality(links: pd.DataFrame) -> Floats:
    """0.6 for the faintest pair to 1 for near, straight, equal ends; a facing road a tenth less."""
    quality = 0.6 + 0.4 * np.minimum(links["quality"].to_numpy(float), 1.0)
    return np.asarray(quality * np.where(links["kind"] == "facing_road", 0.9, 1.0))


def _own_confidence(ends: pd.DataFrame) -> Floats:
    factors = ("tags", "heading", "class", "density")
    return np.asarray(
        np.prod([ends[f"confidence_{name}"].to_numpy(float) for name in factors], axis=0)
    )


def _link_ids(links: pd.DataFrame, ends: pd.DataFrame, border_id: Any) -> Any:
    first = np.minimum(links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64))
    second = np.maximum(links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64))
    return [f"{each}/{a}-{b}" for each, a, b in zip(border_id, first, second, strict=True)]


def _as_links(
    links: pd.DataFrame, ends: pd.DataFrame, params: MissingLinksParams, crs: Any
) -> gpd.GeoDataFrame:
    if not len(links):
        return _empty("link_candidates", crs)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    swapped = links["is_swapped"].to_numpy(bool)
    border_id = links["border_id"].to_numpy(object)
    own = _own_confidence(ends)
    confidence = np.where(j >= 0, np.minimum(own[i], own[j]), own[i]) * _pairing_quality(links)
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
    frame = schemas.conform("link_candidates", frame)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _cost_class(gap_m: Floats, bridge_m: Floats, rank: Ints, params: MissingLinksParams) -> Any:
    """Class of length times cost of the road class, the bridged part several times dearer."""
    costs: dict[str, float] = {str(name): cost for name, cost in params.cost_per_km.items()}
    per_km: Floats = np.array([costs[name] for name in ROAD_CLASSES], dtype=np.float64)[rank]
    cost = per_km * (gap_m + bridge_m * (params.bridge_cost_factor - 1.0)) / 1e3
    names = np.array(["low", "medium", "high", "very_high"], dtype=object)
    return names[np.searchsorted(np.array(params.cost_classes_m_cny), cost, side="left")]


def _as_dead_ends(
    ends: pd.DataFrame, links: pd.DataFrame, candidates: gpd.GeoDataFrame, is_short: Flags,
    roads: gpd.GeoDataFrame, railways: gpd.GeoDataFrame, waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame, params: MissingLinksParams, crs: Any,
) -> gpd.GeoDataFrame:  # fmt: skip
    count = len(ends)
    kind = np.full(count, "open_end", dtype=object)
    status = _open_status(ends, roads, land_areas, params)
    obstacle, link_id = np.full(count, None, dtype=object), np.full(count, None, dtype=object)
    quality = np.full(count, OPEN_END_QUALITY)
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
        quality[at[own]] = _pairing_quality(links)[own]
    gap = ends["is_mapping_gap"].to_numpy(bool)
    kind[gap] = np.where(_has_neighbour(ends, gap), "facing_pair", "facing_road")
    status[gap], obstacle[gap], quality[gap] = "mapping_gap", "none", MAPPING_GAP_QUALITY
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
        kind=kind, status=status, obstacle=obstacle, link_id=link_id,
        confidence=_own_confidence(ends) * quality,
    )[[*schemas.LAYERS["dead_ends"].names]]  # fmt: skip
    frame = gpd.GeoDataFrame(
        frame, geometry=shapely.points(ends[["x", "y"]].to_numpy(float)), crs=crs
    )
    frame = schemas.conform("dead_ends", frame[~is_short])
    frame = frame.sort_values("dead_end_id", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _has_neighbour(ends: pd.DataFrame, gap: Flags) -> Flags:
    """Of the mapping gaps, which ones are a gap to another of them."""
    near = np.zeros(len(ends), dtype=bool)
    i, j = _pairs_within(ends[["x", "y"]].to_numpy(float), np.flatnonzero(gap), NEIGHBOUR_M)
    near[i], near[j] = True, True
    return near[gap]


def _open_status(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> NDArray[np.object_]:
    """Status of an end that faces nothing: a planned road that starts there, or wide water."""
    status = np.full(len(ends), "unbuilt", dtype=object)
    start = ends[["x", "y"]].to_numpy(float)
    reach = np.clip(2.0 * ends["distance_to_border_m"].to_numpy(float), 500.0, params.max_gap_m)
    rays = shapely.linestrings(
        np.stack([start, start + ends[["dx", "dy"]].to_numpy(float) * reach[:, None]], axis=1)
    )
    wet, _, water = _water_in_gaps(rays, land_areas)
    status[_is_natural(rays, wet, water, roads, params)] = "natural_barrier"
    rows = np.flatnonzero((roads["status"] != "open").to_numpy(dtype=bool))
    if len(rows):
        lines = roads.geometry.to_numpy()[rows]
        which, edge = shapely.STRtree(lines).query(shapely.points(start), "dwithin", 30.0)
        state = roads["status"].to_numpy(object)[rows][edge]
        status[which[state == "proposed"]] = "planned"
        status[which[state == "construction"]] = "under_construction"
    return status


def _rail_kinds(ends: pd.DataFrame, params: MissingLinksParams) -> Any:
    """``facing_pair`` where a line of the other city ends ahead and looks back."""
    kind = np.full(len(ends), "open_end", dtype=object)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    i, j = _pairs_within(xy, np.arange(len(ends)), params.max_gap_m)
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


# --- gains --------------------------------------------------------------------------------


def _end_times(
    links: pd.DataFrame, zones: _Zones, network: routing.RoutingNetwork, params: MissingLinksParams
) -> tuple[Floats, Floats, Floats, Floats]:
    """Minutes zone to end and end to zone: to_a, from_a, to_b, from_b, each [link, zone]."""
    result = []
    for side, faces in (("from", links["is_facing_from"]), ("to", ~links["is_facing_from"])):
        faced = faces.to_numpy(bool) & links["facing_x"].notna().to_numpy(bool)
        node = links[f"join_{side}"].to_numpy(np.int64)
        twin = links[f"twin_{side}"].to_numpy(dtype=float, na_value=-1).astype(np.int64)
        access = network.access_of_nodes(np.concatenate([node, np.where(twin >= 0, twin, node)]))
        access = _with_faced(access, faced, links, network)
        for reverse in (True, False):
            times = network.times(
                access, mode="drive", cutoff_min=params.horizon_min, reverse=reverse
            )
            at_zones = network.arrive(
                times, zones.access, mode="drive", reverse=reverse, origins=access
            )
            result.append(np.minimum(at_zones[: len(links)], at_zones[len(links) :]))
    return result[0], result[1], result[2], result[3]


def _with_faced(
    access: routing.Access, faced: Flags, links: pd.DataFrame, network: routing.RoutingNetwork
) -> routing.Access:
    """Access on the facing road itself, where the link meets it, instead of at its node."""
    rows = np.flatnonzero(faced)
    if not len(rows):
        return access
    spots = links[["facing_x", "facing_y"]].to_numpy(float)[rows]
    on_road, snap_m = network.access_of_points(spots[:, 0], spots[:, 1], 2.0)
    rows, on_road = rows[~np.isnan(snap_m)], on_road.take(~np.isnan(snap_m))
    order = np.arange(len(access))
    order[rows] = order[rows + len(links)] = len(access) + np.arange(len(rows))
    return routing.Access.concat([access, on_road]).take(order)


class _Zones:
    """Zones, their people, and the old times between them."""

    def __init__(
        self, zone_grid: pd.DataFrame, travel_times: pd.DataFrame, network: routing.RoutingNetwork,
        params: MissingLinksParams,
    ) -> None:  # fmt: skip
        self.network = network
        self.params = params
        self.access = network.access_of_zones(zone_grid)
        population = zone_grid["population"].to_numpy(float)
        self.is_known = ~np.isnan(population)
        self.people = np.nan_to_num(population)
        self.city = zone_grid["city_id"].to_numpy(object)
        index = pd.Series(np.arange(len(zone_grid)), index=zone_grid["cell"].to_numpy(object))
        drive = (travel_times["mode"] == "drive").to_numpy(dtype=bool)
        start, stop = (
            _codes(travel_times["from_cell"], index),
            _codes(travel_times["to_cell"], index),
        )
        kept = drive & (start >= 0) & (stop >= 0)
        # Sorted by origin, so that a zone's row is a slice.
        order = np.flatnonzero(kept)
        order = order[np.argsort(start[order], kind="stable")]
        self.destination = stop[order]
        self.minutes = travel_times["minutes"].to_numpy()[order]
        self.first = np.searchsorted(start[order], np.arange(len(zone_grid) + 1))

    def decay(self, minutes: Floats) -> Floats:
        """f(t), the weight of a destination by its old time."""
        return np.asarray(
            np.exp2(-np.minimum(minutes, self.params.horizon_min) / self.params.decay_half_min)
        )

    def gain(
        self, link: Any, to_a: Floats, from_a: Floats, to_b: Floats, from_b: Floats
    ) -> tuple[float, float]:
        """Person-minutes gained by both cities' people; nan where nobody is known."""
        reached = np.isfinite(to_a) | np.isfinite(to_b)
        gains = []
        for city in (link.from_city, link.to_city):
            mine = (self.city == city) & self.is_known & reached
            if not mine.any():
                gains.append(np.nan)
                continue
            total = self._gain_over(mine, to_a, from_b, to_b, from_a, link.link_minutes)
            total += self._gain_over(mine, to_b, from_a, to_a, from_b, link.link_minutes)
            gains.append(total)
        return gains[0], gains[1]

    def _gain_over(
        self,
        mine: Flags,
        to_near: Floats,
        from_far: Floats,
        to_far: Floats,
        from_near: Floats,
        minutes: float,
    ) -> float:
        """Gain of these origins by driving the link from the near end to the far end."""
        horizon = self.params.horizon_min
        can_go = mine & (to_near + minutes < np.minimum(to_far, horizon)) & (self.people > 0)
        can_come = (from_far + minutes < np.minimum(from_near, horizon)) & (self.people > 0)
        origins, destinations = np.flatnonzero(can_go), np.flatnonzero(can_come)
        if not len(origins) or not len(destinations):
            return 0.0
        new = to_near[origins, None] + minutes + from_far[None, destinations]
        listed, weight_sum = self._listed(origins, destinations)
        old = self._old_times(origins, destinations, listed, new)
        saved = np.clip(np.minimum(old, horizon) - new, 0.0, self.params.gain_cap_min)
        table = np.where(np.isnan(listed), horizon, listed)
        weight = self.people[destinations] * self.decay(table) / weight_sum[:, None]
        return float((self.people[origins] * (weight * saved).sum(axis=1)).sum())

    def _listed(self, origins: Ints, destinations: Ints) -> tuple[Floats, Floats]:
        """Listed old times of a block, nan where absent, and each origin's sum of weights."""
        size = self.first[origins + 1] - self.first[origins]
        who = np.repeat(np.arange(len(origins)), size)
        at = np.repeat(self.first[origins] - (np.cumsum(size) - size), size) + np.arange(size.sum())
        destination, minutes = self.destination[at], self.minutes[at].astype(float)
        people = self.people[destination]
        near = np.bincount(who, weights=people * self.decay(minutes), minlength=len(origins))
        listed_people = np.bincount(who, weights=people, minlength=len(origins))
        own = np.zeros(len(origins), dtype=bool)
        own[who[destination == origins[who]]] = True
        # A zone is in no case farther from itself than from anywhere: absent counts as zero.
        near += np.where(own, 0.0, self.people[origins])
        listed_people += np.where(own, 0.0, self.people[origins])
        far = np.maximum(self.people.sum() - listed_people, 0.0)
        weight_sum = near + far * self.decay(np.array(self.params.horizon_min))
        column = np.full(len(self.people), -1)
        column[destinations] = np.arange(len(destinations))
        block = np.full((len(origins), len(destinations)), np.nan)
        inside = column[destination] >= 0
        block[who[inside], column[destination[inside]]] = minutes[inside]
        same = column[origins] >= 0
        diagonal = np.flatnonzero(same & ~own)
        block[diagonal, column[origins[diagonal]]] = 0.0
        return block, weight_sum

    def _old_times(self, origins: Ints, destinations: Ints, listed: Floats, new: Floats) -> Floats:
        """Old times of a block: listed, else searched for where the link could matter."""
        old = np.where(np.isnan(listed), np.inf, listed)
        open_pairs = np.isnan(listed) & (new < self.params.horizon_min)
        rows = np.flatnonzero(open_pairs.any(axis=1))
        if len(rows):
            found = self.network.times_between(
                self.access.take(origins[rows]), self.access.take(destinations),
                mode="drive", cutoff_min=self.params.horizon_min,
            )  # fmt: skip
            old[rows] = np.where(np.isnan(listed[rows]), found, listed[rows])
        return old


def _codes(column: pd.Series, index: pd.Series) -> Ints:
    """Row of each cell in the zone grid; -1 where it has none."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")
    rows = (
        index.reindex(column.cat.categories.to_numpy(object)).fillna(-1).to_numpy().astype(np.int64)
    )
    return np.asarray(np.append(rows, -1)[column.cat.codes.to_numpy()], dtype=np.int64)
