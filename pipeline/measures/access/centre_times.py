"""Door-to-door times between centres and towns, by car and by transit.

What belongs here: the layer ``centre_times``: minutes, the length of the fastest
path and the city borders it crosses. The searches belong to `routing` and
`transit_routing`, zone-to-zone times to `travel_times`.

*Hubs* are the centres that every other place is timed from and to; the other
places (towns, plan areas) are timed to and from hubs only. A hub costs one
search forward and one in reverse, however many towns there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.params import CentreTimesParams
from pipeline.measures.geometry.areas import area_of_points
from pipeline.measures.routing.access import WEIGHTS, Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

ROAD_MODES: tuple[Mode, ...] = ("drive", "drive_peak")
METRES = WEIGHTS.index("metres")


def centre_times(
    rows: tuple[int, int],
    cities: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
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
        ``no_road_within_limit``, ``unreachable`` or ``no_station_in_reach``.

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
    runs = _city_runs(routing_network, cities)
    tables = [
        _drive_table(places, hub, routing_network, runs, mode, params)
        for mode in ROAD_MODES
        for hub in hubs.tolist()
    ]
    transit = TransitNetwork.build(stations, transit_links, transit_params)
    tables.append(_transit_table(places, hubs, transit, routing_network))
    return conform("centre_times", _with_straight(places, pd.concat(tables)))


@dataclass(frozen=True)
class _Places:
    """Hubs and other places by id: metres, access and the metres to the road (NaN: none near)."""

    ids: NDArray[Any]
    is_hub: NDArray[np.bool_]
    x: Floats
    y: Floats
    access: Access
    snap_m: Floats


def _places(
    centres: gpd.GeoDataFrame, network: RoutingNetwork, params: CentreTimesParams
) -> _Places:
    kinds = (*params.kinds, *params.town_kinds)
    chosen = centres[centres["kind"].isin(kinds)].sort_values("centre_id", ignore_index=True)
    points = chosen.geometry.to_numpy()
    x, y = shapely.get_x(points), shapely.get_y(points)
    access, snap_m = network.access_of_points(x, y, params.max_snap_m)
    walk_min = np.nan_to_num(snap_m / 1000.0 / params.access_speed_kmh * 60.0)
    return _Places(
        chosen["centre_id"].to_numpy(dtype=object),
        chosen["kind"].isin(params.kinds).to_numpy(bool),
        x,
        y,
        access.with_extra_min(walk_min),
        snap_m,
    )


# --------------------------------------------------------------------------- by car


def _drive_table(
    places: _Places,
    hub: int,
    network: RoutingNetwork,
    runs: _CityRuns,
    mode: Mode,
    params: CentreTimesParams,
) -> pd.DataFrame:
    """From the hub to every other place, then to it from the places that are no hubs."""
    every = np.arange(len(places.ids))
    others, towns = every[every != hub], np.flatnonzero(~places.is_hub)
    parts = []
    for there, reverse in ((others, False), (towns, True)):
        minutes, metres, crossed = _paths(places, hub, network, runs, mode, reverse, params)
        legs_m = np.nan_to_num(places.snap_m[there]) + np.nan_to_num(places.snap_m[hub])
        reached = np.isfinite(minutes[there])
        is_lost = np.isnan(places.snap_m[there]) | np.isnan(places.snap_m[hub])
        reason = np.where(is_lost, "no_road_within_limit", "unreachable").astype(object)
        reason[reached] = None
        parts.append(
            pd.DataFrame(
                {
                    "from": there if reverse else hub,
                    "to": hub if reverse else there,
                    "mode": mode,
                    "minutes": np.where(reached, minutes[there], np.nan),
                    "distance_km": np.where(reached, (metres[there] + legs_m) / 1000.0, np.nan),
                    "border_crossings": np.where(reached, crossed[there], np.nan),
                    "reason": reason,
                }
            )
        )
    return pd.concat(parts)


def _paths(
    places: _Places,
    hub: int,
    network: RoutingNetwork,
    runs: _CityRuns,
    mode: Mode,
    reverse: bool,
    params: CentreTimesParams,
) -> tuple[Floats, Floats, Floats]:
    """Minutes, metres and city changes of the fastest paths between one hub and all places."""
    access, count = places.access, len(places.ids)
    if not access.has_access[hub]:
        return (np.full(count, np.inf), *np.full((2, count), np.nan))
    here = access.take([hub])
    tree = network.trees(here, mode=mode, reverse=reverse)
    ends = access.node if reverse else access.node_in
    rest = access.minutes_out(mode) if reverse else access.minutes_in(mode)
    rest_m = (access.out if reverse else access.into)[:, METRES, :]
    at = np.maximum(ends, 0)
    arriving = tree.value[0][at] + rest
    side = np.argmin(arriving, axis=1)
    rows = np.arange(count)
    minutes = arriving[rows, side]
    with np.errstate(invalid="ignore"):
        metres = tree.metres[0][at[rows, side]] + rest_m[rows, side]
    direct = network.direct(access, here, mode) if reverse else network.direct(here, access, mode)
    other = direct["origin" if reverse else "destination"].to_numpy()
    shorter = direct["value"].to_numpy() < minutes[other]
    other = other[shorter]
    minutes[other] = direct["value"].to_numpy()[shorter]
    metres[other] = np.abs(access.along_m[other] - access.along_m[hub])
    side = side.astype(np.int64)
    side[other] = -1
    side[~np.isfinite(minutes)] = -2
    changes = _count_changes(
        tree.arc[0],
        network.tail,
        network.head,
        network.arc_chain,
        network.arc_forward,
        at,
        side,
        access.chain,
        access.along_m,
        hub,
        reverse,
        runs.first,
        runs.city,
        runs.start_m,
        runs.length_m,
        params.least_stay_m,
    )
    return minutes, metres, changes


@dataclass(frozen=True)
class _CityRuns:
    """Chains cut where they pass into another city.

    Chain c holds runs ``first[c]`` to ``first[c + 1]``: ``city`` (-1: outside
    all), ``start_m`` metres from the chain's start. ``length_m`` is by chain.
    """

    first: NDArray[np.int64]
    city: NDArray[np.int64]
    start_m: Floats
    length_m: Floats


def _city_runs(network: RoutingNetwork, cities: gpd.GeoDataFrame) -> _CityRuns:
    city = _city_of_vertices(network, cities)
    starts = np.asarray(network.coords_start)
    segment = np.repeat(np.arange(network.n_segments), np.diff(starts))
    chain = np.asarray(network.segment_chain)[segment]
    coords = np.asarray(network.coords)
    step = np.zeros(len(coords))
    step[1:] = np.hypot(*np.diff(coords, axis=0).T)
    step[starts[:-1]] = 0.0
    drawn = np.cumsum(step)
    drawn -= drawn[starts[:-1]][segment]
    whole = np.maximum(drawn[starts[1:] - 1][segment], 1e-9)
    along_m = (
        np.asarray(network.segment_start)[segment, METRES, 0]
        + drawn / whole * np.asarray(network.segment_plain)[segment, METRES]
    )
    begins = np.r_[True, chain[1:] != chain[:-1]] if len(chain) else np.zeros(0, bool)
    changes = np.r_[True, city[1:] != city[:-1]] if len(city) else np.zeros(0, bool)
    cut = np.flatnonzero(begins | changes)
    before = np.maximum(cut - 1, 0)
    # Between two vertices in different cities: in the middle.
    start_m = np.where(begins[cut], 0.0, (along_m[cut] + along_m[before]) / 2.0)
    first = np.searchsorted(chain[cut], np.arange(len(network.chain_total) + 1))
    return _CityRuns(first, city[cut], start_m, network.chain_total[:, METRES, 0])


def _city_of_vertices(network: RoutingNetwork, cities: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Number of the city that each vertex of the network lies in; -1 outside all."""
    areas = cities.sort_values("city_id").geometry.to_numpy()
    return area_of_points(network.coords[:, 0], network.coords[:, 1], areas)


_compiled: Any = numba.njit(cache=True, nogil=True)


@_compiled
def _count_changes(  # type: ignore[no-untyped-def]
    tree,
    tail,
    head,
    arc_chain,
    is_forward,
    ends,
    side,
    chain,
    along_m,
    hub,
    reverse,
    first,
    city,
    start_m,
    length_m,
    least_stay_m,
):
    """Changes of city along the path between the hub and each place; NaN where there is none.

    ``side`` is the chain end by which the place is joined to the tree, -1 along
    one chain without leaving it, -2 not at all.
    """
    out = np.full(len(ends), np.nan)
    arcs = np.empty(len(tree), np.int32)
    state = np.empty(4)
    for place in range(len(ends)):
        if side[place] == -2:
            continue
        start, stop = (place, hub) if reverse else (hub, place)
        state[:] = (-1.0, 0.0, -1.0, 0.0)
        if side[place] == -1:
            _follow(
                chain[start],
                along_m[start],
                along_m[stop],
                first,
                city,
                start_m,
                length_m,
                least_stay_m,
                state,
            )
            out[place] = state[1] + (state[2] >= 0.0)
            continue
        count = 0
        node = ends[place, side[place]]
        while tree[node] >= 0:
            arcs[count] = tree[node]
            count += 1
            node = head[tree[node]] if reverse else tail[tree[node]]
        hub_end = -1 - tree[node]
        leave, enter = (side[place], hub_end) if reverse else (hub_end, side[place])
        if chain[start] >= 0:
            aim = length_m[chain[start]] if leave == 1 else 0.0
            _follow(
                chain[start],
                along_m[start],
                aim,
                first,
                city,
                start_m,
                length_m,
                least_stay_m,
                state,
            )
        for step in range(count):
            arc = arcs[step] if reverse else arcs[count - 1 - step]
            number = arc_chain[arc]
            if number >= 0:
                whole = length_m[number]
                _follow(
                    number,
                    0.0 if is_forward[arc] else whole,
                    whole if is_forward[arc] else 0.0,
                    first,
                    city,
                    start_m,
                    length_m,
                    least_stay_m,
                    state,
                )
        if chain[stop] >= 0:
            origin = length_m[chain[stop]] if enter == 1 else 0.0
            _follow(
                chain[stop],
                origin,
                along_m[stop],
                first,
                city,
                start_m,
                length_m,
                least_stay_m,
                state,
            )
        # Who arrives in another city has crossed, however near the border the place lies.
        out[place] = state[1] + (state[2] >= 0.0)
    return out


@_compiled
def _follow(  # type: ignore[no-untyped-def]
    chain, from_m, to_m, first, city, start_m, length_m, least_stay_m, state
):
    """Drive a stretch of a chain. State: city, changes, another city entered, metres in it."""
    low, high = min(from_m, to_m), max(from_m, to_m)
    count = first[chain + 1] - first[chain]
    for step in range(count):
        run = first[chain] + step if to_m >= from_m else first[chain + 1] - 1 - step
        ends = start_m[run + 1] if run + 1 < first[chain + 1] else length_m[chain]
        metres = min(high, ends) - max(low, start_m[run])
        here = city[run]
        if metres <= 0.0 or here < 0:
            continue
        if state[0] < 0.0:
            state[0] = here
        if here == state[0]:
            state[2] = -1.0
            continue
        if here != state[2]:
            state[2], state[3] = here, 0.0
        state[3] += metres
        if state[3] >= least_stay_m:
            state[0], state[2] = here, -1.0
            state[1] += 1.0


# --------------------------------------------------------------------------- by transit


def _transit_table(
    places: _Places, hubs: NDArray[Any], transit: TransitNetwork, network: RoutingNetwork
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
    start: NDArray[Any],
    stop: NDArray[Any],
    transit: TransitNetwork,
    network: RoutingNetwork,
) -> tuple[Floats, NDArray[np.bool_]]:
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
