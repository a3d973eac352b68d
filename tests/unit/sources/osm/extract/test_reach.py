"""The middle of a metro, and metros that have none."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from pipeline.errors import SourceError
from pipeline.sources.osm.extract.reach import centre_of


def cities(*boxes):
    return gpd.GeoDataFrame(geometry=[shapely.box(*box) for box in boxes], crs=4326)


def test_the_middle_of_the_box():
    assert centre_of(cities((179.0, -17.0, 179.5, -16.0), (179.5, -17.0, 180.0, -15.0))) == (
        pytest.approx(179.5),
        pytest.approx(-16.0),
    )


def test_cities_on_both_sides_of_the_antimeridian_are_refused():
    with pytest.raises(SourceError, match="across longitude 180"):
        centre_of(cities((179.9, -17.0, 180.0, -16.0), (-180.0, -17.0, -179.9, -16.0)))
