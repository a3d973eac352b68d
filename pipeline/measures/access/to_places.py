"""Minutes from every zone to places: the core, the nearest centre, services.

What belongs here: searches of the routing network from few places to all zones, by
car and by public transport. People and services counted by zone-to-zone times belong
to `people_reached` and `catchments`, times between centres to `centre_times`.

A place is joined to the road as a centre is in `centre_times`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from pipeline.measures.access.joining import join_to_roads
from pipeline.measures.access.params import CentreTimesParams
from pipeline.measures.routing.access import WEIGHTS, Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.transit import TransitNetwork
from pipeline.terms import ACCESS_SERVICES

Floats = NDArray[np.float64]


def minutes_to_centres(
    network: RoutingNetwork,
    access: Access,
    centres: gpd.GeoDataFrame,
    params: CentreTimesParams,
) -> dict[str, object]:
    """Minutes to the core, free flow and peak, and to the nearest city centre.

    Parameters
    ----------
    access
        Of the zones, to the roads of ``network``.
    centres
        Layer ``centres`` in the network's metric CRS.

    Returns
    -------
    Columns of layer ``zones`` by name; null where a centre cannot be reached, or there is
    none.
    """
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


def minutes_to_services(
    network: RoutingNetwork,
    access: Access,
    services: gpd.GeoDataFrame,
    params: CentreTimesParams,
) -> dict[str, Floats]:
    """Minutes to the nearest service of each kind, free flow.

    Parameters
    ----------
    access
        Of the zones, to the roads of ``network``.
    services
        Layer ``services`` in the network's metric CRS.

    Returns
    -------
    Columns of layer ``zones`` by name; NaN where none is mapped or reached.
    """
    return {
        f"minutes_to_{kind}": _to_nearest(
            network, access, _place_access(network, services[services["kind"] == kind], params)
        )
        for kind in ACCESS_SERVICES
    }


def minutes_to_core_by_transit(
    grid: pd.DataFrame,
    access: Access,
    centres: gpd.GeoDataFrame,
    transit: TransitNetwork,
    network: RoutingNetwork,
    params: CentreTimesParams,
) -> Floats:
    """Minutes to the core by public transport, float64[zones]; NaN where it does not lead there.

    Door to door from the populated points, on foot or by car to the station, or on foot
    all the way.

    Parameters
    ----------
    grid
        Zones with point_x and point_y, metres; ``access`` is theirs to the roads.
    """
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


# --------------------------------------------------------------------------- searches


def _place_access(
    network: RoutingNetwork, places: gpd.GeoDataFrame, params: CentreTimesParams
) -> Access:
    """Access of points or areas, these by their centroid."""
    points = shapely.centroid(places.geometry.to_numpy())
    return join_to_roads(shapely.get_x(points), shapely.get_y(points), network, params)[0]


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
