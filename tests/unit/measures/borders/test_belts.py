"""Belts beside borders: who gets the land."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from shapely import affinity
from small_borders import THREE, TWO, K, derive, make_cities

from pipeline.measures.borders.belts import belts
from pipeline.measures.borders.nearest import (
    BorderIndex,
)


def test_belts_part_the_land_near_the_borders():
    cities, found = make_cities(THREE), derive(THREE)
    width = 2_000.0
    beside = belts(found, cities, width)
    assert (beside["border_id"] + beside["side"]).tolist() == [
        "a-ba",
        "a-bb",
        "a-ca",
        "a-cb",
        "b-ca",
        "b-cb",
    ]
    assert beside["city_id"].tolist() == ["a", "b", "a", "c", "b", "c"]
    parts = beside.geometry.to_numpy()
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
    beside = belts(found, make_cities(THREE), width)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 2 * K, (2, 4_000))
    index, distance = BorderIndex(found).nearest(x, y)
    second = np.sort(
        [shapely.distance(line, shapely.points(x, y)) for line in found.geometry], axis=0
    )
    clear = (second[1] - second[0] > width / 200) & (np.abs(distance - width) > 5)
    for belt in beside.itertuples():
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
    beside = belts(derive(areas), make_cities(areas), 2_000.0)
    plain = belts(derive(THREE), make_cities(THREE), 2_000.0)
    assert shapely.area(beside.geometry.to_numpy()) == pytest.approx(
        shapely.area(plain.geometry.to_numpy()), rel=5e-3
    )


def test_a_belt_alone_is_the_whole_buffer():
    beside = belts(derive(TWO), make_cities(TWO), 1_000.0)
    assert shapely.area(beside.geometry.to_numpy()) == pytest.approx([1_000 * K] * 2)
