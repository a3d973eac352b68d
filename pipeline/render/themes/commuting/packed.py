"""Zones, isochrones, times between centres, the border effect and rail, packed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.render.page.encode import (
    Decimals,
    Layers,
    PackedLayer,
    encode_layer,
    simplify,
    simplify_coverage,
)
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

LAYERS = (
    "zones",
    "isochrones",
    "centres",
    "centre_times",
    "border_effect",
    "commuting_circle",
    "stations",
    "transit_links",
)

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
ISOCHRONES: Decimals = {
    "centre_id": None,
    "mode": None,
    "minutes": 0,
    "area_km2": 0,
    "population": 0,
}
BORDER_EFFECT: Decimals = {
    "border_id": None,
    "mode": None,
    "penalty_pct": 1,
    "ci_low_pct": 1,
    "ci_high_pct": 1,
    "detection": None,
    "n_pairs": 0,
    "placebo_low_pct": 1,
    "placebo_high_pct": 1,
    "includes_river": None,
    "reason": None,
}
CENTRE_TIMES: Decimals = {
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
CENTRES: Decimals = {"centre_id": None, "kind": None, "name": None, "city_id": None}
CIRCLE: Decimals = {
    "city_id": None,
    "mode": None,
    "population": 0,
    "population_share_pct": 1,
    "area_share_pct": 1,
}
STATIONS: Decimals = {"station_id": None, "name": None, "kind": None, "city_id": None}
RIDES: Decimals = {"line": None, "mode": None, "minutes": 1, "headway_min": 0, "evidence": None}
REACH: Decimals = {
    "mode": None,
    "minutes": 0,
    "population": 0,
    "population_share_pct": 1,
}
REACH_MINUTES = tuple(range(5, 125, 5))
"""Steps of the curve of people by minutes; the slider's."""

TIMES_TO_CORE = {
    "drive": "minutes_to_core",
    "drive_peak": "minutes_to_core_peak",
    "transit": "minutes_to_core_transit",
}
CITY_CENTRES = ("core", "city")


def pack(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """The theme's layers by the scripts' names."""
    zones, centres, times = layers["zones"], layers["centres"], layers["centre_times"]
    people = zones["population"].fillna(0)
    of_cities = centres.loc[centres["kind"].isin(CITY_CENTRES).to_numpy(), "centre_id"]
    between = times["from_id"].isin(of_cities) & times["to_id"].isin(of_cities)
    circle, stations = layers["commuting_circle"], layers["stations"]
    return {
        # The metro's own rows of the circle stand in the figures.
        "circle": encode_layer(circle[circle["city_id"].notna().to_numpy()], CIRCLE),
        "zones": encode_layer(
            _zones(thinning.keep("zones", zones, people, params.max_features), params.simplify_m),
            ZONES,
        ),
        "isochrones": encode_layer(
            _isochrones(layers["isochrones"], of_cities, params.simplify_m), ISOCHRONES
        ),
        "reach": encode_layer(_reach(zones), REACH),
        "centres": encode_layer(centres, CENTRES),
        "centre_times": encode_layer(times[between.to_numpy()], CENTRE_TIMES),
        "border_effect": encode_layer(layers["border_effect"], BORDER_EFFECT),
        "stations": encode_layer(stations[(stations["kind"] != "bus").to_numpy()], STATIONS),
        "rides": encode_layer(_rides(layers["transit_links"], params.simplify_m), RIDES),
    }


def _reach(zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """People, and their share of the metro's, within each step of minutes of the core, by mode.

    Of all zones, also those that the page leaves out; null where people are not known.
    """
    people = zones["population"].to_numpy(dtype=float)
    total = people.sum()
    rows = []
    for mode, column in TIMES_TO_CORE.items():
        if zones[column].isna().all():
            continue
        for minutes in REACH_MINUTES:
            within = people[(zones[column] <= minutes).to_numpy()].sum()
            share = 100.0 * within / total if total > 0 else np.nan
            rows.append((mode, float(minutes), within, share))
    types = {name: "str" if places is None else "float64" for name, places in REACH.items()}
    return pd.DataFrame(rows, columns=list(REACH)).astype(types)


def _zones(zones: gpd.GeoDataFrame, simplify_m: float) -> gpd.GeoDataFrame:
    """Zones whose edges along the cities' outlines have no more detail than the outlines drawn."""
    return zones.set_geometry(
        simplify_coverage(zones.geometry.to_numpy(), simplify_m), crs=zones.crs
    )


def _isochrones(
    isochrones: gpd.GeoDataFrame, of_cities: pd.Series, simplify_m: float
) -> gpd.GeoDataFrame:
    """Those of the cities' centres, the widest first."""
    kept = isochrones[isochrones["centre_id"].isin(of_cities).to_numpy()]
    kept = kept.sort_values(["centre_id", "mode", "minutes"], ascending=[True, True, False])
    drawn = simplify(kept.geometry.to_numpy(), 1.5 * simplify_m)
    return kept.set_geometry(drawn, crs=isochrones.crs)


def _rides(transit_links: gpd.GeoDataFrame, simplify_m: float) -> gpd.GeoDataFrame:
    """Rides between stations, each pair once per mode."""
    ends = transit_links[["from_station", "to_station"]]
    keys = pd.DataFrame(
        {"low": ends.min(axis=1), "high": ends.max(axis=1), "mode": transit_links["mode"]}
    )
    rides = transit_links[~keys.duplicated().to_numpy()]
    return rides.set_geometry(
        simplify(rides.geometry.to_numpy(), simplify_m), crs=transit_links.crs
    )
