"""Parts of geometries and what hangs together."""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.measures.ecology.patches import joined, polygons_in, within_gap


def test_joined_numbers_follow_the_first_member() -> None:
    label = joined((np.array([0, 4]), np.array([3, 1])), 5)
    assert label.tolist() == [0, 1, 2, 0, 1]
    assert joined((np.array([], dtype=int), np.array([], dtype=int)), 0).tolist() == []


def test_within_gap_counts_the_limit_in() -> None:
    boxes = shapely.box([0, 15, 40], 0, [10, 25, 50], 10)
    first, second = within_gap(np.asarray(boxes), 5.0)
    assert list(zip(first, second, strict=True)) == [(0, 1)]


def test_polygons_in_drops_lines_points_and_specks() -> None:
    mixed = shapely.GeometryCollection(
        [
            shapely.box(0, 0, 1, 1),
            shapely.LineString([(5, 5), (6, 6)]),
            shapely.Point(9, 9),
            shapely.MultiPolygon([shapely.box(2, 0, 3, 1), shapely.box(4, 0, 4.01, 0.01)]),
        ]
    )
    parts, owner = polygons_in([mixed, shapely.box(0, 0, 9, 9)], min_m2=0.01)
    assert shapely.area(parts).tolist() == [1.0, 1.0, 81.0]
    assert owner.tolist() == [0, 0, 1]
