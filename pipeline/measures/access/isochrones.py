"""Isochrones: the land reached from a centre within some minutes.

What belongs here: turning travel times on the network into areas. The times
come from `routing.graph` and `routing.transit`; people and services reached, which
are exact without areas, belong to `accessibility`.

By road, the network is sampled along its length; the field of distances to what
is reached within the limit is cut at ``street_reach_m``. A wider limit reaches
more of the network, so its field is lower everywhere and its area contains the
smaller one; a few metres more reach per limit keep their outlines apart. By
transit, the area is where one walks to from the stations (and the centre) in
the time that is left, at most ``walk_limit_m``. Outlines are simplified together, as
one coverage of rings, so that they stay nested.
"""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.errors import StageError
from pipeline.layers import empty_layer
from pipeline.measures.access.field_outlines import as_multi, fill_holes, outline, simplify_together
from pipeline.measures.access.joining import join_to_roads
from pipeline.measures.access.params import CentreTimesParams, IsochronesParams
from pipeline.measures.routing.access import Access, Mode
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Reached = dict[float, shapely.MultiPolygon]

ROAD_MODES: tuple[Mode, ...] = ("drive", "drive_peak")
CELLS_PER_REACH = 3.0
"""Grid cells per street reach: fine enough for an outline off by a sixth of it at most."""
APART_M = 10.0
"""Each wider limit reaches this much farther off the road, so that outlines never touch."""
CHUNK = 200_000
"""Sampled points looked at together: bounds the memory."""


def draw_isochrones(
    centre_id: str,
    centres: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    routing_network: RoutingNetwork,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    station_changes: pd.DataFrame,
    params: IsochronesParams,
    transit_params: TransitParams,
    centre_times_params: CentreTimesParams,
) -> gpd.GeoDataFrame:
    """Isochrones of one centre by road, at peak and by transit.

    Parameters
    ----------
    centres, cities, zone_grid, stations, transit_links
        Layers in the metro's metric CRS.
    centre_times_params
        How a centre is joined to the road: as for the times between centres.

    Returns
    -------
    GeoDataFrame
        Layer ``isochrones``; no row where no centre is of ``params.kinds``, where a
        mode does not reach it, or where nothing is reached. People are
        those of the zones whose populated point lies inside, null where any of
        these is not known.
    """
    crs = require_metric(centres, "centres")
    drawn = centres[centres["kind"].isin(params.kinds)]
    if not len(drawn):
        return gpd.GeoDataFrame(empty_layer("isochrones", crs))
    point = _point_of(drawn, centre_id)
    limits = sorted(params.minutes)
    access, _ = join_to_roads([point.x], [point.y], routing_network, centre_times_params)
    transit = TransitNetwork.build(stations, transit_links, station_changes, transit_params)
    areas = _road_areas(point, routing_network, access, limits, params)
    areas["transit"] = _transit_areas(point, routing_network, access, transit, limits)
    rows = [
        _row(centre_id, mode, minutes, area, zone_grid)
        for mode, reached in areas.items()
        for minutes, area in simplify_together(reached, params.simplify_m).items()
    ]
    if not rows:
        return gpd.GeoDataFrame(empty_layer("isochrones", crs))
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=crs)


def _point_of(centres: gpd.GeoDataFrame, centre_id: str) -> shapely.Point:
    found = centres[centres["centre_id"] == centre_id]
    if len(found) != 1:
        raise StageError(
            f"isochrones: centre {centre_id!r} is found {len(found)} times; expected once"
        )
    return found.geometry.iloc[0]


def _row(
    centre_id: str,
    mode: str,
    minutes: float,
    area: shapely.MultiPolygon,
    zone_grid: gpd.GeoDataFrame,
) -> dict[str, object]:
    return {
        "centre_id": centre_id,
        "mode": mode,
        "minutes": float(minutes),
        "area_km2": float(shapely.area(area)) / 1e6,
        "population": _people_inside(area, zone_grid),
        "geometry": area,
    }


def _people_inside(area: shapely.MultiPolygon, zone_grid: gpd.GeoDataFrame) -> float:
    """People of the zones whose populated point lies inside; NaN where one is not known."""
    shapely.prepare(area)
    inside = shapely.contains_xy(area, zone_grid["point_x"], zone_grid["point_y"])
    return (
        float(zone_grid.loc[inside, "population"].sum(skipna=False)) if len(zone_grid) else np.nan
    )


# --------------------------------------------------------------------------- by road


def _road_areas(
    point: shapely.Point,
    network: RoutingNetwork,
    access: Access,
    limits: list[float],
    params: IsochronesParams,
) -> dict[str, Reached]:
    """Areas by mode and limit; none where the centre has no access."""
    if not access.has_access.any():
        return {mode: {} for mode in ROAD_MODES}
    cell_m = params.street_reach_m / CELLS_PER_REACH
    areas: dict[str, Reached] = {}
    for mode in ROAD_MODES:
        column, row, minutes = _reached_cells(point, network, access, mode, limits[-1], cell_m)
        areas[mode] = {
            limit: outline(
                column[minutes <= limit],
                row[minutes <= limit],
                cell_m,
                params.street_reach_m + APART_M * rank,
            )
            for rank, limit in enumerate(limits)
        }
        hole_m2 = (params.hole_reaches * params.street_reach_m) ** 2
        areas[mode] = {limit: fill_holes(area, hole_m2) for limit, area in areas[mode].items()}
    return areas


def _reached_cells(
    point: shapely.Point,
    network: RoutingNetwork,
    access: Access,
    mode: Mode,
    limit: float,
    cell_m: float,
) -> tuple[Ints, Ints, Floats]:
    """Grid cells with a reached stretch of road: column, row, least minutes."""
    times = network.times(access, mode=mode, cutoff_min=limit)
    x, y = np.array([point.x]), np.array([point.y])
    parts = [pd.DataFrame({"column": _cell(x, cell_m), "row": _cell(y, cell_m), "minutes": [0.0]})]
    for segment, fraction in _samples(network, access, times[0], cell_m):
        at = network.access_on_segments(segment, fraction)
        minutes = network.arrive(times, at, mode=mode, origins=access)[0]
        near = minutes <= limit
        xy = _along(network, segment[near], fraction[near])
        parts.append(
            pd.DataFrame(
                {
                    "column": _cell(xy[:, 0], cell_m),
                    "row": _cell(xy[:, 1], cell_m),
                    "minutes": minutes[near],
                }
            )
        )
    cells = pd.concat(parts).groupby(["column", "row"], sort=False)["minutes"].min().reset_index()
    return cells["column"].to_numpy(), cells["row"].to_numpy(), cells["minutes"].to_numpy(float)


def _cell(metres: Floats, cell_m: float) -> Ints:
    """Column or row of the grid cell that a coordinate lies in."""
    return np.floor(metres / cell_m).astype(np.int64)


def _samples(
    network: RoutingNetwork, access: Access, times: Floats, spacing_m: float
) -> Iterable[tuple[Ints, Floats]]:
    """A point every ``spacing_m`` of road on chains that the times reach, in chunks."""
    entered = np.asarray(np.isfinite(times[network.chain_out]).any(axis=1))
    entered[access.chain[access.chain >= 0]] = True
    segments = np.flatnonzero(entered[network.segment_chain])
    length = np.asarray(network.segment_weight[segments, -1, 0], dtype=float)
    end = np.cumsum(length)
    marks = np.arange(spacing_m / 2.0, end[-1] if len(end) else 0.0, spacing_m)
    which = np.searchsorted(end, marks)
    inside = np.maximum(length[which], 1e-9)
    fraction = np.clip(1.0 - (end[which] - marks) / inside, 0.0, 1.0)
    for start in range(0, len(marks), CHUNK):
        part = slice(start, start + CHUNK)
        yield segments[which[part]], fraction[part]


def _along(network: RoutingNetwork, segment: Ints, fraction: Floats) -> Floats:
    """Points at a fraction of segments, from their vertices, float64[k, 2]."""
    coords = np.asarray(network.coords)
    metres = np.r_[0.0, np.cumsum(np.hypot(*np.diff(coords, axis=0).T))]
    first = np.asarray(network.coords_start)[segment]
    last = np.asarray(network.coords_start)[segment + 1] - 1
    target = metres[first] + fraction * (metres[last] - metres[first])
    vertex = np.clip(np.searchsorted(metres, target, side="right") - 1, first, last - 1)
    span = np.maximum(metres[vertex + 1] - metres[vertex], 1e-9)
    share = np.clip((target - metres[vertex]) / span, 0.0, 1.0)[:, None]
    return np.asarray(coords[vertex] + share * (coords[vertex + 1] - coords[vertex]))


# --------------------------------------------------------------------------- by transit


def _transit_areas(
    point: shapely.Point,
    network: RoutingNetwork,
    access: Access,
    transit: TransitNetwork,
    limits: list[float],
) -> Reached:
    """Where one walks to in the time left at the stations, and from the centre itself.

    At the far end nobody has a car: egress is on foot.
    """
    leave = transit.reach([point.x], [point.y], network, access, leaving=True)
    alight = transit.times(leave, 1)[0]
    if not (alight < limits[-1]).any():
        return {}
    x, y = np.r_[point.x, transit.x], np.r_[point.y, transit.y]
    minutes = np.r_[0.0, alight]
    return {
        limit: as_multi(_walked(x, y, minutes, limit, APART_M * rank, transit.params))
        for rank, limit in enumerate(limits)
    }


def _walked(
    x: Floats, y: Floats, minutes: Floats, limit: float, more_m: float, params: TransitParams
) -> shapely.MultiPolygon:
    """Discs of what is walked in the time left, together."""
    there = minutes < limit
    left_m = (limit - minutes[there]) / 60.0 * params.walk_speed_kmh * 1000.0
    radius = np.minimum(left_m, params.walk_limit_m) + more_m
    return shapely.union_all(shapely.buffer(shapely.points(x[there], y[there]), radius))
