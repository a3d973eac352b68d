"""What each crossing carries: its share of the fastest paths between the two cities.

What belongs here: the demand between the zones of two cities and the paths that serve it.
Where the crossings are belongs to `crossings`. Method: docs/methods.md, Bottlenecks.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import empty_layer
from pipeline.measures.crossings.crossings import border_row
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SAME_MIN = 1e-9
"""Minutes that sums of one path's parts may differ by in another order."""

_OFF_THE_ENDS = 0.05
"""Crossings keep this share of their segment away from its ends, which other roads pass too."""


def crossing_loads(
    border_id: str,
    borders: gpd.GeoDataFrame,
    border_crossings: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    params: BottlenecksParams,
) -> gpd.GeoDataFrame:
    """Share of the fastest paths between the two cities that pass each crossing.

    Paths lead from each zone of one city to each zone of the other, both ways,
    weighted by the product of both zones' people (equal weights in a city whose
    population is not known). Above ``params.load_origins`` zones, the zones that
    paths start from are a systematic sample, in proportion to people, in the
    order of the cells: the same one every time.

    A path that crosses twice counts at both crossings, paths that are equally fast
    count at each of theirs, and a path may go round through a third city, so the
    shares of a border need not sum to 100.

    Returns
    -------
    Layer ``crossings``; the share is null where no path joins the cities.
    """
    crossings = border_crossings[border_crossings["border_id"] == border_id]
    crossings = crossings.sort_values("crossing_id", ignore_index=True)
    if not len(crossings):
        return empty_layer("crossings", border_crossings.crs)
    border = border_row(borders, border_id)
    segment = routing_network.segments_of_edges(_edge_keys(crossings["edge_id"]))
    places = routing_network.access_on_segments(
        segment, _fraction_of(crossings, segment, routing_network)
    )
    total, load = 0.0, np.zeros(len(crossings))
    for origin, destination in (("city_a", "city_b"), ("city_b", "city_a")):
        paths, loads = _loads(
            zone_grid,
            border[origin],
            border[destination],
            places,
            routing_network,
            params.load_origins,
        )
        total += paths
        load += loads
    share = np.full(len(crossings), np.nan) if total <= 0.0 else 100.0 * load / total
    return crossings.assign(load_share_pct=np.clip(share.round(6), 0.0, 100.0))


def _edge_keys(edge_id: pd.Series) -> pd.DataFrame:
    """way_id, from_node, to_node out of `<way>/<from>/<to>`."""
    parts = edge_id.str.split("/", expand=True)
    names = ("way_id", "from_node", "to_node")
    return pd.DataFrame({name: parts[n].astype(np.int64) for n, name in enumerate(names)})


def _fraction_of(
    crossings: gpd.GeoDataFrame, segment: NDArray[np.int32], network: RoutingNetwork
) -> Floats:
    """Where along its segment each crossing lies; not at its ends, which other roads pass too."""
    fraction = np.full(len(crossings), 0.5)
    known = np.flatnonzero(segment >= 0)
    if len(known):
        lines = network.segment_lines(segment[known])
        spots = crossings.geometry.to_numpy()[known]
        fraction[known] = shapely.line_locate_point(lines, spots, normalized=True)
    return np.clip(fraction, _OFF_THE_ENDS, 1.0 - _OFF_THE_ENDS)


def _loads(
    zone_grid: gpd.GeoDataFrame,
    origin_city: str,
    destination_city: str,
    places: Access,
    network: RoutingNetwork,
    most_origins: int,
) -> tuple[float, Floats]:
    """Demand between the zones of two cities, and what of it passes each place, one way.

    A fastest path passes a place if going by way of it takes no longer. Demand
    that no path serves counts in the sum but passes nowhere.
    """
    load = np.zeros(len(places))
    origins, people = _zones_with_access(zone_grid, origin_city, network)
    destinations, visited = _zones_with_access(zone_grid, destination_city, network)
    if not len(people) or not len(visited):
        return 0.0, load
    chosen, weight = _sample(people, most_origins)
    origins = origins.take(chosen)
    demand = weight[:, None] * visited[None, :]
    minutes = network.times_between(origins, destinations)
    before = network.times_between(origins, places)
    behind = network.times_between(places, destinations)
    limit = np.where(np.isfinite(minutes), minutes + _SAME_MIN, -np.inf)
    for place in range(len(places)):
        passes = before[:, place, None] + behind[None, place, :] <= limit
        load[place] = demand[passes].sum()
    return float(demand.sum()), load


def _zones_with_access(
    zone_grid: gpd.GeoDataFrame, city_id: str, network: RoutingNetwork
) -> tuple[Access, Floats]:
    """Access and people of a city's zones, in the order of the cells."""
    zones = zone_grid[zone_grid["city_id"] == city_id].sort_values("cell")
    access = network.access_of_zones(zones)
    people = zones["population"].to_numpy(dtype=float)
    # Unknown everywhere: every zone counts the same. Unknown here and there: nobody.
    people = np.ones(len(zones)) if np.isnan(people).all() else np.nan_to_num(people)
    kept = access.has_access & (people > 0.0)
    return access.take(np.flatnonzero(kept)), people[kept]


def _sample(people: Floats, most: int) -> tuple[Ints, Floats]:
    """At most ``most`` zones and the people each stands for.

    Systematic sampling: equal steps along the running total, so that big zones
    are certain to be in, small ones stand for their neighbours, and the total
    is kept.
    """
    if len(people) <= most:
        return np.arange(len(people)), people
    total = people.sum()
    picks = (np.arange(most) + 0.5) * total / most
    at = np.minimum(np.searchsorted(np.cumsum(people), picks), len(people) - 1)
    chosen, times = np.unique(at, return_counts=True)
    return chosen, times * total / most
