"""Polygons on a grid: valid, where they were, and the same as from `shapely.set_precision`."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.measures.geometry import grid
from pipeline.measures.geometry.grid import on_grid

SIZE = 1e-5
NOISE = st.floats(-3.0 * SIZE, 3.0 * SIZE)


def on_multiples(geometry) -> bool:
    xy = shapely.get_coordinates(geometry)
    return bool(np.allclose(xy, np.round(xy / SIZE) * SIZE, rtol=0, atol=1e-9))


@settings(deadline=None)
@given(st.lists(st.tuples(NOISE, NOISE), min_size=12, max_size=12), st.integers(0, 3))
def test_what_is_narrow_stays_valid(noise, shift):
    """A square, a hole whose corners lie within the noise of its edges or of its own other side."""
    outer = np.array([(0, 0), (9, 0), (9, 5), (9, 9), (0, 9), (0, 4)], dtype=float)
    hole = np.array([(0, 2), (5, 3), (8.999, 3), (5, 3), (4, 7), (2, 6)], dtype=float)
    hole = np.roll(hole, shift, axis=0)
    shape = shapely.Polygon(outer + noise[:6], [hole + noise[6:]])
    parts = shapely.get_parts(shapely.make_valid(shape, method="structure"))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    rounded = on_grid(polygons, SIZE)
    assert shapely.is_valid(rounded).all()
    assert on_multiples(rounded)
    assert abs(shapely.area(rounded).sum() - shapely.area(polygons).sum()) < 100 * SIZE


def test_the_same_as_set_precision():
    """Roomy, narrow and large polygons, each as the library's own overlay rounds them."""
    rng = np.random.default_rng(0)
    stars = [star(rng, corners) for corners in rng.integers(3, 400, 60)]
    narrow = shapely.box(0, 0, 5, 1.2 * SIZE)
    touching = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(0, 0), (2, 1), (1, 2)]])
    polygons = np.array([*stars, narrow, touching], dtype=object)
    is_roomy = grid._have_room(polygons, 2 * SIZE)
    assert 20 < is_roomy.sum() < len(polygons) - 10 and not is_roomy[len(stars)]
    found, expected = on_grid(polygons, SIZE), shapely.set_precision(polygons, SIZE)
    assert shapely.equals_exact(
        shapely.normalize(found), shapely.normalize(expected), tolerance=1e-9
    ).all()


def test_what_the_grid_swallows_is_empty():
    swallowed = shapely.box(0, 0, 5, 0.2 * SIZE)
    assert shapely.is_empty(on_grid(np.array([swallowed], dtype=object), SIZE)).all()
    assert len(on_grid(np.empty(0, dtype=object), SIZE)) == 0


@pytest.mark.parametrize("away, is_apart", [(2.5, True), (1.5, False)])
@pytest.mark.parametrize("turn", [0.0, 0.3, 2.0])
def test_room_is_the_distance_between_edges(away, is_apart, turn):
    """A slit from the rim that ends near the far edge: the room is what is left there."""
    tip = 10.0 - away * SIZE
    shape = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10), (0, 6), (tip, 5), (0, 4)])
    turned = shapely.transform(
        shape, lambda xy: xy @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    assert grid._have_room(np.array([turned], dtype=object), 2 * SIZE).tolist() == [is_apart]
    assert (shapely.minimum_clearance(turned) > 2 * SIZE) == is_apart


def star(rng: np.random.Generator, corners: int) -> shapely.Polygon:
    angle = 2 * np.pi * (np.arange(corners) + rng.uniform(0, 0.7, corners)) / corners
    reach = 500 * rng.uniform(0.6, 1.4, corners)
    return shapely.Polygon(
        np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None] + rng.uniform(-1e5, 1e5, 2)
    )
