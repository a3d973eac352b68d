"""Travel times: zone to zone in batches of origins, and between centres door to door.

What belongs here: turning searches of the prepared networks into the layers
``travel_times`` and ``centre_times``. The searches belong to `routing` and
`transit_routing`, what the times are used for to the other measures.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline import schemas
from pipeline.config import CentreTimesParams, TransitParams, TravelTimesParams
from pipeline.crs import require_metric
from pipeline.measures.routing import WEIGHTS, Access, Mode, RoutingNetwork
from pipeline.measures.transit_routing import TransitNetwork

Floats = NDArray[np.float64]

BLOCK = 128
"""Origins per dense block, so that a batch of any size needs little memory."""

CELL_DISTANCE = 0.9
"""Mean distance between two random points of a regular hexagon of circumradius 1 is
0.826 (Dunbar 1997: 0.8263); with a road detour of about 1.1 that is 0.9 radii.
Only trips inside one cell use it.
"""


def zone_times(
    rows: tuple[int, int],
    zone_grid: pd.DataFrame,
    routing_network: RoutingNetwork,
    params: TravelTimesParams,
) -> pd.DataFrame:
    """Times from a range of zones to all zones within the cutoff: layer ``travel_times``.

    Minutes between the cells' populated points, the minutes between these and
    the road included at both ends. A trip inside one cell, whose points are
    anywhere in it, takes `CELL_DISTANCE` of its radius at the access's
    average: see `_within_cell`. Zones without access have no rows.

    Parameters
    ----------
    rows
        Half-open range of origins, as rows of ``zone_grid``.
    zone_grid
        The whole grid; its order gives the categories of both cell columns, so
        that parts can be put together cheaply.
    routing_network
        Prepared network of the same metro.
    params
        Cutoff in minutes and modes.

    Returns
    -------
    DataFrame
        Sorted by mode (in the order of ``params.modes``), origin, destination.
    """
    access = routing_network.access_of_zones(zone_grid)
    inside = _within_cell(zone_grid)
    parts = [
        _pairs_within(
            routing_network, access, inside, slice(start, min(start + BLOCK, rows[1])), mode, params
        )
        for mode in params.modes
        for start in range(rows[0], rows[1], BLOCK)
    ]
    modes: list[Mode] = [mode for mode in params.modes for _ in range(rows[0], rows[1], BLOCK)]
    return _as_layer(zone_grid, parts, modes)


def _within_cell(zone_grid: pd.DataFrame) -> Floats:
    """Minutes of a trip inside each cell, at 30 km/h: the free-flow speed of its local roads."""
    area_m2 = shapely.area(zone_grid.geometry.to_numpy())
    radius_m = np.sqrt(area_m2 * 2.0 / (3.0 * np.sqrt(3.0)))
    return np.asarray(CELL_DISTANCE * radius_m / 1000.0 / 30.0 * 60.0)


def _pairs_within(
    network: RoutingNetwork,
    access: Access,
    inside: Floats,
    rows: slice,
    mode: Mode,
    params: TravelTimesParams,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]:
    """Origin and destination rows and minutes of one block, within the cutoff."""
    origins = access.take(rows)
    minutes = network.times_between(origins, access, mode=mode, cutoff_min=params.cutoff_min)
    own = np.arange(rows.start, rows.stop)
    minutes[np.arange(len(own)), own] = np.where(origins.has_access, inside[own], np.inf)
    origin, destination = np.nonzero(minutes <= params.cutoff_min)
    return origin + rows.start, destination, minutes[origin, destination].astype(np.float32)


def _as_layer(
    zone_grid: pd.DataFrame,
    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]],
    modes: list[Mode],
) -> pd.DataFrame:
    nobody = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    parts, modes = [*parts, nobody], [*modes, "drive"]
    cells = pd.CategoricalDtype(zone_grid["cell"].to_numpy(dtype=object))
    kinds = pd.CategoricalDtype(list(schemas.MODES))
    counts = [len(part[0]) for part in parts]
    codes = np.repeat([schemas.MODES.index(mode) for mode in modes], counts).astype(np.int8)
    origin, destination, minutes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pd.DataFrame(
        {
            "from_cell": pd.Categorical.from_codes(origin, dtype=cells),
            "to_cell": pd.Categorical.from_codes(destination, dtype=cells),
            "mode": pd.Categorical.from_codes(codes, dtype=kinds),
            "minutes": minutes,
        }
    )


# --------------------------------------------------------------------------- centres


def centre_times(
    cities: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    params: CentreTimesParams,
    transit_params: TransitParams,
) -> pd.DataFrame:
    """Door-to-door times between centres by car and by transit: layer ``centre_times``.

    ``distance_km`` is the length of the fastest path, the straight legs between
    centre and road included; ``border_crossings`` how often that path passes
    from one analysed city into another (a way through land outside the cities
    does not count).

    Raises
    ------
    CrsError
        If centres are not in metres.
    """
    require_metric(centres, "centres")
    chosen = centres[centres["kind"].isin(params.kinds)].sort_values("centre_id", ignore_index=True)
    if len(chosen) < 2:
        return schemas.empty("centre_times")
    points = chosen.geometry.to_numpy()
    x, y = shapely.get_x(points), shapely.get_y(points)
    access, snap_m = routing_network.access_of_points(x, y, params.max_snap_m)
    access = access.with_extra_min(np.nan_to_num(snap_m / 1000.0 / params.access_speed_kmh * 60.0))
    crossings = _CityCrossings(routing_network, cities)
    modes: tuple[Mode, ...] = ("drive", "drive_peak")
    tables = [
        _drive_table(chosen, routing_network, access, snap_m, crossings, mode) for mode in modes
    ]
    transit = TransitNetwork.build(stations, transit_links, transit_params)
    tables.append(_transit_table(chosen, transit, routing_network, access, x, y))
    table = pd.concat(tables, ignore_index=True)
    table = table[table["from_id"] != table["to_id"]]
    return schemas.conform("centre_times", _with_straight(table, chosen))


def _drive_table(
    centres: gpd.GeoDataFrame, network: RoutingNetwork, access: Access, snap_m: Floats,
    crossings: _CityCrossings, mode: Mode,
) -> pd.DataFrame:  # fmt: skip
    count = len(centres)
    minutes, metres, crossed = (np.full((count, count), np.nan) for _ in range(3))
    for row in np.flatnonzero(access.has_access).tolist():
        minutes[row], metres[row], crossed[row] = _paths_from(network, access, row, crossings, mode)
    reached = np.isfinite(minutes)
    lost = np.isnan(snap_m)
    reason = np.where(lost[:, None] | lost[None, :], "no_road_within_limit", "unreachable").astype(
        object
    )
    reason[reached] = None
    length = metres + np.nan_to_num(snap_m)[:, None] + np.nan_to_num(snap_m)[None, :]
    return _table(
        centres,
        mode,
        np.where(reached, minutes, np.nan),
        np.where(reached, length / 1000.0, np.nan),
        np.where(reached, crossed, np.nan),
        reason,
    )


def _paths_from(
    network: RoutingNetwork, access: Access, row: int, crossings: _CityCrossings, mode: Mode
) -> tuple[Floats, Floats, Floats]:
    """Minutes, metres and border crossings of the fastest paths from one centre to all."""
    here = access.take([row])
    tree = network.trees(here, mode=mode)
    to_end = crossings.to_ends(access)
    counted = network.along_trees(tree, crossings.of_arcs, to_end[[row]])[0]
    at = np.maximum(access.node_in, 0)
    arriving = tree.value[0][at] + access.minutes_in(mode)
    side = np.argmin(arriving, axis=1)
    every = np.arange(len(access))
    node = at[every, side]
    minutes = arriving[every, side]
    with np.errstate(invalid="ignore"):
        metres = tree.metres[0][node] + access.into[every, WEIGHTS.index("metres"), side]
        crossed = counted[node] + to_end[every, side]
    straight = network.direct(here, access, mode)
    shorter = straight[straight["value"].to_numpy() < minutes[straight["destination"]]]
    to = shorter["destination"].to_numpy()
    minutes[to] = shorter["value"]
    metres[to] = np.abs(access.along_m[to] - access.along_m[row])
    crossed[to] = np.abs(crossings.before(access)[to] - crossings.before(access)[row])
    return minutes, metres, crossed


class _CityCrossings:
    """Where the network's chains pass from one city into another."""

    def __init__(self, network: RoutingNetwork, cities: gpd.GeoDataFrame) -> None:
        city = _city_of_vertices(network, cities)
        first = np.flatnonzero((city[1:] != city[:-1]) & (city[1:] >= 0) & (city[:-1] >= 0))
        segment = np.searchsorted(network.coords_start, first, side="right") - 1
        first = first[first + 1 < network.coords_start[segment + 1]]
        segment = np.searchsorted(network.coords_start, first, side="right") - 1
        middle = (network.coords[first] + network.coords[first + 1]) / 2.0
        lines = network.segment_lines(segment)
        length = shapely.length(lines)
        share = shapely.line_locate_point(lines, shapely.points(middle)) / np.where(
            length > 0, length, 1.0
        )
        metres = WEIGHTS.index("metres")
        along = (
            network.segment_start[segment, metres, 0]
            + share * network.segment_plain[segment, metres]
        )
        chain = network.segment_chain[segment]
        order = np.lexsort((along, chain))
        self._chain, self._along = chain[order], along[order]
        self._of_chain = np.bincount(chain, minlength=len(network.chain_start) - 1)
        self.of_arcs = np.where(
            network.arc_chain >= 0, _pick(self._of_chain, network.arc_chain), 0.0
        )

    def before(self, access: Access) -> Floats:
        """Crossings between the chain's start and each point; 0 off chains."""
        first = np.searchsorted(self._chain, access.chain, side="left")
        stop = np.searchsorted(self._chain, access.chain, side="right")
        count = np.zeros(len(access))
        for at in np.flatnonzero(stop > first):
            count[at] = np.searchsorted(self._along[first[at] : stop[at]], access.along_m[at])
        return count

    def to_ends(self, access: Access) -> Floats:
        """Crossings between each point and both ends of its chain, float64[k, 2]."""
        before = self.before(access)
        return np.stack([before, _pick(self._of_chain, access.chain) - before], axis=1)


def _pick(values: NDArray[Any], index: NDArray[Any]) -> Floats:
    """values[index], 0 where the index is negative."""
    if not len(values):
        return np.zeros(len(index))
    return np.where(index >= 0, values[np.maximum(index, 0)], 0).astype(float)


def _city_of_vertices(network: RoutingNetwork, cities: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Number of the city that each vertex of the network lies in; -1 outside all."""
    result = np.full(len(network.coords), -1, dtype=np.int64)
    x, y = network.coords[:, 0], network.coords[:, 1]
    for number, shape in enumerate(cities.sort_values("city_id").geometry):
        west, south, east, north = shapely.bounds(shape)
        near = np.flatnonzero(
            (x >= west) & (x <= east) & (y >= south) & (y <= north) & (result < 0)
        )
        shapely.prepare(shape)
        result[near[shapely.contains_xy(shape, x[near], y[near])]] = number
    return result


def _transit_table(
    centres: gpd.GeoDataFrame, transit: TransitNetwork, network: RoutingNetwork, access: Access,
    x: Floats, y: Floats,
) -> pd.DataFrame:  # fmt: skip
    count = len(centres)
    leave = transit.reach(x, y, network, access, leaving=True)
    finish = transit.reach(x, y, network, access, leaving=False)
    minutes = transit.times_between((x, y), (x, y), network, access, access)
    can_leave = np.isin(np.arange(count), leave["point"])
    can_finish = np.isin(np.arange(count), finish["point"])
    near = can_leave[:, None] & can_finish[None, :]
    reached = np.isfinite(minutes)
    reason = np.where(near, "unreachable", "no_station_in_reach").astype(object)
    reason[reached] = None
    unknown = np.full((count, count), np.nan)
    return _table(centres, "transit", np.where(reached, minutes, np.nan), unknown, unknown, reason)


def _table(
    centres: gpd.GeoDataFrame, mode: str, minutes: Floats, distance_km: Floats, crossed: Floats,
    reason: NDArray[Any],
) -> pd.DataFrame:  # fmt: skip
    count = len(centres)
    ids = centres["centre_id"].to_numpy(dtype=object)
    return pd.DataFrame(
        {
            "from_id": np.repeat(ids, count),
            "to_id": np.tile(ids, count),
            "mode": mode,
            "minutes": minutes.ravel(),
            "distance_km": distance_km.ravel(),
            "border_crossings": pd.array(crossed.ravel(), dtype="Int64"),
            "reason": reason.ravel(),
        }
    )


def _with_straight(table: pd.DataFrame, centres: gpd.GeoDataFrame) -> pd.DataFrame:
    points = centres.set_index("centre_id").geometry
    straight = shapely.distance(
        points.loc[table["from_id"]].to_numpy(), points.loc[table["to_id"]].to_numpy()
    )
    straight_km = straight / 1000.0
    safe = np.where(straight_km > 0, straight_km, np.nan)
    return table.assign(
        straight_km=straight_km, detour_ratio=table["distance_km"].to_numpy() / safe
    )
