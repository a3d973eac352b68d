"""Services that people compete for: two-step floating catchments by travel time.

What belongs here: E2SFCA (Luo and Qi 2009) from zone-to-zone times. Minutes to the
nearest service, on the road itself, belong to `to_places`.

A service counts at the zone whose populated point is nearest to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.layers import conform
from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.routing.pair_times import PairTimes, drive_chunks
from pipeline.terms import ACCESS_SERVICES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

PER_PEOPLE = 100_000.0
"""The columns are services per so many people."""


def service_ratios(
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    services: gpd.GeoDataFrame,
    params: AccessibilityParams,
) -> pd.DataFrame:
    """The first step of E2SFCA: services per person who competes for them.

    Parameters
    ----------
    zone_grid, services
        Layers in the same metric CRS.
    travel_times
        Layer ``travel_times``, whole or in parts; ``drive`` is used.

    Returns
    -------
    Layer ``service_ratios``: a row per zone and kind where there are services.
    """
    grid = zone_grid.sort_values("cell", ignore_index=True)
    people = grid["population"].to_numpy(float)
    demand, unknown = np.zeros(len(grid)), np.zeros(len(grid))
    for origin, destination, weight in _decays(grid, travel_times, params):
        for total, each in ((demand, np.nan_to_num(people)), (unknown, np.isnan(people))):
            total += np.bincount(destination, weight * each[origin], minlength=len(grid))
    found = []
    for kind in ACCESS_SERVICES:
        supply = _count_by_zone(services[services["kind"] == kind], grid)
        at = np.flatnonzero(supply)
        ratio = np.divide(supply, demand, out=np.zeros(len(grid)), where=demand > 0)
        ratio[unknown > 0] = np.nan
        found.append(
            pd.DataFrame(
                {"cell": grid["cell"].to_numpy(object)[at], "kind": kind}
                | {"services_per_person": ratio[at]}
            )
        )
    return conform("service_ratios", pd.concat(found, ignore_index=True))


def service_access(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: Flags,
    ratios: pd.DataFrame,
    params: AccessibilityParams,
) -> dict[str, Floats]:
    """E2SFCA per kind: services per 100,000 people who compete for them.

    Parameters
    ----------
    grid
        Zones with population, point_x and point_y (metres), sorted by cell.
    travel_times
        Layer ``travel_times``, whole or in parts; ``drive`` is used.
    has_access
        bool[zones].
    ratios
        Layer ``service_ratios``.

    Returns
    -------
    Columns of layer ``zones`` by name; NaN without access, where no such service is
    mapped, and where one within reach is also sought by people whose number is unknown.
    """
    is_known = has_access & ~np.isnan(grid["population"].to_numpy(float))
    is_known &= len(travel_times) > 0
    per_head = {
        kind: ratios[(ratios["kind"] == kind).to_numpy(bool)]
        .set_index("cell")["services_per_person"]
        .reindex(grid["cell"], fill_value=0.0)
        .to_numpy(float)
        for kind in ACCESS_SERVICES
    }
    reached = {kind: np.zeros(len(grid)) for kind in ACCESS_SERVICES}
    for origin, destination, weight in _decays(grid, travel_times, params):
        for kind, each in per_head.items():
            at = np.flatnonzero(each[destination])
            total = np.bincount(origin[at], weight[at] * each[destination[at]], minlength=len(grid))
            reached[kind] += total
    return {
        f"{kind}_access": np.where(
            is_known & (ratios["kind"] == kind).any(), PER_PEOPLE * reached[kind], np.nan
        )
        for kind in ACCESS_SERVICES
    }


def _decays(
    grid: pd.DataFrame, travel_times: pd.DataFrame | PairTimes, params: AccessibilityParams
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Origin, destination and decay of the times inside the catchment, in chunks."""
    is_unlisted = grid["reason"].isna().to_numpy(bool, copy=True)
    for origin, destination, minutes in drive_chunks(travel_times, grid["cell"]):
        is_unlisted[origin[origin == destination]] = False
        near = minutes <= params.catchment_min
        weight = np.exp2(-minutes[near] / params.catchment_decay_half_min)
        yield origin[near], destination[near], weight.astype(float)
    own = np.flatnonzero(is_unlisted)
    yield own, own, np.ones(len(own))


def _count_by_zone(places: gpd.GeoDataFrame, grid: pd.DataFrame) -> Floats:
    """Places per zone, each at the zone whose populated point is nearest."""
    if not len(places) or not len(grid):
        return np.zeros(len(grid))
    points = shapely.get_coordinates(shapely.centroid(places.geometry.to_numpy()))
    nearest = cKDTree(grid[["point_x", "point_y"]].to_numpy(float)).query(points)[1]
    return np.bincount(nearest, minlength=len(grid)).astype(float)
