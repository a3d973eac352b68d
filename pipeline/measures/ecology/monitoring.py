"""Candidate sites for joint monitoring of water and air: layer ``monitoring_sites``.

What belongs here: sites opposite industrial land, and the layer. Where a shared river
crosses or leaves the border belongs to `river_sites`.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.river_sites import SITE_COLUMNS
from pipeline.measures.geometry.areas import area_reaches


def monitoring_sites(
    belt: Belt, land: gpd.GeoDataFrame, river_sites: gpd.GeoDataFrame, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Candidate sites for joint monitoring: water and air; ``monitoring_sites``.

    Water where a shared river crosses, and where one that follows the border
    leaves it. Air where industrial land lies within the
    conflict distance: on the border, opposite the largest works of each group
    (wind is not known, so either side may be the one exposed). Groups are what
    lies along the border with no gap of a conflict distance between.
    """
    frame = pd.concat([river_sites, _air_sites(belt, land, params)], ignore_index=True)
    if frame.empty:
        return empty_layer("monitoring_sites", belt.crs)
    frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=belt.crs)
    frame["km"] = belt.km_along(frame.geometry.to_numpy()).round(3)
    frame = frame.sort_values(["medium", "km", "about"], ignore_index=True)
    number = frame.groupby("medium").cumcount()
    frame["site_id"] = [
        f"{belt.border_id}/{medium}/{n}" for medium, n in zip(frame["medium"], number, strict=True)
    ]
    frame["border_id"] = belt.border_id
    return conform("monitoring_sites", frame.drop(columns="km"))


def _air_sites(belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams) -> pd.DataFrame:
    works = land[land["land_class"] == "industrial"]
    works = works[belt.is_near(works.geometry.to_numpy(), params.conflict_distance_m)]
    works = works[area_reaches(works.geometry.area, 1e6 * params.conflict_min_km2)]
    if works.empty:
        return pd.DataFrame(columns=list(SITE_COLUMNS))
    geometry = works.geometry.to_numpy()
    # From the middle of the works: those on the border itself are nearest to it all along.
    opposite = shapely.get_point(shapely.shortest_line(belt.line, shapely.centroid(geometry)), 0)
    table = pd.DataFrame(
        {
            "km": belt.km_along(opposite).round(3),
            "m2": shapely.area(geometry).round(),
            "about": works["city_id"].to_numpy(),
            "geometry": opposite,
        }
    ).sort_values(["km", "about"], ignore_index=True)
    table["group"] = (table["km"].diff() > params.conflict_distance_m / 1_000.0).cumsum()
    largest = table.sort_values(["m2", "km", "about"], ascending=[False, True, True])
    largest = largest.drop_duplicates("group").drop(columns=["km", "m2", "group"])
    return largest.assign(medium="air", reason="industrial_near_border")
