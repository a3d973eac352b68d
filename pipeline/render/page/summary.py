"""The headline figures of a metro, as shown on its page, its card and the index.

Only sums and shares of finished layers belong here: nothing is measured anew.
None means unknown, never zero.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.terms import ONE_HOUR_MIN

NOT_COUNTED = ("mapping_gap",)
NOT_TO_BUILD = ("mapping_gap", "natural_barrier")
MODES = {
    "drive": "minutes_to_core",
    "peak": "minutes_to_core_peak",
    "transit": "minutes_to_core_transit",
}


def headline(
    cities: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    bottlenecks: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
    border_effect: pd.DataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    integration_index: pd.DataFrame,
) -> dict[str, float | None]:
    """Headline figures by key, in the order they are shown."""
    ends = dead_ends[~dead_ends["status"].isin(NOT_COUNTED)]
    links = missing_links[~missing_links["status"].isin(NOT_COUNTED)]
    population = cities["population"]
    figures: dict[str, float | None] = {
        "cities": float(len(cities)),
        "population": float(population.sum()) if len(cities) and population.notna().all() else None,
        "area_km2": float(cities["area_km2"].sum()),
        "borders": float(len(borders)),
        "border_km": float(borders["length_km"].sum()),
        "dead_ends": float(len(ends)),
        "missing_links": float(len(links)),
        "links_to_build": float((~links["status"].isin(NOT_TO_BUILD)).sum()),
        "links_under_construction": float((links["status"] == "under_construction").sum()),
        "links_natural_barrier": float((links["status"] == "natural_barrier").sum()),
        "mapping_gaps": float(dead_ends["status"].isin(NOT_COUNTED).sum()),
        "bottlenecks": float((bottlenecks["kind"] != "critical_crossing").sum()),
        "crossings": float(len(crossings)),
        "crossings_per_100km": _per_100km(len(crossings), borders["length_km"].sum()),
        "conflicts": float(len(conflicts)),
    }
    for mode, column in MODES.items():
        people, area = circle_shares(zones, column)
        figures[f"circle_{mode}_people_pct"] = people
        figures[f"circle_{mode}_area_pct"] = area
    figures["border_effect_pct"] = _median(
        border_effect.loc[border_effect["mode"] == "drive", "penalty_pct"]
    )
    figures["belt_unknown_pct"] = unknown_share(eco_zones)
    overall = metro_index(integration_index).get("overall", {})
    figures["index"] = overall.get("score")
    return figures


def circle_shares(zones: gpd.GeoDataFrame, column: str) -> tuple[float | None, float | None]:
    """Percent of people and of area within an hour of the core; None where nothing is known.

    The people's share is None too where those of a zone are not known, as is their sum.
    """
    if zones.empty or zones[column].isna().all():
        return None, None
    inside = (zones[column] <= ONE_HOUR_MIN).to_numpy()
    people = zones["population"].to_numpy(dtype=float)
    # Degrees squared shrink with the cosine of latitude; the shares need no more.
    middle = shapely.get_y(shapely.centroid(zones.geometry.to_numpy()))
    area = shapely.area(zones.geometry.to_numpy()) * np.cos(np.radians(middle))
    total = people.sum()
    people_pct = 100.0 * people[inside].sum() / total if total > 0 else None
    return _float(people_pct), _float(100.0 * area[inside].sum() / area.sum())


def unknown_share(eco_zones: pd.DataFrame) -> float | None:
    """Percent of all belts that nobody mapped, weighted by area; None without belts."""
    area = eco_zones["area_km2"].sum()
    if not area > 0:
        return None
    return float((eco_zones["unknown_pct"] * eco_zones["area_km2"]).sum() / area)


def unknown_by_border(eco_zones: pd.DataFrame) -> dict[str, float]:
    """`unknown_share` of each border."""
    return {
        str(border): share
        for border, part in eco_zones.groupby("border_id", sort=True)
        if (share := unknown_share(part)) is not None
    }


def metro_index(integration_index: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Score, low, high and coverage of the metro by dimension; ``overall`` first."""
    whole = integration_index[
        integration_index["border_id"].isna() & integration_index["city_id"].isna()
    ]
    table: dict[str, dict[str, float | None]] = {}
    for row in whole.to_dict("records"):
        table[str(row["dimension"])] = {
            "score": _float(row["score"]),
            "low": _float(row["score_low"]),
            "high": _float(row["score_high"]),
            "coverage_pct": _float(row["coverage_pct"]),
        }
    return dict(sorted(table.items(), key=lambda entry: entry[0] != "overall"))


def read_account(extract_drops: pd.DataFrame) -> list[list[Any]]:
    """Rows ``[subject, rule, count]`` of the account of what was read."""
    return [
        [str(row["subject"]), str(row["rule"]), int(row["count"])]
        for row in extract_drops.to_dict("records")
    ]


def _per_100km(count: int, length_km: float) -> float | None:
    return 100.0 * count / float(length_km) if length_km > 0 else None


def _median(series: pd.Series) -> float | None:
    return _float(series.median()) if series.notna().any() else None


def _float(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
