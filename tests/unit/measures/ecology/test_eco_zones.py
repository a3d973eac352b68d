"""Shares and zone of each stretch and side."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from small_land import LENGTH_M, findings

from pipeline.measures.ecology.eco_zones import name_zones
from pipeline.measures.ecology.params import EcologyParams

box = shapely.box


def test_zone_of_each_stretch_and_side() -> None:
    zones = findings(
        ("landuse", "farmland", box(0, 0, 1_000, 1_000)),
        ("landuse", "residential", box(0, -1_000, 1_000, 0)),
        ("natural", "wood", box(1_000, 0, 2_000, 600)),
        ("natural", "wood", box(1_000, -590, 2_000, 0)),
        ("landuse", "farmland", box(1_000, -1_000, 2_000, -590)),
        ("natural", "wood", box(2_000, 0, 3_000, 499)),
    )["eco_zones"]
    table = zones.set_index("segment_id")
    assert table["zone"].to_dict() == {
        "1-2/1/0/1": "farmland",
        "1-2/1/0/2": "urban",
        "1-2/1/1/1": "ecological",
        "1-2/1/1/2": "mixed",
        "1-2/1/2/1": "unknown",
        "1-2/1/2/2": "unknown",
        "1-2/1/3/1": "unknown",
        "1-2/1/3/2": "unknown",
    }
    assert table["similarity_across"]["1-2/1/0/1"] == pytest.approx(0.0)
    # 60 ecological + 40 unknown against 59 ecological + 41 farmland.
    assert table["similarity_across"]["1-2/1/1/1"] == pytest.approx(0.59, abs=1e-3)
    assert table["similarity_across"]["1-2/1/1/2"] == pytest.approx(0.59, abs=1e-3)
    assert np.isnan(table["similarity_across"]["1-2/1/2/1"])
    assert table["guidance"]["1-2/1/0/2"] == "urban_development"
    assert table["area_km2"].sum() == pytest.approx(8.0, rel=1e-6)
    assert table["km_to"].max() == pytest.approx(4.0)


def test_name_zones_at_the_limits() -> None:
    shares = np.array([[60.0, 40, 0, 0], [59.9, 40.1, 0, 0], [50, 0, 0, 50], [0, 0, 60, 40]])
    assert name_zones(shares, 0.6, 0.5).tolist() == [
        "ecological",
        "mixed",
        "unknown",
        "urban",
    ]


def test_every_belt_width_has_its_stretches() -> None:
    zones = findings(
        ("landuse", "farmland", box(0, 0, LENGTH_M, 1_000)),
        ("natural", "wood", box(0, 1_000, LENGTH_M, 3_000)),
        params=EcologyParams(belt_km=(3.0, 1.0), segment_km=1.0),
    )["eco_zones"]
    area = zones.groupby("belt_km")["area_km2"].sum()
    assert area.to_dict() == pytest.approx({1.0: 8.0, 3.0: 24.0})
    north = zones[zones["city_id"] == "1"].groupby("belt_km")
    assert north["farmland_pct"].mean().to_dict() == pytest.approx({1.0: 100.0, 3.0: 100 / 3})


def test_checkerboard_shares() -> None:
    squares = [
        ("landuse", "farmland", box(x, y, x + 250, y + 250))
        for x in range(0, 4_000, 250)
        for y in range(-1_000, 1_000, 250)
        if (x + y) // 250 % 2 == 0
    ]
    zones = findings(*squares)["eco_zones"]
    assert zones["farmland_pct"].to_numpy() == pytest.approx(np.full(8, 50.0), abs=1e-3)
