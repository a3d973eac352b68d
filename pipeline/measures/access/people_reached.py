"""People reached from each zone by car, and those who live around it.

What belongs here: people within the limits, across borders, weighed by decay, and
against those within a straight radius. Services that people compete for belong to
`catchments`, places on the road to `to_places`.

Zones reach themselves in the time the layer lists, else in none. Decay is
``f(t) = 2^-(t / half)``. Transport performance follows DG REGIO/JRC: people
reached within an hour among those within 80 km, both inside the metro.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.geometry.areas import area_reaches, percent_of
from pipeline.measures.routing.pair_times import PairTimes, drive_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

REACH_COLUMNS = ("population_30min", "population_45min", "population_60min")
"""Columns of the limits in ``params.reach_min``, which is fixed by their names."""


class _Sums:
    """Sums per zone over the pairs of zones, filled chunk by chunk."""

    def __init__(self, grid: pd.DataFrame, params: AccessibilityParams) -> None:
        n = len(grid)
        self.people = grid["population"].fillna(0.0).to_numpy(float)
        self.is_unknown = grid["population"].isna().to_numpy(float)
        self.city = pd.factorize(grid["city_id"])[0]
        self.limits = sorted(params.reach_min, reverse=True)
        self.half_min = params.decay_half_min
        self.within = {limit: np.zeros(n) for limit in params.reach_min}
        self.across, self.gravity, self.unknown = np.zeros(n), np.zeros(n), np.zeros(n)
        self.is_listed = np.zeros(n, dtype=bool)

    def add(self, origin: Ints, destination: Ints, minutes: Floats) -> None:
        """Count pairs of zones in."""
        n, people = len(self.people), self.people
        self.is_listed[origin[origin == destination]] = True
        self.gravity += np.bincount(
            origin, people[destination] * np.exp2(-minutes / self.half_min), minlength=n
        )
        for limit in self.limits:
            near = minutes <= limit
            origin, destination, minutes = origin[near], destination[near], minutes[near]
            self.within[limit] += np.bincount(origin, people[destination], minlength=n)
            if limit == self.limits[0]:
                other = self.city[origin] != self.city[destination]
                self.across += np.bincount(origin[other], people[destination[other]], minlength=n)
                self.unknown += np.bincount(origin, self.is_unknown[destination], minlength=n)

    def add_own(self) -> None:
        """Zones reach themselves, whether or not the layer lists it."""
        self.unknown += np.where(self.is_listed, 0.0, self.is_unknown)
        for total in (self.gravity, *self.within.values()):
            total += np.where(self.is_listed, 0.0, self.people)


def people_reached(
    grid: pd.DataFrame,
    travel_times: pd.DataFrame | PairTimes,
    has_access: Flags,
    params: AccessibilityParams,
) -> dict[str, Floats]:
    """People within the limits, in other cities, by decay, and against those within 80 km.

    Parameters
    ----------
    grid
        Zones with city_id, population, point_x and point_y (metres), sorted by cell.
    travel_times
        Layer ``travel_times``, whole or in parts; ``drive`` is used.
    has_access
        bool[zones].

    Returns
    -------
    Columns of layer ``zones`` by name; NaN without access, and where people of a zone
    within the widest limit are unknown.
    """
    sums = _Sums(grid, params)
    for origin, destination, minutes in drive_chunks(travel_times, grid["cell"]):
        sums.add(origin, destination, minutes)
    sums.add_own()
    around = _people_within(grid, sums.people, params.performance_radius_m)
    known = has_access & (sums.unknown == 0) & (len(travel_times) > 0)
    columns = dict(
        zip(REACH_COLUMNS, (sums.within[each] for each in params.reach_min), strict=True)
    )
    reached = sums.within[sums.limits[0]]
    columns |= {
        "gravity_potential": sums.gravity,
        "cross_border_share_60min_pct": percent_of(sums.across, reached),
        "transport_performance": percent_of(reached, around),
    }
    return {name: np.where(known, values, np.nan) for name, values in columns.items()}


def _people_within(grid: pd.DataFrame, people: Floats, radius_m: float) -> Floats:
    """People whose populated point lies within a straight radius."""
    x, y = grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float)
    result = np.zeros(len(grid))
    for start in range(0, len(grid), 500):
        part = slice(start, start + 500)
        square = (x[part, None] - x) ** 2 + (y[part, None] - y) ** 2
        result[part] = (square <= radius_m**2) @ people
    return result


def leaves_metro(
    grid: pd.DataFrame, cities: gpd.GeoDataFrame, params: AccessibilityParams
) -> Flags:
    """Whether the circle around a zone's populated point reaches land outside the cities."""
    metro = shapely.union_all(cities.geometry.to_numpy(), grid_size=1.0)
    parts = shapely.get_parts(metro)
    if not len(parts):
        return np.ones(len(grid), dtype=bool)
    # However small a metro, its own outline is an edge; a small hole is a sliver.
    rings, part = shapely.get_rings(parts, return_index=True)
    is_shell = np.diff(part, prepend=-1) != 0
    is_large = area_reaches(shapely.area(shapely.polygons(rings)), params.hole_min_km2 * 1e6)
    outline = shapely.multilinestrings(rings[is_shell | is_large])
    shapely.prepare(outline)
    points = shapely.points(grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float))
    return np.asarray(shapely.dwithin(outline, points, params.performance_radius_m))
