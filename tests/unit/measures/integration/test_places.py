"""Sites, towns and zones as tables: which city and which zone a place belongs to."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from pipeline.layers import empty_layer
from pipeline.measures.integration.places import find_sites, nearest_zone
from pipeline.metros.catalogue import Metro

CRS = "+proj=laea +lat_0=34 +lon_0=113 +datum=WGS84 +units=m +no_defs"
# The projection is off by nanometres there and back: both cities reach a little over the border.
CITIES = gpd.GeoDataFrame(
    {"city_id": ["A", "B"]},
    geometry=[shapely.box(-20_000, 0, 0.001, 9_000), shapely.box(-0.001, 0, 20_000, 9_000)],
    crs=CRS,
)
ZONES = pd.DataFrame(
    {"city_id": ["A", "A", "B"], "point_x": [-9_000.0, -1_000.0, 900.0], "point_y": [4_500.0] * 3}
)


def metro_with(*points):
    """A plan with an innovation zone at each point, metres."""
    geometry = gpd.GeoSeries(gpd.points_from_xy(*zip(*points, strict=True)), crs=CRS).to_crs(4326)
    areas = [
        {"name": f"zone {n}", "kind": "innovation", "point": [point.x, point.y]}
        for n, point in enumerate(geometry)
    ]
    return Metro.model_validate({"id": "m", "area": areas})


@pytest.mark.parametrize("rows", [[0, 1], [1, 0]])
def test_a_planned_site_on_a_shared_border_goes_to_the_first_city_by_id(rows):
    """It went to whichever city stood last."""
    metro = metro_with((0.0, 4_500.0), (5_000.0, 4_500.0), (0.0, 20_000.0))
    sites = find_sites(empty_layer("services", CRS), metro, CITIES.iloc[rows], ZONES)
    # The third lies in no city.
    assert sites["city_id"].tolist() == ["A", "B"]
    assert sites["zone"].tolist() == [1, 2]
    assert set(sites["use"]) == {"innovation"}


def test_a_place_counts_at_the_nearest_zone_of_its_own_city():
    found = nearest_zone([0.0, 0.0, 0.0], [4_500.0] * 3, ["A", "B", "C"], ZONES)
    assert found.tolist() == [1, 2, -1]
