"""Zones near a border and the pairs of zones that the border effect is estimated from.

What belongs here: which zones and pairs take part, what is known of each, and the rivers
that pairs meet. Matching and estimating belong to `effect_estimate`.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.access.params import BorderEffectParams
from pipeline.measures.geometry.overlay import lines_inside
from pipeline.measures.routing.pair_times import PairTimes, pieces_holding, positions
from pipeline.terms import MODES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]


class BeltZones(NamedTuple):
    """Zones of both cities that have access.

    ``x``, ``y`` metres; ``side`` 0 for the first city, 1 for the second; ``stratum`` the
    class of density and access that pairs are matched by.
    """

    x: Floats
    y: Floats
    side: Ints
    stratum: Ints
    to_border_m: Floats
    is_in_a: Flags


class ZonePairs(NamedTuple):
    """Ordered pairs of zones: rows of `BeltZones`, straight metres, bearing, log(min/km).

    Bearings are radians from the easting axis.
    """

    origin: Ints
    destination: Ints
    distance_m: Floats
    bearing: Floats
    log_pace: Floats


def cities_beside(
    line: shapely.Geometry, named: tuple[str, str], cities: gpd.GeoDataFrame, snap_m: float
) -> tuple[str, str]:
    """Ids of the two cities beside a border, also where it parts counties of theirs.

    Parameters
    ----------
    named
        The areas that the border parts: cities or counties.
    snap_m
        The line this near a city's outline lies on it, metres.
    """
    ids = set(cities["city_id"])
    if ids.issuperset(named):
        return named
    # The counties' cities are those with the most of this line on their outline.
    outline = shapely.boundary(cities.geometry.to_numpy())
    near_m = shapely.length(lines_inside(outline, line.buffer(snap_m)))
    ids_in_order = cities["city_id"].to_numpy(dtype=object)
    first, second = sorted(ids_in_order[np.lexsort((ids_in_order.astype(str), -near_m))[:2]])
    return first, second


def zones_near(
    zone_grid: gpd.GeoDataFrame, line: shapely.Geometry, city_ids: tuple[str, str], reach_m: float
) -> pd.DataFrame:
    """Zones of both cities with access within reach of the border, by cell."""
    grid = zone_grid.loc[
        zone_grid["city_id"].isin(city_ids)
        & zone_grid["reason"].isna()
        & zone_grid["snap_m"].notna(),
        ["cell", "city_id", "population", "area_km2", "point_x", "point_y", "snap_m"],
    ]
    points = shapely.points(grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float))
    shapely.prepare(line)
    near = shapely.dwithin(line, points, reach_m)
    return pd.DataFrame(grid[near]).sort_values("cell", ignore_index=True)


def describe_zones(
    grid: pd.DataFrame, line: shapely.Geometry, city_a: str, params: BorderEffectParams
) -> BeltZones:
    x, y = grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float)
    is_in_a = (grid["city_id"] == city_a).to_numpy(bool)
    to_border_m = shapely.distance(line, shapely.points(x, y))
    people_km2 = (grid["population"].fillna(0.0) / grid["area_km2"]).to_numpy(float)
    rank = np.argsort(np.argsort(people_km2, kind="stable"), kind="stable")
    density = rank * params.density_classes // max(len(grid), 1)
    is_far = (grid["snap_m"].to_numpy(float) > params.good_access_m).astype(np.int64)
    return BeltZones(x, y, np.where(is_in_a, 0, 1), density * 2 + is_far, to_border_m, is_in_a)


def modes_of(travel_times: pd.DataFrame | PairTimes) -> list[str]:
    """Modes with rows, in the schema's order; both road modes where there is none."""
    present = [
        mode
        for mode in MODES
        if any(
            (piece["mode"] == mode).any() for piece in pieces_holding(travel_times, "mode", [mode])
        )
    ]
    return present or ["drive", "drive_peak"]


def times_among(travel_times: pd.DataFrame | PairTimes, cells: pd.Series) -> pd.DataFrame:
    """Listed times between these cells: rows of ``cells`` as origin, destination; mode, minutes."""
    found = []
    for piece in pieces_holding(travel_times, "from_cell", cells.tolist()):
        origin = positions(piece["from_cell"], cells)
        destination = positions(piece["to_cell"], cells)
        keep = np.flatnonzero((origin >= 0) & (destination >= 0))
        modes = piece["mode"].astype("category").cat.set_categories(MODES)
        found.append(
            pd.DataFrame(
                {
                    "origin": origin[keep].astype(np.int64),
                    "destination": destination[keep].astype(np.int64),
                    "mode": modes.array.take(keep),
                    "minutes": piece["minutes"].to_numpy()[keep].astype(float),
                }
            )
        )
    return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)


def pairs_of(listed: pd.DataFrame, zones: BeltZones, params: BorderEffectParams) -> ZonePairs:
    origin, destination = listed["origin"].to_numpy(), listed["destination"].to_numpy()
    minutes = listed["minutes"].to_numpy()
    dx, dy = zones.x[destination] - zones.x[origin], zones.y[destination] - zones.y[origin]
    distance_m = np.hypot(dx, dy)
    used = (distance_m >= params.nearest_pair_m) & (distance_m <= params.max_distance_m)
    used &= minutes > 0
    # The same sample whatever the order of the rows that came in.
    order = np.flatnonzero(used)
    order = order[np.lexsort((destination[order], origin[order]))]
    xy = np.column_stack([zones.x, zones.y])
    return pairs_between(xy, origin[order], destination[order], minutes[order])


def pairs_between(xy: Floats, origin: Ints, destination: Ints, minutes: Floats) -> ZonePairs:
    """Pairs of zones at ``xy`` in metres, with their distance, bearing and pace."""
    dx, dy = (xy[destination] - xy[origin]).T
    distance_m = np.hypot(dx, dy)
    log_pace = np.log(minutes / (distance_m / 1000.0))
    return ZonePairs(origin, destination, distance_m, np.arctan2(dy, dx), log_pace)


def river_lines(waterways: gpd.GeoDataFrame, line: shapely.Geometry, reach_m: float) -> Geometries:
    """Rivers around the border, as lines; canals, streams and culverts are no obstacle."""
    if not len(waterways):
        return np.array([], dtype=object)
    is_river = (waterways["waterway"] == "river") & ~waterways["is_tunnel"].astype(bool)
    lines = waterways.geometry.to_numpy()[is_river.to_numpy()]
    box = shapely.box(*shapely.bounds(line)).buffer(reach_m)
    near = shapely.intersects(lines, box)
    return np.asarray(shapely.simplify(lines[near], 50.0), dtype=object)


def cross_lines(zones: BeltZones, pairs: ZonePairs, lines: Geometries) -> Flags:
    """Whether the straight line of each pair meets any of the lines."""
    hit = np.zeros(len(pairs.origin), dtype=bool)
    if not len(lines):
        return hit
    ends = np.stack(
        [
            np.column_stack([zones.x[pairs.origin], zones.y[pairs.origin]]),
            np.column_stack([zones.x[pairs.destination], zones.y[pairs.destination]]),
        ],
        axis=1,
    )
    straight = shapely.linestrings(ends)
    which, _ = shapely.STRtree(straight).query(lines, predicate="intersects")[::-1]
    hit[which] = True
    return hit
