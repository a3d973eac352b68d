"""Shares of the commuting circle by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from streets import CRS

from pipeline.errors import CrsError
from pipeline.measures.access.commuting_circle import measure_circle
from pipeline.measures.access.params import AccessibilityParams

PARAMS = AccessibilityParams()


def make_zones(minutes, people, cities="AABB", transit=None):
    unknown = [np.nan] * len(minutes)
    return gpd.GeoDataFrame(
        {
            "city_id": list(cities),
            "population": people,
            "minutes_to_core": minutes,
            "minutes_to_core_peak": np.asarray(minutes, float) * 1.5,
            "minutes_to_core_transit": unknown if transit is None else transit,
        },
        geometry=[shapely.box(0, 0, 1000.0, 1000.0 * (n + 1)) for n in range(len(minutes))],
        crs=CRS,
    )


def circle(zones):
    table = measure_circle(zones, PARAMS)
    return table.assign(city_id=table["city_id"].fillna("metro")).set_index(["mode", "city_id"])


def test_people_and_area_by_mode_and_city():
    # The last zone cannot be reached: outside, but part of the whole.
    table = circle(make_zones([0.0, 60.0, 61.0, np.nan], [10.0, 20.0, 30.0, 40.0]))
    metro = table.loc[("drive", "metro")]
    assert metro["zones"] == 2
    assert metro[["population", "population_share_pct"]].tolist() == [30.0, 30.0]
    assert metro[["area_km2", "area_share_pct"]].tolist() == [3.0, 30.0]
    assert table.loc[("drive", "B"), ["zones", "area_share_pct"]].tolist() == [0, 0.0]
    assert table.loc[("drive_peak", "metro"), "population"] == 10.0
    assert table.loc[("transit", "metro")].drop("minutes").isna().all()
    assert len(table) == 9


def test_people_not_known_are_null_only_where_they_count():
    table = circle(make_zones([0.0, 1.0, 70.0, 80.0], [10.0, 20.0, np.nan, 40.0]))
    metro = table.loc[("drive", "metro")]
    assert metro["population"] == 30.0 and pd.isna(metro["population_share_pct"])
    assert table.loc[("drive", "A"), "population_share_pct"] == 100.0
    inside = circle(make_zones([0.0, 1.0, 5.0, 80.0], [10.0, 20.0, np.nan, 40.0]))
    assert pd.isna(inside.loc[("drive", "metro"), "population"])
    assert inside.loc[("drive", "metro"), "area_km2"] == 6.0


def test_nobody_nothing_and_degrees():
    empty = circle(make_zones([5.0, 5.0], [0.0, 0.0], "AA"))
    assert empty.loc[("drive", "metro"), "population"] == 0.0
    assert pd.isna(empty.loc[("drive", "metro"), "population_share_pct"])
    assert measure_circle(make_zones([], [], ""), PARAMS).empty
    with pytest.raises(CrsError):
        measure_circle(make_zones([1.0] * 4, [1.0] * 4).to_crs(4326), PARAMS)
