"""The middle of a metro, and metros that have none."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from pipeline.sources.osm.extract.reach import centre_of


def cities(*boxes):
    return gpd.GeoDataFrame(geometry=[shapely.box(*box) for box in boxes], crs=4326)


def test_the_middle_of_the_box():
    assert centre_of(cities((179.0, -17.0, 179.5, -16.0), (179.5, -17.0, 180.0, -15.0))) == (
        pytest.approx(179.5),
        pytest.approx(-16.0),
    )


def test_the_middle_of_cities_over_the_antimeridian_is_a_longitude():
    lon, lat = centre_of(cities((179.9, -17.0, 180.1, -16.0), (180.1, -17.0, 180.4, -16.0)))
    assert lon == pytest.approx(-179.85)
    assert lat == pytest.approx(-16.5)
