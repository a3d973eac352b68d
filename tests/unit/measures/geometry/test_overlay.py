"""Overlays keep to their dimension."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.measures.geometry import overlay

# In the square from 10 m on; at (40, 100) it only touches the outline.
TOUCHING = shapely.LineString([(10, 10), (60, 10), (60, 150), (40, 100), (20, 150)])
SQUARE = shapely.box(0, 0, 100, 100)


def test_a_touch_beside_a_shared_stretch_leaves_lines_alone():
    assert shapely.intersection(TOUCHING, SQUARE).geom_type == "GeometryCollection"
    inside = overlay.lines_inside(TOUCHING, SQUARE)
    assert inside.equals(shapely.LineString([(10, 10), (60, 10), (60, 100)]))
    # The plain result ends the next overlay.
    with pytest.raises(shapely.errors.GEOSException):
        shapely.intersection(shapely.intersection(TOUCHING, SQUARE), shapely.union_all([]))
    assert shapely.is_empty(overlay.lines_inside(inside, shapely.union_all([])))


def test_arrays_of_lines_keep_their_order_and_nulls():
    lines = np.array(
        [TOUCHING, None, shapely.LineString([(200, 0), (300, 0)]), shapely.LineString()], object
    )
    inside = overlay.lines_inside(lines, SQUARE)
    assert inside[1] is None
    assert shapely.length(inside[[0, 2, 3]]).tolist() == [140.0, 0.0, 0.0]
    assert (shapely.get_dimensions(inside[[0]]) == 1).all()


def test_areas_that_share_ground_and_an_edge_leave_ground_alone():
    step = shapely.Polygon(
        [(50, 0), (150, 0), (150, 200), (80, 200), (80, 100), (100, 100), (100, 50), (50, 50)]
    )
    assert shapely.intersection(step, SQUARE).geom_type == "GeometryCollection"
    shared = overlay.areas_inside(step, SQUARE)
    assert shared.geom_type == "Polygon" and shared.area == 2_500.0
    assert shapely.is_empty(overlay.areas_inside(shapely.box(100, 0, 200, 100), SQUARE))


def test_nested_collections_are_opened():
    nested = shapely.GeometryCollection(
        [shapely.GeometryCollection([SQUARE, TOUCHING]), shapely.box(200, 0, 300, 100)]
    )
    assert overlay.of_dimension(nested, 2).area == 20_000.0
    assert overlay.of_dimension(nested, 1).equals(TOUCHING)


def test_vertices_a_nanometre_apart_are_one_in_all_areas_alike():
    near = 50.0 + 1e-9
    areas = np.array(
        [
            shapely.Polygon([(0, 0), (50, 0), (near, 50), (50, 50), (0, 50)]),
            shapely.Polygon([(50, 0), (100, 0), (100, 50), (near, 50)]),
            shapely.box(200, 200, 300, 300),
        ],
        dtype=object,
    )
    joined = overlay.with_vertices_joined(areas, 1e-5)
    assert shapely.get_num_coordinates(joined).tolist() == [5, 5, 5]
    assert joined[2] is areas[2] or joined[2].equals_exact(areas[2], 0.0)
    corners = [set(map(tuple, shapely.get_coordinates(each).tolist())) for each in joined[:2]]
    assert corners[0] & corners[1] == {(50.0, 0.0), (50.0, 50.0)}
    assert shapely.coverage_is_valid(joined[:2])


def test_a_spike_of_no_width_is_gone_and_nothing_stays_nothing():
    spiked = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 10), (5, 30), (5 + 1e-7, 10), (0, 10)])
    joined = overlay.with_vertices_joined(np.array([spiked], dtype=object), 1e-5)
    assert joined[0].is_valid
    assert joined[0].area == pytest.approx(100.0)
    assert not len(overlay.with_vertices_joined(np.array([], dtype=object), 1e-5))
