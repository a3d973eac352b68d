import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples

from pipeline.measures.geometry import areas

numbers = st.integers(0, 6)
boxes = st.lists(st.tuples(numbers, numbers, st.integers(1, 4), st.integers(1, 4)), max_size=6)
spots = st.lists(st.tuples(numbers, numbers), max_size=20)


def drawn(data):
    """Boxes that overlap and points on edges, corners and outside."""
    shapes = [shapely.box(x, y, x + w, y + h) for x, y, w, h in data.draw(boxes)]
    if data.draw(st.booleans()):
        shapes.append(shapely.Polygon())
    points = data.draw(spots)
    x, y = (np.array([point[axis] for point in points], dtype=float) for axis in (0, 1))
    return np.array(shapes, dtype=object), x, y, shapely.points(x, y)


@settings(max_examples=examples(80), deadline=None)
@given(st.data(), st.booleans())
def test_the_first_area_takes_a_point(data, is_line_inside):
    shapes, x, y, points = drawn(data)
    found = areas.area_of_points(x, y, shapes, is_line_inside)
    covers = shapely.intersects if is_line_inside else shapely.contains
    wanted = [next((n for n, s in enumerate(shapes) if covers(s, p)), -1) for p in points]
    assert found.tolist() == wanted


@settings(max_examples=examples(40), deadline=None)
@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(data, random):
    shapes, x, y, _ = drawn(data)
    ids = [str(90 + 7 * n) for n in range(len(shapes))]  # "104" sorts before "90"
    order = list(range(len(shapes)))
    random.shuffle(order)
    frame = gpd.GeoDataFrame({"city_id": ids}, geometry=list(shapes), crs="EPSG:32649")
    plain = areas.locate_points(x, y, frame)
    assert plain.equals(areas.locate_points(x, y, frame.iloc[order]))
    for point, city_id in zip(shapely.points(x, y), plain, strict=True):
        around = [i for i, s in zip(ids, shapes, strict=True) if shapely.intersects(s, point)]
        assert around == [] if city_id is np.nan else city_id == min(around)


@pytest.mark.parametrize(("is_line_inside", "wanted"), [(True, [0, 0, 1]), (False, [0, -1, 1])])
def test_a_point_on_the_line_goes_to_the_first_or_to_none(is_line_inside, wanted):
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], dtype=object)
    found = areas.area_of_points([0.5, 1.0, 1.5], [0.5, 0.5, 0.5], shapes, is_line_inside)
    assert found.tolist() == wanted


def test_an_area_that_is_missing_takes_no_point():
    shapes = np.array([None, shapely.box(0, 0, 1, 1)], dtype=object)
    assert areas.area_of_points([0.5, np.nan], [0.5, 0.5], shapes).tolist() == [1, -1]


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_points_in_any_finds_what_a_plain_look_finds(data):
    polygons, x, y, points = drawn(data)
    wanted = [any(shapely.intersects(each, point) for each in polygons) for point in points]
    assert areas.points_in_any(x, y, polygons).tolist() == wanted


def test_text_by_code_is_null_for_minus_one():
    text = areas.text_by_code(["a", "b"], np.array([1, -1, 0]))
    assert text.isna().tolist() == [False, True, False]
    assert text.dropna().tolist() == ["b", "a"]


@pytest.mark.parametrize("least_m2", [10_000.0, 50_000.0, 0.0])
def test_a_hair_less_than_the_least_area_reaches_it(least_m2):
    tried = least_m2 + np.array([-0.6, -1e-3, 0.0, 1e-3])
    assert areas.area_reaches(tried, least_m2).tolist() == [False, True, True, True]


def test_a_share_a_hair_below_its_threshold_reaches_it():
    tried = [[60.0 - 1e-3, 60.0 - 1e-6], [60.0, np.nan]]
    assert areas.share_reaches(tried, 60.0).tolist() == [[False, True], [True, False]]
    assert len(set(areas.rounded_share([33.3333333, 33.3333334]))) == 1


def test_a_share_of_nothing_or_of_the_unknown_is_unknown():
    found = areas.percent_of(np.array([1.0, 0.0, 0.0]), np.array([4.0, 0.0, np.nan]))
    assert found[0] == 25.0
    assert np.isnan(found[1:]).all()
