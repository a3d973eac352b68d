"""The belt's land, its stretches, conflicts, corridors, rivers and sites, packed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from pipeline.render.page.encode import (
    Decimals,
    Geometries,
    Layers,
    PackedLayer,
    encode_layer,
    simplify,
    simplify_coverage,
)
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

LAYERS = (
    "land",
    "eco_zones",
    "conflicts",
    "eco_corridors",
    "shared_rivers",
    "monitoring_sites",
)

LAND: Decimals = {"land_class": None, "evidence": None, "city_id": None, "border_id": None}
ECO_ZONES: Decimals = {
    "segment_id": None,
    "border_id": None,
    "city_id": None,
    "belt_km": 1,
    "km_from": 1,
    "km_to": 1,
    "area_km2": 2,
    "ecological_pct": 1,
    "farmland_pct": 1,
    "urban_pct": 1,
    "unknown_pct": 1,
    "zone": None,
    "similarity_across": 2,
    "guidance": None,
}
CONFLICTS: Decimals = {
    "conflict_id": None,
    "border_id": None,
    "kind": None,
    "source_city": None,
    "exposed_city": None,
    "distance_m": 0,
}
CORRIDORS: Decimals = {
    "corridor_id": None,
    "border_id": None,
    "land_class": None,
    "area_km2_a": 2,
    "area_km2_b": 2,
    "is_protected": None,
}
SHARED_RIVERS: Decimals = {
    "river_id": None,
    "border_id": None,
    "name": None,
    "relation": None,
    "upstream_city": None,
    "downstream_city": None,
    "buffer_m": 0,
}
SITES: Decimals = {"site_id": None, "border_id": None, "medium": None, "reason": None}


def pack(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """The theme's layers by the scripts' names."""
    tolerance_m = params.simplify_m
    stretches = layers["eco_zones"]
    # Stretches share edges: drawn one by one they would leave gaps.
    outlines = simplify_coverage(stretches.geometry.to_numpy(), tolerance_m)
    conflicts = layers["conflicts"].sort_values(["distance_m", "conflict_id"], kind="stable")
    return {
        "land": encode_layer(_mapped_land(layers["land"], params, thinning), LAND),
        "eco_zones": encode_layer(_redraw(stretches, outlines), ECO_ZONES),
        "conflicts": encode_layer(conflicts, CONFLICTS),
        "corridors": encode_layer(_simplified(layers["eco_corridors"], tolerance_m), CORRIDORS),
        "shared_rivers": encode_layer(
            _simplified(layers["shared_rivers"], tolerance_m), SHARED_RIVERS
        ),
        "sites": encode_layer(layers["monitoring_sites"], SITES),
    }


def _mapped_land(land: gpd.GeoDataFrame, params: MapParams, thinning: Thinning) -> gpd.GeoDataFrame:
    """Land whose class is known, the largest areas where there are too many."""
    mapped = land[(land["land_class"] != "unknown").to_numpy()]
    area = shapely.area(mapped.geometry.to_numpy())
    mapped = thinning.keep("land", mapped, area, params.max_features)
    return _simplified(mapped, params.simplify_m)


def _simplified(frame: gpd.GeoDataFrame, tolerance_m: float) -> gpd.GeoDataFrame:
    return _redraw(frame, simplify(frame.geometry.to_numpy(), tolerance_m))


def _redraw(frame: gpd.GeoDataFrame, geometry: Geometries) -> gpd.GeoDataFrame:
    """The frame with simplified geometry, without what simplified to nothing."""
    kept = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    return frame.set_geometry(np.asarray(geometry, dtype=object), crs=frame.crs)[kept]
