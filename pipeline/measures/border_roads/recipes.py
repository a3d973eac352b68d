"""Border roads as one way forward: the stages, each a recipe of named steps.

What belongs here: the order of the steps and what each hands to the next. Every step takes the
table of the one before and adds columns:

    ends -> rules -> (layer road_ends) -> pairs, with the way round of detours -> links' sides
    -> gaps -> dead ends, link candidates -> gains -> missing links

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.border_roads.dead_ends import as_dead_ends, count_rules, describe_dead_ends
from pipeline.measures.border_roads.detours import ClassNetworks, measure_detours
from pipeline.measures.border_roads.ends import describe_ends, list_ends, place_ends, settle_cities
from pipeline.measures.border_roads.gains import partial_gains
from pipeline.measures.border_roads.gaps import describe_gaps
from pipeline.measures.border_roads.links import (
    as_link_candidates,
    assemble_links,
    empty_table,
    settle_sides,
)
from pipeline.measures.border_roads.pairs import (
    border_between,
    border_of,
    prepare_ends,
    propose_links,
)
from pipeline.measures.border_roads.params import (
    ConfidenceParams,
    DeadEndsParams,
    MissingLinksParams,
)
from pipeline.measures.border_roads.rail_ends import find_rail_ends
from pipeline.measures.border_roads.rules import as_road_ends, judge_ends
from pipeline.measures.border_roads.surroundings import surround
from pipeline.measures.borders.borders import BorderIndex, is_natural_border, natural_lines
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, Ints
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams

__all__ = ["assemble_links", "find_road_ends", "link_gains", "pair_road_ends"]

log = logging.getLogger(__name__)

_MARGIN_M = 1_500.0
"""Roads are looked at this far beyond where an end, and what it faces, may lie."""


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
    confidence_params: ConfidenceParams,
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
    ends = settle_cities(ends, border, cities, params)
    ends = judge_ends(ends, near, params, confidence_params)
    table = as_road_ends(ends, near, border_id, crs)
    rail = find_rail_ends(
        border_id, borders, railways, stations, transit_links, params, confidence_params
    )
    result = pd.concat([each for each in (table, rail) if len(each)] or [table])
    for rule, count in result["rule"].value_counts().sort_index().items():
        log.info("road ends of %s: %s %d of %d", border_id, rule, count, len(result))
    result = result.sort_values(["node_id", "edge_id"], ignore_index=True)
    return gpd.GeoDataFrame(result, geometry="geometry", crs=crs)


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
    confidence_params: ConfidenceParams,
) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """Pair the findings of all borders at once and describe each gap.

    Returns
    -------
    ``dead_ends``: the findings with what they face, and mapping gaps and rail
    ends, which never make a link; without ends that face another end which is
    near by road already (rule ``short_way_round``). ``link_candidates``: one row
    per pair, and per end that faces a through road. ``end_rules``: how many ends
    of each border each rule took, ``finding`` for those that are listed.

    Raises
    ------
    CrsError
        If a layer is not in metres.
    """
    crs = require_metric(borders, "borders")
    require_metric(roads, "roads")
    ends = prepare_ends(road_ends)
    if not len(ends):
        empty = {name: empty_table(name, crs) for name in ("dead_ends", "link_candidates")}
        return {**empty, "end_rules": count_rules(road_ends, empty["dead_ends"])}
    networks = ClassNetworks(roads, road_nodes)
    links, ends = propose_links(
        ends, roads, networks, *_across_borders(ends, borders, cities), params
    )
    links = settle_sides(links, ends, borders, roads, params)
    links = measure_detours(links, networks, routing_network, roads)
    links = describe_gaps(
        links, roads, waterways, land_areas, railways, buildings, barriers, params
    )
    ends = describe_dead_ends(ends, links, roads, railways, land_areas, params, confidence_params)
    natural = natural_lines(waterways, land_areas, borders_params.river_min_width_m)
    links = _mark_natural(links, _middles(links), borders, natural, borders_params)
    ends = _mark_natural(ends, ends[["x", "y"]].to_numpy(float), borders, natural, borders_params)
    dead_ends = as_dead_ends(ends, crs)
    return {
        "dead_ends": dead_ends,
        "link_candidates": as_link_candidates(links, ends, params, confidence_params, crs),
        "end_rules": count_rules(road_ends, dead_ends),
    }


def _across_borders(
    ends: pd.DataFrame, borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame
) -> tuple[Callable[[Ints, Ints], Flags], Callable[[Floats, Ints], Flags]]:
    """Whether two ends lie across a border that either stands at; whether points lie across it."""

    def crosses(i: Ints, j: Ints) -> Flags:
        city = ends["city_id"].to_numpy(object)
        return np.asarray((city[i] != city[j]) & (border_of(ends, borders, i, j) >= 0))

    def foreign(xy: Floats, i: Ints) -> Flags:
        there = locate_points(xy[:, 0], xy[:, 1], cities).to_numpy(object)
        return np.asarray(border_between(ends, borders, i, there) >= 0)

    return crosses, foreign


def _middles(links: pd.DataFrame) -> Floats:
    lines = np.asarray(links["geometry"].tolist(), dtype=object)
    return np.asarray(
        shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    ).reshape(-1, 2)


def _mark_natural(
    table: pd.DataFrame,
    xy: Floats,
    borders: gpd.GeoDataFrame,
    natural: tuple[Geometries, Geometries],
    params: BordersParams,
) -> pd.DataFrame:
    """Add is_natural_border: whether the nearest place of the row's border follows nature."""
    marks = is_natural_border(
        xy[:, 0], xy[:, 1], table["border_id"], borders, natural, params.river_distance_m
    )
    return table.assign(is_natural_border=marks)


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
    a, b = partial_gains(rows, link_candidates, zone_grid, routing_network, params, routing_params)
    table = pd.DataFrame(
        {
            "link_id": link_candidates["link_id"],
            "first_zone": rows[0],
            "gain_person_min_a": a,
            "gain_person_min_b": b,
        }
    )
    return conform("link_gains", table)
