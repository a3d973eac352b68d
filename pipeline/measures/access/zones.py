"""Zones: their people and their access to the roads.

What belongs here: the recipe of layer ``zone_grid``, the populated point of each zone,
and where it is joined to the routing network. Which cells there are belongs to
`zone_cells`, their people to `zone_people`, times between zones to `travel_times`,
measures on them to `accessibility`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.access.zone_cells import cell_centres
from pipeline.measures.access.zone_people import people_of_cells, places_in_cells, residential_land
from pipeline.measures.routing.graph import RoutingNetwork

Floats = NDArray[np.float64]


def make_zone_grid(
    cities: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    zone_cells: gpd.GeoDataFrame,
    raster_population: pd.DataFrame,
    routing_network: RoutingNetwork,
    params: ZonesParams,
) -> gpd.GeoDataFrame:
    """The zone grid of a metro: layer ``zone_grid``, cells sorted by id.

    The cell is snapped from its populated point (its largest settlement, else
    its residential land, else its centre) to the nearest road of the main
    component.

    Parameters
    ----------
    cities, places, land_areas, zone_cells
        Layers in one metric CRS. ``cities.population`` null: unknown, and so are
        its cells' people where no raster gives them.
    raster_population
        People per cell from the metro's raster; empty where it has none.
    routing_network
        Prepared network in the same CRS.
    params
        Snapping limit, weights.

    Raises
    ------
    CrsError
        If cities are not in metres.
    """
    crs = require_metric(cities, "cities")
    if zone_cells.empty:
        return gpd.GeoDataFrame(empty_layer("zone_grid", cities.crs))
    # Cells are read from the store in another order.
    grid = zone_cells.sort_values("cell", ignore_index=True)
    settled = places_in_cells(grid, places, params)
    land = residential_land(grid, land_areas)
    grid["population"], grid["population_evidence"] = people_of_cells(
        grid, cities, settled, land, raster_population, params
    )
    to_metric = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    centre = _middles(grid, to_metric)
    grid["point_x"], grid["point_y"] = _populated_points(grid, centre, settled, land)
    return gpd.GeoDataFrame(conform("zone_grid", _snap(grid, routing_network, params)))


# --------------------------------------------------------------------------- access


def _middles(grid: gpd.GeoDataFrame, to_metric: pyproj.Transformer) -> tuple[Floats, Floats]:
    """The centre of each zone's cell, or where that lies outside the zone, a point inside."""
    x, y = cell_centres(grid["cell"].to_numpy(dtype=object), to_metric)
    outside = np.flatnonzero(~shapely.intersects_xy(grid.geometry.to_numpy(), x, y))
    inside = shapely.point_on_surface(grid.geometry.to_numpy()[outside])
    x[outside], y[outside] = shapely.get_x(inside), shapely.get_y(inside)
    return x, y


def _populated_points(
    grid: gpd.GeoDataFrame, centre: tuple[Floats, Floats], settled: pd.DataFrame, land: pd.DataFrame
) -> tuple[Floats, Floats]:
    """Largest settlement, else a point of the largest residential patch, else the centre."""
    x, y = (each.copy() for each in centre)
    parts, which = shapely.get_parts(land["geometry"].to_numpy(dtype=object), return_index=True)
    order = np.lexsort((-shapely.area(parts), which))
    first = order[np.r_[True, which[order][1:] != which[order][:-1]]] if len(order) else order
    middle = shapely.point_on_surface(parts[first])
    at = land["row"].to_numpy()[which[first]]
    x[at], y[at] = shapely.get_x(middle), shapely.get_y(middle)
    largest = settled.drop_duplicates("row")
    inside = largest[
        shapely.intersects_xy(
            grid.geometry.to_numpy()[largest["row"]],
            largest["x"].to_numpy(),
            largest["y"].to_numpy(),
        )
    ]
    x[inside["row"]], y[inside["row"]] = inside["x"], inside["y"]
    return x, y


def _snap(grid: gpd.GeoDataFrame, network: RoutingNetwork, params: ZonesParams) -> gpd.GeoDataFrame:
    """The grid with its access columns."""
    segment, fraction, snap_m = network.snap_points(
        grid["point_x"], grid["point_y"], params.max_snap_m
    )
    has_access = segment >= 0
    lost = np.flatnonzero(~has_access)
    x, y = grid["point_x"].to_numpy()[lost], grid["point_y"].to_numpy()[lost]
    reason = np.full(len(grid), None, dtype=object)
    reason[lost] = network.reasons_without_access(x, y, params.max_snap_m)
    return grid.assign(
        access_segment=segment,
        access_fraction=np.where(has_access, fraction, np.nan),
        access_min=snap_m / 1000.0 / params.access_speed_kmh * 60.0,
        snap_m=snap_m,
        reason=pd.Series(reason, index=grid.index, dtype="str"),
    )
