"""What the indicators are read from, and the means over zones that several of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.reach import Reach
from pipeline.measures.integration.scope import UNKNOWN, Bools, Floats, Scope, Value, weighted
from pipeline.measures.integration.yardsticks import Yardsticks
from pipeline.terms import CLASS_RANK

RAIL_MODES = ("train", "highspeed", "subway", "light_rail", "tram")


@dataclass(frozen=True)
class Evidence:
    """What the indicators are read from, worked out once for all scopes.

    ``zones``, ``near_border`` masks and the arrays of ``reach`` share their row
    order; columns of the arrays follow ``cities``.
    """

    params: IntegrationParams
    circle_min: float
    borders: pd.DataFrame
    cities: list[str]
    zones: pd.DataFrame
    near_border: dict[str, Bools]
    reach: Reach
    within_radius: Floats
    sites: pd.DataFrame
    towns: pd.DataFrame
    mapped: frozenset[str]
    crossings: pd.DataFrame
    lines: pd.DataFrame
    stops: pd.DataFrame
    dead_ends: pd.DataFrame
    missing_links: pd.DataFrame
    bottlenecks: pd.DataFrame
    border_effect: pd.DataFrame
    land: pd.DataFrame
    eco_zones: pd.DataFrame
    conflicts: pd.DataFrame
    corridors: pd.DataFrame
    yardsticks: Yardsticks

    def land_km(self, scope: Scope) -> float:
        """Length of the scope's borders on land: at sea there is nothing to count."""
        return float(self.of(self.borders, scope)["land_km"].sum())

    def of(self, findings: pd.DataFrame, scope: Scope) -> pd.DataFrame:
        """Rows of the scope's borders."""
        return findings[findings["border_id"].isin(scope.borders)]

    def columns(self, city_ids: frozenset[str]) -> list[int]:
        """Columns of the arrays of ``reach`` that belong to some cities."""
        return [number for number, each in enumerate(self.cities) if each in city_ids]


Measure = Callable[[Scope, Evidence], Value]
"""How an indicator is computed for a scope."""


def crossing_table(crossings: gpd.GeoDataFrame, roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Crossings with class rank, share (half per carriageway) and whether tags are known."""
    own = roads.loc[
        roads["edge_id"].isin(crossings["edge_id"]),
        ["edge_id", "is_oneway", "lanes_evidence", "speed_evidence"],
    ]
    table = pd.DataFrame(crossings[["border_id", "edge_id", "highway"]])
    table = table.merge(pd.DataFrame(own).drop_duplicates("edge_id"), on="edge_id", how="left")
    table["rank"] = table["highway"].map(CLASS_RANK).fillna(max(CLASS_RANK.values()))
    table["share"] = np.where(table["is_oneway"].eq(True), 0.5, 1.0)
    tagged = table[["lanes_evidence", "speed_evidence"]].eq("tagged").sum(axis=1)
    # Class, lanes and speed each may show a bottleneck; the class is always known.
    table["tag_share"] = (1.0 + tagged) / 3.0
    return table


def lines_across(transit_links: gpd.GeoDataFrame, stations: gpd.GeoDataFrame) -> pd.DataFrame:
    """Lines that ride between two cities: both cities (sorted), line, whether bus."""
    city_of = stations.drop_duplicates("station_id").set_index("station_id")["city_id"]
    ends = pd.DataFrame(
        {
            "a": transit_links["from_station"].map(city_of).to_numpy(dtype=object),
            "b": transit_links["to_station"].map(city_of).to_numpy(dtype=object),
            "line": transit_links["line"].to_numpy(dtype=object),
            "is_bus": (transit_links["mode"] == "bus").to_numpy(bool),
            "is_rail": transit_links["mode"].isin(RAIL_MODES).to_numpy(bool),
        }
    )
    ends = ends[ends["a"].notna() & ends["b"].notna() & (ends["a"] != ends["b"])]
    swapped = (ends["a"] > ends["b"]).to_numpy(bool)
    ends.loc[swapped, ["a", "b"]] = ends.loc[swapped, ["b", "a"]].to_numpy()
    return ends.drop_duplicates(ignore_index=True)


def stops_by_city(stations: gpd.GeoDataFrame) -> pd.DataFrame:
    """Which cities have a bus stop, and which a station: city_id, is_bus."""
    stops = pd.DataFrame(stations[["city_id", "kind"]]).dropna()
    return stops.assign(is_bus=stops["kind"] == "bus")[["city_id", "is_bus"]].drop_duplicates()


def land_areas_of(land: gpd.GeoDataFrame) -> pd.DataFrame:
    """Area of each land class on each side of each border."""
    table = pd.DataFrame(land[["border_id", "city_id", "land_class"]])
    table["area_km2"] = shapely.area(land.geometry.to_numpy()) / 1e6
    return table.groupby(["border_id", "city_id", "land_class"], as_index=False)["area_km2"].sum()


def widest_belt(eco_zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Segments of the widest belt: with several, the others lie inside it."""
    table = pd.DataFrame(
        eco_zones[
            ["border_id", "city_id", "belt_km", "area_km2", "unknown_pct", "similarity_across"]
        ]
    )
    return table[table["belt_km"] == table["belt_km"].max()] if len(table) else table


def road_coverage(scope: Scope, evidence: Evidence) -> float:
    """Share of the scope's cities that have any road mapped, percent."""
    return 100.0 * len(scope.cities & evidence.mapped) / max(len(scope.cities), 1)


def per_100km(scope: Scope, evidence: Evidence, count: float, coverage_pct: float) -> Value:
    """A count per 100 km of the scope's borders on land; unknown without those or coverage."""
    land_km = evidence.land_km(scope)
    if land_km <= 0.0 or coverage_pct <= 0.0:
        return UNKNOWN
    return Value(100.0 * count / land_km, coverage_pct)


def by_city(
    scope: Scope,
    evidence: Evidence,
    values_of: Callable[[str, Bools], Floats],
    near_only: bool = False,
) -> Value:
    """People-weighted mean over the scope's zones of what ``values_of(city, zones)`` gives.

    Coverage is the share of the people for whom it is known; zones whose people are not
    known count by their number.
    """
    zones = evidence.zones
    city = zones["city_id"].to_numpy(dtype=object)
    near = np.zeros(len(zones), dtype=bool)
    for border_id in scope.borders:
        near |= evidence.near_border[border_id]
    values, weights = [np.zeros(0)], [np.zeros(0)]
    for city_id in sorted(scope.cities):
        own = (city == city_id) & (near if near_only else True)
        values.append(
            np.where(zones["has_access"].to_numpy(bool)[own], values_of(city_id, own), np.nan)
        )
        weights.append(zones["population"].to_numpy(float)[own])
    joined, people = np.concatenate(values), np.concatenate(weights)
    mean = weighted(joined, people, len(joined))
    # Zones differ in size: coverage is the share of the people, not of the zones.
    asked = float(np.nansum(people))
    known = float(people[np.isfinite(joined) & np.isfinite(people)].sum())
    unknown = 1.0 - float(np.isfinite(people).mean()) if len(people) else 0.0
    return mean if asked <= 0.0 else Value(mean.value, 100.0 * known / asked * (1.0 - unknown))


def of_sites(
    scope: Scope,
    evidence: Evidence,
    use: str,
    values_of: Callable[[str, Bools], Floats],
    near_only: bool = False,
) -> Value:
    """As `by_city`, for cities whose partners have a site mapped: none mapped is unknown."""
    with_site = set(evidence.sites.loc[evidence.sites["use"] == use, "city_id"])
    if not evidence.reach.is_known:
        return UNKNOWN

    def known_values(city_id: str, own: Bools) -> Floats:
        values = values_of(city_id, own).astype(float)
        return values if scope.partners[city_id] & with_site else np.full(len(values), np.nan)

    return by_city(scope, evidence, known_values, near_only)
