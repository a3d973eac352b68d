"""What the index compares with: a city's mean access, the quarter of its towns nearest to the core.

What belongs here: layer ``index_yardsticks``. A scenario keeps that of its base, so that
a built link that helps the near more than the far lowers no score: both are nearer than
before. The comparisons themselves belong to the indicators.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.integration.places import find_towns, zone_table
from pipeline.measures.integration.scope import borders_by_city, scopes_of, weighted
from pipeline.terms import ACCESS_SERVICES

TOWN_MEASURE = "town_minutes_low"
LOW_QUANTILE = 0.25

Yardsticks: TypeAlias = Mapping[tuple[str | None, str | None, str], float]
"""Value by border_id, city_id and measure; NaN where not known."""


def set_yardsticks(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    centre_times: pd.DataFrame,
    zone_grid: gpd.GeoDataFrame,
    zones: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """Layer ``index_yardsticks``, from layers in the metro's metric CRS.

    Returns
    -------
    ``<kind>_access`` per city: mean over its people; null where not known.
    ``town_minutes_low`` per scope of the index: lower quartile of its towns' minutes to the core.
    """
    require_metric(cities, "cities")
    city_ids = sorted(cities["city_id"])
    table = zone_table(zone_grid, zones, city_ids)
    people, city = table["population"].to_numpy(float), table["city_id"].to_numpy(object)
    rows = list[tuple[str | None, str | None, str, float]]()
    for kind in ACCESS_SERVICES:
        access = table[f"{kind}_access"].to_numpy(float)
        for each in city_ids:
            own = city == each
            mean = weighted(access[own], people[own], 1).value
            rows.append((None, each, f"{kind}_access", mean))
    towns = find_towns(centres, counties, centre_times, table)
    minutes = towns["minutes_to_core"].to_numpy(float)
    for scope in scopes_of(borders_by_city(borders, counties), city_ids):
        known = minutes[np.isfinite(minutes) & towns["city_id"].isin(scope.cities).to_numpy(bool)]
        low = float(np.quantile(known, LOW_QUANTILE)) if len(known) else np.nan
        rows.append((scope.border_id, scope.city_id, TOWN_MEASURE, low))
    if not rows:
        return empty_layer("index_yardsticks")
    names = ["border_id", "city_id", "measure", "value"]
    return conform("index_yardsticks", pd.DataFrame(rows, columns=names))


def by_key(index_yardsticks: pd.DataFrame) -> Yardsticks:
    """The layer as a mapping."""
    keys = (index_yardsticks[name].astype(object) for name in ("border_id", "city_id", "measure"))
    border, city, measure = (each.where(each.notna(), None) for each in keys)
    values = index_yardsticks["value"].to_numpy(float)
    return dict(zip(zip(border, city, measure, strict=True), values.tolist(), strict=True))
