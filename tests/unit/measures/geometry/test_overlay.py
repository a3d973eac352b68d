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
