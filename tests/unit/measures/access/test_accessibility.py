"""Accessibility of zones on a small grid of roads with known times."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from grid_world import CRS, NO_STATIONS, SIZE, centre, grid_network, layer, zones_on

from pipeline.layers import conform, empty_layer
from pipeline.measures.access import travel_times
from pipeline.measures.access.accessibility import zone_accessibility
from pipeline.measures.access.catchments import service_ratios
from pipeline.measures.access.params import (
    AccessibilityParams,
    CentreTimesParams,
    TravelTimesParams,
)
from pipeline.measures.access.people_reached import leaves_metro
from pipeline.measures.routing.params import RoutingParams, TransitParams

CITIES = gpd.GeoDataFrame(
    {"city_id": ["A", "B"]},
    geometry=[shapely.box(0, 0, SIZE / 2, SIZE), shapely.box(SIZE / 2, 0, SIZE, SIZE)],
    crs=CRS,
)


def access_of(
    network, zones, services=(), centres=None, times=None, stations=NO_STATIONS, **params
):
    if times is None:
        times = travel_times.zone_times(
            (0, len(zones)), zones, network, TravelTimesParams(modes=("drive",)), RoutingParams()
        )
    services = (
        layer(
            "services",
            [{"service_id": f"{k}{n}", "kind": k} for n, (k, _, _) in enumerate(services)],
            [shapely.Point(x, y) for _, x, y in services],
        )
        if services
        else empty_layer("services", CRS)
    )
    # Copied, not validated: a small world needs limits other than those the columns are named for.
    limits = AccessibilityParams().model_copy(update=params)
    found = zone_accessibility(
        CITIES,
        zones,
        times,
        centre() if centres is None else centres,
        services,
        service_ratios(zones, times, services, limits),
        network,
        *stations,
        limits,
        TransitParams(),
        CentreTimesParams(),
    )
    return conform("zones", found)


@pytest.fixture(scope="module")
def network():
    return grid_network()


@pytest.fixture(scope="module")
def zones(network):
    return zones_on(network)


def test_minutes_to_the_core_are_exact(network, zones):
    found = access_of(network, zones)
    expected = (np.abs(zones["point_x"] - SIZE / 2) + np.abs(zones["point_y"] - SIZE / 2)) / 1000.0
    np.testing.assert_allclose(found["minutes_to_core"], expected, rtol=1e-9)
    np.testing.assert_allclose(found["minutes_to_core_peak"], 1.1 * expected, rtol=1e-9)
    assert (found["nearest_centre"] == "core-A").all() and found["reason"].isna().all()


def test_reach_by_hand(network, zones):
    found = access_of(network, zones, reach_min=(10, 20, 30), performance_radius_m=20_000)
    x, y = zones["point_x"].to_numpy(), zones["point_y"].to_numpy()
    minutes = (np.abs(np.subtract.outer(x, x)) + np.abs(np.subtract.outer(y, y))) / 1000.0
    other = np.not_equal.outer(zones["city_id"].to_numpy(), zones["city_id"].to_numpy())
    for name, limit in (
        ("population_30min", 10),
        ("population_45min", 20),
        ("population_60min", 30),
    ):
        np.testing.assert_allclose(found[name], 1_000.0 * (minutes <= limit).sum(axis=1))
    near = minutes <= 30
    np.testing.assert_allclose(
        found["cross_border_share_60min_pct"], 100.0 * (near & other).sum(axis=1) / near.sum(axis=1)
    )
    around = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y)) <= 20_000
    np.testing.assert_allclose(
        found["transport_performance"], 100.0 * near.sum(axis=1) / around.sum(axis=1)
    )


def test_zones_of_a_metro_below_the_least_hole_are_all_at_its_edge():
    cities = gpd.GeoDataFrame(
        {"city_id": ["a", "b"]},
        geometry=[shapely.box(0, 0, 400, 500), shapely.box(400, 0, 800, 500)],
        crs=CRS,
    )
    points = pd.DataFrame({"point_x": [10.0, 400.0], "point_y": [10.0, 250.0]})
    assert leaves_metro(points, cities, AccessibilityParams()).tolist() == [True, True]
    near = AccessibilityParams.model_construct(performance_radius_m=100.0, hole_min_km2=1.0)
    assert leaves_metro(points, cities, near).tolist() == [True, False]


def test_edge_zones_are_those_whose_circle_leaves_the_metro(network, zones):
    found = access_of(network, zones, performance_radius_m=9_000)
    x, y = zones["point_x"], zones["point_y"]
    inside = x.between(9_000, SIZE - 9_000) & y.between(9_000, SIZE - 9_000)
    assert (found["is_edge_zone"] == ~inside.to_numpy()).all()


def test_the_nearest_service_is_exact_from_all_at_once(network, zones):
    spots = [
        ("hospital", 3_000.0, 7_000.0),
        ("hospital", 31_000.0, 22_500.0),
        ("school", 20_000.0, 20_000.0),
    ]
    found = access_of(network, zones, spots)
    x, y = zones["point_x"].to_numpy(), zones["point_y"].to_numpy()
    to = np.array([np.abs(x - a) + np.abs(y - b) for _, a, b in spots]) / 1000.0
    # Half way along a road the way round the block may be the shorter one to neither side.
    np.testing.assert_allclose(found["minutes_to_school"], to[2])
    assert (found["minutes_to_hospital"] >= to[:2].min(axis=0) - 1e-9).all()
    assert (found["minutes_to_hospital"] <= to[:2].min(axis=0) + 1.0).all()
    assert found["minutes_to_university"].isna().all() and found["university_access"].isna().all()


def test_catchments_hand_out_every_service_once(network, zones):
    """Summed over people, E2SFCA access gives the services back."""
    found = access_of(
        network, zones, [("hospital", 3_000.0, 7_000.0)] * 3 + [("hospital", 21_000.0, 9_000.0)]
    )
    handed_out = (found["hospital_access"] * found["population"]).sum() / 100_000.0
    assert handed_out == pytest.approx(4.0, rel=1e-6)


def test_unknown_people_and_no_access_are_null_with_reasons(network, zones):
    lost = zones.copy()
    lost.loc[5, ["access_fraction", "access_min", "snap_m"]] = np.nan
    lost.loc[5, "access_segment"], lost.loc[5, "reason"] = -1, "no_road_within_limit"
    found = access_of(network, lost, [("hospital", 3_000.0, 7_000.0)])
    assert found.loc[5, "reason"] == "no_road_within_limit"
    numbers = ["minutes_to_core", "population_60min", "hospital_access", "minutes_to_hospital"]
    assert found.loc[5, numbers].isna().all()
    assert found.drop(index=5)[numbers].notna().all().all()
    unknown = access_of(network, zones.assign(population=np.nan))
    assert unknown["population_60min"].isna().all() and unknown["minutes_to_core"].notna().all()


def test_a_service_sought_by_unknown_people_has_no_access_figure(network, zones):
    """Never 0: the hospital is there, only its demand is not known."""
    spot = [("hospital", 3_000.0, 7_000.0)]
    whole = access_of(network, zones, spot)
    near = int(whole["hospital_access"].argmax())
    partly = zones.copy()
    partly.loc[near, "population"] = np.nan
    found = access_of(network, partly, spot)
    reached = whole["hospital_access"] > 0
    assert reached.any() and not reached.all()
    assert found.loc[reached, "hospital_access"].isna().all()
    assert (found.loc[~reached, "hospital_access"] == 0).all()


def test_empty_layers_give_nulls(network, zones):
    none = empty_layer("centres", CRS)
    found = access_of(network, zones, centres=none, times=empty_layer("travel_times"))
    assert found["minutes_to_core"].isna().all() and found["population_30min"].isna().all()
    assert access_of(network, zones.head(0)).empty


def test_transit_to_the_core(network, zones):
    stations = layer(
        "stations",
        [{"station_id": "s1", "kind": "train"}, {"station_id": "s2", "kind": "train"}],
        [shapely.Point(SIZE / 2, SIZE / 2), shapely.Point(2_000, 2_000)],
    )
    links = layer(
        "transit_links",
        [
            {
                "from_station": "s2",
                "to_station": "s1",
                "line": "1",
                "mode": "train",
                "minutes": 10.0,
                "headway_min": 10.0,
            }
        ],
        [shapely.LineString([(0, 0), (1, 1)])],
    )
    found = access_of(network, zones, stations=(stations, links, empty_layer("station_changes")))
    at_station = (zones["point_x"] == 2_000.0) & (zones["point_y"] == 2_000.0)
    assert found.loc[at_station.to_numpy(), "minutes_to_core_transit"].tolist() == [15.0]
    assert access_of(network, zones)["minutes_to_core_transit"].notna().sum() <= 4


def test_the_order_of_rows_does_not_matter(network, zones):
    spots = [("hospital", 3_000.0, 7_000.0), ("school", 20_000.0, 20_000.0)]
    first = access_of(network, zones, spots)
    second = access_of(network, zones.sample(frac=1.0, random_state=1), spots)
    pd.testing.assert_frame_equal(first.drop(columns="geometry"), second.drop(columns="geometry"))
