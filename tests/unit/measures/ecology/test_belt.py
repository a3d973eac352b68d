"""Stretches and positions along a border."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.crs import local_metric_crs
from pipeline.measures.ecology.belt import (
    Belt,
    belt_of,
    stretch_regions,
)

CRS = local_metric_crs(113.6, 34.7)


def belt(line: list[tuple[float, float]], width_m: float = 1_000.0) -> Belt:
    """A belt of city 1 (everything, so to say) and city 2 (nothing)."""
    cities = gpd.GeoDataFrame(
        {"city_id": ["1", "2"]},
        geometry=[shapely.box(-50_000, -50_000, 50_000, 50_000), shapely.box(90_000, 0, 90_001, 1)],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {"border_id": ["1-2"], "city_a": ["1"], "city_b": ["2"]},
        geometry=[shapely.MultiLineString([line])],
        crs=CRS,
    )
    found = belt_of("1-2", borders, cities, width_m)
    assert found is not None
    return found


def test_regions_of_a_straight_border_are_strips() -> None:
    regions = stretch_regions(belt([(0, 0), (5_200, 0)]), 1.0)
    assert len(regions) == 5
    assert regions["km_to"].iloc[-1] == pytest.approx(5.2)
    for n, x in enumerate((500, 1_500, 2_500, 3_500, 4_700)):
        for y in (-900, 0.5, 900):
            assert regions.geometry.contains(shapely.Point(x, y)).tolist() == [
                m == n for m in range(5)
            ]


def test_regions_cover_the_belt_and_share_nothing() -> None:
    rng = np.random.default_rng(3)
    line = list(zip(np.arange(0, 12_000, 400), rng.uniform(-900, 900, 30), strict=True))
    one = belt(line)
    cut = shapely.intersection(stretch_regions(one, 2.0).geometry.to_numpy(), one.whole)
    assert shapely.area(cut).sum() == pytest.approx(shapely.area(one.whole), rel=1e-9)
    assert shapely.area(shapely.union_all(cut)) == pytest.approx(shapely.area(cut).sum(), rel=1e-9)


def test_border_that_passes_a_place_twice() -> None:
    one = belt([(0, 0), (2_000, 0), (2_000, 1_000), (1_000, 1_000), (1_000, -1_000)])
    cut = shapely.intersection(stretch_regions(one, 1.0).geometry.to_numpy(), one.whole)
    assert shapely.area(cut).sum() == pytest.approx(shapely.area(one.whole), rel=1e-9)


def test_km_along_runs_over_all_parts() -> None:
    line = shapely.MultiLineString([[(3_000, 0), (4_000, 0)], [(0, 0), (2_000, 0)]])
    cities = gpd.GeoDataFrame(
        {"city_id": ["1", "2"]},
        geometry=[shapely.box(0, 0, 4_000, 9_000), shapely.box(0, -9_000, 4_000, 0)],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {"border_id": ["1-2"], "city_a": ["1"], "city_b": ["2"]}, geometry=[line], crs=CRS
    )
    one = belt_of("1-2", borders, cities, 500.0)
    assert one is not None
    places = [shapely.Point(500, 90), shapely.Point(3_500, -90), shapely.box(1_000, 0, 1_200, 10)]
    assert one.km_along(places) == pytest.approx([0.5, 2.5, 1.1])


def test_near_the_line_is_what_the_distance_to_it_says() -> None:
    """Also for shapes whose box alone is near, and the limit counts as near."""
    one = belt([(0, 0), (3_000, 2_000), (5_000, -1_000), (9_000, 0)])
    rng = np.random.default_rng(3)
    spots = shapely.buffer(
        shapely.points(rng.uniform(-2_000, 11_000, (400, 2))), rng.uniform(1, 900, 400)
    )
    around = shapely.Point(4_000, 0).buffer(9_000).exterior
    limit = shapely.box(9_300, -10, 9_400, 10)
    shapes = np.array([*spots, around, limit], dtype=object)
    for distance_m in (0.0, 300.0, 1_000.0):
        expected = shapely.distance(one.line, shapes) <= distance_m
        assert one.is_near(shapes, distance_m).tolist() == expected.tolist()
    assert one.is_near(shapes[-1:], 300.0)[0] and not one.is_near(shapes[-2:-1], 1_000.0)[0]
    assert one.is_near(shapes[:0], 300.0).tolist() == []
