"""Which centre stands for what, and which city a place lies in."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, box

from pipeline import crs
from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.layers.declaration import PANDAS_DTYPES
from pipeline.measures.access import gazetteer
from pipeline.metros.catalogue import Area, Metro

METRIC = crs.local_metric_crs(113.6, 34.7)


def layer(name, rows, geometry):
    columns = {}
    for column in LAYERS[name].columns:
        default = {"bool": False, "int64": 0, "float": np.nan}.get(column.dtype)
        values = [row.get(column.name, default) for row in rows]
        columns[column.name] = pd.Series(values, dtype=PANDAS_DTYPES[column.dtype])
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=list(geometry), crs=METRIC)


CITIES = layer(
    "cities",
    [
        {"city_id": "1", "name": "甲市", "is_core": True, "centre_lon": 113.6, "centre_lat": 34.7},
        {"city_id": "2", "name": "乙市"},
    ],
    [box(-10_000, -10_000, 0, 10_000), box(0, -10_000, 10_000, 10_000)],
)
COUNTIES = layer(
    "counties",
    [
        {"county_id": "c1", "city_id": "1", "name": "丙县"},
        {"county_id": "c2", "city_id": "2", "name": "丁县"},
    ],
    [box(-10_000, -10_000, 0, 0), box(0, -10_000, 10_000, 0)],
)
PLACES = layer(
    "osm_places",
    [
        {"node_id": 1, "name": "大镇", "place": "town", "population": 90_000.0},
        {"node_id": 2, "name": "丙", "place": "town"},
        {"node_id": 3, "name": "戊", "place": "village", "population": 5e6},
        {"node_id": 4, "name": "己", "place": "city"},
        {"node_id": 5, "name": "远", "place": "town"},
        {"node_id": 6, "place": "town"},
    ],
    [
        Point(-500, -500),
        Point(-900, -900),
        Point(500, -500),
        Point(800, 800),
        Point(90_000, 0),
        Point(700, -700),
    ],
)
SERVICES = layer(
    "osm_services",
    [{"osm_id": "n1", "kind": "school"}, {"osm_id": "n1", "kind": "hospital"}],
    [Point(-500, 0), Point(60_000, 0)],
)


def locate(places=PLACES, services=SERVICES, metro=None, cities=CITIES, counties=COUNTIES):
    result = gazetteer.locate(cities, counties, places, services, metro)
    return {name: conform(name, frame) for name, frame in result.items()}


def test_centres_of_each_kind():
    centres = locate()["centres"].set_index("centre_id")
    assert centres.index.tolist() == [
        "city-2",
        "core-1",
        "county_seat-c1",
        "county_seat-c2",
        "town-n1",
        "town-n2",
        "town-n6",
    ]
    assert centres.loc["core-1"].geometry.distance(Point(0, 0)) < 1e-6  # projected from degrees
    assert centres.loc["city-2"].geometry == Point(800, 800)  # no centre known: the largest place
    assert centres.loc["county_seat-c1", "name"] == "丙"  # the namesake, not the most people
    assert centres.loc["county_seat-c2", "name"] == "戊"  # the only one with a name
    assert centres.loc["town-n6", "name"] == "n6"
    assert centres["city_id"].tolist() == ["2", "1", "1", "2", "1", "1", "2"]


def test_without_a_namesake_class_then_people_decide():
    places = PLACES[PLACES["node_id"] != 2]
    centres = locate(places=places)["centres"].set_index("centre_id")
    assert centres.loc["county_seat-c1", "name"] == "大镇"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("荥阳市", "荥阳", True),
        ("Foo County", "foo", True),
        ("市", "市", True),
        ("新郑市", "新密市", False),
    ],
)
def test_names_are_compared_without_their_generic_ending(first, second, same):
    assert (gazetteer._stem(first) == gazetteer._stem(second)) is same


def test_places_and_services_know_their_city():
    found = locate()
    assert found["places"]["place_id"].tolist() == ["n1", "n2", "n3", "n4", "n5", "n6"]
    assert found["places"]["city_id"].isna().tolist() == [False] * 4 + [True, False]
    assert found["services"]["service_id"].tolist() == ["hospital-n1", "school-n1"]
    assert found["services"]["city_id"].isna().tolist() == [True, False]


def test_areas_of_the_plan_and_those_outside():
    areas = (
        Area(name="高新区", kind="innovation", point=(113.61, 34.71)),
        Area(name="远方", kind="industry", point=(120.0, 30.0)),
        Area(name="面", kind="industry", polygon="x.geojson"),
    )
    metro = Metro(id="t", area=areas)
    centres = locate(metro=metro)["centres"]
    area = centres[centres["kind"] == "area"]
    assert area["centre_id"].tolist() == ["area-高新区"]
    assert area["city_id"].tolist() == ["2"]


def test_row_order_does_not_matter():
    first, second = (
        locate()["centres"],
        locate(places=PLACES.iloc[::-1], cities=CITIES.iloc[::-1])["centres"],
    )
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(second))


def test_nothing_mapped():
    none = {name: empty_layer(name, METRIC) for name in ("osm_places", "osm_services", "counties")}
    found = locate(none["osm_places"], none["osm_services"], counties=none["counties"])
    assert found["centres"]["centre_id"].tolist() == ["core-1"]
    assert not len(found["places"])
    assert not len(found["services"])
