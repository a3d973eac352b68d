"""Isochrones on a small grid of roads with known times."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from grid_world import CRS, NO_STATIONS, SIZE, centre, grid_network, layer, zones_on
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples

from pipeline.errors import CrsError, StageError
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.isochrones import draw_isochrones
from pipeline.measures.access.params import CentreTimesParams, IsochronesParams
from pipeline.measures.routing.params import TransitParams

PARAMS = IsochronesParams()


@pytest.fixture(scope="module")
def network():
    return grid_network()


def draw(network, zones, centres=None, stations=NO_STATIONS, params=PARAMS):
    centres = centre() if centres is None else centres
    found = draw_isochrones(
        centres["centre_id"].iloc[0] if len(centres) else "",
        centres,
        None,
        zones,
        network,
        *stations,
        params,
        TransitParams(),
        CentreTimesParams(),
    )
    return conform("isochrones", found)


# --------------------------------------------------------------------------- isochrones


def test_the_area_of_a_grid_is_a_diamond(network):
    """In m minutes a grid of a minute per km is reached to |x| + |y| = m km."""
    found = draw(network, empty_layer("zone_grid", CRS)).set_index(["mode", "minutes"])
    area = found.loc[("drive", 15.0), "area_km2"]
    # 2 m^2 km2, and about half a km more on each of its sides.
    assert 2 * 15.0**2 < area < 2 * 16.0**2
    assert area > found.loc[("drive_peak", 15.0), "area_km2"]


@pytest.mark.parametrize("simplify_m", [20.0, 100.0, 400.0])
def test_outlines_are_valid_and_strictly_nested(network, simplify_m):
    params = IsochronesParams(minutes=(45, 5, 10, 12, 15), simplify_m=simplify_m)
    found = draw(network, empty_layer("zone_grid", CRS), params=params)
    for frame in (found, found.to_crs(4326)):
        assert frame.is_valid.all()
        for _, each in frame.groupby("mode"):
            shapes = each.sort_values("minutes").geometry.to_numpy()
            assert shapely.contains_properly(shapes[1:], shapes[:-1]).all()


@settings(max_examples=examples(4), deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 0.4))
def test_broken_networks_give_nested_areas_too(seed, dropped):
    rng = np.random.default_rng(seed)
    broken = grid_network(lambda tail, head: rng.random(len(tail)) > dropped)
    found = draw(broken, empty_layer("zone_grid", CRS))
    for _, each in found.groupby("mode"):
        shapes = each.sort_values("minutes").geometry.to_numpy()
        assert shapely.is_valid(shapes).all()
        assert shapely.covers(shapes[1:], shapes[:-1]).all()


def test_people_inside_are_those_of_the_zones_reached(network):
    zones = zones_on(network)
    found = draw(network, zones).set_index(["mode", "minutes"])
    far = (np.abs(zones["point_x"] - SIZE / 2) + np.abs(zones["point_y"] - SIZE / 2)) / 1000.0
    assert found.loc[("drive", 15.0), "population"] == 1_000.0 * (far <= 15.5).sum()
    unknown = draw(network, zones.assign(population=np.nan))
    assert unknown["population"].isna().all()


def test_transit_reaches_round_stations(network):
    stations = layer(
        "stations",
        [{"station_id": "s1", "kind": "train"}, {"station_id": "s2", "kind": "train"}],
        [shapely.Point(SIZE / 2, SIZE / 2), shapely.Point(SIZE - 4_000, SIZE / 2)],
    )
    links = layer(
        "transit_links",
        [
            {
                "from_station": "s1",
                "to_station": "s2",
                "line": "1",
                "mode": "train",
                "minutes": 10.0,
                "headway_min": 10.0,
            }
        ],
        [shapely.LineString([(0, 0), (1, 1)])],
    )
    found = draw(
        network,
        empty_layer("zone_grid", CRS),
        stations=(stations, links, empty_layer("station_changes")),
    )
    found = found[found["mode"] == "transit"].set_index("minutes")
    there = shapely.Point(SIZE - 4_000, SIZE / 2)
    # Five minutes' wait and ten on the train: reached by 30, with a walk of 1.1 km.
    assert not found.loc[15.0, "geometry"].contains(there.buffer(100))
    assert found.loc[30.0, "geometry"].contains(there.buffer(1_000))
    assert found.loc[30.0, "area_km2"] < 2 * np.pi * 1.55**2


def test_other_kinds_of_centre_and_lost_ones_have_no_rows(network):
    zones = empty_layer("zone_grid", CRS)
    assert draw(network, zones, centre(kind="town")).empty
    assert draw(network, zones, centre(x=SIZE + 50_000.0)).empty
    assert draw(network, zones, empty_layer("centres", CRS)).empty
    with pytest.raises(StageError, match="nowhere"):
        draw_isochrones(
            "nowhere",
            centre(),
            None,
            zones,
            network,
            *NO_STATIONS,
            PARAMS,
            TransitParams(),
            CentreTimesParams(),
        )
    with pytest.raises(CrsError):
        draw(network, zones, centre().to_crs(4326))
