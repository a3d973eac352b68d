"""Which files of a product hold a place."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from pipeline.sources.rasters.products import (
    PRODUCTS,
    ghs_pop_files,
    ghs_pop_mollweide_files,
    product_named,
    worldcover_files,
    worldpop_files,
)


def point(lon, lat):
    return np.array([shapely.box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)])


def tiles(shapes):
    return [each.fields["tile"] for each in worldcover_files(shapes)]


@pytest.mark.parametrize(
    ("lon", "lat", "tile"),
    [
        (113.6, 34.7, "N33E111"),
        (174.8, -41.3, "S42E174"),
        (0.1, 0.1, "N00E000"),
        (-0.1, -0.1, "S03W003"),
        (-58.4, -34.6, "S36W060"),
        (179.5, -16.5, "S18E177"),
        (180.5, -16.5, "S18W180"),
        (-180.5, -16.5, "S18E177"),
    ],
)
def test_worldcover_is_named_by_its_south_west_corner(lon, lat, tile):
    assert tiles(point(lon, lat)) == [tile]


def test_every_tile_that_a_place_touches_is_named_once():
    belt = np.array([shapely.box(113.9, 32.9, 114.1, 33.1), shapely.box(113.9, 33.5, 114.1, 33.6)])
    assert sorted(tiles(belt)) == ["N30E111", "N30E114", "N33E111", "N33E114"]
    # A corner that a box round the place holds, but not the place.
    corner = np.array([shapely.Polygon([(113, 31), (115.9, 31), (113, 35.9)])])
    assert "N33E114" in tiles(corner)
    slim = np.array(
        [shapely.LineString([(111.1, 35.9), (111.2, 30.1), (116.9, 30.1)]).buffer(0.01)]
    )
    assert "N33E114" not in tiles(slim)


def test_over_longitude_180_both_sides_are_named():
    across = np.array([shapely.box(179.8, -17.0, 180.2, -16.5)])
    assert sorted(tiles(across)) == ["S18E177", "S18W180"]
    assert [each.stem[-6:] for each in ghs_pop_files(across)] == ["R11_C1", "11_C36"]


@pytest.mark.parametrize(
    ("lon", "lat", "row", "column"),
    [
        # Tiles of which public code states where they lie.
        (105.85, 21.03, "7", "29"),
        (113.6, 34.7, "6", "30"),
        (109.993, 29.1, "6", "30"),
        (109.991, 29.09, "7", "29"),
        (-179.99, 89.0, "1", "1"),
    ],
)
def test_ghs_pop_counts_tiles_from_the_north_west(lon, lat, row, column):
    (found,) = ghs_pop_files(np.array([shapely.Point(lon, lat)]))
    assert (found.fields["row"], found.fields["column"]) == (row, column)
    assert found.stem == f"GHS_POP_E2020_GLOBE_R2023A_4326_3ss_V1_0_R{row}_C{column}"


def test_mollweide_has_squares_of_its_own():
    # x 10,015,000 y 4,189,000 m: 28 squares from the west, 4 from the north.
    (found,) = ghs_pop_mollweide_files(point(113.6, 34.7))
    assert found.fields["grid"] == "54009_100"
    assert (found.fields["row"], found.fields["column"]) == ("5", "29")


def test_worldpop_has_a_file_per_country():
    assert [each.fields["ISO3"] for each in worldpop_files(("CHN", "VNM"))] == ["CHN", "VNM"]
    assert worldpop_files(("CHN",))[0].stem == "chn_pop_2020_CN_100m_R2025A_v1"


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda each: each.name)
def test_every_product_says_what_it_is(product):
    assert product_named(product.name) is product
    assert product.version and product.date and product.licence and product.credit
    assert product.folder == f"{product.name}/{product.version.replace(' ', '-')}"
