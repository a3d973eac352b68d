"""Borders between neighbouring cities: the lines that their areas share, one row per pair.

What belongs here: which shared lines are borders, and the columns of the layer. How areas are
made to fit belongs to `coverage`, the order along a border to `chains`, nature to `natural`,
questions about points to `nearest`, the land beside a border to `belts`. What happens *at* a
border (ends, crossings, land use) belongs to the other measures.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import require_metric
from pipeline.layers import empty_layer
from pipeline.measures.borders.chains import chain
from pipeline.measures.borders.coverage import shared_lines
from pipeline.measures.borders.natural import natural_lines, natural_share_pct, sea_share_pct
from pipeline.measures.borders.params import BordersParams
from pipeline.metros.catalogue import Metro


def derive_metro_borders(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    maritime_borders: gpd.GeoDataFrame,
    metro: Metro,
    params: BordersParams,
) -> gpd.GeoDataFrame:
    """Layer ``borders`` of a metro's layers, its ways at sea among them; see `derive_borders`."""
    return derive_borders(cities, counties, waterways, land_areas, metro, params, maritime_borders)


def derive_borders(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    metro: Metro,
    params: BordersParams,
    maritime_borders: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """The lines that neighbouring areas share, one row per pair of neighbours.

    Topological: a border is made of the very edges that two areas of a valid
    coverage have in common. Where the areas do not fit (slivers and overlaps),
    they are made to within ``params.snap_tolerance_m`` first, and the row says
    how much: ``snapped_m`` of its length did not lie on both outlines, and
    ``overlap_km2`` belonged to both. Wider gaps stay gaps: no border there.
    Exclaves and enclaves keep their lines; areas that touch in points only
    have no border.

    At county level the areas are counties, and only lines between counties of
    different cities count; ``city_a`` and ``city_b`` are the cities on either
    side, ``area_a`` and ``area_b`` the counties.

    ``sea_share_pct`` tells the part at sea apart: on a way of ``maritime_borders`` (mapped
    within the snap tolerance of the line), or in the sea of ``land_areas``.

    Returns
    -------
    Layer ``borders``, in the order of border_id, parts chained from one end to
    the other (see `chain`).
    """
    crs = require_metric(cities, "cities")
    areas = _areas(cities, counties, metro.border_level)
    lines = shared_lines(areas, params.snap_tolerance_m)
    if not len(lines):
        return empty_layer("borders", crs)
    first, second = lines["first"].to_numpy(), lines["second"].to_numpy()
    ids, names = areas["area_id"].to_numpy(dtype=object), areas["name"].to_numpy(dtype=object)
    city = areas["city_id"].to_numpy(dtype=object)
    geometry = np.array([chain(line) for line in lines["geometry"]], dtype=object)
    water, rivers = natural_lines(waterways, land_areas, params.river_min_width_m)
    frame = pd.DataFrame(
        {
            "border_id": ids[first] + "-" + ids[second],
            "level": metro.border_level,
            "city_a": city[first],
            "city_b": city[second],
            "name": names[first] + "-" + names[second],
            "length_km": shapely.length(geometry) / 1_000.0,
            "natural_share_pct": natural_share_pct(
                geometry, water, rivers, params.river_distance_m
            ),
            "sea_share_pct": sea_share_pct(
                geometry, land_areas, maritime_borders, params.snap_tolerance_m
            ),
            "area_a": ids[first],
            "area_b": ids[second],
            "snapped_m": lines["snapped_m"].to_numpy(),
            "overlap_km2": lines["overlap_m2"].to_numpy() / 1e6,
        }
    )
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=crs)


def _areas(cities: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, level: str) -> gpd.GeoDataFrame:
    """The areas that borders part, in the order of their ids."""
    if level == "county":
        areas = counties.rename(columns={"county_id": "area_id"})
    else:
        areas = cities.assign(area_id=cities["city_id"])
    areas = areas[["area_id", "city_id", "name", "geometry"]].sort_values("area_id")
    return gpd.GeoDataFrame(areas.reset_index(drop=True), geometry="geometry", crs=cities.crs)
