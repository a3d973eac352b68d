"""Landscape metrics against figures worked out by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.crs import local_metric_crs
from pipeline.measures.ecology.belt import belt_of
from pipeline.measures.ecology.landscape import landscape_metrics
from pipeline.measures.ecology.params import EcologyParams

CRS = local_metric_crs(113.6, 34.7)
PARAMS = EcologyParams(belt_km=(1.0,))


def metrics(*rows: tuple[str, str, object]) -> pd.Series:
    """Metrics of hand-drawn land (class, city, polygon) by (city or both, metric)."""
    cities = gpd.GeoDataFrame(
        {"city_id": ["1", "2"], "name": ["n", "s"]},
        geometry=[shapely.box(0, 0, 2_000, 9_000), shapely.box(0, -9_000, 2_000, 0)],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {"border_id": ["1-2"], "city_a": ["1"], "city_b": ["2"]},
        geometry=[shapely.MultiLineString([[(0, 0), (2_000, 0)]])],
        crs=CRS,
    )
    belt = belt_of("1-2", borders, cities, 1_000.0)
    assert belt is not None
    zone = {"forest": "ecological", "residential": "urban", "farmland": "farmland"}
    land = gpd.GeoDataFrame(
        {
            "land_class": [row[0] for row in rows],
            "zone_class": [zone.get(row[0], "unknown") for row in rows],
            "city_id": [row[1] for row in rows],
            "segment_id": [f"1-2/1/0/{row[1]}" for row in rows],
            "border_id": "1-2",
        },
        geometry=[row[2] for row in rows],
        crs=CRS,
    )
    frame = landscape_metrics(belt, land, PARAMS)
    frame["side"] = frame["city_id"].fillna("both")
    return frame.set_index(["side", "metric"])["value"]


box = shapely.box


def test_one_class_everywhere_has_no_edge_and_full_connectivity() -> None:
    value = metrics(
        ("forest", "1", box(0, 0, 2_000, 1_000)), ("forest", "2", box(0, -1_000, 2_000, 0))
    )
    for side in ("1", "2", "both"):
        assert value[side, "pland_forest"] == pytest.approx(100.0)
        assert value[side, "edge_density"] == pytest.approx(0.0, abs=1e-6)
        assert value[side, "iic"] == pytest.approx(1.0)
        assert value[side, "pc"] == pytest.approx(1.0)
    # One patch in 2 km2; one in 4 km2 over both sides.
    assert value["1", "patch_density"] == pytest.approx(0.5)
    assert value["both", "patch_density"] == pytest.approx(0.25)


def test_halves_have_the_edge_between_them() -> None:
    value = metrics(
        ("forest", "1", box(0, 0, 1_000, 1_000)),
        ("farmland", "1", box(1_000, 0, 2_000, 1_000)),
        ("farmland", "2", box(0, -1_000, 2_000, 0)),
    )
    assert value["1", "edge_density"] == pytest.approx(1_000 / 200)
    assert value["2", "edge_density"] == pytest.approx(0.0, abs=1e-6)
    # Across the border forest meets farmland along 1 km; farmland meets farmland along the rest.
    assert value["both", "edge_density"] == pytest.approx(2_000 / 400)
    assert value["1", "iic"] == pytest.approx(0.25)


def test_checkerboard_edges() -> None:
    squares = [
        (("forest", "farmland")[(x + y) // 250 % 2], "1", box(x, y, x + 250, y + 250))
        for x in range(0, 2_000, 250)
        for y in range(0, 1_000, 250)
    ]
    value = metrics(*squares)
    # 7 inner verticals of 1 km and 3 inner horizontals of 2 km, in 200 ha.
    assert value["1", "edge_density"] == pytest.approx((7 * 1_000 + 3 * 2_000) / 200)
    assert value["1", "patch_density"] == pytest.approx(32 / 2)
    assert value["1", "pland_forest"] == pytest.approx(50.0)


def test_two_patches_at_the_dispersal_distance() -> None:
    value = metrics(
        ("forest", "1", box(0, 0, 500, 1_000)),
        ("unknown", "1", box(500, 0, 1_000, 1_000)),
        ("forest", "1", box(1_000, 0, 2_000, 1_000)),
    )
    # Areas 0.25 and 0.5 of the belt, 500 m apart: one link, probability one half.
    assert value["1", "iic"] == pytest.approx(0.25**2 + 0.5**2 + 2 * 0.125 / 2)
    assert value["1", "pc"] == pytest.approx(0.25**2 + 0.5**2 + 2 * 0.125 * 0.5)


def test_no_habitat_is_null_not_zero() -> None:
    value = metrics(("farmland", "1", box(0, 0, 2_000, 1_000)))
    assert np.isnan(value["1", "iic"])
    assert np.isnan(value["1", "pc"])
    assert value["1", "pland_forest"] == 0.0
