"""The headline figures of a metro, as shown on its page, its card and the index.

Only sums and shares of finished layers belong here: nothing is measured anew.
None means unknown, never zero.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from pipeline.measures.crossings.kinds import COUNTED
from pipeline.render.page.encode import Layers
from pipeline.terms import ONE_HOUR_MIN, land_km

NOT_COUNTED = ("mapping_gap",)
NOT_TO_BUILD = ("mapping_gap", "natural_barrier")
MODES = {
    "drive": "minutes_to_core",
    "peak": "minutes_to_core_peak",
    "transit": "minutes_to_core_transit",
}


LAYERS = (
    "cities",
    "borders",
    "dead_ends",
    "missing_links",
    "bottlenecks",
    "crossings",
    "zones",
    "border_effect",
    "eco_zones",
    "conflicts",
    "integration_index",
)
"""Layers that `headline` takes."""

Figures = dict[str, float | None]
"""Figures by key; None is unknown."""

Index = dict[str, dict[str, float | None]]
"""Score, low, high, zone_error and coverage_pct by dimension; ``overall`` first."""


def headline(layers: Layers) -> Figures:
    """Headline figures by key, in the order they are shown."""
    zones, effect = layers["zones"], layers["border_effect"]
    figures = _counts(layers)
    for mode, column in MODES.items():
        people, area = circle_shares(zones, column)
        figures[f"circle_{mode}_people_pct"] = people
        figures[f"circle_{mode}_area_pct"] = area
    figures["border_effect_pct"] = _median(effect.loc[effect["mode"] == "drive", "penalty_pct"])
    figures["belt_unknown_pct"] = unknown_share(layers["eco_zones"])
    overall = metro_index(layers["integration_index"]).get("overall", {})
    figures["index"] = overall.get("score")
    return figures


def _counts(layers: Layers) -> Figures:
    """How many there are of each, and how large the metro is."""
    cities, borders = layers["cities"], layers["borders"]
    ends, links = layers["dead_ends"]["status"], layers["missing_links"]["status"]
    links = links[~links.isin(NOT_COUNTED)]
    population = cities["population"]
    is_known = len(cities) > 0 and population.notna().all()
    crossings = len(layers["crossings"])
    return {
        "cities": float(len(cities)),
        "population": float(population.sum()) if is_known else None,
        "area_km2": float(cities["area_km2"].sum()),
        "borders": float(len(borders)),
        "border_km": float(borders["length_km"].sum()),
        "dead_ends": float((~ends.isin(NOT_COUNTED)).sum()),
        "missing_links": float(len(links)),
        "links_to_build": float((~links.isin(NOT_TO_BUILD)).sum()),
        "links_under_construction": float((links == "under_construction").sum()),
        "links_natural_barrier": float((links == "natural_barrier").sum()),
        "mapping_gaps": float(ends.isin(NOT_COUNTED).sum()),
        "bottlenecks": float(layers["bottlenecks"]["kind"].isin(COUNTED).sum()),
        "crossings": float(crossings),
        "crossings_per_100km": _per_100km(crossings, _land_km(borders)),
        "conflicts": float(len(layers["conflicts"])),
    }


def circle_shares(zones: gpd.GeoDataFrame, column: str) -> tuple[float | None, float | None]:
    """Percent of people and of area within an hour of the core; None where nothing is known.

    The people's share is None too where those of a zone are not known, as is their sum.
    """
    if zones.empty or zones[column].isna().all():
        return None, None
    inside = (zones[column] <= ONE_HOUR_MIN).to_numpy()
    people = zones["population"].to_numpy(dtype=float)
    # The areas that layer ``commuting_circle`` adds up.
    area = zones["area_km2"].to_numpy(dtype=float)
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


def metro_index(integration_index: pd.DataFrame) -> Index:
    """Score, low, high, zone error and coverage of the metro by dimension; ``overall`` first."""
    whole = integration_index[
        integration_index["border_id"].isna() & integration_index["city_id"].isna()
    ]
    table: Index = {}
    for row in whole.to_dict("records"):
        table[str(row["dimension"])] = {
            "score": _float(row["score"]),
            "low": _float(row["score_low"]),
            "high": _float(row["score_high"]),
            "zone_error": _float(row["score_zone_error"]),
            "coverage_pct": _float(row["coverage_pct"]),
        }
    return dict(sorted(table.items(), key=lambda entry: entry[0] != "overall"))


def read_account(extract_drops: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Subject, rule and count of the account of what was read."""
    return [
        (str(row["subject"]), str(row["rule"]), int(row["count"]))
        for row in extract_drops.to_dict("records")
    ]


def _land_km(borders: gpd.GeoDataFrame) -> float:
    """Length of borders that does not lie at sea."""
    return float(land_km(borders["length_km"], borders["sea_share_pct"]).sum())


def _per_100km(count: int, length_km: float) -> float | None:
    return 100.0 * count / float(length_km) if length_km > 0 else None


def _median(series: pd.Series) -> float | None:
    return _float(series.median()) if series.notna().any() else None


def _float(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
