"""Door-to-door times between centres and towns, by car and by transit.

What belongs here: the layer ``centre_times``: minutes, and the length of the fastest
path. The city borders that it crosses belong to `city_runs`, the searches to
`routing`, zone-to-zone times to `travel_times`.

*Hubs* are the centres that every other place is timed from and to; the other
places (towns, plan areas) are timed to and from hubs only. A hub costs one
search forward and one in reverse, however many towns there are.

One place is one centre: where a city's centre, its county's seat and a town stand at one
point, the place is timed once, as the first of them.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.city_runs import (
    METRES,
    NOT_REACHED,
    ON_ONE_CHAIN,
    CityRuns,
    PathEnds,
    city_runs,
    count_city_changes,
)
from pipeline.measures.access.joining import join_to_roads
from pipeline.measures.access.params import CentreTimesParams
from pipeline.measures.routing.access import Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

_KIND_ORDER = {"core": 0, "city": 1, "county_seat": 2, "town": 3, "area": 4}
"""What a place with several kinds of centre is timed as: the first."""

ROAD_MODES: tuple[Mode, ...] = ("drive", "drive_peak")


def centre_times(
    rows: tuple[int, int],
    cities: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    station_changes: pd.DataFrame,
    params: CentreTimesParams,
    transit_params: TransitParams,
) -> pd.DataFrame:
    """Times of a range of hubs, by car and by transit: layer ``centre_times``.

    ``distance_km`` is the length of the fastest path, the straight legs between
    centre and road included; ``border_crossings`` how often that path passes
    from one analysed city into another, whether over their border or through
    land outside the cities. A stay shorter than ``params.least_stay_m`` in
    another city is a road that weaves along the border, and no crossing.

    Parameters
    ----------
    rows
        Half-open range of hubs, in the order of their ids.
    cities, centres, stations, transit_links
        Layers in the metro's metric CRS.

    Returns
    -------
    DataFrame
        From each hub of the range to every other place, and to it from every
        place that is no hub. ``reason`` where minutes are null:
        ``no_road_within_limit``, ``not_joined_to_main_network``, ``unreachable`` or
        ``no_station_in_reach``.

    Raises
    ------
    CrsError
        If centres are not in metres.
    """
    require_metric(centres, "centres")
    places = _places(centres, routing_network, params)
    hubs = np.flatnonzero(places.is_hub)[rows[0] : rows[1]]
    if not len(hubs) or len(places.ids) < 2:
        return empty_layer("centre_times")
    runs = city_runs(routing_network, cities)
    tables = [
        _drive_table(places, hub, routing_network, runs, mode, params)
        for mode in ROAD_MODES
        for hub in hubs.tolist()
    ]
    transit = TransitNetwork.build(stations, transit_links, station_changes, transit_params)
    tables.append(_transit_table(places, hubs, transit, routing_network))
    return conform("centre_times", _with_straight(places, pd.concat(tables)))


class _Places(NamedTuple):
    """Hubs and other places by id: metres, access and the metres to the road (NaN: none near)."""

    ids: NDArray[np.object_]
    is_hub: Flags
    x: Floats
    y: Floats
    access: Access
    snap_m: Floats
    reason: NDArray[np.object_]


def _places(
    centres: gpd.GeoDataFrame, network: RoutingNetwork, params: CentreTimesParams
) -> _Places:
    kinds = (*params.kinds, *params.town_kinds)
    chosen = centres[centres["kind"].isin(kinds)].sort_values("centre_id", ignore_index=True)
    chosen = chosen[_stands_alone(chosen, params.one_place_m)].reset_index(drop=True)
    points = chosen.geometry.to_numpy()
    x, y = shapely.get_x(points), shapely.get_y(points)
    access, snap_m = join_to_roads(x, y, network, params)
    return _Places(
        chosen["centre_id"].to_numpy(dtype=object),
        chosen["kind"].isin(params.kinds).to_numpy(bool),
        x,
        y,
        access,
        snap_m,
        network.reasons_without_access(x, y, params.max_snap_m),
    )


def _stands_alone(centres: gpd.GeoDataFrame, one_place_m: float) -> Flags:
    """False where a centre stands at one of a kind above it, or of its kind and an id before it."""
    order = np.lexsort((centres["centre_id"], centres["kind"].map(_KIND_ORDER)))
    points = centres.geometry.to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    low, high = shapely.STRtree(points).query(points, predicate="dwithin", distance=one_place_m)
    above: dict[int, list[int]] = {}
    for one, other in zip(low.tolist(), high.tolist(), strict=True):
        if rank[other] < rank[one]:
            above.setdefault(one, []).append(other)
    alone = np.ones(len(order), dtype=bool)
    # Two cities are never one place.
    for one in order[~centres["kind"].isin(["core", "city"]).to_numpy()[order]].tolist():
        alone[one] = not any(alone[other] for other in above.get(one, ()))
    return alone


# --------------------------------------------------------------------------- by car


class _Paths(NamedTuple):
    """Fastest paths between one hub and all places, float64[places].

    ``minutes`` is inf and ``metres`` and ``crossings`` NaN where there is none.
    """

    minutes: Floats
    metres: Floats
    crossings: Floats


def _drive_table(
    places: _Places,
    hub: int,
    network: RoutingNetwork,
    runs: CityRuns,
    mode: Mode,
    params: CentreTimesParams,
) -> pd.DataFrame:
    """From the hub to every other place, then to it from the places that are no hubs."""
    every = np.arange(len(places.ids))
    others, towns = every[every != hub], np.flatnonzero(~places.is_hub)
    parts = []
    for there, reverse in ((others, False), (towns, True)):
        paths = _paths(places, hub, network, runs, mode, reverse, params)
        start, stop = (there, hub) if reverse else (hub, there)
        parts.append(_drive_rows(places, paths, there, hub).assign(**{"from": start, "to": stop}))
    return pd.concat(parts).assign(mode=mode)


def _drive_rows(places: _Places, paths: _Paths, there: Rows, hub: int) -> pd.DataFrame:
    """Figures of the paths between a hub and some places, legs to the road included."""
    legs_m = np.nan_to_num(places.snap_m[there]) + np.nan_to_num(places.snap_m[hub])
    reached = np.isfinite(paths.minutes[there])
    is_lost = np.isnan(places.snap_m[there]) | np.isnan(places.snap_m[hub])
    own = np.isnan(places.snap_m[there])
    lost = np.where(own, places.reason[there], places.reason[hub])
    reason = np.where(is_lost, lost, "unreachable").astype(object)
    reason[reached] = None
    return pd.DataFrame(
        {
            "minutes": np.where(reached, paths.minutes[there], np.nan),
            "distance_km": np.where(reached, (paths.metres[there] + legs_m) / 1000.0, np.nan),
            "border_crossings": np.where(reached, paths.crossings[there], np.nan),
            "reason": reason,
        }
    )


def _paths(
    places: _Places,
    hub: int,
    network: RoutingNetwork,
    runs: CityRuns,
    mode: Mode,
    reverse: bool,
    params: CentreTimesParams,
) -> _Paths:
    """Minutes, metres and city changes of the fastest paths between one hub and all places."""
    access, count = places.access, len(places.ids)
    if not access.has_access[hub]:
        return _Paths(np.full(count, np.inf), *np.full((2, count), np.nan))
    here = access.take([hub])
    tree = network.trees(here, mode=mode, reverse=reverse)
    node = np.maximum(access.node if reverse else access.node_in, 0)
    rest = access.minutes_out(mode) if reverse else access.minutes_in(mode)
    rest_m = (access.out if reverse else access.into)[:, METRES, :]
    arriving = tree.value[0][node] + rest
    side, rows = np.argmin(arriving, axis=1).astype(np.int64), np.arange(count)
    minutes = arriving[rows, side]
    with np.errstate(invalid="ignore"):
        metres = tree.metres[0][node[rows, side]] + rest_m[rows, side]
    direct = network.direct(access, here, mode) if reverse else network.direct(here, access, mode)
    other = direct["origin" if reverse else "destination"].to_numpy()
    shorter = direct["value"].to_numpy() < minutes[other]
    other = other[shorter]
    minutes[other] = direct["value"].to_numpy()[shorter]
    metres[other] = np.abs(access.along_m[other] - access.along_m[hub])
    side[other] = ON_ONE_CHAIN
    side[~np.isfinite(minutes)] = NOT_REACHED
    ends = PathEnds(node, side, access.chain, access.along_m)
    crossings = count_city_changes(
        network, tree.arc[0], ends, runs, hub, reverse, params.least_stay_m
    )
    return _Paths(minutes, metres, crossings)


# --------------------------------------------------------------------------- by transit


def _transit_table(
    places: _Places, hubs: Rows, transit: TransitNetwork, network: RoutingNetwork
) -> pd.DataFrame:
    every, towns = np.arange(len(places.ids)), np.flatnonzero(~places.is_hub)
    parts = []
    for start, stop in ((hubs, every), (towns, hubs)):
        minutes, near = _transit_minutes(places, start, stop, transit, network)
        reached = np.isfinite(minutes)
        reason = np.where(near, "unreachable", "no_station_in_reach").astype(object)
        reason[reached] = None
        table = pd.DataFrame(
            {
                "from": np.repeat(start, len(stop)),
                "to": np.tile(stop, len(start)),
                "mode": "transit",
                "minutes": np.where(reached, minutes, np.nan).ravel(),
                "distance_km": np.nan,
                "border_crossings": np.nan,
                "reason": reason.ravel(),
            }
        )
        parts.append(table[table["from"] != table["to"]])
    return pd.concat(parts)


def _transit_minutes(
    places: _Places,
    start: Rows,
    stop: Rows,
    transit: TransitNetwork,
    network: RoutingNetwork,
) -> tuple[Floats, Flags]:
    """Minutes, and whether both ends have a station in reach."""
    sides = []
    for rows, leaving in ((start, True), (stop, False)):
        access = places.access.take(rows)
        reach = transit.reach(places.x[rows], places.y[rows], network, access, leaving=leaving)
        sides.append((reach, np.isin(np.arange(len(rows)), reach["point"])))
    minutes = transit.join(
        sides[0][0],
        sides[1][0],
        (places.x[start], places.y[start]),
        (places.x[stop], places.y[stop]),
    )
    return minutes, sides[0][1][:, None] & sides[1][1][None, :]


def _with_straight(places: _Places, table: pd.DataFrame) -> pd.DataFrame:
    start, stop = table["from"].to_numpy(), table["to"].to_numpy()
    straight_km = (
        np.hypot(places.x[stop] - places.x[start], places.y[stop] - places.y[start]) / 1000.0
    )
    distance_km = table["distance_km"].to_numpy(float)
    safe = np.where(straight_km > 0, straight_km, np.nan)
    return table.assign(
        from_id=places.ids[start],
        to_id=places.ids[stop],
        straight_km=straight_km,
        detour_ratio=distance_km / safe,
        border_crossings=pd.array(table["border_crossings"].to_numpy(), dtype="Int64"),
    ).drop(columns=["from", "to"])
