"""The sea, made of coastlines."""

from __future__ import annotations

import pytest
import shapely
from two_cities import drops, read

CLOCKWISE = [(114.0, 34.5), (114.0, 34.52), (114.03, 34.52), (114.03, 34.5), (114.0, 34.5)]
"""Water lies right of a coastline: inside."""


def coast(country, corners):
    nodes = {corner: country.node(*corner) for corner in corners}
    return country.way([nodes[corner] for corner in corners], natural="coastline")


def sea_of(extract):
    land = extract.layers["land_areas"]
    return land[(land["water"] == "sea").to_numpy(bool, na_value=False)]


def roads(country, *starts):
    for lon, lat in starts:
        country.line([(lon, lat), (lon + 0.001, lat)], highway="tertiary")


@pytest.mark.parametrize(("corners", "backwards"), [(CLOCKWISE, 0), (CLOCKWISE[::-1], 1)])
def test_the_sea_is_an_area_of_water_however_its_coast_is_drawn(
    country, tmp_path, corners, backwards
):
    coast(country, corners)
    roads(country, (114.04, 34.5), (114.04, 34.51))
    extract = read(country, tmp_path)
    sea = sea_of(extract)
    assert sea["value"].tolist() == ["water"]
    assert sea.geometry.iloc[0].equals(shapely.Polygon(CLOCKWISE))
    assert drops(extract, "coastline way kept").get("drawn_backwards", 0) == backwards


def test_an_island_with_its_roads_is_no_sea(country, tmp_path):
    coast(country, CLOCKWISE[::-1])
    roads(country, (114.01, 34.51), (114.02, 34.51), (114.01, 34.515))
    sea = sea_of(read(country, tmp_path))
    assert not shapely.union_all(sea.geometry.to_numpy()).intersects(shapely.Point(114.015, 34.51))


def test_a_coastline_with_an_open_end_bounds_no_sea(country, tmp_path):
    coast(country, CLOCKWISE[:3])
    assert not len(sea_of(read(country, tmp_path)))


def test_ways_of_borders_at_sea_are_kept_as_lines(country, tmp_path):
    line = [(114.0, 34.5), (114.02, 34.5)]
    country.line(line, boundary="administrative", maritime="yes")
    country.line(line, boundary="administrative", maritime="no")
    country.line(line, boundary="protected_area", maritime="yes")
    extract = read(country, tmp_path)
    assert len(extract.layers["maritime_borders"]) == 1
    assert drops(extract, "maritime border way") == {"kept": 1}
