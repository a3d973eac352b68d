"""The border nearest to a point, its normal, its course and the side of it."""

from itertools import permutations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from small_borders import METRIC, THREE, TWO, K, derive, make_cities, one_border

from pipeline.layers import empty_layer
from pipeline.measures.borders.belts import belts
from pipeline.measures.borders.nearest import TIE_M, BorderIndex, side_of


def test_each_point_has_one_border_and_ties_go_to_the_first_id():
    found = derive(THREE).reset_index(drop=True)
    x = [K - 1_000, K - 500, K - 300, K + 10, K + 500]
    y = [K - 500, K - 1_000, K + 100, K, K + 500]
    for order in permutations(range(3)):
        rows = found.iloc[list(order)]
        index, distance = BorderIndex(rows).nearest(x, y)
        assert rows["border_id"].iloc[index].tolist() == ["a-c", "a-b", "a-c", "b-c", "b-c"]
        assert distance == pytest.approx([500, 500, 100, 0, 500])
    index, _ = BorderIndex(found).nearest([K - 500], [K - 500])
    assert found["border_id"].iloc[index[0]] == "a-b"  # on the bisector


def test_beyond_the_limit_no_border_is_near():
    found = derive(TWO)
    index, distance = BorderIndex(found).nearest([K - 500, K - 1_500], [0, 0], max_m=1_000)
    assert index.tolist() == [0, -1]
    assert distance[0] == 500
    assert np.isnan(distance[1])


def test_no_borders_and_no_points():
    none = empty_layer("borders", METRIC)
    index, distance = BorderIndex(none).nearest([0.0], [0.0])
    assert index.tolist() == [-1]
    assert np.isnan(distance).all()
    assert np.isnan(BorderIndex(none).normal([0.0], [0.0])).all()
    assert BorderIndex(derive(TWO)).nearest([], [])[0].tolist() == []
    assert not len(belts(none, make_cities(TWO), 1_000))


def test_the_normal_points_to_the_border():
    found = derive(TWO)
    east, north = BorderIndex(found).normal([K - 700, K + 700, K - 300], [5_000, 5_000, -400])
    assert east == pytest.approx([1, -1, 0.6])
    assert north == pytest.approx([0, 0, 0.8])
    on_line = BorderIndex(found).normal([K], [5_000])
    assert np.abs(on_line).ravel() == pytest.approx([1, 0])


@settings(max_examples=examples(40), deadline=None)
@given(st.floats(0, 2 * K), st.floats(0, 2 * K))
def test_nearest_agrees_with_the_plain_distance(x, y):
    found = derive(THREE).reset_index(drop=True)
    index, distance = BorderIndex(found).nearest([x], [y])
    plain = shapely.distance(shapely.Point(x, y), found.geometry.to_numpy())
    assert distance[0] == pytest.approx(plain.min(), abs=1e-6)
    assert plain[index[0]] <= plain.min() + TIE_M


def test_sides():
    row = derive(THREE).loc["a-c"]
    x, y = [100, 100, K + 100, -5_000], [100, K + 100, 100, 0]
    assert side_of(x, y, row, make_cities(THREE)).tolist() == ["a", "b", None, None]


MEANDER = one_border((0, -5000), (0, -300), (400, 0), (0, 300), (0, 5000))

"""North-south, with a bulge 400 m to the east."""


def test_the_course_is_not_turned_by_a_meander():
    index = BorderIndex(MEANDER)
    near = np.array([250.0]), np.array([350.0])
    assert abs(index.normal(*near)[1][0]) > 0.7  # the bulge's flank is the nearest line
    east, north = index.course_normal(*near, 1_000.0)
    assert (east[0], north[0]) == pytest.approx((-1.0, 0.0), abs=0.05)
    straight = BorderIndex(one_border((0, -5000), (0, 5000)))
    assert straight.course_normal([-300.0], [70.0], 1_000.0)[0] == pytest.approx([1.0])


def test_the_course_of_a_ring_goes_round():
    ring = shapely.Point(0, 0).buffer(1_000.0, quad_segs=64).exterior
    index = BorderIndex(gpd.GeoDataFrame({"border_id": ["a-b"]}, geometry=[ring], crs=METRIC))
    east, north = index.course_normal([500.0], [0.0], 50_000.0)
    assert (east[0], north[0]) == pytest.approx((1.0, 0.0), abs=0.05)


@pytest.mark.parametrize(("degrees", "cos"), [(0, 1.0), (60, 0.5), (90, 0.0), (180, -1.0)])
def test_approach_to_a_straight_border_is_the_angle_to_its_normal(degrees, cos):
    index = BorderIndex(one_border((0, -50_000), (0, 50_000)))
    heading = np.array([[np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]])
    found = index.approach_cos([-400.0], [0.0], heading, course_m=1_000.0, most_deg=70.0)
    assert found == pytest.approx([cos], abs=1e-9)


def test_a_border_straight_ahead_is_approached_though_another_part_is_nearer():
    hook = BorderIndex(one_border((-600, -5000), (-600, -500), (0, -500), (0, 5000)))
    heading = np.array([[1.0, 0.0]])
    found = hook.approach_cos([-300.0], [-250.0], heading, course_m=10.0, most_deg=60.0)
    assert found[0] == pytest.approx(250.0 / 300.0)
