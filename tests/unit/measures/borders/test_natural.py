"""Natural shares of borders: wide rivers, lakes, and what is neither."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import box
from small_borders import NO_LAND, NO_WATER, TWO, K, derive, make_land, make_waterways, one_border

from pipeline.measures.borders.natural import is_natural_border, natural_part, sea_share_pct

# A river 1.5 km beside the lower half of the border.
RIVER = shapely.LineString([(K + 1_500, -5_000), (K + 1_500, 4_000)])

RIVER_AREA = shapely.buffer(RIVER, 30)


def natural_share(waterways=NO_WATER, land=NO_LAND):
    return derive(TWO, waterways, land)["natural_share_pct"].iloc[0]


def test_natural_share_beside_a_wide_river_is_the_length_within_two_km():
    reach = 4_000 + np.sqrt(2_000**2 - 1_500**2)
    wide = make_waterways(({"waterway": "river", "width_m": 80.0}, RIVER))
    assert natural_share(wide) == pytest.approx(100 * reach / K, rel=1e-3)
    area = make_land(({"key": "natural", "value": "water", "water": "river"}, RIVER_AREA))
    mapped = make_waterways(({"waterway": "river"}, RIVER))
    assert natural_share(mapped, area) == pytest.approx(100 * reach / K, rel=1e-3)


@pytest.mark.parametrize(
    "tags",
    [
        {"waterway": "river"},
        {"waterway": "river", "width_m": 40.0},
        {"waterway": "canal", "width_m": 80.0},
        {"waterway": "river", "width_m": 80.0, "is_tunnel": True},
    ],
)
def test_natural_share_is_none_beside_other_waters(tags):
    assert natural_share(make_waterways((tags, RIVER))) == 0.0


def test_natural_share_of_a_border_through_a_lake():
    lake = make_land(
        (
            {"key": "natural", "value": "water", "water": "lake"},
            box(K - 500, 1_000, K + 500, 3_500),
        ),
        ({"key": "natural", "value": "wood"}, box(0, 0, 2 * K, K)),
    )
    assert natural_share(land=lake) == pytest.approx(25.0)


def test_nature_at_a_point_of_the_border_is_that_of_its_share():
    line = one_border((0, 0), (0, 20_000))
    water = np.array([box(-100, 0, 100, 5_000)], dtype=object)
    rivers = np.array([shapely.LineString([(1_500, 10_000), (1_500, 12_000)])], dtype=object)
    at = np.array([1_000.0, 7_000.0, 11_000.0, 19_000.0])
    found = is_natural_border(
        np.full(4, 300.0), at, np.full(4, "a-b"), line, (water, rivers), 2_000.0
    )
    assert found.tolist() == [True, False, True, False]
    part = natural_part(line.geometry.to_numpy(), (water, rivers), 2_000.0)[0]
    for y, natural in zip(at, found, strict=True):
        assert shapely.intersects(part, shapely.Point(0, y)) == natural


def test_the_part_at_sea_is_told_apart():
    border = np.array([shapely.LineString([(0, 0), (10_000, 0)])], dtype=object)
    sea = gpd.GeoDataFrame(
        {"water": ["sea", "lake"]},
        geometry=[shapely.box(8_000, -10, 9_999, 10), shapely.box(0, -9, 500, 9)],
    )
    tagged = gpd.GeoDataFrame(geometry=[shapely.LineString([(5_000, 5), (8_000, 5)])])
    no_sea = sea[sea["water"] == "lake"]
    assert sea_share_pct(border, no_sea, None, 20.0) == pytest.approx([0])
    assert sea_share_pct(border, sea, None, 20.0) == pytest.approx([20], abs=0.1)
    assert sea_share_pct(border, no_sea, tagged, 20.0) == pytest.approx([30], abs=0.5)
    assert sea_share_pct(border, sea, tagged, 20.0) == pytest.approx([50], abs=0.5)
    assert sea_share_pct(border, sea, tagged, 2.0) == pytest.approx([20], abs=0.1)
