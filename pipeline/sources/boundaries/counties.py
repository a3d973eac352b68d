"""Counties of cities, and how much of one area lies in another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.sources.boundaries.admin_areas import AdminAreas, display_names

INSIDE_SHARE = 0.5
"""Least share of itself that a city has in the extract, and a county in its city."""


def share_inside(
    geometry: NDArray[np.object_], covered: shapely.Geometry | None
) -> NDArray[np.float64]:
    if covered is None:
        return np.ones(len(geometry))
    # A share of one and the same small shape needs no equal-area projection.
    return shapely.area(shapely.intersection(geometry, covered)) / shapely.area(geometry)


def county_table(
    areas: AdminAreas, level: str | None, cities: pd.DataFrame, is_chinese: bool
) -> pd.DataFrame:
    """Areas of the county level, by the city their representative point lies in.

    A city that has no county inside and itself stands at that level or has none
    below it (Jiyuan) is its own single county.
    """
    at_level = areas.level.eq(level or "").to_numpy(dtype=bool)
    rows = np.flatnonzero(at_level & pd.isna(areas.fault))
    geometry = areas.geometry[rows]
    names = display_names(areas, rows, is_chinese)
    table = pd.DataFrame({"county_id": areas.key[rows], "name": names, "geometry": geometry})
    return assign_counties(table, cities)


def assign_counties(table: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Give each county its city; a city without any is its own county.

    An area that lies mostly outside the city is none of its counties: a province
    may well have its representative point in one of its cities.
    """
    tree = shapely.STRtree(shapely.point_on_surface(table["geometry"].to_numpy(dtype=object)))
    city, county = tree.query(cities["geometry"].to_numpy(dtype=object), predicate="contains")
    whole = table["geometry"].to_numpy(dtype=object)[county]
    shared = shapely.intersection(whole, cities["geometry"].to_numpy(dtype=object)[city])
    mostly = shapely.area(shared) >= INSIDE_SHARE * shapely.area(whole)
    city, county = city[mostly], county[mostly]
    _, first = np.unique(county, return_index=True)
    counties = table.iloc[county[first]].assign(city_id=cities["city_id"].to_numpy()[city[first]])
    alone = cities[~cities["city_id"].isin(counties["city_id"])]
    own = pd.DataFrame(
        {
            "county_id": [
                f"r{osm_id}" if pd.notna(osm_id) else city_id
                for city_id, osm_id in zip(alone["city_id"], alone["osm_id"], strict=True)
            ],
            "city_id": alone["city_id"],
            "name": alone["name"],
            "geometry": alone["geometry"],
        }
    )
    return pd.concat([counties, own], ignore_index=True)


def no_counties() -> pd.DataFrame:
    return pd.DataFrame({"county_id": [], "name": [], "geometry": []}, dtype=object)
