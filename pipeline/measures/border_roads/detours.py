"""The way round that joins both sides of a gap now.

What belongs here: where a link joins the network, whether there is a short way between both
sides already, and how long the shortest one is. A tool of two steps: `pairs` asks which
proposals force a detour, `links` how long it is.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import functools

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.layers import empty_layer
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.tables import rows_of_edges
from pipeline.measures.geometry.planar import Floats, Ints
from pipeline.measures.routing.access import Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.terms import CLASS_RANK, ROAD_CLASSES

_NEAR_DETOUR_M = 20_000.0
"""Ways are searched for this far first; only where there is none, on the whole network."""


_BATCH = 128
"""Links whose ways round are searched together: a table of their sides, each with each."""


class ThroughRoads:
    """The network on which ways round are measured, built when first asked for.

    All roads open to through traffic: ``params.detour_class`` and above.
    """

    def __init__(
        self, roads: gpd.GeoDataFrame, road_nodes: gpd.GeoDataFrame, params: MissingLinksParams
    ) -> None:
        self._roads = roads
        self._road_nodes = road_nodes
        self._lowest = CLASS_RANK[params.detour_class]

    @functools.cached_property
    def network(self) -> RoutingNetwork:
        chosen = (self._roads["class_rank"] <= self._lowest) & (self._roads["status"] == "open")
        return prepare(
            self._roads[chosen.to_numpy(dtype=bool)],
            self._road_nodes,
            empty_layer("turn_restrictions"),
            RoutingParams(lowest_class=ROAD_CLASSES[self._lowest]),
            with_hierarchies=False,
        )


def mark_short_ways(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    through: ThroughRoads,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Add where links join the network (see `_joins`), and is_short.

    Short is a way round, on all roads open to through traffic, of less than
    ``params.min_detour_ratio`` times the gap (of local streets ``params.local_detour_ratio``),
    or than ``params.min_detour_m``: nothing is missing.

    Parameters
    ----------
    links
        Proposals (see `proposals`). The index is not kept.
    """
    links = with_joins(links, ends, roads)
    gap, extra = links["gap_m"].to_numpy(float), links["extra_m"].to_numpy(float)
    is_local = links["is_local"].to_numpy(bool)
    ratio = np.where(is_local, params.local_detour_ratio, params.min_detour_ratio)
    limit = np.maximum(ratio * gap, params.min_detour_m)
    is_short = np.zeros(len(links), dtype=bool)
    if len(links):
        way = _between(through.network, links, roads, "metres", float(limit.max()))
        is_short = way + extra < limit
    return links.assign(is_short=is_short)


def measure_detours(
    links: pd.DataFrame,
    through: ThroughRoads,
    network: RoutingNetwork,
    roads: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """Add detour_m and minutes_saved; null where nothing joins both sides.

    Parameters
    ----------
    links
        As `sides.draw_links` left them.
    network
        The whole network, for the minutes: 0 saved where a lower road is as quick.
    """
    detour = np.full(len(links), np.inf)
    # Most have a way round near by; only for the others the whole network is searched.
    for cutoff in (_NEAR_DETOUR_M, np.inf):
        at = np.flatnonzero(np.isinf(detour))
        if len(at):
            detour[at] = _between(through.network, links.iloc[at], roads, "metres", cutoff)
    detour += links["extra_m"].to_numpy(float)
    # From the one end to the other: of a barrier on a node also the way to the next junctions.
    minutes = _between(network, links, roads, "drive", np.inf)
    over = links["link_minutes"].to_numpy(float)
    blocked = (links["beyond"] >= 0).to_numpy(bool)
    extra = np.where(blocked, links["extra_m"].to_numpy(float), 1.0)
    gap = np.where(blocked, over * links["gap_m"].to_numpy(float) / np.maximum(extra, 1.0), over)
    minutes = np.maximum(minutes + np.where(blocked, over, 0.0) - gap, 0.0)
    return links.assign(
        detour_m=np.where(np.isfinite(detour), detour, np.nan),
        minutes_saved=np.where(np.isfinite(minutes), minutes, np.nan),
    )


# --- where links join the network ---------------------------------------------------------


def with_joins(links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Proposals with where they join the network (see `_joins`). The index is not kept."""
    links = links.reset_index(drop=True)
    return pd.concat([links, _joins(links, ends, roads)], axis=1)


def _joins(links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Where each link joins the network on both sides: node_i, twin_i, node_j, twin_j, extra_m.

    A node of -1 is none: a faced road is joined where it is met. Where a side is no
    dual carriageway its twin is the node itself. ``extra_m`` is the way from a blocked
    node to the next junctions, part of the detour because a search cannot start
    inside the barrier.
    """
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    node = ends["node_id"].to_numpy(np.int64)
    twin = ends["twin_node_id"].to_numpy(dtype=float, na_value=-1).astype(np.int64)
    length = roads["length_m"].to_numpy(float)
    node_i, node_j = node[i], np.where(j >= 0, node[j], -1)
    twin_i, twin_j = twin[i], np.where(j >= 0, twin[j], -1)
    extra = np.zeros(len(links))
    blocked = np.flatnonzero(links["beyond"].to_numpy(np.int64) >= 0)
    home = rows_of_edges(ends["edge_id"], roads)[i[blocked]]
    other = links["beyond"].to_numpy(np.int64)[blocked]
    here = node[i[blocked]]
    node_i[blocked] = _other_node(home, here, roads)
    node_j[blocked] = _other_node(other, here, roads)
    extra[blocked] = length[home] + length[other]
    return pd.DataFrame(
        {
            "node_i": node_i,
            "twin_i": np.where(twin_i >= 0, twin_i, node_i),
            "node_j": node_j,
            "twin_j": np.where(twin_j >= 0, twin_j, node_j),
            "extra_m": extra,
        }
    )


def _other_node(edge: Ints, node: Ints, roads: gpd.GeoDataFrame) -> Ints:
    """The node of each edge that is not the one given."""
    from_node, to_node = roads["from_node"].to_numpy(np.int64), roads["to_node"].to_numpy(np.int64)
    return np.where(from_node[edge] == node, to_node[edge], from_node[edge])


# --- the way between them -----------------------------------------------------------------


def _between(
    network: RoutingNetwork,
    links: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    mode: Mode,
    cutoff: float,
) -> Floats:
    """Shortest way between both sides of each link, over twins and both directions; inf: none."""
    parts = [
        _between_some(network, links.iloc[start : start + _BATCH], roads, mode, cutoff)
        for start in range(0, len(links), _BATCH)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _between_some(
    network: RoutingNetwork,
    links: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    mode: Mode,
    cutoff: float,
) -> Floats:
    """`_between` for so few links that a table of all their sides fits in memory."""
    count = len(links)
    first, second = _access_of_sides(network, links, roads)
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


def _access_of_sides(
    network: RoutingNetwork, links: pd.DataFrame, roads: gpd.GeoDataFrame
) -> tuple[Access, Access]:
    """Access of both sides, each with its twin behind: 2n points on either side."""
    first = network.access_of_nodes(np.concatenate([links["node_i"], links["twin_i"]]))
    second = network.access_of_nodes(np.concatenate([links["node_j"], links["twin_j"]]))
    edge = links["edge"].to_numpy(np.int64)
    at = np.flatnonzero(edge >= 0)
    if not len(at):
        return first, second
    faced, spots = roads.iloc[edge[at]], links[["x", "y"]].to_numpy(float)[at]
    on_road = _access_on_roads(network, faced, spots)
    order = np.arange(2 * len(links))
    order[at] = order[len(links) + at] = 2 * len(links) + np.arange(len(at))
    return first, Access.concat([second, on_road]).take(order)


def _access_on_roads(network: RoutingNetwork, roads: gpd.GeoDataFrame, spots: Floats) -> Access:
    """Access of one place on each road."""
    segment = network.segments_of_edges(roads)
    share = shapely.line_locate_point(
        roads.geometry.to_numpy(), shapely.points(spots), normalized=True
    )
    if network.n_segments:
        is_flipped = np.asarray(network.segment_is_flipped)[np.maximum(segment, 0)]
        share = np.where(is_flipped, 1.0 - share, share)
    return network.access_on_segments(segment, share)
