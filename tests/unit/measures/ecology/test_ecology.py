"""Zones, conflicts, corridors and sites on straight borders where the answer is known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import examples
from small_land import CRS, areas, belts_of, part_land, two_cities

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.ecology import ecology
from pipeline.measures.ecology.params import EcologyParams

PARAMS = EcologyParams(belt_km=(1.0,), segment_km=1.0)
LENGTH_M = 4_000.0


def motorway(*points: tuple[float, float], **changes: object) -> gpd.GeoDataFrame:
    """Layer roads with one edge; only the columns that the measure reads."""
    row = {"highway": "motorway", "status": "open", "is_bridge": False, "is_tunnel": False}
    return gpd.GeoDataFrame([row | changes], geometry=[shapely.LineString(points)], crs=CRS)


def run(
    *rows: tuple[str, str, object],
    roads: gpd.GeoDataFrame | None = None,
    params: EcologyParams = PARAMS,
) -> dict[str, pd.DataFrame]:
    """The whole measure over hand-drawn land."""
    borders, cities = two_cities(LENGTH_M)
    land_areas = areas(*rows)
    belts = belts_of(borders, cities, params)
    parted = part_land(belts, land_areas)
    return ecology.boundary_ecology(
        "1-2",
        borders,
        belts,
        parted,
        empty_layer("waterways", CRS),
        land_areas,
        empty_layer("dykes", CRS),
        empty_layer("roads", CRS) if roads is None else roads,
        empty_layer("railways", CRS),
        params,
    )


box = shapely.box


# --- zones --------------------------------------------------------------------------------


def test_zone_of_each_stretch_and_side() -> None:
    zones = run(
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
    assert ecology.name_zones(shares, 0.6, 0.5).tolist() == [
        "ecological",
        "mixed",
        "unknown",
        "urban",
    ]


def test_every_belt_width_has_its_stretches() -> None:
    zones = run(
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
    zones = run(*squares)["eco_zones"]
    assert zones["farmland_pct"].to_numpy() == pytest.approx(np.full(8, 50.0), abs=1e-3)


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
    out = run(*rows)
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
    first, second = run(*rows), run(*cut)
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


# --- conflicts ----------------------------------------------------------------------------


def test_industry_facing_protected_land_across_the_border() -> None:
    conflicts = run(
        ("landuse", "industrial", box(1_000, 300, 1_400, 700)),
        ("leisure", "nature_reserve", box(1_000, -700, 1_400, -200)),
    )["conflicts"]
    assert conflicts["kind"].tolist() == ["industrial_facing_protected"]
    row = conflicts.iloc[0]
    assert (row["source_city"], row["exposed_city"]) == ("1", "2")
    assert row["distance_m"] == pytest.approx(500.0)
    assert row.geometry.length == pytest.approx(500.0)
    assert shapely.get_y(shapely.get_point(row.geometry, 0)) == pytest.approx(300.0)


def test_no_conflict_on_one_side_or_beyond_the_distance() -> None:
    same_side = run(
        ("landuse", "industrial", box(1_000, 100, 1_400, 300)),
        ("leisure", "nature_reserve", box(1_500, 100, 1_900, 300)),
    )
    assert same_side["conflicts"].empty
    too_far = run(
        ("landuse", "industrial", box(1_000, 600, 1_400, 900)),
        ("leisure", "nature_reserve", box(1_000, -900, 1_400, -401)),
    )
    assert too_far["conflicts"].empty


def test_touching_patches_show_the_edge_they_share() -> None:
    conflicts = run(
        ("landuse", "residential", box(1_000, 0, 1_400, 300)),
        ("landuse", "farmland", box(1_100, -300, 1_600, 0)),
    )["conflicts"]
    assert conflicts["kind"].tolist() == ["urban_facing_farmland"]
    assert conflicts["distance_m"].tolist() == [0.0]
    assert conflicts.geometry.iloc[0].length == pytest.approx(300.0, abs=5.0)


def test_patches_a_street_apart_are_one_conflict() -> None:
    blocks = [
        ("landuse", "residential", box(1_000 + 120 * n, 50, 1_100 + 120 * n, 150))
        for n in range(10)
    ]
    conflicts = run(*blocks, ("landuse", "farmland", box(900, -400, 2_500, -50)))["conflicts"]
    assert len(conflicts) == 1
    apart = [
        ("landuse", "residential", box(1_000 + 200 * n, 50, 1_100 + 200 * n, 150))
        for n in range(10)
    ]
    conflicts = run(*apart, ("landuse", "farmland", box(900, -400, 3_500, -50)))["conflicts"]
    assert len(conflicts) == 10
    assert conflicts["conflict_id"].is_unique


def test_specks_do_not_conflict() -> None:
    conflicts = run(
        ("landuse", "residential", box(1_000, 50, 1_030, 80)),
        ("landuse", "farmland", box(900, -400, 2_500, -50)),
    )["conflicts"]
    assert conflicts.empty


# --- corridors ----------------------------------------------------------------------------

WOODS = (
    ("natural", "wood", box(1_000, 20, 2_000, 600)),
    ("natural", "wood", box(1_000, -600, 2_000, -20)),
)


def test_wood_on_both_sides_is_a_corridor_over_a_small_gap() -> None:
    corridors = run(*WOODS)["eco_corridors"]
    assert corridors["corridor_id"].tolist() == ["1-2/0"]
    row = corridors.iloc[0]
    assert row["area_km2_a"] == pytest.approx(0.58)
    assert row["area_km2_b"] == pytest.approx(0.58)
    assert row["land_class"] == "forest"
    assert not row["is_protected"]


def test_gap_beyond_the_limit_is_no_corridor() -> None:
    corridors = run(
        ("natural", "wood", box(1_000, 31, 2_000, 600)),
        ("natural", "wood", box(1_000, -600, 2_000, -30)),
    )["eco_corridors"]
    assert corridors.empty


def test_motorway_between_cuts_and_a_bridge_does_not() -> None:
    along = ((-100.0, 0.0), (4_100.0, 0.0))
    assert run(*WOODS, roads=motorway(*along))["eco_corridors"].empty
    assert len(run(*WOODS, roads=motorway(*along, is_bridge=True))["eco_corridors"]) == 1
    assert len(run(*WOODS, roads=motorway(*along, highway="primary"))["eco_corridors"]) == 1
    assert len(run(*WOODS, roads=motorway(*along, status="proposed"))["eco_corridors"]) == 1


def test_motorway_through_one_wood_makes_two_corridors() -> None:
    wood = ("natural", "wood", box(1_000, -600, 2_000, 600))
    assert len(run(wood)["eco_corridors"]) == 1
    parted = run(wood, roads=motorway((1_500, -900), (1_500, 900)))["eco_corridors"]
    assert len(parted) == 2
    assert parted["area_km2_a"].to_numpy() == pytest.approx([0.294, 0.294])


def test_protected_part_is_told() -> None:
    corridors = run(*WOODS, ("leisure", "nature_reserve", box(1_200, 100, 1_300, 200)))
    assert corridors["eco_corridors"]["is_protected"].tolist() == [True]


# --- sites, empties -----------------------------------------------------------------------


def test_air_sites_lie_on_the_border_opposite_the_works() -> None:
    sites = run(
        ("landuse", "industrial", box(500, 200, 900, 400)),
        ("landuse", "industrial", box(1_000, 200, 1_100, 400)),
        ("landuse", "industrial", box(3_000, -500, 3_400, -300)),
    )["monitoring_sites"]
    assert sites["medium"].tolist() == ["air", "air"]
    assert sites["site_id"].tolist() == ["1-2/air/0", "1-2/air/1"]
    assert np.abs(shapely.get_y(sites.geometry.to_numpy())).max() < 1e-6
    # The larger works of the first group decide where its site lies.
    assert 500 <= sites.geometry.iloc[0].x <= 900


def test_belt_without_any_layer() -> None:
    out = run()
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
        PARAMS,
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
    belts = belts_of(borders, cities, PARAMS)
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
        PARAMS,
    )
    for one, two in zip(before, (borders, belts, land_areas, parted), strict=True):
        pd.testing.assert_frame_equal(one, two)
