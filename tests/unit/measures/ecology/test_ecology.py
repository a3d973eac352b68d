"""Zones, conflicts, corridors and sites on straight borders where the answer is known."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import examples
from small_land import (
    CRS,
    LENGTH_M,
    SMALL_PARAMS,
    WOODS,
    areas,
    belts_of,
    findings,
    part_land,
    two_cities,
)

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.ecology import ecology

box = shapely.box


TAGS = [
    ("boundary", "protected_area"),
    ("natural", "water"),
    ("landuse", "residential"),
    ("landuse", "industrial"),
    ("landuse", "forest"),
    ("landuse", "farmland"),
]


@st.composite
def rectangles(draw: st.DrawFn) -> list[tuple[str, str, object]]:
    """Overlapping rectangles on a 10 m grid on both sides of the border."""
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        west, south = draw(st.integers(0, 350)), draw(st.integers(-100, 80))
        width, height = draw(st.integers(5, 120)), draw(st.integers(5, 80))
        rectangle = box(10 * west, 10 * south, 10 * (west + width), 10 * (south + height))
        rows.append((*draw(st.sampled_from(TAGS)), rectangle))
    return rows


QUICK = settings(
    max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@QUICK
@given(rectangles())
def test_shares_sum_to_one_hundred(rows: list[tuple[str, str, object]]) -> None:
    out = findings(*rows)
    shares = out["eco_zones"][["ecological_pct", "farmland_pct", "urban_pct", "unknown_pct"]]
    np.testing.assert_allclose(shares.sum(axis=1), 100.0, atol=1e-9)
    pland = out["landscape_metrics"].query("metric.str.startswith('pland_')")
    sums = pland.groupby(pland["city_id"].fillna("both"))["value"].sum()
    np.testing.assert_allclose(sums, 100.0, atol=1e-9)
    similarity = out["eco_zones"]["similarity_across"].dropna()
    assert similarity.between(0.0, 1.0).all()


@QUICK
@given(rectangles(), st.floats(0.1, 0.9), st.randoms(use_true_random=False))
def test_cutting_and_shuffling_polygons_changes_no_result(rows, share, random) -> None:  # type: ignore[no-untyped-def]
    cut = []
    for key, value, rectangle in rows:
        west, south, east, north = shapely.bounds(rectangle)
        middle = west + share * (east - west)
        cut.append((key, value, box(west, south, middle, north)))
        cut.append((key, value, box(middle, south, east, north)))
    random.shuffle(cut)
    first, second = findings(*rows), findings(*cut)
    for name, numbers in (
        ("eco_zones", ["ecological_pct", "farmland_pct", "urban_pct", "unknown_pct"]),
        ("conflicts", ["distance_m"]),
        ("eco_corridors", ["area_km2_a", "area_km2_b"]),
        ("landscape_metrics", ["value"]),
    ):
        one, two = first[name], second[name]
        assert len(one) == len(two), name
        np.testing.assert_allclose(one[numbers], two[numbers], atol=1e-3, err_msg=name)
        key = list(LAYERS[name].key)
        if key:
            assert one[key].to_numpy().tolist() == two[key].to_numpy().tolist(), name
    assert first["eco_zones"]["zone"].tolist() == second["eco_zones"]["zone"].tolist()


# Land of exactly the least area on both sides: corridor, conflict, node of IIC/PC.
AT_THRESHOLD = {
    "eco_corridors": (
        ("natural", "wood", box(1_000, 0, 1_500, 100)),
        ("natural", "wood", box(1_000, -100, 1_500, 0)),
    ),
    "conflicts": (
        ("landuse", "industrial", box(1_000, 0, 1_100, 50)),
        ("natural", "water", box(1_000, -50, 1_100, 0)),
    ),
    "landscape_metrics": (
        ("natural", "wood", box(1_000, 0, 1_200, 50)),
        ("natural", "wood", box(1_000, -50, 1_200, 0)),
    ),
}


@pytest.mark.parametrize("name", list(AT_THRESHOLD))
def test_land_of_just_the_least_area_counts_however_it_is_cut(name: str) -> None:
    cut = []
    for key, value, rectangle in AT_THRESHOLD[name]:
        west, south, east, north = shapely.bounds(rectangle)
        edges = [west, west + 7 / 97.3 * (east - west), west + 14 / 97.3 * (east - west), east]
        cut += [(key, value, box(left, south, right, north)) for left, right in pairwise(edges)]
    whole, parts = findings(*AT_THRESHOLD[name])[name], findings(*cut)[name]
    assert len(parts) == len(whole) > 0
    if name == "landscape_metrics":
        for found in (whole, parts):
            assert found.loc[found["metric"] == "iic", "value"].notna().all()


# --- sites, empties -----------------------------------------------------------------------


def test_belt_without_any_layer() -> None:
    out = findings()
    assert set(out) == set(ecology.OUTPUTS)
    assert (out["eco_zones"]["zone"] == "unknown").all()
    for name in ("conflicts", "eco_corridors", "shared_rivers", "monitoring_sites"):
        assert out[name].empty
    for name, frame in out.items():
        conform(name, frame)


def test_unknown_border_gives_empty_layers() -> None:
    borders, _ = two_cities(LENGTH_M)
    out = ecology.boundary_ecology(
        "8-9",
        borders,
        empty_layer("belts", CRS),
        empty_layer("land", CRS),
        empty_layer("waterways", CRS),
        empty_layer("land_areas", CRS),
        empty_layer("dykes", CRS),
        empty_layer("roads", CRS),
        empty_layer("railways", CRS),
        SMALL_PARAMS,
    )
    assert all(frame.empty for frame in out.values())


def test_land_folded_by_rounding_is_mended() -> None:
    bow = shapely.Polygon([(0, 0), (100, 0), (100, 100), (50, -1e-9), (0, 100)])
    assert not bow.is_valid
    folded = gpd.GeoDataFrame(
        {"land_class": ["forest", "water"], "city_id": ["1", "2"]},
        geometry=[bow, box(0, -100, 100, 0)],
        crs=CRS,
    )
    mended = ecology.sound_land(folded)
    assert mended.geometry.is_valid.all()
    assert mended.geometry.area.sum() == pytest.approx(bow.area + 10_000, rel=1e-6)
    assert mended["land_class"].tolist() == ["forest", "forest", "water"]


def test_inputs_are_not_changed() -> None:
    borders, cities = two_cities(LENGTH_M)
    land_areas = areas(*WOODS, ("landuse", "industrial", box(100, 100, 500, 500)))
    belts = belts_of(borders, cities, SMALL_PARAMS)
    parted = part_land(belts, land_areas)
    before = [each.copy(deep=True) for each in (borders, belts, land_areas, parted)]
    ecology.boundary_ecology(
        "1-2",
        borders,
        belts,
        parted,
        empty_layer("waterways", CRS),
        land_areas,
        empty_layer("dykes", CRS),
        empty_layer("roads", CRS),
        empty_layer("railways", CRS),
        SMALL_PARAMS,
    )
    for one, two in zip(before, (borders, belts, land_areas, parted), strict=True):
        pd.testing.assert_frame_equal(one, two)
