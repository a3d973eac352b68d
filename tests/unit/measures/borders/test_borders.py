"""Borders derived from areas: what outlines share, snapped where they do not fit."""

from itertools import permutations

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import box
from small_borders import METRIC, NO_COUNTIES, NO_LAND, NO_WATER, THREE, TWO, K, derive, make_cities

from pipeline.errors import CrsError
from pipeline.measures.borders.borders import derive_borders
from pipeline.measures.borders.params import BordersParams
from pipeline.metros.catalogue import Metro


def test_a_tripoint_parts_three_borders():
    found = derive(THREE)
    assert found["border_id"].tolist() == ["a-b", "a-c", "b-c"]
    assert found["name"].tolist() == ["A-B", "A-C", "B-C"]
    assert found["length_km"].tolist() == [10.0, 10.0, 10.0]
    assert found["snapped_m"].tolist() == [0.0] * 3
    assert found.geometry["a-b"].equals(shapely.LineString([(K, 0), (K, K)]))


def test_rows_and_rings_in_any_order_give_the_same_borders():
    wanted = derive(THREE)
    for order in permutations(THREE):
        turned = {name: shapely.reverse(THREE[name]) for name in order}
        pd.testing.assert_frame_equal(pd.DataFrame(derive(turned)), pd.DataFrame(wanted))


def test_areas_that_touch_in_a_point_or_lie_apart_have_no_border():
    assert not len(derive({"a": box(0, 0, K, K), "b": box(K, K, 2 * K, 2 * K)}))
    assert not len(derive({"a": box(0, 0, K, K), "b": box(K + 30, 0, 2 * K, K)}))
    assert not len(derive({"a": box(0, 0, K, K)}))


def test_enclave_and_exclave_keep_their_lines():
    hole = box(4_000, 4_000, 5_000, 5_000)
    found = derive({"a": box(0, 0, K, K).difference(hole), "b": box(K, 0, 2 * K, K).union(hole)})
    assert found["length_km"].tolist() == [14.0]
    assert shapely.get_num_geometries(found.geometry.iloc[0]) == 2
    inside = derive({"a": box(0, 0, K, K).difference(hole), "b": hole})
    assert inside["length_km"].tolist() == [4.0]


@pytest.mark.parametrize(("gap", "overlap_km2"), [(15.0, 0.0), (-15.0, 0.15), (4.0, 0.0)])
def test_slits_and_overlaps_within_the_tolerance_are_snapped_and_told(gap, overlap_km2):
    found = derive({"a": box(0, 0, K, K), "b": box(K + gap, 0, 2 * K, K)})
    assert found["length_km"].to_list() == [pytest.approx(10.0, abs=0.05)]
    assert found["snapped_m"].iloc[0] == pytest.approx(K, abs=50)
    assert found["overlap_km2"].iloc[0] == pytest.approx(overlap_km2)
    line = found.geometry.iloc[0]
    assert shapely.hausdorff_distance(line, shapely.LineString([(K, 0), (K, K)])) <= abs(gap) + 1e-6


def test_a_wedge_gap_has_a_border_only_where_it_is_narrow():
    wedge = shapely.Polygon([(K, 0), (2 * K, 0), (2 * K, K), (K + 100, K)])
    found = derive({"a": box(0, 0, K, K), "b": wedge})
    assert found["length_km"].iloc[0] == pytest.approx(2.0, abs=0.1)


def test_a_vertex_that_one_side_lacks_is_no_snapping():
    areas = {**THREE, "c": box(0, K, 2 * K, 2 * K)}
    found = derive(areas)
    assert found["length_km"].tolist() == [10.0, 10.0, 10.0]
    assert found["snapped_m"].tolist() == [0.0, 0.0, 0.0]


def test_an_invalid_outline_is_mended_first():
    spike = shapely.Polygon([(0, 0), (K, 0), (K, K), (0, K), (0, 5_000), (-900, 5_000), (0, 5_000)])
    assert not spike.is_valid
    assert derive({"a": spike, "b": box(K, 0, 2 * K, K)})["length_km"].tolist() == [10.0]


def test_county_level_takes_counties_of_different_cities_only():
    parts = {
        "a1": box(0, 0, K, 5_000),
        "a2": box(0, 5_000, K, K),
        "b1": box(K, 0, 2 * K, 5_000),
        "b2": box(K, 5_000, 2 * K, K),
    }
    counties = gpd.GeoDataFrame(
        {
            "county_id": list(parts),
            "city_id": ["a", "a", "b", "b"],
            "name": list("wxyz"),
            "area_km2": 50.0,
        },
        geometry=list(parts.values()),
        crs=METRIC,
    )
    found = derive(
        {"a": box(0, 0, K, K), "b": box(K, 0, 2 * K, K)}, counties=counties, level="county"
    )
    assert found["border_id"].tolist() == ["a1-b1", "a2-b2"]
    assert found[["city_a", "city_b", "area_a", "area_b", "level", "name"]].iloc[1].tolist() == [
        "a",
        "b",
        "a2",
        "b2",
        "county",
        "x-z",
    ]
    assert found["length_km"].tolist() == [5.0, 5.0]


def test_degrees_are_refused():
    cities = make_cities(TWO).set_crs(4326, allow_override=True)
    with pytest.raises(CrsError, match="degrees"):
        derive_borders(cities, NO_COUNTIES, NO_WATER, NO_LAND, Metro(id="t"), BordersParams())
