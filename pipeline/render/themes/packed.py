"""The findings that a page shows, theme by theme, as packed layers and tables.

Which layer and which columns stand in which theme belongs here; how they are
drawn to the scripts of `page/js`, their colours to `style`.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.render.page.base_map import Thinning
from pipeline.render.page.encode import Decimals, encode_layer, simplify, simplify_coverage
from pipeline.render.page.evidence import in_chinese
from pipeline.render.page.nearby import nearest_names
from pipeline.render.params import MapParams

DEAD_ENDS: Decimals = {
    "dead_end_id": None,
    "border_id": None,
    "city_id": None,
    "node_id": None,
    "way_id": None,
    "highway": None,
    "name": None,
    "ref": None,
    "end_type": None,
    "kind": None,
    "status": None,
    "obstacle": None,
    "distance_to_border_m": 0,
    "heading_deg": 0,
    "link_id": None,
    "confidence": 2,
    "near": None,
}
MISSING_LINKS: Decimals = {
    "link_id": None,
    "border_id": None,
    "from_node": None,
    "to_node": None,
    "from_city": None,
    "to_city": None,
    "from_road": None,
    "to_road": None,
    "highway": None,
    "gap_m": 0,
    "detour_m": 0,
    "detour_ratio": 2,
    "minutes_saved": 1,
    "obstacle": None,
    "status": None,
    "indicative_cost_class": None,
    "gain_person_min_a": 0,
    "gain_person_min_b": 0,
    "benefit_share_a_pct": 1,
    "rank": 0,
    "kind": None,
    "confidence": 2,
    "near": None,
    "from_end": None,
    "to_end": None,
    "from_way": None,
    "to_way": None,
}
BOTTLENECKS: Decimals = {
    "bottleneck_id": None,
    "border_id": None,
    "kind": None,
    "name": None,
    "ref": None,
    "highway": None,
    "capacity_here_pcu_h": 0,
    "capacity_approach_pcu_h": 0,
    "capacity_ratio": 2,
    "evidence": None,
    "evidence_zh": None,
    "is_bridge": None,
    "is_toll_plaza": None,
    "load_share_pct": 1,
    "crossing_id": None,
    "near": None,
}
CROSSINGS: Decimals = {
    "crossing_id": None,
    "border_id": None,
    "way_id": None,
    "highway": None,
    "name": None,
    "ref": None,
    "lanes": 1,
    "capacity_pcu_h": 0,
    "is_bridge": None,
    "load_share_pct": 1,
}
ZONES: Decimals = {
    "cell": None,
    "city_id": None,
    "population": 0,
    "population_evidence": None,
    "minutes_to_core": 1,
    "minutes_to_core_peak": 1,
    "minutes_to_core_transit": 1,
    "nearest_centre": None,
    "minutes_to_nearest_centre": 1,
    "population_30min": 0,
    "population_45min": 0,
    "population_60min": 0,
    "cross_border_share_60min_pct": 1,
    "transport_performance": 1,
    "is_edge_zone": None,
    "hospital_access": 2,
    "school_access": 2,
    "university_access": 3,
    "minutes_to_hospital": 1,
    "minutes_to_school": 1,
    "minutes_to_university": 1,
    "reason": None,
}
SHOWN_SERVICES = ("hospital", "university", "school", "research")
CITY_CENTRES = ("core", "city")


def dead_end_layer(dead_ends: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> dict[str, Any]:
    """Border dead ends, mapping gaps among them (drawn apart, never counted)."""
    return encode_layer(dead_ends.assign(near=nearest_names(dead_ends, places)), DEAD_ENDS)


def missing_link_layer(
    missing_links: gpd.GeoDataFrame, dead_ends: gpd.GeoDataFrame, places: gpd.GeoDataFrame
) -> dict[str, Any]:
    """Missing links by rank, unranked last, with what their dead ends tell of both sides."""
    links = missing_links.sort_values(["rank", "link_id"], na_position="last", kind="stable")
    links = links.assign(near=nearest_names(links, places))
    ends = dead_ends.assign(road=dead_ends["name"].fillna(dead_ends["ref"]))
    ends = ends.dropna(subset=["link_id"]).drop_duplicates(["link_id", "node_id"])
    keyed = ends.set_index(["link_id", "node_id"])
    for side in ("from", "to"):
        # A through road has no dead end: its side stays null.
        wanted = pd.MultiIndex.from_arrays([links["link_id"], links[f"{side}_node"]])
        found = keyed.reindex(wanted)
        links = links.assign(
            **{
                f"{side}_road": found["road"].to_numpy(dtype=object),
                f"{side}_end": found["end_type"].to_numpy(dtype=object),
                f"{side}_way": found["way_id"].astype("Int64").to_numpy(),
            }
        )
    return encode_layer(links, MISSING_LINKS)


def placebo_table(placebo: pd.DataFrame) -> dict[str, Any]:
    """Per border: findings per 100 km, and the same along the shifted lines (mean, 95 %)."""
    rows = []
    for border_id, part in placebo.groupby("border_id", sort=True):
        real = part[part["replicate"] == 0]
        shifted = part[part["replicate"] > 0]
        for what in ("dead_ends_per_100km", "missing_links_per_100km"):
            values = shifted[what].dropna()
            rows.append(
                {
                    "border_id": border_id,
                    "what": what,
                    "here": real[what].mean(),
                    "mean": values.mean(),
                    "low": values.quantile(0.025),
                    "high": values.quantile(0.975),
                    "replicates": float(len(values)),
                }
            )
    columns = ["border_id", "what", "here", "mean", "low", "high", "replicates"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        {name: "float64" for name in columns[2:]} | {"border_id": "str", "what": "str"}
    )
    decimals: Decimals = {"border_id": None, "what": None} | dict.fromkeys(columns[2:6], 2)
    return encode_layer(frame, {**decimals, "replicates": 0})


def bottleneck_layers(
    bottlenecks: gpd.GeoDataFrame, crossings: gpd.GeoDataFrame, places: gpd.GeoDataFrame
) -> dict[str, Any]:
    """Bottlenecks, the narrowest first, and all crossings, the busiest first."""
    bottlenecks = bottlenecks.assign(
        near=nearest_names(bottlenecks, places),
        evidence_zh=bottlenecks["evidence"].map(in_chinese).astype("object"),
    )
    narrow = bottlenecks.sort_values(
        ["capacity_ratio", "load_share_pct", "bottleneck_id"],
        ascending=[True, False, True],
        na_position="last",
        kind="stable",
    )
    busy = crossings.sort_values(
        ["load_share_pct", "crossing_id"],
        ascending=[False, True],
        na_position="last",
        kind="stable",
    )
    return {
        "bottlenecks": encode_layer(narrow, BOTTLENECKS),
        "crossings": encode_layer(busy, CROSSINGS),
    }


def commuting_layers(
    zones: gpd.GeoDataFrame,
    isochrones: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    border_effect: pd.DataFrame,
    params: MapParams,
    thinning: Thinning,
) -> dict[str, Any]:
    """Zones, isochrones of the cities' centres, times between them, the border effect."""
    cities = centres[centres["kind"].isin(CITY_CENTRES).to_numpy()]
    kept = isochrones[isochrones["centre_id"].isin(cities["centre_id"]).to_numpy()]
    kept = kept.sort_values(["centre_id", "mode", "minutes"], ascending=[True, True, False])
    kept = kept.set_geometry(
        simplify(kept.geometry.to_numpy(), 1.5 * params.simplify_m), crs=isochrones.crs
    )
    between = centre_times[
        centre_times["from_id"].isin(cities["centre_id"])
        & centre_times["to_id"].isin(cities["centre_id"])
    ]
    shown = thinning.keep("zones", zones, zones["population"].fillna(0), params.max_features)
    iso_columns: Decimals = {
        "centre_id": None,
        "mode": None,
        "minutes": 0,
        "area_km2": 0,
        "population": 0,
    }
    effect_columns: Decimals = {
        "border_id": None,
        "mode": None,
        "penalty_pct": 1,
        "ci_low_pct": 1,
        "ci_high_pct": 1,
        "n_pairs": 0,
        "placebo_low_pct": 1,
        "placebo_high_pct": 1,
        "includes_river": None,
        "reason": None,
    }
    time_columns: Decimals = {
        "from_id": None,
        "to_id": None,
        "mode": None,
        "minutes": 1,
        "distance_km": 1,
        "straight_km": 1,
        "detour_ratio": 2,
        "border_crossings": 0,
        "reason": None,
    }
    return {
        "zones": encode_layer(shown, ZONES),
        "isochrones": encode_layer(kept, iso_columns),
        "centres": encode_layer(
            centres, {"centre_id": None, "kind": None, "name": None, "city_id": None}
        ),
        "centre_times": encode_layer(between, time_columns),
        "border_effect": encode_layer(border_effect, effect_columns),
    }


def circle_table(commuting_circle: pd.DataFrame) -> dict[str, Any]:
    """The one-hour circle by city and mode; the metro's own rows stand in the figures."""
    of_city = commuting_circle[commuting_circle["city_id"].notna().to_numpy()]
    columns: Decimals = {
        "city_id": None,
        "mode": None,
        "population": 0,
        "population_share_pct": 1,
        "area_share_pct": 1,
    }
    return encode_layer(of_city, columns)


def transit_layers(
    stations: gpd.GeoDataFrame, transit_links: gpd.GeoDataFrame, params: MapParams
) -> dict[str, Any]:
    """Stations of rail and metro, and the rides between them, each pair once."""
    shown = stations[(stations["kind"] != "bus").to_numpy()]
    low = transit_links[["from_station", "to_station"]].min(axis=1)
    high = transit_links[["from_station", "to_station"]].max(axis=1)
    keys = pd.DataFrame({"low": low, "high": high, "mode": transit_links["mode"]})
    rides = transit_links[~keys.duplicated().to_numpy()]
    rides = rides.set_geometry(
        simplify(rides.geometry.to_numpy(), params.simplify_m), crs=transit_links.crs
    )
    return {
        "stations": encode_layer(
            shown, {"station_id": None, "name": None, "kind": None, "city_id": None}
        ),
        "rides": encode_layer(
            rides,
            {"line": None, "mode": None, "minutes": 1, "headway_min": 0, "evidence": None},
        ),
    }


def service_layer(
    services: gpd.GeoDataFrame, params: MapParams, thinning: Thinning
) -> dict[str, Any]:
    """Hospitals, universities, schools and research sites as points."""
    shown = services[services["kind"].isin(SHOWN_SERVICES).to_numpy()]
    order = -shown["kind"].map({kind: n for n, kind in enumerate(SHOWN_SERVICES)}).astype(float)
    shown = thinning.keep("services", shown, order, params.max_features)
    return encode_layer(shown, {"service_id": None, "kind": None, "name": None, "city_id": None})


def ecology_layers(
    land: gpd.GeoDataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    eco_corridors: gpd.GeoDataFrame,
    shared_rivers: gpd.GeoDataFrame,
    monitoring_sites: gpd.GeoDataFrame,
    params: MapParams,
    thinning: Thinning,
) -> dict[str, Any]:
    """The belt's land, its stretches, conflicts, corridors, rivers and sites."""
    mapped = land[(land["land_class"] != "unknown").to_numpy()]
    area = shapely.area(mapped.geometry.to_numpy())
    mapped = thinning.keep("land", mapped, area, params.max_features)
    mapped = _redraw(mapped, simplify(mapped.geometry.to_numpy(), params.simplify_m))
    stretches = _redraw(
        eco_zones, simplify_coverage(eco_zones.geometry.to_numpy(), params.simplify_m)
    )
    corridors = _redraw(
        eco_corridors, simplify(eco_corridors.geometry.to_numpy(), params.simplify_m)
    )
    rivers = _redraw(shared_rivers, simplify(shared_rivers.geometry.to_numpy(), params.simplify_m))
    shares: Decimals = dict.fromkeys(
        ("ecological_pct", "farmland_pct", "urban_pct", "unknown_pct"), 1
    )
    return {
        "land": encode_layer(
            mapped, {"land_class": None, "evidence": None, "city_id": None, "border_id": None}
        ),
        "eco_zones": encode_layer(
            stretches,
            {
                "segment_id": None,
                "border_id": None,
                "city_id": None,
                "belt_km": 1,
                "km_from": 1,
                "km_to": 1,
                "area_km2": 2,
                **shares,
                "zone": None,
                "similarity_across": 2,
                "guidance": None,
            },
        ),
        "conflicts": encode_layer(
            conflicts.sort_values(["distance_m", "conflict_id"], kind="stable"),
            {
                "conflict_id": None,
                "border_id": None,
                "kind": None,
                "source_city": None,
                "exposed_city": None,
                "distance_m": 0,
            },
        ),
        "corridors": encode_layer(
            corridors,
            {
                "corridor_id": None,
                "border_id": None,
                "land_class": None,
                "area_km2_a": 2,
                "area_km2_b": 2,
                "is_protected": None,
            },
        ),
        "shared_rivers": encode_layer(
            rivers,
            {
                "river_id": None,
                "border_id": None,
                "name": None,
                "relation": None,
                "upstream_city": None,
                "downstream_city": None,
                "buffer_m": 0,
            },
        ),
        "sites": encode_layer(
            monitoring_sites, {"site_id": None, "border_id": None, "medium": None, "reason": None}
        ),
    }


def integration_tables(indicators: pd.DataFrame, integration_index: pd.DataFrame) -> dict[str, Any]:
    """The index and its indicators; border and city both null: the metro."""
    return {
        "index": encode_layer(
            integration_index,
            {
                "border_id": None,
                "city_id": None,
                "dimension": None,
                "score": 1,
                "score_low": 1,
                "score_high": 1,
                "coverage_pct": 0,
            },
        ),
        "indicators": encode_layer(
            indicators,
            {
                "border_id": None,
                "city_id": None,
                "dimension": None,
                "indicator": None,
                "value": 3,
                "unit": None,
                "score": 1,
                "coverage_pct": 0,
            },
        ),
    }


def _redraw(frame: gpd.GeoDataFrame, geometry: Any) -> gpd.GeoDataFrame:
    """The frame with simplified geometry, without what simplified to nothing."""
    kept = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    return frame.set_geometry(np.asarray(geometry, dtype=object), crs=frame.crs)[kept]
