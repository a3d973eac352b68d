"""Outlines of raster cells: exact, valid, and a partition whatever the picture."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from properties import examples

from pipeline.measures.ecology.cell_outlines import outline_classes

PICTURES = arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)
)


def polygons(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outlines in cells, x to the right and y down, with their codes."""
    corners, rings, parts, code = outline_classes(codes)
    kind = shapely.GeometryType.POLYGON
    return shapely.from_ragged_array(kind, corners[:, ::-1].astype(float), (rings, parts)), code


@settings(max_examples=examples(300), deadline=None)
@given(PICTURES)
def test_outlines_part_any_picture(codes: np.ndarray) -> None:
    outlines, code = polygons(codes)
    assert shapely.is_valid(outlines).all()
    # Neighbours share all corners: moved to another CRS they still leave no gap.
    assert shapely.coverage_is_valid(outlines)
    rows, columns = np.indices(codes.shape)
    cells = shapely.points(columns.ravel() + 0.5, rows.ravel() + 0.5)
    outline, cell = shapely.STRtree(cells).query(outlines, predicate="contains")
    found = np.full(codes.size, -1)
    found[cell] = code[outline]
    assert len(cell) == codes.size
    assert np.array_equal(found, codes.ravel())


def test_cells_that_meet_in_a_corner_stay_apart() -> None:
    outlines, code = polygons(np.array([[1, 0], [0, 1]], dtype=np.uint8))
    assert sorted(code) == [0, 0, 1, 1]
    assert shapely.area(outlines).tolist() == [1.0] * 4


def test_a_patch_that_closes_on_itself_in_a_corner_has_a_hole() -> None:
    codes = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.uint8)
    outlines, code = polygons(codes)
    (patch,) = outlines[code == 1]
    assert patch.is_valid
    assert len(patch.interiors) == 1
    assert patch.area == 7.0


def test_long_straight_sides_have_corners_to_bend_at() -> None:
    (outline,) = polygons(np.zeros((3, 200), dtype=np.uint8))[0]
    assert np.diff(np.unique(shapely.get_coordinates(outline)[:, 0])).max() <= 32


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_single_rows_and_cells(shape: tuple[int, int]) -> None:
    outlines, _ = polygons(np.zeros(shape, dtype=np.uint8))
    assert shapely.area(outlines).tolist() == [float(shape[0] * shape[1])]
