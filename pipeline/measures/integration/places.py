"""Zones, sites and towns as tables: where people are, and where they want to go.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from pipeline.crs import WGS84
from pipeline.measures.geometry.areas import area_of_points, locate_points
from pipeline.measures.integration.scope import Bools, Floats
from pipeline.metros.catalogue import Metro
from pipeline.terms import ACCESS_SERVICES

SITE_KINDS = ("university", "research")
NEAREST_TIES = 6
"""Zones at one distance from a place at most, as in a lattice of hexagons."""


def zone_table(
    zone_grid: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, city_ids: list[str]
) -> pd.DataFrame:
    """Zones of the cities by cell: place, people, whether they have access, and what they reach."""
    columns = ["minutes_to_core", *(f"{kind}_access" for kind in ACCESS_SERVICES)]
    table = pd.DataFrame(
        zone_grid[["cell", "city_id", "population", "point_x", "point_y", "reason"]]
    )
    table = table.merge(pd.DataFrame(zones[["cell", *columns]]), on="cell", how="left")
    table = table[table["city_id"].isin(city_ids)].sort_values("cell", ignore_index=True)
    table["city"] = pd.Index(city_ids).get_indexer(table["city_id"])
    table["has_access"] = table["reason"].isna()
    return table


def nearest_zone(
    x: ArrayLike, y: ArrayLike, city_id: ArrayLike, table: pd.DataFrame
) -> NDArray[np.int64]:
    """Row of the nearest zone of the same city, by populated point; -1 where it has none.

    Each city is searched by itself and ties go to the first cell, so that no
    other city's zones change the answer.
    """
    points = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    place_city = np.asarray(city_id, dtype=object)
    zone_city = table["city_id"].to_numpy(dtype=object)
    zone_points = table[["point_x", "point_y"]].to_numpy(float)
    result = np.full(len(points), -1, dtype=np.int64)
    for city in sorted(set(place_city) & set(zone_city)):
        rows, own = np.flatnonzero(zone_city == city), np.flatnonzero(place_city == city)
        count = min(NEAREST_TIES, len(rows))
        metres, near = cKDTree(zone_points[rows]).query(points[own], k=list(range(1, count + 1)))
        # To the millimetre, so that equal distances tie.
        is_nearest = np.round(metres, 3) == np.round(metres[:, :1], 3)
        result[own] = rows[np.where(is_nearest, near, len(rows)).min(axis=1)]
    return result


def find_sites(
    services: gpd.GeoDataFrame, metro: Metro | None, cities: gpd.GeoDataFrame, table: pd.DataFrame
) -> pd.DataFrame:
    """Hospitals, innovation and industrial sites: use, city, zone, and mapped area.

    A site mapped as a node counts with the median area of its use.
    """
    kinds = {"hospital": "hospital", "industrial": "industry"} | dict.fromkeys(
        SITE_KINDS, "innovation"
    )
    mapped = services[services["kind"].isin(kinds) & services["city_id"].notna()]
    sites = pd.DataFrame(
        {
            "use": mapped["kind"].map(kinds).to_numpy(dtype=object),
            "city_id": mapped["city_id"].to_numpy(dtype=object),
            "area_km2": mapped["area_km2"].to_numpy(float),
            "x": shapely.get_x(shapely.centroid(mapped.geometry.to_numpy())),
            "y": shapely.get_y(shapely.centroid(mapped.geometry.to_numpy())),
        }
    )
    sites = pd.concat([sites, _planned_sites(metro, cities)], ignore_index=True)
    typical = sites.groupby("use")["area_km2"].transform("median").fillna(1.0)
    sites["area_km2"] = sites["area_km2"].fillna(typical)
    sites["zone"] = nearest_zone(sites["x"], sites["y"], sites["city_id"], table)
    return sites


def _planned_sites(metro: Metro | None, cities: gpd.GeoDataFrame) -> pd.DataFrame:
    """The plan's innovation zones (``[[area]]`` with a point), in the city they lie in."""
    areas = [
        each for each in (metro.areas if metro else ()) if each.kind == "innovation" and each.point
    ]
    frame = pd.DataFrame(
        {"use": "innovation", "city_id": None, "area_km2": np.nan}, index=range(len(areas))
    )
    lon_lat = np.array([each.point for each in areas], dtype=float).reshape(-1, 2)
    x, y = pyproj.Transformer.from_crs(WGS84, cities.crs, always_xy=True).transform(*lon_lat.T)
    frame["x"], frame["y"] = np.asarray(x), np.asarray(y)
    frame["city_id"] = locate_points(frame["x"], frame["y"], cities)
    return frame[frame["city_id"].notna()]


def find_towns(
    centres: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    table: pd.DataFrame,
) -> pd.DataFrame:
    """Towns and county seats: city, zone, the zone of a town's seat, minutes to the core.

    A town that is its county's seat is one row, the seat.
    """
    kept = centres[centres["kind"].isin(["town", "county_seat"])]
    kept = kept.sort_values("centre_id", ignore_index=True)
    points = kept.geometry.to_numpy()
    x, y = shapely.get_x(points), shapely.get_y(points)
    county = area_of_points(x, y, counties.sort_values("county_id").geometry.to_numpy())
    towns = pd.DataFrame(kept[["centre_id", "kind", "city_id"]])
    towns["zone"] = nearest_zone(x, y, towns["city_id"], table)
    seats = towns[(towns["kind"] == "county_seat") & (county >= 0)]
    seat_of = dict(zip(county[seats.index], seats["zone"], strict=True))
    towns["seat_zone"] = [seat_of.get(each, -1) for each in county]
    towns = towns[~_are_seats(towns["kind"], points, county)].reset_index(drop=True)
    cores = set(centres.loc[centres["kind"] == "core", "centre_id"])
    to_core = centre_times[(centre_times["mode"] == "drive") & centre_times["to_id"].isin(cores)]
    exact = towns["centre_id"].map(
        to_core.drop_duplicates("from_id").set_index("from_id")["minutes"]
    )
    by_zone = table["minutes_to_core"].to_numpy(float) if len(table) else np.array([np.nan])
    towns["minutes_to_core"] = exact.to_numpy(float, na_value=np.nan)
    by_zone = np.where(towns["zone"] >= 0, by_zone[towns["zone"]], np.nan)
    towns["minutes_to_core"] = towns["minutes_to_core"].fillna(pd.Series(by_zone))
    return towns


def _are_seats(
    kind: pd.Series, points: NDArray[np.object_], county: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Towns that are their county's seat: they are listed as the seat already."""
    place = pd.DataFrame(
        {"county": county, "x": shapely.get_x(points), "y": shapely.get_y(points)}
    ).round(1)
    is_seat = (kind == "county_seat").to_numpy()
    keys = pd.MultiIndex.from_frame(place)
    return np.asarray((kind == "town").to_numpy() & keys.isin(keys[is_seat]))


def people_within_radius(table: pd.DataFrame, n_cities: int, radius_m: float) -> Floats:
    """People of each city within a straight radius of each zone, [zone, city].

    NaN where those of a zone within are not known.
    """
    people = np.zeros((len(table), n_cities), dtype=np.float64)
    people[np.arange(len(table)), table["city"]] = table["population"].fillna(0.0)
    is_unknown = np.zeros_like(people)
    is_unknown[np.arange(len(table)), table["city"]] = table["population"].isna()
    xy = table[["point_x", "point_y"]].to_numpy(float)
    result = np.empty_like(people)
    for start in range(0, len(table), 500):
        part = slice(start, start + 500)
        square = (xy[part, :1] - xy[:, 0]) ** 2 + (xy[part, 1:] - xy[:, 1]) ** 2
        within = (square <= radius_m**2).astype(np.float64)
        result[part] = np.where(within @ is_unknown > 0.0, np.nan, within @ people)
    return result


def near_borders(table: pd.DataFrame, borders: pd.DataFrame, distance_m: float) -> dict[str, Bools]:
    """Zones of either city within a distance of each border."""
    points = shapely.points(table["point_x"].to_numpy(float), table["point_y"].to_numpy(float))
    masks = {}
    for border in borders.itertuples(index=False):
        shapely.prepare(border.geometry)
        near = shapely.dwithin(border.geometry, points, distance_m)
        masks[border.border_id] = near & table["city_id"].isin(
            [border.city_a, border.city_b]
        ).to_numpy(bool)
    return masks
