"""How the outlines of a metro's cities lie to one another: no ground counts for two cities.

What belongs here: one area drawn twice, an area inside another of its level, overlaps, and
outlines that nearly touch. Each is reported. Slivers as narrow as `params.touching_outline_m`
are left to the borders, which close them.

Geometry is WGS84; widths and areas are measured in the metric CRS of all cities together.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import ConfigError
from pipeline.sources.osm.shapes import polygonal
from pipeline.sources.params import ExtractParams

Geometries = NDArray[np.object_]

STEP_M = 100.0
"""Outlines are compared at places this far apart."""
MOST_NOTES = 5
"""Counties are reported one by one up to so many."""
REPORTED_LENGTHS = 10.0
"""Outlines apart are reported over this many times the distance; less is how corners part."""


@dataclass(frozen=True)
class Fitted:
    """Cities and counties of which no two share ground, and what was changed or noticed."""

    cities: pd.DataFrame
    counties: pd.DataFrame
    notes: list[str]


def fit_outlines(
    cities: pd.DataFrame, counties: pd.DataFrame, params: ExtractParams, is_declared: bool
) -> Fitted:
    """Cities whose outlines share no ground, and counties likewise.

    One area drawn twice counts once; an area inside another is cut out of it; ground that two
    outlines claim is the first one's, by id. Outlines that run close to one another without
    touching have no border there, which is reported.

    Parameters
    ----------
    is_declared
        The metro file names the cities: the same area twice is then its mistake.

    Raises
    ------
    ConfigError
        Two declared cities that are one area.
    """
    cities = cities.sort_values("city_id", ignore_index=True)
    found = _parted(cities, "city_id", params)
    if is_declared and len(found.first):
        raise ConfigError("boundaries", _one_area_twice(cities, found.first, found.second))
    cities = cities.assign(geometry=found.shapes)
    counties = _clipped(counties, cities.iloc[found.changed])
    cities, counties, doubles = _once(cities, counties, found.first, found.second)
    counties, county_notes = _parted_counties(counties, params)
    notes = found.notes + doubles + _near_misses(cities, params) + county_notes
    return Fitted(cities, counties, notes)


@dataclass(frozen=True)
class _Parted:
    """Outlines that share no ground but for rows ``first`` and ``second``, which are one area."""

    shapes: Geometries
    changed: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    notes: list[str]


def _parted(areas: pd.DataFrame, key: str, params: ExtractParams) -> _Parted:
    """Ground that two areas claim given to one of them; rows in the order of their ``key``."""
    metric = _metric(_geometries(areas))
    first, second, shared = _overlaps(metric)
    area = shapely.area(metric)
    of_larger = shared / np.maximum(area[first], area[second])
    same = of_larger >= params.same_area_share
    notes = []
    shapes = _geometries(areas).copy()
    for one, other, km2 in zip(first[~same], second[~same], shared[~same] / 1e6, strict=True):
        smaller, larger = sorted((one, other), key=lambda row: float(area[row]))
        if km2 * 1e6 >= params.same_area_share * area[smaller]:
            shapes[larger] = shapely.difference(shapes[larger], shapes[smaller])
            notes.append(
                f"{_called(areas, key, smaller)} lies inside {_called(areas, key, larger)}, of "
                f"which it is no part of its own level: {km2:.1f} km2 are cut out of the latter"
            )
        elif _is_wide(metric[one], metric[other], params.touching_outline_m):
            shapes[other] = shapely.difference(shapes[other], shapes[one])
            notes.append(
                f"the outlines of {_called(areas, key, one)} and {_called(areas, key, other)} "
                f"overlap by {km2:.2f} km2: taken as ground of the first"
            )
    changed = np.flatnonzero(shapes != _geometries(areas))
    shapes[changed] = polygonal(shapes[changed])
    return _Parted(shapes, changed, first[same], second[same], notes)


def _parted_counties(
    counties: pd.DataFrame, params: ExtractParams
) -> tuple[pd.DataFrame, list[str]]:
    """Counties of which no two share ground, one drawn twice once, and notes on the first few."""
    if len(counties) < 2:
        return counties, []
    counties = counties.sort_values("county_id", ignore_index=True)
    found = _parted(counties, "county_id", params)
    # Of three that are one area each is paired with both others.
    original = dict(zip(found.second[::-1].tolist(), found.first[::-1].tolist(), strict=True))
    notes = found.notes + [
        f"{_called(counties, 'county_id', double)} is the area of "
        f"{_called(counties, 'county_id', one)} once more: left out"
        for double, one in sorted(original.items())
    ]
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES} more counties overlap or are drawn twice"]
    kept = ~np.isin(np.arange(len(counties)), found.second) & ~shapely.is_empty(found.shapes)
    return counties.assign(geometry=found.shapes)[kept].reset_index(drop=True), notes


def _geometries(frame: pd.DataFrame) -> Geometries:
    return frame["geometry"].to_numpy(dtype=object)


def _metric(shapes: Geometries) -> Geometries:
    west, south, east, north = shapely.total_bounds(shapes)
    crs = local_metric_crs((west + east) / 2, (south + north) / 2)
    projected = gpd.GeoSeries(shapes, crs=WGS84).to_crs(crs).to_numpy()
    return np.asarray(shapely.make_valid(projected), dtype=object)


def _overlaps(
    metric: Geometries,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of rows with common ground, and its m2."""
    first, second = shapely.STRtree(metric).query(metric, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.area(shapely.intersection(metric[first], metric[second]))
    order = np.lexsort((second, first))
    order = order[shared[order] > 1.0]
    return first[order], second[order], shared[order]


def _is_wide(one: shapely.Geometry, other: shapely.Geometry, narrow_m: float) -> bool:
    """Whether common ground is wider somewhere than what borders close on their own."""
    common = shapely.intersection(one, other)
    return not shapely.is_empty(shapely.buffer(common, -narrow_m / 2.0))


def _called(areas: pd.DataFrame, key: str, row: int) -> str:
    return f"{areas['name'].iloc[row]} ({areas[key].iloc[row]})"


def _city(cities: pd.DataFrame, row: int) -> str:
    return _called(cities, "city_id", row)


def _one_area_twice(
    cities: pd.DataFrame, first: NDArray[np.int64], second: NDArray[np.int64]
) -> list[str]:
    return [
        f"{_city(cities, one)} and {_city(cities, other)} are one and the same area; "
        "remove one of them, or set its osm_relation"
        for one, other in zip(first, second, strict=True)
    ]


def _once(
    cities: pd.DataFrame,
    counties: pd.DataFrame,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Each area once; the double's counties and its being the core go to the one that stays."""
    notes = []
    ids = cities["city_id"].to_numpy(dtype=object)
    is_core = cities["is_core"].to_numpy(dtype=bool).copy()
    people = cities["population"].to_numpy(dtype=float).copy()
    stays = np.arange(len(cities))
    for one, other in zip(first, second, strict=True):
        stays[other] = stays[one]
        is_core[stays[one]] |= is_core[other]
        if np.isnan(people[stays[one]]):
            people[stays[one]] = people[other]
        notes.append(
            f"{_city(cities, other)} is the area of {_city(cities, stays[one])} once more: left out"
        )
    kept = stays == np.arange(len(cities))
    renamed = dict(zip(ids, ids[stays], strict=True))
    counties = counties[~counties["county_id"].isin(ids[~kept])]
    counties = counties.assign(city_id=counties["city_id"].map(renamed))
    cities = cities.assign(is_core=is_core, population=people)[kept]
    notes = list(dict.fromkeys(notes))
    return cities.reset_index(drop=True), counties.reset_index(drop=True), notes


def _clipped(counties: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """Counties within the new outlines of the cities that were changed."""
    outline = dict(zip(changed["city_id"], changed["geometry"], strict=True))
    rows = np.flatnonzero(counties["city_id"].isin(outline).to_numpy(dtype=bool))
    if not len(rows):
        return counties
    shapes = _geometries(counties).copy()
    within = np.array([outline[each] for each in counties["city_id"].iloc[rows]], dtype=object)
    shapes[rows] = polygonal(shapely.intersection(shapes[rows], within))
    return counties.assign(geometry=shapes)[~shapely.is_empty(shapes)].reset_index(drop=True)


def _near_misses(cities: pd.DataFrame, params: ExtractParams) -> list[str]:
    """Notes on outlines that run close to one another without touching."""
    if len(cities) < 2:
        return []
    metric = _metric(_geometries(cities))
    first, second = shapely.STRtree(metric).query(
        metric, predicate="dwithin", distance=params.near_outline_m
    )
    notes = []
    for one, other in sorted(zip(first.tolist(), second.tolist(), strict=True)):
        if one >= other:
            continue
        apart_m, length_m = _apart(metric[one], metric[other], params)
        if length_m > 0.0:
            notes.append(
                f"the outlines of {_city(cities, one)} and {_city(cities, other)} run "
                f"{apart_m:.0f} m apart over {length_m / 1000:.1f} km: they have no border there"
            )
    return notes


def _apart(
    one: shapely.Geometry, other: shapely.Geometry, params: ExtractParams
) -> tuple[float, float]:
    """Median distance and length where two outlines are near but apart; 0, 0 where nowhere."""
    line, rival = shapely.boundary(one), shapely.boundary(other)
    xy, part = shapely.get_coordinates(
        shapely.get_parts(shapely.segmentize(line, STEP_M)), return_index=True
    )
    inside = part[1:] == part[:-1]
    middle = shapely.points((xy[1:] + xy[:-1])[inside] / 2.0)
    length = np.hypot(*(xy[1:] - xy[:-1])[inside].T)
    shapely.prepare(rival)
    near = shapely.dwithin(rival, middle, params.near_outline_m)
    near[near] = ~shapely.dwithin(rival, middle[near], params.touching_outline_m)
    total = float(length[near].sum())
    is_apart = shapely.distance(one, other) > params.touching_outline_m
    if not near.any() or (not is_apart and total < REPORTED_LENGTHS * params.near_outline_m):
        return 0.0, 0.0
    return float(np.median(shapely.distance(rival, middle[near]))), total
