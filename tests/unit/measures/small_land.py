"""Two cities on a straight border with hand-drawn land: what the tests of a belt share."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from pipeline.crs import local_metric_crs
from pipeline.layers import empty_layer
from pipeline.measures.ecology import ecology, land
from pipeline.measures.ecology.belt import cut_belts
from pipeline.measures.ecology.params import EcologyParams

CRS = local_metric_crs(113.6, 34.7)


def two_cities(length_m: float) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Borders and cities: city 1 above, city 2 below a straight border along the x axis."""
    cities = gpd.GeoDataFrame(
        {"city_id": ["1", "2"], "name": ["north", "south"]},
        geometry=[shapely.box(0, 0, length_m, 9_000), shapely.box(0, -9_000, length_m, 0)],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {"border_id": ["1-2"], "city_a": ["1"], "city_b": ["2"]},
        geometry=[shapely.MultiLineString([[(0, 0), (length_m, 0)]])],
        crs=CRS,
    )
    return borders, cities


def areas(*rows: tuple[str, str, object]) -> gpd.GeoDataFrame:
    """Layer land_areas from (key, value, geometry)."""
    return gpd.GeoDataFrame(
        {
            "area_id": [f"w{n}" for n in range(len(rows))],
            "key": pd.Series([row[0] for row in rows], dtype="str"),
            "value": pd.Series([row[1] for row in rows], dtype="str"),
            "water": pd.Series([None] * len(rows), dtype="str"),
            "name": pd.Series([None] * len(rows), dtype="str"),
        },
        geometry=[row[2] for row in rows],
        crs=CRS,
    )


def belts_of(
    borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Layer belts of all borders."""
    frames = [cut_belts(each, borders, cities, params) for each in borders["border_id"]]
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=borders.crs)


def part_land(
    belts: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    land_cover: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Layer land of all stretches."""
    cover = empty_layer("land_cover", belts.crs) if land_cover is None else land_cover
    frames = [
        land.classify_land((each,), belts, land_areas, cover)
        for each in sorted(belts["stretch_id"].unique())
    ]
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=belts.crs)


# --- findings of the stage on hand-drawn land ----------------------------------------------

SMALL_PARAMS = EcologyParams(belt_km=(1.0,), segment_km=1.0)
LENGTH_M = 4_000.0

WOODS = (
    ("natural", "wood", shapely.box(1_000, 20, 2_000, 600)),
    ("natural", "wood", shapely.box(1_000, -600, 2_000, -20)),
)


def motorway(*points: tuple[float, float], **changes: object) -> gpd.GeoDataFrame:
    """Layer roads with one edge; only the columns that the measure reads."""
    row = {"highway": "motorway", "status": "open", "is_bridge": False, "is_tunnel": False}
    return gpd.GeoDataFrame([row | changes], geometry=[shapely.LineString(points)], crs=CRS)


def findings(
    *rows: tuple[str, str, object],
    roads: gpd.GeoDataFrame | None = None,
    params: EcologyParams = SMALL_PARAMS,
) -> dict[str, pd.DataFrame]:
    """The whole measure over hand-drawn land."""
    borders, cities = two_cities(LENGTH_M)
    land_areas = areas(*rows)
    belts = belts_of(borders, cities, params)
    parted = part_land(belts, land_areas)
    return ecology.boundary_ecology(
        "1-2",
        borders,
        belts,
        parted,
        empty_layer("waterways", CRS),
        land_areas,
        empty_layer("dykes", CRS),
        empty_layer("roads", CRS) if roads is None else roads,
        empty_layer("railways", CRS),
        params,
    )
