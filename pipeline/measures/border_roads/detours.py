"""The way round a gap: how far it is today by road from one of its sides to the other.

What belongs here: where a link joins the network on both sides, and the shortest way between
them on the roads that a detour may take. Which ends belong together is decided by `pairs`.

Source: methods.md 3. Coordinates are the metro's metric CRS; lengths are metres.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.layers import empty_layer
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import (
    Floats,
    Ints,
)
from pipeline.measures.routing.access import Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.terms import ROAD_CLASSES

_NEAR_DETOUR_M = 20_000.0

"""Most ways round are shorter; only for the others the whole network is searched."""


class ClassNetworks:
    """The road network limited to a class and above; each built once, when first asked for.

    Detours are measured on roads at most one class below the link, else the
    farm track that continues a class end would hide it.
    """

    def __init__(self, roads: gpd.GeoDataFrame, road_nodes: gpd.GeoDataFrame) -> None:
        self._roads = roads
        self._road_nodes = road_nodes
        self._networks: dict[int, RoutingNetwork] = {}

    def for_link(self, class_rank: int) -> RoutingNetwork:
        """The network on which the detour of a link of this class is measured."""
        lowest = min(class_rank + 1, len(ROAD_CLASSES) - 1)
        if lowest not in self._networks:
            chosen = (self._roads["class_rank"] <= lowest) & (self._roads["status"] == "open")
            nothing = empty_layer("turn_restrictions")
            self._networks[lowest] = prepare(
                self._roads[chosen.to_numpy(dtype=bool)],
                self._road_nodes,
                nothing,
                RoutingParams(lowest_class=ROAD_CLASSES[lowest]),
                with_hierarchies=False,
            )
        return self._networks[lowest]


def split_by_detour(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    networks: ClassNetworks,
    params: MissingLinksParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Links told apart: those that force a detour, and those with a short way round already."""
    is_short = np.zeros(len(links), dtype=bool)
    joins = joins_of(links, ends, roads)
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


def measure_detours(
    links: pd.DataFrame,
    networks: ClassNetworks,
    network: RoutingNetwork,
    roads: gpd.GeoDataFrame,
) -> pd.DataFrame:
    detour = np.full(len(links), np.inf)
    for rank in np.unique(links["class_rank"].to_numpy(np.int64)) if len(links) else []:
        at = np.flatnonzero((links["class_rank"] == rank).to_numpy(bool))
        limited = networks.for_link(int(rank))
        # Most have a way round near by; only for the others the whole network is searched.
        for cutoff in (_NEAR_DETOUR_M, np.inf):
            at = at[np.isinf(detour[at])]
            some = links.iloc[at]
            detour[at] = _between(limited, some, some, roads, "metres", cutoff)
    detour += links["extra_m"].to_numpy(float)
    # From the one end to the other: of a barrier on a node also the way to the next junctions.
    minutes = _between(network, links, links, roads, "drive", np.inf)
    over = links["link_minutes"].to_numpy(float)
    blocked = (links["beyond"] >= 0).to_numpy(bool)
    extra = np.where(blocked, links["extra_m"].to_numpy(float), 1.0)
    gap = np.where(blocked, over * links["gap_m"].to_numpy(float) / np.maximum(extra, 1.0), over)
    minutes = np.maximum(minutes + np.where(blocked, over, 0.0) - gap, 0.0)
    return links.assign(
        detour_m=np.where(np.isfinite(detour), detour, np.nan),
        minutes_saved=np.where(np.isfinite(minutes), minutes, np.nan),
    )


def joins_of(links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
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
    home = rows_of_ends(ends, roads)[i[blocked]]
    other = links["beyond"].to_numpy(np.int64)[blocked]
    here = node[i[blocked]]
    node_i[blocked] = np.where(from_node[home] == here, to_node[home], from_node[home])
    node_j[blocked] = np.where(from_node[other] == here, to_node[other], from_node[other])
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


def _side_access(
    network: RoutingNetwork,
    links: pd.DataFrame,
    joins: pd.DataFrame,
    roads: gpd.GeoDataFrame,
) -> tuple[Access, Access]:
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
        second = Access.concat([second, on_road]).take(order)
    return first, second


def _between(
    network: RoutingNetwork,
    links: pd.DataFrame,
    joins: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    mode: Mode,
    cutoff: float,
) -> Floats:
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


def rows_of_ends(ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> Ints:
    """Row of each end's edge in ``roads``, the first of equals; -1 where it is not there."""
    return rows_of_edges(ends["edge_id"], roads)


def rows_of_edges(edge_ids: pd.Series, roads: gpd.GeoDataFrame) -> Ints:
    # Few ids are asked for, so the roads are looked up in them.
    asked = pd.Index(pd.unique(edge_ids.to_numpy(object)))
    code = asked.get_indexer(roads["edge_id"].to_numpy(object))
    row = np.full(len(asked), -1, dtype=np.int64)
    found = np.flatnonzero(code >= 0)[::-1]
    row[code[found]] = found
    return row[asked.get_indexer(edge_ids.to_numpy(object))]
