"""Borders as shared lines, and the questions asked of them, on areas with known answers."""

from itertools import permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from shapely import affinity, box

from pipeline import crs
from pipeline.errors import CrsError
from pipeline.layers import conform, empty_layer
from pipeline.measures.borders import borders as measure
from pipeline.measures.borders.params import BordersParams
from pipeline.metros.catalogue import Metro

METRIC = crs.local_metric_crs(113.6, 34.7)
K = 10_000.0
NO_LAND = empty_layer("land_areas", METRIC)
NO_WATER = empty_layer("waterways", METRIC)
NO_COUNTIES = empty_layer("counties", METRIC)
THREE = {
    "a": box(0, 0, K, K),
    "b": box(K, 0, 2 * K, K),
    "c": box(0, K, K, 2 * K).union(box(K, K, 2 * K, 2 * K)),
}
# A valid coverage has the tripoint as a vertex of c too.
THREE["c"] = shapely.Polygon([(0, K), (K, K), (2 * K, K), (2 * K, 2 * K), (0, 2 * K)])


def make_cities(areas):
    ids = list(areas)
    return gpd.GeoDataFrame(
        {
            "city_id": ids,
            "name": [each.upper() for each in ids],
            "is_core": [n == 0 for n in range(len(ids))],
        },
        geometry=list(areas.values()),
        crs=METRIC,
    )


def derive(areas, waterways=NO_WATER, land=NO_LAND, counties=NO_COUNTIES, level="city", **params):
    metro = Metro(id="test", border_level=level)
    result = measure.derive_borders(
        make_cities(areas), counties, waterways, land, metro, BordersParams(**params)
    )
    return conform("borders", result).set_index("border_id", drop=False).rename_axis(None)


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


def make_waterways(*rows):
    frame = pd.concat(
        [NO_WATER, pd.DataFrame([{"way_id": n, **tags} for n, (tags, _) in enumerate(rows)])]
    )
    frame = frame.assign(is_tunnel=frame["is_tunnel"].fillna(False).astype(bool))
    return gpd.GeoDataFrame(
        frame.drop(columns="geometry"), geometry=[line for _, line in rows], crs=METRIC
    )


def make_land(*rows):
    frame = pd.DataFrame(
        [
            {"area_id": f"w{n}", "water": None, "name": None, **tags}
            for n, (tags, _) in enumerate(rows)
        ]
    )
    return gpd.GeoDataFrame(frame, geometry=[area for _, area in rows], crs=METRIC)


TWO = {"a": box(0, 0, K, K), "b": box(K, 0, 2 * K, K)}
# A river 1.5 km beside the lower half of the border.
RIVER = shapely.LineString([(K + 1_500, -5_000), (K + 1_500, 4_000)])
RIVER_AREA = shapely.buffer(RIVER, 30)


def natural_share(waterways=NO_WATER, land=NO_LAND):
    return derive(TWO, waterways, land)["natural_share_pct"].iloc[0]


def test_natural_share_beside_a_wide_river_is_the_length_within_two_km():
    reach = 4_000 + np.sqrt(2_000**2 - 1_500**2)
    wide = make_waterways(({"waterway": "river", "width_m": 80.0}, RIVER))
    assert natural_share(wide) == pytest.approx(100 * reach / K, rel=1e-3)
    area = make_land(({"key": "natural", "value": "water", "water": "river"}, RIVER_AREA))
    mapped = make_waterways(({"waterway": "river"}, RIVER))
    assert natural_share(mapped, area) == pytest.approx(100 * reach / K, rel=1e-3)


@pytest.mark.parametrize(
    "tags",
    [
        {"waterway": "river"},
        {"waterway": "river", "width_m": 40.0},
        {"waterway": "canal", "width_m": 80.0},
        {"waterway": "river", "width_m": 80.0, "is_tunnel": True},
    ],
)
def test_natural_share_is_none_beside_other_waters(tags):
    assert natural_share(make_waterways((tags, RIVER))) == 0.0


def test_natural_share_of_a_border_through_a_lake():
    lake = make_land(
        (
            {"key": "natural", "value": "water", "water": "lake"},
            box(K - 500, 1_000, K + 500, 3_500),
        ),
        ({"key": "natural", "value": "wood"}, box(0, 0, 2 * K, K)),
    )
    assert natural_share(land=lake) == pytest.approx(25.0)


def test_degrees_are_refused():
    cities = make_cities(TWO).set_crs(4326, allow_override=True)
    with pytest.raises(CrsError, match="degrees"):
        measure.derive_borders(
            cities, NO_COUNTIES, NO_WATER, NO_LAND, Metro(id="t"), BordersParams()
        )


# --- nearest, normal, side ----------------------------------------------------------------


def test_each_point_has_one_border_and_ties_go_to_the_first_id():
    found = derive(THREE).reset_index(drop=True)
    x = [K - 1_000, K - 500, K - 300, K + 10, K + 500]
    y = [K - 500, K - 1_000, K + 100, K, K + 500]
    for order in permutations(range(3)):
        rows = found.iloc[list(order)]
        index, distance = measure.BorderIndex(rows).nearest(x, y)
        assert rows["border_id"].iloc[index].tolist() == ["a-c", "a-b", "a-c", "b-c", "b-c"]
        assert distance == pytest.approx([500, 500, 100, 0, 500])
    index, _ = measure.nearest_border(shapely.points([[K - 500, K - 500]]), found)
    assert found["border_id"].iloc[index[0]] == "a-b"  # on the bisector


def test_beyond_the_limit_no_border_is_near():
    found = derive(TWO)
    index, distance = measure.BorderIndex(found).nearest([K - 500, K - 1_500], [0, 0], max_m=1_000)
    assert index.tolist() == [0, -1]
    assert distance[0] == 500
    assert np.isnan(distance[1])


def test_no_borders_and_no_points():
    none = empty_layer("borders", METRIC)
    index, distance = measure.BorderIndex(none).nearest([0.0], [0.0])
    assert index.tolist() == [-1]
    assert np.isnan(distance).all()
    assert np.isnan(measure.BorderIndex(none).normal([0.0], [0.0])).all()
    assert measure.BorderIndex(derive(TWO)).nearest([], [])[0].tolist() == []
    assert not len(measure.belts(none, make_cities(TWO), 1_000))


def test_the_normal_points_to_the_border():
    found = derive(TWO)
    points = shapely.points([[K - 700, 5_000], [K + 700, 5_000], [K - 300, -400]])
    assert measure.border_normal(points, found) == pytest.approx(
        np.array([[1, 0], [-1, 0], [0.6, 0.8]])
    )
    on_line = measure.border_normal(shapely.points([[K, 5_000]]), found)
    assert np.abs(on_line) == pytest.approx(np.array([[1, 0]]))


@settings(max_examples=examples(40), deadline=None)
@given(st.floats(0, 2 * K), st.floats(0, 2 * K))
def test_nearest_agrees_with_the_plain_distance(x, y):
    found = derive(THREE).reset_index(drop=True)
    index, distance = measure.BorderIndex(found).nearest([x], [y])
    plain = shapely.distance(shapely.Point(x, y), found.geometry.to_numpy())
    assert distance[0] == pytest.approx(plain.min(), abs=1e-6)
    assert plain[index[0]] <= plain.min() + measure.TIE_M


def test_sides():
    row = derive(THREE).loc["a-c"]
    x, y = [100, 100, K + 100, -5_000], [100, K + 100, 100, 0]
    assert measure.side_of(x, y, row, make_cities(THREE)).tolist() == ["a", "b", None, None]


# --- belts, stretches -----------------------------------------------------------------------


def test_belts_part_the_land_near_the_borders():
    cities, found = make_cities(THREE), derive(THREE)
    width = 2_000.0
    belts = measure.belts(found, cities, width)
    assert (belts["border_id"] + belts["side"]).tolist() == [
        "a-ba",
        "a-bb",
        "a-ca",
        "a-cb",
        "b-ca",
        "b-cb",
    ]
    assert belts["city_id"].tolist() == ["a", "b", "a", "c", "b", "c"]
    parts = belts.geometry.to_numpy()
    whole = shapely.intersection(
        shapely.buffer(shapely.union_all(found.geometry.to_numpy()), width, quad_segs=32),
        shapely.union_all(cities.geometry.to_numpy()),
    )
    assert shapely.area(parts).sum() == pytest.approx(shapely.area(whole), rel=1e-9)
    assert shapely.area(shapely.union_all(parts)) == pytest.approx(shapely.area(whole), rel=1e-9)
    # Square corners halved along the diagonal; the flat side of c shared at the tripoint.
    corner = width * K - width**2 / 2
    assert shapely.area(parts) == pytest.approx(
        [corner, corner, corner, width * K, corner, width * K], rel=2e-3
    )


def test_points_of_a_belt_are_nearest_to_its_border():
    found = derive(THREE).reset_index(drop=True)
    width = 3_000.0
    belts = measure.belts(found, make_cities(THREE), width)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 2 * K, (2, 4_000))
    index, distance = measure.BorderIndex(found).nearest(x, y)
    second = np.sort(
        [shapely.distance(line, shapely.points(x, y)) for line in found.geometry], axis=0
    )
    clear = (second[1] - second[0] > width / 200) & (np.abs(distance - width) > 5)
    for belt in belts.itertuples():
        inside = shapely.contains_xy(belt.geometry, x, y)
        row = found.index[found["border_id"] == belt.border_id][0]
        in_city = shapely.contains_xy(THREE[belt.city_id], x, y)
        wanted = (index == row) & (distance < width) & in_city
        assert (inside == wanted)[clear].all()


@settings(max_examples=examples(8), deadline=None)
@given(st.floats(0, 360), st.booleans())
def test_belts_do_not_depend_on_how_the_map_is_turned(angle, mirrored):
    areas = {}
    for name, area in THREE.items():
        turned = affinity.rotate(area, angle, origin=(K, K))
        areas[name] = affinity.scale(turned, -1, 1, origin=(0, 0)) if mirrored else turned
    belts = measure.belts(derive(areas), make_cities(areas), 2_000.0)
    plain = measure.belts(derive(THREE), make_cities(THREE), 2_000.0)
    assert shapely.area(belts.geometry.to_numpy()) == pytest.approx(
        shapely.area(plain.geometry.to_numpy()), rel=5e-3
    )


def test_a_belt_alone_is_the_whole_buffer():
    belts = measure.belts(derive(TWO), make_cities(TWO), 1_000.0)
    assert shapely.area(belts.geometry.to_numpy()) == pytest.approx([1_000 * K] * 2)


BENT = shapely.LineString([(0, 0), (3_000, 0), (3_000, 4_000), (9_000, 4_000)])


def test_stretches_follow_the_arc_length():
    stretches = measure.cut_into_stretches(BENT, 5.0)
    assert stretches[["n", "km_from", "km_to"]].to_numpy().tolist() == [
        [0, 0, 5],
        [1, 5, 10],
        [2, 10, 13],
    ]
    assert shapely.length(stretches.geometry.to_numpy()) == pytest.approx([5_000, 5_000, 3_000])
    assert shapely.get_point(shapely.get_geometry(stretches.geometry[1], 0), 0) == shapely.Point(
        3_000, 2_000
    )


@pytest.mark.parametrize(
    ("km", "lengths"), [(6.0, [6, 7]), (4.0, [4, 4, 5]), (20.0, [13]), (13.0, [13])]
)
def test_a_short_rest_joins_the_stretch_before(km, lengths):
    found = measure.cut_into_stretches(BENT, km)
    assert shapely.length(found.geometry.to_numpy()) / 1_000 == pytest.approx(lengths)
    assert (found["km_to"] - found["km_from"]).tolist() == pytest.approx(lengths)


def test_a_stretch_goes_over_gaps_between_parts():
    line = shapely.MultiLineString([[(0, 0), (3_000, 0)], [(4_000, 0), (9_000, 0)]])
    stretches = measure.cut_into_stretches(line, 4.0)
    assert shapely.length(stretches.geometry.to_numpy()) == pytest.approx([4_000, 4_000])
    assert shapely.get_num_geometries(stretches.geometry.to_numpy()).tolist() == [2, 1]


@settings(max_examples=examples(40), deadline=None)
@given(
    st.permutations(range(4)), st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 3)
)
def test_a_chain_is_the_same_however_its_parts_are_listed(order, turned, start):
    parts = [[(0, 0), (1, 1)], [(1, 1), (3, 0), (4, 2)], [(6, 2), (9, 9)]]
    ring = [(5, 5), (6, 5), (6, 6), (5, 6)]
    ring = ring[start:] + ring[:start]
    parts.append([*ring, ring[0]])
    wanted = measure.chain(
        shapely.MultiLineString([*parts[:3], [(5, 5), (6, 5), (6, 6), (5, 6), (5, 5)]])
    )
    shuffled = [parts[n][::-1] if turned[n] else parts[n] for n in order]
    assert measure.chain(shapely.MultiLineString(shuffled)).wkt == wanted.wkt
    assert shapely.get_coordinates(wanted)[0].tolist() == [0, 0]


# --- course and nature


def one_border(*points):
    return gpd.GeoDataFrame(
        {"border_id": ["a-b"]}, geometry=[shapely.LineString(points)], crs=METRIC
    )


MEANDER = one_border((0, -5000), (0, -300), (400, 0), (0, 300), (0, 5000))
"""North-south, with a bulge 400 m to the east."""


def test_the_course_is_not_turned_by_a_meander():
    index = measure.BorderIndex(MEANDER)
    near = np.array([250.0]), np.array([350.0])
    assert abs(index.normal(*near)[1][0]) > 0.7  # the bulge's flank is the nearest line
    east, north = index.course_normal(*near, 1_000.0)
    assert (east[0], north[0]) == pytest.approx((-1.0, 0.0), abs=0.05)
    straight = measure.BorderIndex(one_border((0, -5000), (0, 5000)))
    assert straight.course_normal([-300.0], [70.0], 1_000.0)[0] == pytest.approx([1.0])


def test_the_course_of_a_ring_goes_round():
    ring = shapely.Point(0, 0).buffer(1_000.0, quad_segs=64).exterior
    index = measure.BorderIndex(
        gpd.GeoDataFrame({"border_id": ["a-b"]}, geometry=[ring], crs=METRIC)
    )
    east, north = index.course_normal([500.0], [0.0], 50_000.0)
    assert (east[0], north[0]) == pytest.approx((1.0, 0.0), abs=0.05)


@pytest.mark.parametrize(("degrees", "cos"), [(0, 1.0), (60, 0.5), (90, 0.0), (180, -1.0)])
def test_approach_to_a_straight_border_is_the_angle_to_its_normal(degrees, cos):
    index = measure.BorderIndex(one_border((0, -50_000), (0, 50_000)))
    heading = np.array([[np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]])
    found = index.approach_cos([-400.0], [0.0], heading, course_m=1_000.0, most_deg=70.0)
    assert found == pytest.approx([cos], abs=1e-9)


def test_a_border_straight_ahead_is_approached_though_another_part_is_nearer():
    hook = measure.BorderIndex(one_border((-600, -5000), (-600, -500), (0, -500), (0, 5000)))
    heading = np.array([[1.0, 0.0]])
    found = hook.approach_cos([-300.0], [-250.0], heading, course_m=10.0, most_deg=60.0)
    assert found[0] == pytest.approx(250.0 / 300.0)


def test_nature_at_a_point_of_the_border_is_that_of_its_share():
    line = one_border((0, 0), (0, 20_000))
    water = np.array([box(-100, 0, 100, 5_000)], dtype=object)
    rivers = np.array([shapely.LineString([(1_500, 10_000), (1_500, 12_000)])], dtype=object)
    at = np.array([1_000.0, 7_000.0, 11_000.0, 19_000.0])
    found = measure.is_natural_border(
        np.full(4, 300.0), at, np.full(4, "a-b"), line, (water, rivers), 2_000.0
    )
    assert found.tolist() == [True, False, True, False]
    part = measure.natural_part(line.geometry.to_numpy(), (water, rivers), 2_000.0)[0]
    for y, natural in zip(at, found, strict=True):
        assert shapely.intersects(part, shapely.Point(0, y)) == natural
