"""The index of physical integration potential, per border, per city, per metro.

What belongs here: the recipe, from layers to the two tables. What is scored
stands in `scope`; the tables that indicators are read from in `places`, `reach`
and `evidence`; the indicators in `transport`, `economy`, `services`,
`ecology` and `coordination`; scores in `scoring`, the table of indicators in
`kinds`.

A *scope* is what is scored: a border (both cities, each the other's partner), a
city (with its neighbours), or the metro (all neighbouring pairs). Everything an
indicator uses belongs to the scope's own cities and borders, so that a further
city elsewhere changes nothing.

Missing is not zero: an indicator whose inputs are absent has no value and no
weight in the score; ``coverage_pct`` says how much was known, and the interval
is drawn with the missing part anywhere between 0 and 100. Beside it stands what the cut of
the zones may do: the people of a zone stand at one point, and the spread between interleaved
parts of the zones is the discretisation error. A layer of *findings*
(missing links, conflicts ...) with no row means none were found where the layer
they are found in (roads, eco zones) is there; else unknown.

The score is called physical integration potential: commuting flows, fares and
institutions are not in open geodata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.crs import require_metric
from pipeline.errors import require_answers
from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.integration import coordination, ecology, economy, transport
from pipeline.measures.integration import services as services_measures
from pipeline.measures.integration.evidence import (
    Evidence,
    Measure,
    crossing_table,
    land_areas_of,
    lines_across,
    stops_by_city,
    widest_belt,
)
from pipeline.measures.integration.kinds import INDICATORS, Indicator
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.places import (
    find_sites,
    find_towns,
    near_borders,
    people_within_radius,
    zone_table,
)
from pipeline.measures.integration.reach import find_reach
from pipeline.measures.integration.scope import Floats, Scope, borders_by_city, scopes_of
from pipeline.measures.integration.scoring import error_of, index_of, score_of, scores_of
from pipeline.measures.integration.yardsticks import by_key
from pipeline.measures.routing.pair_times import PairTimes
from pipeline.metros.catalogue import Metro

__all__ = ["MEASURES", "index_of", "integrate", "require_whole", "score_of"]

MEASURES: dict[str, Measure] = {
    **transport.MEASURES,
    **economy.MEASURES,
    **services_measures.MEASURES,
    **ecology.MEASURES,
    **coordination.MEASURES,
}
"""How each row of the table of indicators is computed, by name."""

ZONE_LAYERS = frozenset({"zone_grid", "zones"})
"""Layers that `Evidence.zones` are read from."""


def require_whole(rows: Sequence[Indicator], measures: Mapping[str, Measure]) -> None:
    """Refuse rows and functions that do not answer one another (`require_answers`)."""
    names = [each.name for each in rows]
    require_answers(
        "indicators of the index",
        names,
        measures,
        word="function",
        place="MEASURES in the module of its dimension",
        table="INDICATORS in kinds.py",
    )


require_whole(INDICATORS, MEASURES)


def integrate(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    crossings: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    bottlenecks: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    zones: gpd.GeoDataFrame,
    border_effect: pd.DataFrame,
    land: gpd.GeoDataFrame,
    eco_zones: gpd.GeoDataFrame,
    conflicts: gpd.GeoDataFrame,
    eco_corridors: gpd.GeoDataFrame,
    index_yardsticks: pd.DataFrame,
    params: IntegrationParams,
    accessibility_params: AccessibilityParams,
    metro: Metro | None = None,
) -> dict[str, pd.DataFrame]:
    """Indicators and index of every border, every city and the metro.

    Parameters
    ----------
    cities ... eco_corridors
        Layers in the metro's metric CRS. ``zone_grid`` gives the populated
        points, ``travel_times`` (drive) who reaches whom.
    index_yardsticks
        What is compared with; in a scenario that of its base.
    accessibility_params
        The hour within which people are reached, the commuting circle and the radius of
        transport performance, as for layer ``zones``.
    metro
        For the plan's named zones; without it there are none.

    Returns
    -------
    dict
        Layers ``indicators``, ``integration_index`` and ``index_parts``.
    """
    require_metric(cities, "cities")
    city_ids = sorted(cities["city_id"])
    by_city = borders_by_city(borders, counties)
    table = zone_table(zone_grid, zones, city_ids)
    sites = find_sites(services, metro, cities, table)
    towns = find_towns(centres, counties, centre_times, table)
    hour_min = accessibility_params.reach_min[-1]
    reach = find_reach(travel_times, table, city_ids, sites, centres, towns, params, hour_min)
    evidence = Evidence(
        params=params,
        circle_min=accessibility_params.circle_min,
        borders=by_city,
        cities=city_ids,
        zones=table,
        near_border=near_borders(table, by_city, params.near_border_m),
        reach=reach,
        within_radius=people_within_radius(
            table, len(city_ids), accessibility_params.performance_radius_m
        ),
        sites=sites,
        towns=towns.assign(minutes_to_seat=reach.town_minutes),
        mapped=frozenset(roads["city_id"].dropna().unique()),
        crossings=crossing_table(crossings, roads),
        lines=lines_across(transit_links, stations),
        stops=stops_by_city(stations),
        dead_ends=pd.DataFrame(dead_ends[["border_id", "end_type", "status"]]),
        missing_links=pd.DataFrame(missing_links[["border_id", "status"]]),
        bottlenecks=pd.DataFrame(bottlenecks[["border_id", "kind"]]),
        border_effect=border_effect.loc[
            border_effect["mode"] == "drive", ["border_id", "penalty_pct"]
        ],
        land=land_areas_of(land),
        eco_zones=widest_belt(eco_zones),
        conflicts=pd.DataFrame(conflicts[["border_id"]]),
        corridors=pd.DataFrame(eco_corridors[["border_id"]]),
        yardsticks=by_key(index_yardsticks),
    )
    scopes = list(scopes_of(by_city, city_ids))
    indicators = _indicator_table(scopes, evidence, INDICATORS)
    parts = list(_tables_of_parts(indicators, scopes, evidence, params.zone_parts))
    index = index_of(indicators, params)
    values = [each["value"].to_numpy(float) for each in parts]
    scores = [scores_of(each, params) for each in parts]
    return {
        "indicators": indicators.assign(value_zone_error=error_of(values)),
        "integration_index": index.assign(score_zone_error=error_of(scores)),
        "index_parts": pd.concat(
            [
                *_by_part(indicators, "indicator", "indicator", values),
                *_by_part(index, "index", "dimension", scores),
            ],
            ignore_index=True,
        ),
    }


def _tables_of_parts(
    indicators: pd.DataFrame, scopes: list[Scope], evidence: Evidence, count: int
) -> Iterator[pd.DataFrame]:
    """The table of indicators by the people of every ``count``-th zone alone, from each start.

    Cells in the order of their ids lie near one another: every part covers all of the metro.
    What is not read from zones is taken from the whole table.
    """
    of_zones = [each for each in INDICATORS if not ZONE_LAYERS.isdisjoint(each.layers)]
    is_of_zones = indicators["indicator"].isin([each.name for each in of_zones]).to_numpy(bool)
    number = np.arange(len(evidence.zones)) % count
    people = evidence.zones["population"]
    for part in range(count):
        own = people.where(people.isna() | (number == part), 0.0)
        part_only = replace(evidence, zones=evidence.zones.assign(population=own))
        found = _indicator_table(scopes, part_only, of_zones)
        found.index = indicators.index[is_of_zones]
        yield pd.concat([indicators[~is_of_zones], found]).sort_index()


def _by_part(
    table: pd.DataFrame, topic: str, measure: str, values: Sequence[Floats]
) -> Iterator[pd.DataFrame]:
    """Rows of layer ``index_parts``: figures of a table by each part of the zones."""
    key = table[["border_id", "city_id"]].assign(topic=topic, measure=table[measure])
    return (key.assign(part=number, value=each) for number, each in enumerate(values))


def _indicator_table(
    scopes: list[Scope], evidence: Evidence, chosen: Sequence[Indicator]
) -> pd.DataFrame:
    rows = []
    for scope in scopes:
        for indicator in chosen:
            value, coverage = MEASURES[indicator.name](scope, evidence)
            rows.append(_indicator_row(scope, indicator, float(value), float(coverage)))
    return pd.DataFrame(
        rows,
        columns=[
            "border_id",
            "city_id",
            "dimension",
            "indicator",
            "value",
            "unit",
            "score",
            "coverage_pct",
        ],
    )


def _indicator_row(
    scope: Scope, indicator: Indicator, value: float, coverage: float
) -> dict[str, object]:
    is_known = np.isfinite(value)
    return {
        "border_id": scope.border_id,
        "city_id": scope.city_id,
        "dimension": indicator.dimension,
        "indicator": indicator.name,
        "value": value if is_known else np.nan,
        "unit": indicator.unit.name,
        "score": float(score_of(value, indicator.worst, indicator.best)) if is_known else np.nan,
        "coverage_pct": min(max(coverage, 0.0), 100.0) if is_known else 0.0,
    }
