"""Border roads as recipes: the functions of the stages, one step after the other.

What belongs here: the order of the steps, and nothing that a step does. Each step takes the
table of the one before and adds columns; none is visited twice.

- `find_road_ends` (stage ``road_ends``, a task per border): ends are listed, placed, described,
  judged by rules, and rated.
- `pair_road_ends` (stage ``pairing``, one task, because ends of several borders may compete for
  one another): findings are paired; pairs become links, gaps are described, and what each end
  faces is settled.
- `people_points.spread_people` (stage ``people_points``), `gains_around_links` (stage
  ``link_gains``, a task per batch of links) and `assemble_links` (stage ``missing_links``): what
  each link would save, summed up and ranked.

Stage ``placebo`` takes the same steps along lines that are no borders (see `placebo`).

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import logging

import geopandas as gpd
import pandas as pd

from pipeline.crs import require_metric
from pipeline.measures.border_roads.carriageways import match_halves
from pipeline.measures.border_roads.confidence import rate_ends
from pipeline.measures.border_roads.dead_ends import as_dead_ends, count_rules, describe_dead_ends
from pipeline.measures.border_roads.detours import ThroughRoads, measure_detours
from pipeline.measures.border_roads.ends import (
    describe_ends,
    list_ends,
    place_ends,
    settle_cities,
)
from pipeline.measures.border_roads.findings import as_road_ends, read_findings
from pipeline.measures.border_roads.gains import rank_links
from pipeline.measures.border_roads.gaps import describe_gaps, describe_outlook
from pipeline.measures.border_roads.links import as_link_candidates, value_links
from pipeline.measures.border_roads.pairs import pair_ends, settle_rules, still_slips
from pipeline.measures.border_roads.params import (
    ConfidenceParams,
    DeadEndsParams,
    MissingLinksParams,
)
from pipeline.measures.border_roads.rail_ends import find_rail_ends
from pipeline.measures.border_roads.rules import judge_ends, mark_mapping_gaps
from pipeline.measures.border_roads.sides import CityBorders, NaturalBorders, draw_links
from pipeline.measures.border_roads.surroundings import surround
from pipeline.measures.border_roads.tables import empty_geo_layer
from pipeline.measures.border_roads.valued import gains_by_lay, sum_gains
from pipeline.measures.borders.natural import natural_lines
from pipeline.measures.borders.nearest import BorderIndex
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams

log = logging.getLogger(__name__)

_PLAIN = MissingLinksParams()


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
    down to ``params.lowest_listed`` as ``class_below``. What an end faces, and
    whether a way round is short enough that nothing is missing, is known after
    pairing only.

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
        return empty_geo_layer("road_ends", crs)
    own = borders[(borders["border_id"] == border_id).to_numpy(dtype=bool)]
    border = own.iloc[0]
    reach_m = 2.0 * params.search_radius_m + params.margin_m
    marks = (tagged_nodes, land_areas, barriers, stations)
    near = surround(border.geometry, roads, road_nodes, *marks, reach_m, params)
    ends = list_ends(near, params)
    ends = place_ends(ends, near, border, borders, params)
    ends = describe_ends(ends, near, BorderIndex(own), params)
    ends = settle_cities(ends, border, cities, params)
    ends = match_halves(ends, near, params)
    ends = judge_ends(ends, near, params)
    ends = mark_mapping_gaps(ends, near, params)
    ends = rate_ends(ends, near, params.heading_tolerance_deg, confidence_params)
    road = as_road_ends(ends, near, border_id, crs)
    rail = find_rail_ends(
        border_id,
        borders,
        railways,
        stations,
        transit_links,
        road_nodes,
        params,
        confidence_params,
    )
    result = pd.concat([each for each in (road, rail) if len(each)] or [road])
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
) -> dict[str, pd.DataFrame]:
    """Pair the findings of all borders at once and describe each gap.

    Returns
    -------
    ``dead_ends``: the findings with what they face, and mapping gaps and rail
    ends, which never make a link; without ends that what they face excludes
    (see `pairs.settle_rules`). ``link_candidates``: one row per pair, and per end
    that faces a through road. ``end_rules``: how many ends of each border each
    rule took, ``finding`` for those that are listed.

    Raises
    ------
    CrsError
        If a layer is not in metres.
    """
    crs = require_metric(borders, "borders")
    require_metric(roads, "roads")
    ends = read_findings(road_ends)
    if not len(ends):
        dead_ends, candidates = (
            empty_geo_layer(name, crs) for name in ("dead_ends", "link_candidates")
        )
        rules = count_rules(road_ends, ends)
        return {"dead_ends": dead_ends, "link_candidates": candidates, "end_rules": rules}
    through = ThroughRoads(roads, road_nodes, params)
    rivers = natural_lines(waterways, land_areas, borders_params.river_min_width_m)
    natural = NaturalBorders(borders, rivers, borders_params.river_distance_m)

    parting = CityBorders(ends, borders, cities)
    pairs = pair_ends(ends, roads, through, parting, params)
    ends = parting.with_cities(pairs)
    links = pairs[pairs["is_chosen"].to_numpy(bool)].reset_index(drop=True)
    links = draw_links(links, ends, borders, roads, params)
    links = measure_detours(links, through, routing_network, roads)
    land = (waterways, land_areas, railways, buildings, barriers)
    links = describe_gaps(links, roads, *land, params)
    links = value_links(links, ends, params, confidence_params)

    ends = ends.assign(rule=settle_rules(ends, pairs), is_mapping_gap=still_slips(ends, pairs))
    ends = describe_outlook(ends, roads, land_areas, params)
    ends = describe_dead_ends(ends, links, railways, params, confidence_params)
    dead_ends = as_dead_ends(ends, natural, crs)
    return {
        "dead_ends": dead_ends,
        "link_candidates": as_link_candidates(links, natural, crs),
        "end_rules": count_rules(road_ends, ends),
    }


def gains_around_links(
    link_ids: tuple[str, ...],
    link_candidates: gpd.GeoDataFrame,
    people_points: pd.DataFrame,
    routing_network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> pd.DataFrame:
    """What some links save the people around them, once for each lay of the points.

    Returns
    -------
    Layer ``link_gains`` (see `valued.gains_by_lay`).
    """
    chosen = link_candidates["link_id"].isin(link_ids).to_numpy(bool)
    links = link_candidates[chosen].sort_values("link_id")
    return gains_by_lay(links, people_points, routing_network, params, routing_params)


def assemble_links(
    link_candidates: gpd.GeoDataFrame,
    link_gains: pd.DataFrame,
    zone_grid: pd.DataFrame,
    params: MissingLinksParams = _PLAIN,
) -> gpd.GeoDataFrame:
    """Layer ``missing_links``: the candidates with both cities' gains, shares and ranks.

    The gain of a city whose population is not known is null.
    """
    return rank_links(sum_gains(link_candidates, link_gains, zone_grid, params))
