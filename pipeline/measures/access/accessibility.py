"""What each zone reaches: people, services, the core, the nearest centre.

What belongs here: the recipe of layer ``zones``. Its columns are made in
`people_reached`, `catchments` and `to_places`; travel times in `travel_times`,
areas reached in `isochrones`, comparisons across borders in `border_effect`.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from pipeline.crs import require_metric
from pipeline.measures.access.catchments import service_access
from pipeline.measures.access.params import AccessibilityParams, CentreTimesParams
from pipeline.measures.access.people_reached import leaves_metro, people_reached
from pipeline.measures.access.to_places import (
    minutes_to_centres,
    minutes_to_core_by_transit,
    minutes_to_services,
)
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.pair_times import PairTimes
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork


def zone_accessibility(
    cities: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    centres: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    service_ratios: pd.DataFrame,
    routing_network: RoutingNetwork,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    station_changes: pd.DataFrame,
    params: AccessibilityParams,
    transit_params: TransitParams,
    centre_times_params: CentreTimesParams,
) -> gpd.GeoDataFrame:
    """Accessibility of every zone.

    Parameters
    ----------
    cities, zone_grid, centres, services, stations, transit_links
        Layers in the metro's metric CRS; services and stations may be empty.
    travel_times
        Zone-to-zone minutes, whole or in parts; ``drive`` is used. A pair that is not listed is
        beyond the cutoff, which must be at least the widest of
        ``params.reach_min`` (`metros.config` checks it).
    service_ratios
        Services per person who competes for them, by zone and kind.
    centre_times_params
        How a centre or service is joined to the road: as for the times between centres.

    Returns
    -------
    GeoDataFrame
        Layer ``zones``. Null where a zone has no access (``reason`` says why),
        where people are unknown, where none of a service is mapped, or where
        the place cannot be reached.
    """
    crs = require_metric(zone_grid, "zone_grid")
    grid = zone_grid.sort_values("cell", ignore_index=True)
    has_access = grid["reason"].isna().to_numpy(bool)
    access = routing_network.access_of_zones(grid)
    kept = ["cell", "city_id", "resolution", "area_km2", "population", "population_evidence"]
    zones = pd.DataFrame(grid[[*kept, "snap_m", "reason"]])
    transit = TransitNetwork.build(stations, transit_links, station_changes, transit_params)
    zones = zones.assign(
        **people_reached(grid, travel_times, has_access, params),
        **minutes_to_centres(routing_network, access, centres, centre_times_params),
        **service_access(grid, travel_times, has_access, service_ratios, params),
        **minutes_to_services(routing_network, access, services, centre_times_params),
        minutes_to_core_transit=minutes_to_core_by_transit(
            grid, access, centres, transit, routing_network, centre_times_params
        ),
        is_edge_zone=leaves_metro(grid, cities, params),
    )
    unreached = has_access & zones["minutes_to_core"].isna() & zones["nearest_centre"].isna()
    if (centres["kind"] == "core").any():
        zones.loc[unreached, "reason"] = "unreachable"
    return gpd.GeoDataFrame(zones, geometry=grid.geometry.to_numpy(), crs=crs)
