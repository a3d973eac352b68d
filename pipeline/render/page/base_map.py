"""The page's own vector base: cities, roads, rail, water, built-up land, places.

What makes the map mean something with no tiles belongs here; findings belong to
`themes`. Everything comes from the layers of the run, in WGS84.

Roads are dissolved by class, name and number. The classes of
``params.base_road_classes`` are drawn everywhere, lower ones near a border
only, where findings need their surroundings, and drawn finer there.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.render.page.encode import (
    METRES_PER_DEGREE,
    Geometries,
    Layers,
    PackedLayer,
    encode_layer,
    simplify,
    simplify_coverage,
)
from pipeline.render.page.pinyin import pinyin
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams
from pipeline.terms import BUILT_UP, CLASS_RANK, WATERCOURSES, is_tagged, is_water

NEAR_SIMPLIFY_M = 8.0
RAILWAYS = ("rail", "subway", "light_rail", "tram", "narrow_gauge", "monorail")
WOODED = ("wood", "forest")
# Base polygons are scenery: beyond these counts the smallest are left out.
MAX_AREAS = 2_500
MAX_VILLAGES = 6_000
PLACE_ORDER = ("city", "town", "suburb", "quarter", "village", "neighbourhood", "hamlet")


LAYERS = ("cities", "counties", "borders", "roads", "railways", "waterways", "land_areas", "places")


def base_layers(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """The base layers, packed. All frames in WGS84; any of them may be empty."""
    scale = _local_scale(layers["cities"])
    land_areas = layers["land_areas"]
    return {
        "cities": _cities(layers["cities"], params),
        "districts": _counties(layers["counties"], params),
        "borders": _borders(layers["borders"], params),
        "roads": _roads(layers["roads"], layers["borders"], params, scale, thinning),
        "rail": _railways(layers["railways"], params),
        "rivers": _waterways(layers["waterways"], params, thinning),
        "water": _areas(land_areas, is_water(land_areas), "water", params, scale, thinning),
        "wood": _areas(
            land_areas, land_areas["value"].isin(WOODED).to_numpy(), "wood", params, scale, thinning
        ),
        "built": _areas(
            land_areas, is_tagged(land_areas, BUILT_UP), "built", params, scale, thinning
        ),
        "places": _places(layers["places"], thinning),
    }


def _local_scale(cities: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Metres per degree of longitude and of latitude at the metro's middle."""
    if cities.empty:
        return np.array([METRES_PER_DEGREE, METRES_PER_DEGREE])
    south, north = cities.total_bounds[[1, 3]]
    return METRES_PER_DEGREE * np.array([np.cos(np.radians((south + north) / 2)), 1.0])


def _to_metres(geometry: Geometries, scale: NDArray[np.float64]) -> Geometries:
    """Flat local metres: good to a part in a hundred, enough to choose what to draw."""
    return shapely.transform(geometry, lambda xy: xy * scale)


def _cities(cities: gpd.GeoDataFrame, params: MapParams) -> PackedLayer:
    drawn = cities.set_geometry(
        simplify_coverage(cities.geometry.to_numpy(), 2 * params.simplify_m), crs=cities.crs
    )
    columns = {
        "city_id": None,
        "name": None,
        "name_en": None,
        "population": 0,
        "area_km2": 0,
        "centre_lon": 5,
        "centre_lat": 5,
        "is_core": None,
        "pinyin": None,
    }
    return encode_layer(drawn.assign(pinyin=pinyin(drawn["name"])), columns)


def _counties(counties: gpd.GeoDataFrame, params: MapParams) -> PackedLayer:
    """Named ``districts`` to the scripts."""
    drawn = counties.set_geometry(
        simplify_coverage(counties.geometry.to_numpy(), 2 * params.simplify_m), crs=counties.crs
    )
    columns = {
        "county_id": None,
        "city_id": None,
        "name": None,
        "area_km2": 0,
        "pinyin": None,
    }
    return encode_layer(drawn.assign(pinyin=pinyin(drawn["name"])), columns)


def _borders(borders: gpd.GeoDataFrame, params: MapParams) -> PackedLayer:
    drawn = borders.set_geometry(
        simplify(borders.geometry.to_numpy(), params.simplify_m / 2), crs=borders.crs
    )
    columns = {
        "border_id": None,
        "city_a": None,
        "city_b": None,
        "level": None,
        "name": None,
        "length_km": 1,
        "natural_share_pct": 0,
    }
    return encode_layer(drawn, columns)


def _roads(
    roads: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    params: MapParams,
    scale: NDArray[np.float64],
    thinning: Thinning,
) -> PackedLayer:
    rank = roads["class_rank"].to_numpy()
    everywhere = np.isin(rank, [CLASS_RANK[each] for each in params.base_road_classes])
    near = _is_near(roads, borders, scale, params.near_border_m)
    local = near & (rank <= CLASS_RANK[params.near_road_class])
    chosen = (everywhere & ~roads["is_link"].to_numpy()) | local
    table = pd.DataFrame(
        {
            "rank": rank,
            "near": near,
            "is_open": (roads["status"] == "open").to_numpy(),
            "name": roads["name"].to_numpy(),
            "ref": roads["ref"].to_numpy(),
        }
    )[chosen]
    merged = _dissolve_lines(table, roads.geometry.to_numpy()[chosen])
    tolerance = np.where(merged["near"], NEAR_SIMPLIFY_M, params.simplify_m)
    merged = merged.set_geometry(
        shapely.simplify(merged.geometry.to_numpy(), tolerance / METRES_PER_DEGREE), crs=roads.crs
    )
    length = shapely.length(merged.geometry.to_numpy())
    order = length / (length.max() + 1e-9) - merged["rank"].to_numpy() if len(merged) else length
    merged = thinning.keep("roads", merged, order, params.max_features)
    return encode_layer(merged, {"rank": 0, "is_open": None, "name": None, "ref": None})


def _is_near(
    frame: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    scale: NDArray[np.float64],
    distance_m: float,
) -> NDArray[np.bool_]:
    near = np.zeros(len(frame), dtype=bool)
    if borders.empty or frame.empty:
        return near
    tree = shapely.STRtree(_to_metres(frame.geometry.to_numpy(), scale))
    lines = _to_metres(simplify(borders.geometry.to_numpy(), distance_m / 20), scale)
    near[tree.query(lines, predicate="dwithin", distance=distance_m)[1]] = True
    return near


def _dissolve_lines(table: pd.DataFrame, lines: Geometries) -> gpd.GeoDataFrame:
    """One multi line per distinct row of ``table``, joined end to end where possible."""
    if table.empty:
        return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([], crs=4326), crs=4326)
    group = table.groupby(list(table.columns), dropna=False, sort=True).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    joined = shapely.line_merge(shapely.multilinestrings(lines[order], indices=group[order]))
    rows = table.iloc[order[first]].reset_index(drop=True)
    return gpd.GeoDataFrame(rows, geometry=joined, crs=4326)


def _railways(railways: gpd.GeoDataFrame, params: MapParams) -> PackedLayer:
    chosen = (railways["service"].isna() & railways["railway"].isin(RAILWAYS)).to_numpy()
    table = pd.DataFrame(
        {
            "kind": railways["railway"].to_numpy(),
            "is_open": (railways["status"] == "open").to_numpy(),
            "is_highspeed": railways["is_highspeed"].to_numpy(),
            "name": railways["name"].to_numpy(),
        }
    )[chosen]
    merged = _dissolve_lines(table, railways.geometry.to_numpy()[chosen])
    merged = merged.set_geometry(simplify(merged.geometry.to_numpy(), params.simplify_m), crs=4326)
    return encode_layer(merged, {"kind": None, "is_open": None, "is_highspeed": None, "name": None})


def _waterways(waterways: gpd.GeoDataFrame, params: MapParams, thinning: Thinning) -> PackedLayer:
    chosen = (waterways["waterway"].isin(WATERCOURSES) & ~waterways["is_tunnel"]).to_numpy()
    table = pd.DataFrame(
        {"kind": waterways["waterway"].to_numpy(), "name": waterways["name"].to_numpy()}
    )[chosen]
    merged = _dissolve_lines(table, waterways.geometry.to_numpy()[chosen])
    merged = merged.set_geometry(simplify(merged.geometry.to_numpy(), params.simplify_m), crs=4326)
    merged = thinning.keep(
        "rivers", merged, shapely.length(merged.geometry.to_numpy()), params.max_features
    )
    return encode_layer(merged, {"kind": None, "name": None})


def _areas(
    land_areas: gpd.GeoDataFrame,
    chosen: NDArray[np.bool_],
    name: str,
    params: MapParams,
    scale: NDArray[np.float64],
    thinning: Thinning,
) -> PackedLayer:
    frame = land_areas[chosen]
    area = shapely.area(frame.geometry.to_numpy()) * scale[0] * scale[1]
    frame = thinning.keep(name, frame, area, MAX_AREAS)
    drawn = frame.set_geometry(
        simplify(frame.geometry.to_numpy(), params.simplify_m), crs=land_areas.crs
    )
    return encode_layer(drawn, {"name": None} if name == "water" else {})


def _places(places: gpd.GeoDataFrame, thinning: Thinning) -> PackedLayer:
    named = places[places["name"].notna().to_numpy()]
    ranks = {place: -n for n, place in enumerate(PLACE_ORDER)}
    order = named["place"].map(ranks).astype(float).fillna(-9)
    order = order + named["population"].fillna(0).rank(pct=True)
    named = thinning.keep("places", named, order, MAX_VILLAGES)
    columns = {"name": None, "place": None, "population": 0, "city_id": None, "pinyin": None}
    return encode_layer(named.assign(pinyin=pinyin(named["name"])), columns)
