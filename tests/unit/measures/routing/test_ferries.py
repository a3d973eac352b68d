"""Ferries and wide waters in the routing network."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from random_roads import CRS, make_nodes, make_restrictions, make_roads

from pipeline.layers import conform, empty_layer
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare_metro

SHORES = {1: (0, 0), 2: (1000, 0), 3: (4000, 0), 4: (5000, 0), 5: (2500, 0)}


def ferry(ids=(2, 3), minutes=np.nan, direction="both", way=70):
    return {
        "way_id": way,
        "node_ids": list(ids),
        "name": None,
        "minutes": minutes,
        "car_direction": direction,
        "geometry": shapely.LineString([SHORES[each] for each in ids]),
    }


def network_of(ferries=(), waters=(), pairs=((1, 2), (3, 4)), xy=SHORES):
    roads = make_roads([{"from_node": a, "to_node": b} for a, b in pairs], xy)
    frame = empty_layer("ferries", CRS)
    if ferries:
        frame = conform("ferries", gpd.GeoDataFrame(list(ferries), geometry="geometry", crs=CRS))
    land = empty_layer("land_areas", CRS)
    if waters:
        rows = pd.DataFrame({"area_id": [f"w{n}" for n in range(len(waters))]})
        rows = rows.assign(key="natural", value="water", water=None, name=None)
        land = conform("land_areas", gpd.GeoDataFrame(rows, geometry=list(waters), crs=CRS))
    turns = make_restrictions([])
    return prepare_metro(roads, make_nodes(xy), turns, frame, land, RoutingParams())


def minutes(network, a, b):
    at = network.access_of_nodes([a, b])
    return network.times_between(at.take([0]), at.take([1]))[0, 0]


@pytest.mark.parametrize(
    ("ferries", "there", "back"),
    [
        ([], np.inf, np.inf),
        # A minute of road on either side, 3 km at 12 km/h, half an hour's wait.
        ([ferry()], 47.0, 47.0),
        ([ferry(minutes=20.0)], 52.0, 52.0),
        ([ferry(direction="forward")], 47.0, np.inf),
        ([ferry(direction="backward")], np.inf, 47.0),
        # In two ways that meet at sea, the wait stays one.
        ([ferry((2, 5)), ferry((5, 3), way=71)], 47.0, 47.0),
        ([ferry((2, 5, 3), minutes=20.0)], 52.0, 52.0),
        ([ferry((2, 5))], np.inf, np.inf),
    ],
)
def test_a_crossing_takes_its_time_and_the_wait(ferries, there, back):
    network = network_of(ferries)
    assert minutes(network, 1, 4) == pytest.approx(there)
    assert minutes(network, 4, 1) == pytest.approx(back)


def test_what_a_ferry_reaches_is_part_of_the_main_network_and_nobody_joins_at_sea():
    network = network_of([ferry()])
    assert network.segment_is_main.all()
    segment, _, snap_m = network.snap_points([2400.0], [0.0], 3_000)
    assert network.segment_way[segment[0]] != 70 and snap_m[0] == pytest.approx(1400)
    assert np.isnan(network_of().snap_points([4400.0], [0.0], 300)[2][0])


RIVER = shapely.box(-500, 100, 3000, 300)
NEAR, FAR = {1: (0, 0), 2: (1000, 0), 3: (0, 700), 4: (1000, 700), 5: (5000, 350)}, (500, 320)


@pytest.mark.parametrize(
    ("waters", "way"),
    [
        ([], 1),
        ([RIVER], 2),
        # A narrow one, or one that ends before it parts anything.
        ([shapely.box(-500, 100, 3000, 190)], 1),
        ([shapely.box(600, 100, 3000, 300)], 1),
        # In two pieces that touch, as rivers are mapped.
        ([shapely.box(-500, 100, 3000, 180), shapely.box(-500, 180, 3000, 300)], 2),
        # Whoever is afloat has no side.
        ([shapely.box(-500, 100, 3000, 340)], 1),
    ],
)
def test_a_place_joins_a_road_on_its_own_side_of_the_water(waters, way):
    pairs = ((1, 2), (3, 4), (2, 5), (4, 5))
    network = network_of(waters=waters, pairs=pairs, xy=NEAR)
    segment, _, snap_m = network.snap_points([FAR[0]], [FAR[1]], 3_000)
    assert network.segment_way[segment[0]] == way
    assert snap_m[0] == pytest.approx({1: 320, 2: 380}[way])


def test_a_place_whose_side_has_no_road_is_not_joined():
    xy = {1: (0, 0), 2: (1000, 0)}
    network = network_of(waters=[RIVER], pairs=((1, 2),), xy=xy)
    at = np.array([FAR[0]]), np.array([FAR[1]])
    assert network.snap_points(*at, 3_000)[0].tolist() == [-1]
    assert network.reasons_without_access(*at, 3_000).tolist() == ["not_joined_to_main_network"]
