"""Services that people compete for: two-step floating catchments by travel time.

What belongs here: E2SFCA (Luo and Qi 2009) from zone-to-zone times. Minutes to the
nearest service, on the road itself, belong to `to_places`.

A service counts at the zone whose populated point is nearest to it.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.routing.pair_times import PairTimes, drive_chunks
from pipeline.terms import ACCESS_SERVICES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PER_PEOPLE = 100_000.0
"""The columns are services per so many people."""


def service_access(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: Flags,
    services: gpd.GeoDataFrame,
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
    services
        Layer ``services`` in the same metric CRS.

    Returns
    -------
    Columns of layer ``zones`` by name; NaN without access, where no such service is
    mapped, and where one within reach is also sought by people whose number is unknown.
    """
    n = len(grid)
    people = grid["population"].to_numpy(float)
    decay = _decay_matrix(grid, travel_times, has_access, params)
    demand = decay.T @ np.nan_to_num(people)
    is_unknown = (decay.T @ np.isnan(people)) > 0
    result = {}
    for kind in ACCESS_SERVICES:
        supply = _count_by_zone(services[services["kind"] == kind], grid)
        served = (supply > 0) & (demand > 0) & ~is_unknown
        per_head = np.divide(supply, demand, out=np.zeros(n), where=served)
        known = has_access & (supply.sum() > 0) & (len(travel_times) > 0) & ~np.isnan(people)
        known &= decay @ ((supply > 0) & is_unknown).astype(float) == 0
        result[f"{kind}_access"] = np.where(known, PER_PEOPLE * (decay @ per_head), np.nan)
    return result


class _Triplets(NamedTuple):
    """Entries of a sparse matrix."""

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    value: NDArray[np.float32]


def _decay_matrix(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: Flags,
    params: AccessibilityParams,
) -> sp.csr_matrix:
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
