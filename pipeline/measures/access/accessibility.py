"""What each zone reaches: people, services, the core, the nearest centre.

What belongs here: the measures per zone, from zone-to-zone travel times and a
few searches of the routing network. The travel times themselves belong to
`travel_times`, areas reached to `isochrones`, comparisons across borders to
`border_effect`.

Zones reach themselves in the time the layer lists, else in none. Decay is
``f(t) = 2^-(t / half)``. Services count at the zone whose populated point is
nearest for the floating catchment (E2SFCA, Luo and Qi 2009), and at their own
place on the road for the nearest one. Transport performance follows DG
REGIO/JRC: people reached within 60 minutes among those within 80 km, both
inside the metro.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from pipeline.crs import require_metric
from pipeline.measures.access.params import AccessibilityParams, CentreTimesParams
from pipeline.measures.routing.access import WEIGHTS, Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.pair_times import PairTimes, drive_chunks
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork

Floats = NDArray[np.float64]

SERVICES = ("hospital", "school", "university")
PER_PEOPLE = 100_000.0


def zone_accessibility(
    cities: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    centres: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
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
    zones = pd.DataFrame(
        grid[["cell", "city_id", "population", "population_evidence", "snap_m", "reason"]]
    )
    zones = zones.assign(
        **_reach(grid, travel_times, has_access, params),
        **_to_centres(routing_network, access, centres, centre_times_params),
        **_catchments(grid, travel_times, has_access, services, params),
        **_to_services(routing_network, access, services, centre_times_params),
        minutes_to_core_transit=_to_core_by_transit(
            grid,
            access,
            centres,
            TransitNetwork.build(stations, transit_links, transit_params),
            routing_network,
            centre_times_params,
        ),
        is_edge_zone=_leaves_metro(grid, cities, params),
    )
    unreached = has_access & zones["minutes_to_core"].isna() & zones["nearest_centre"].isna()
    if (centres["kind"] == "core").any():
        zones.loc[unreached, "reason"] = "unreachable"
    return gpd.GeoDataFrame(zones, geometry=grid.geometry.to_numpy(), crs=crs)


# --------------------------------------------------------------------------- people


def _reach(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: NDArray[np.bool_],
    params: AccessibilityParams,
) -> dict[str, Floats]:
    """People within the limits, in other cities, by decay, and against those within 80 km."""
    n = len(grid)
    people = grid["population"].fillna(0.0).to_numpy(float)
    is_unknown = grid["population"].isna().to_numpy(float)
    city = pd.factorize(grid["city_id"])[0]
    within = {limit: np.zeros(n) for limit in params.reach_min}
    across, gravity, unknown = np.zeros(n), np.zeros(n), np.zeros(n)
    is_listed = np.zeros(n, dtype=bool)
    widest = params.reach_min[-1]
    for origin, destination, minutes in drive_chunks(travel_times, grid["cell"]):
        is_listed[origin[origin == destination]] = True
        gravity += np.bincount(
            origin, people[destination] * np.exp2(-minutes / params.decay_half_min), minlength=n
        )
        for limit in sorted(params.reach_min, reverse=True):
            near = minutes <= limit
            origin, destination, minutes = origin[near], destination[near], minutes[near]
            within[limit] += np.bincount(origin, people[destination], minlength=n)
            if limit == widest:
                other = city[origin] != city[destination]
                across += np.bincount(origin[other], people[destination[other]], minlength=n)
                unknown += np.bincount(origin, is_unknown[destination], minlength=n)
    for total, own in (
        (gravity, people),
        (unknown, is_unknown),
        *((each, people) for each in within.values()),
    ):
        total += np.where(is_listed, 0.0, own)
    around = _people_within(grid, people, params.performance_radius_m)
    known = has_access & (unknown == 0) & (len(travel_times) > 0)
    reached = within[widest]
    names = ("population_30min", "population_45min", "population_60min")
    result = {
        name: np.where(known, within[limit], np.nan)
        for name, limit in zip(names, params.reach_min, strict=True)
    }
    result["gravity_potential"] = np.where(known, gravity, np.nan)
    result["cross_border_share_60min_pct"] = np.where(known, _percent(across, reached), np.nan)
    result["transport_performance"] = np.where(known, _percent(reached, around), np.nan)
    return result


def _percent(part: Floats, whole: Floats) -> Floats:
    return np.divide(100.0 * part, whole, out=np.full(len(part), np.nan), where=whole > 0.0)


def _people_within(grid: pd.DataFrame, people: Floats, radius_m: float) -> Floats:
    """People whose populated point lies within a straight radius."""
    x, y = grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float)
    result = np.zeros(len(grid))
    for start in range(0, len(grid), 500):
        part = slice(start, start + 500)
        square = (x[part, None] - x) ** 2 + (y[part, None] - y) ** 2
        result[part] = (square <= radius_m**2) @ people
    return result


def _leaves_metro(
    grid: pd.DataFrame, cities: gpd.GeoDataFrame, params: AccessibilityParams
) -> NDArray[np.bool_]:
    """Whether the circle around a zone's populated point reaches land outside the cities."""
    metro = shapely.union_all(cities.geometry.to_numpy(), grid_size=1.0)
    parts = shapely.get_parts(metro)
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    outline = shapely.multilinestrings(
        [
            ring
            for ring in rings
            if shapely.area(shapely.polygons(ring)) >= params.hole_min_km2 * 1e6
        ]
    )
    if shapely.is_empty(outline):
        return np.ones(len(grid), dtype=bool)
    shapely.prepare(outline)
    points = shapely.points(grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float))
    return np.asarray(shapely.dwithin(outline, points, params.performance_radius_m))


# --------------------------------------------------------------------------- centres


def _place_access(
    network: RoutingNetwork, places: gpd.GeoDataFrame, params: CentreTimesParams
) -> Access:
    """Access of points or areas, with the minutes between them and the road."""
    points = shapely.centroid(places.geometry.to_numpy())
    access, snap_m = network.access_of_points(
        shapely.get_x(points), shapely.get_y(points), params.max_snap_m
    )
    return access.with_extra_min(np.nan_to_num(snap_m) / 1000.0 / params.access_speed_kmh * 60.0)


def _to_centres(
    network: RoutingNetwork,
    access: Access,
    centres: gpd.GeoDataFrame,
    params: CentreTimesParams,
) -> dict[str, Any]:
    """Minutes to the core, free flow and peak, and to the nearest city centre."""
    kept = centres[centres["kind"].isin(["core", "city"])].sort_values("centre_id")
    core = kept[kept["kind"] == "core"]
    cities, cores = (_place_access(network, each, params) for each in (kept, core))
    minutes = _null_unreached(_minutes_to(network, access, cities, "drive"))
    peak = _null_unreached(_minutes_to(network, access, cores, "drive_peak"))
    names = kept["centre_id"].to_numpy(dtype=object)
    is_core = (kept["kind"] == "core").to_numpy(bool)
    nearest = np.full(len(access), None, dtype=object)
    reached = np.isfinite(minutes).any(axis=0) if len(kept) else np.zeros(len(access), bool)
    if reached.any():
        nearest[reached] = names[np.nanargmin(minutes[:, reached], axis=0)]
    return {
        "minutes_to_core": _least(minutes[is_core]),
        "minutes_to_core_peak": _least(peak),
        "nearest_centre": pd.Series(nearest, dtype="str"),
        "minutes_to_nearest_centre": _least(minutes),
    }


def _minutes_to(network: RoutingNetwork, access: Access, places: Access, mode: Mode) -> Floats:
    """From every zone to each place, float64[places, zones]."""
    rows = []
    for number in range(len(places)):
        place = places.take(slice(number, number + 1))
        times = network.times(place, mode=mode, reverse=True)
        rows.append(network.arrive(times, access, mode=mode, reverse=True, origins=place)[0])
    return np.array(rows).reshape(len(rows), len(access))


def _null_unreached(minutes: Floats) -> Floats:
    return np.where(np.isfinite(minutes), minutes, np.nan)


def _least(minutes: Floats) -> Floats:
    """Least over the first axis; NaN where nothing is known."""
    least = np.min(np.where(np.isnan(minutes), np.inf, minutes), axis=0, initial=np.inf)
    return _null_unreached(least)


# --------------------------------------------------------------------------- services


def _catchments(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: NDArray[np.bool_],
    services: gpd.GeoDataFrame,
    params: AccessibilityParams,
) -> dict[str, Floats]:
    """E2SFCA per kind: services per 100,000 people who compete for them.

    Null where a service within reach is also sought by people whose number is not known.
    """
    n = len(grid)
    people = grid["population"].to_numpy(float)
    decay = _decay_matrix(grid, travel_times, has_access, params)
    demand = decay.T @ np.nan_to_num(people)
    is_unknown = (decay.T @ np.isnan(people)) > 0
    result = {}
    for kind in SERVICES:
        supply = _count_by_zone(services[services["kind"] == kind], grid)
        served = (supply > 0) & (demand > 0) & ~is_unknown
        per_head = np.divide(supply, demand, out=np.zeros(n), where=served)
        known = has_access & (supply.sum() > 0) & (len(travel_times) > 0) & ~np.isnan(people)
        known &= decay @ ((supply > 0) & is_unknown).astype(float) == 0
        result[f"{kind}_access"] = np.where(known, PER_PEOPLE * (decay @ per_head), np.nan)
    return result


class _Triplets(NamedTuple):
    row: Any
    column: Any
    value: Any


def _decay_matrix(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: NDArray[np.bool_],
    params: AccessibilityParams,
) -> Any:
    """Sparse [from, to]: decay of the time, inside the catchment."""
    is_unlisted = has_access.copy()
    parts = []
    for origin, destination, minutes in drive_chunks(travel_times, grid["cell"]):
        is_unlisted[origin[origin == destination]] = False
        near = minutes <= params.catchment_min
        weight = np.exp2(-minutes[near] / params.catchment_decay_half_min)
        parts.append(
            _Triplets(
                origin[near].astype(np.int32),
                destination[near].astype(np.int32),
                weight.astype(np.float32),
            )
        )
    own = np.flatnonzero(is_unlisted).astype(np.int32)
    parts.append(_Triplets(own, own, np.ones(len(own), dtype=np.float32)))
    row, column, value = (np.concatenate(each) for each in zip(*parts, strict=True))
    return sp.csr_matrix((value, (row, column)), shape=(len(grid), len(grid)))


def _count_by_zone(places: gpd.GeoDataFrame, grid: pd.DataFrame) -> Floats:
    """Places per zone, each at the zone whose populated point is nearest."""
    if not len(places) or not len(grid):
        return np.zeros(len(grid))
    points = shapely.get_coordinates(shapely.centroid(places.geometry.to_numpy()))
    nearest = cKDTree(grid[["point_x", "point_y"]].to_numpy(float)).query(points)[1]
    return np.bincount(nearest, minlength=len(grid)).astype(float)


def _to_services(
    network: RoutingNetwork,
    access: Access,
    services: gpd.GeoDataFrame,
    params: CentreTimesParams,
) -> dict[str, Floats]:
    """Minutes to the nearest of each kind."""
    return {
        f"minutes_to_{kind}": _to_nearest(
            network, access, _place_access(network, services[services["kind"] == kind], params)
        )
        for kind in SERVICES
    }


def _to_nearest(network: RoutingNetwork, access: Access, places: Access) -> Floats:
    """Free-flow minutes to the nearest place: one reverse search from all of them.

    The search starts at one further node, joined to both ends of every place.
    """
    if not places.has_access.any():
        return np.full(len(access), np.nan)
    times = _search_from_all(network, places)
    nearest = network.arrive(times[None, :], access, reverse=True)[0]
    direct = network.direct(access, places)
    np.minimum.at(nearest, direct["origin"].to_numpy(), direct["value"].to_numpy())
    return _null_unreached(nearest)


def _search_from_all(network: RoutingNetwork, places: Access) -> Floats:
    """Minutes from every routing node to the nearest place."""
    n = network.n_nodes
    ends, minutes = places.node_in.ravel(), places.minutes_in("drive").ravel()
    usable = (ends >= 0) & np.isfinite(minutes)
    seeds = pd.Series(minutes[usable]).groupby(ends[usable]).min()
    weight = network.r_weight[WEIGHTS.index("drive")]
    graph = sp.csr_matrix(
        (
            np.r_[weight, seeds.to_numpy()],
            np.r_[network.r_head, seeds.index.to_numpy(np.int32)],
            np.r_[network.r_indptr, network.r_indptr[-1] + len(seeds)],
        ),
        shape=(n + 1, n + 1),
    )
    return np.asarray(dijkstra(graph, indices=n))[:n]


# --------------------------------------------------------------------------- transit


def _to_core_by_transit(
    grid: pd.DataFrame,
    access: Access,
    centres: gpd.GeoDataFrame,
    transit: TransitNetwork,
    network: RoutingNetwork,
    params: CentreTimesParams,
) -> Floats:
    """Door to door from the populated points, by foot or car to the station."""
    core = centres[centres["kind"] == "core"].sort_values("centre_id")
    if not len(core) or not len(grid):
        return np.full(len(grid), np.nan)
    x, y = grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float)
    core_x, core_y = core.geometry.x.to_numpy(), core.geometry.y.to_numpy()
    there = _place_access(network, core, params)
    finish = transit.reach(core_x, core_y, network, there, leaving=False)
    from_station = transit.times(finish, len(core), reverse=True)
    leave = transit.reach(x, y, network, access, leaving=True)
    ridden = transit.arrive(from_station, leave, len(grid))
    metres = np.hypot(np.subtract.outer(core_x, x), np.subtract.outer(core_y, y))
    walk_min = metres / 1000.0 / transit.params.walk_speed_kmh * 60.0
    walked = np.where(metres <= transit.params.walk_limit_m, walk_min, np.inf)
    return _least(_null_unreached(np.minimum(ridden, walked)))
