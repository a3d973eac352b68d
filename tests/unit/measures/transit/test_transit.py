"""Stations, rides, and door-to-door transit times against sums done by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from streets import make_network

from pipeline.crs import local_metric_crs
from pipeline.layers import conform, empty_layer
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork
from pipeline.measures.transit.changes import find_changes
from pipeline.measures.transit.transit import build_transit

CRS = local_metric_crs(113.6, 34.7)
PARAMS = TransitParams()
INTS = pd.ArrowDtype(pa.list_(pa.int64()))

CITIES = gpd.GeoDataFrame(
    {"city_id": ["a", "b"]},
    geometry=[shapely.box(-1e5, -1e5, 0, 1e5), shapely.box(0, -1e5, 1e5, 1e5)],
    crs=CRS,
)


def make_stops(rows):
    """Rows of (node_id, x, y, name, kind, is_station)."""
    if not rows:
        return empty_layer("osm_stops", CRS)
    return gpd.GeoDataFrame(
        [
            {"node_id": node, "name": name, "name_en": None, "kind": kind, "is_station": station}
            for node, _, _, name, kind, station in rows
        ],
        geometry=gpd.points_from_xy([row[1] for row in rows], [row[2] for row in rows]),
        crs=CRS,
    )


def make_routes(rows):
    """Rows of (route_id, mode, ref, headway_min, stop ids)."""
    frame = pd.DataFrame(rows, columns=["route_id", "mode", "ref", "headway_min", "stop_ids"])
    frame["name"] = None
    frame["stop_ids"] = pd.Series(frame["stop_ids"].tolist(), dtype=INTS)
    return conform("transit_routes", frame)


STOPS = [
    (1, -20_000.0, 0.0, "West", "subway", True),
    (2, -10_000.0, 0.0, "Middle", "subway", True),
    (3, 0.5, 0.0, "East", "subway", True),
    (4, -10_000.0, 200.0, "Middle", "train", True),
    (5, 100_000.0, 200.0, "Far", "train", True),
]
ROUTES = [(10, "subway", "1", np.nan, [1, 2, 3]), (20, "highspeed", "G", np.nan, [4, 5])]


def search(made, params=PARAMS):
    layers = (made[name] for name in ("stations", "transit_links", "station_changes"))
    return TransitNetwork.build(*layers, params)


def network_of(stops=STOPS, routes=ROUTES):
    made = build_transit(
        CITIES,
        make_stops(stops),
        make_routes(routes),
        empty_layer("gtfs_stops", CRS),
        empty_layer("gtfs_rides"),
        empty_layer("gtfs_transfers"),
        PARAMS,
    )
    return made, search(made)


def test_layers_of_two_lines():
    made, _ = network_of()
    stations, links = made["stations"].set_index("station_id"), made["transit_links"]
    assert stations["city_id"].tolist() == ["a", "a", "b", "a", "b"]
    assert stations.loc["n4", "interchange_id"] == stations.loc["n2", "interchange_id"]
    assert stations["interchange_id"].nunique() == 4
    assert len(links) == 6
    subway = links[links["mode"] == "subway"]
    np.testing.assert_allclose(
        subway["minutes"], [10 / 35 * 60] * 2 + [10.0005 / 35 * 60] * 2, rtol=1e-4
    )
    assert set(subway["headway_min"]) == {6.0}
    pairs = set(zip(links["from_station"], links["to_station"], strict=True))
    assert pairs == {(b, a) for a, b in pairs}


def test_platforms_of_one_name_are_one_station_and_both_relations_one_line():
    stops = [
        (1, 0.0, 0.0, "A", "bus", False),
        (2, 30.0, 0.0, "A", "bus", False),
        (3, 5000.0, 0.0, "B", "bus", False),
        (4, 5020.0, 0.0, "B", "bus", True),
        (9, 0.0, 90.0, "unused", "bus", False),
        (6, 0.0, 10.0, None, "bus", False),
        (7, 5000.0, 900.0, "B", "bus", False),
    ]
    routes = [
        (10, "bus", "7", 20.0, [1, 3]),
        (11, "bus", "7", 15.0, [4, 2]),
        (12, "bus", "8", np.nan, [6, 7]),
    ]
    made, _ = network_of(stops, routes)
    # Too far apart (7) and unnamed (6) stay alone; the stop tagged as a station stands for its group.
    assert sorted(made["stations"]["station_id"]) == ["n1", "n4", "n6", "n7"]
    seven = made["transit_links"].query("line == '7'")
    assert list(zip(seven["from_station"], seven["to_station"], strict=True)) == [
        ("n1", "n4"),
        ("n4", "n1"),
    ]
    assert set(seven["headway_min"]) == {15.0}


def test_order_of_rows_changes_nothing():
    made, _ = network_of()
    other, _ = network_of(STOPS[::-1], ROUTES[::-1])
    pd.testing.assert_frame_equal(pd.DataFrame(made["stations"]), pd.DataFrame(other["stations"]))
    pd.testing.assert_frame_equal(
        pd.DataFrame(made["transit_links"]), pd.DataFrame(other["transit_links"])
    )


def walk(metres):
    return metres / 1000 / 4.5 * 60


def test_walk_wait_ride_walk():
    _, transit = network_of()
    found = transit.times_between(([-20_000.0], [500.0]), ([0.5], [-900.0]))
    ride = (10_000 + 10_000.5) / 1000 / 35 * 60
    assert found[0, 0] == pytest.approx(walk(500) + 3 + ride + walk(900))


def test_changing_waits_again_and_takes_the_transfer():
    _, transit = network_of()
    found = transit.times_between(([-20_000.0], [0.0]), ([100_000.0], [200.0]))
    subway, fast = 10 / 35 * 60, 110 / 220 * 60
    assert found[0, 0] == pytest.approx(3 + subway + PARAMS.transfer_min + 30 + 15 + fast)


def test_reverse_search_gives_the_transpose():
    _, transit = network_of()
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-21_000, 1_000, 40), rng.uniform(-800, 800, 40)
    leave, finish = transit.reach(x, y, leaving=True), transit.reach(x, y, leaving=False)
    forward = transit.arrive(transit.times(leave, 40), finish, 40)
    back = transit.arrive(transit.times(finish, 40, reverse=True), leave, 40)
    assert np.isfinite(forward).any()
    np.testing.assert_allclose(forward, back.T)


def test_a_trip_has_a_ride_unless_it_is_a_walk():
    _, transit = network_of()
    # Both beside one station: no ride there and back is as quick as the walk.
    near = transit.times_between(([-20_000.0], [0.0]), ([-20_000.0], [1_000.0]))
    assert near[0, 0] == pytest.approx(walk(1_000))
    # 2 km apart round one station: too far to walk, and no line goes there.
    apart = transit.times_between(([-20_000.0], [-1_000.0]), ([-20_000.0], [1_000.0]))
    assert apart[0, 0] > walk(2_000)


@pytest.mark.parametrize(("off_m", "is_driven_to"), [(900.0, True), (1_100.0, False)])
def test_one_drives_to_a_station_near_a_road(off_m, is_driven_to):
    """The station West, seven km along a road that passes it at a distance."""
    roads = make_network([(1, 2, [(-28_000.0, off_m), (-20_000.0, off_m)], {})])
    _, transit = network_of()
    access, _ = roads.access_of_points([-27_000.0], [off_m], 100.0)
    ways = transit.reach([-27_000.0], [off_m], roads, access)
    assert ways["station"].tolist() == ([0] if is_driven_to else [])
    assert (ways["minutes"] >= 7.0 + PARAMS.drive_extra_min).all()
    farther = search(network_of()[0], PARAMS.model_copy(update={"max_snap_m": 1_200.0}))
    assert len(farther.reach([-27_000.0], [off_m], roads, access)) == 1


def test_out_of_reach_and_empty():
    _, transit = network_of()
    assert np.isinf(transit.times_between(([-20_000.0], [1_600.0]), ([0.0], [0.0]))).all()
    made, nothing = network_of([], [])
    assert made["stations"].empty and made["transit_links"].empty
    assert np.isinf(nothing.times_between(([0.0], [0.0]), ([5_000.0], [0.0]))).all()
    assert nothing.times_between(([0.0], [0.0]), ([900.0], [0.0]))[0, 0] == pytest.approx(walk(900))


# --------------------------------------------------------------------------- timetable


def with_timetable(modes, stops=STOPS, routes=ROUTES, covers=None, transfers=None):
    """A timetable of one ride back and forth between two stops, per mode."""
    timed_stops = gpd.GeoDataFrame(
        {"stop_number": [-7, -8], "name": ["West", "East"]},
        geometry=[shapely.Point(-20_000, 30), shapely.Point(0.5, 30)],
        crs=CRS,
    )
    rows = [
        {
            "line": "T",
            "mode": mode,
            "from_stop": a,
            "to_stop": b,
            "minutes": 25.0,
            "departures": 72,
            "departures_through": 0,
            "dwell_min": np.nan,
            "covers": covers or mode,
        }
        for mode in modes
        for a, b in ((-7, -8), (-8, -7))
    ]
    rides = conform("gtfs_rides", pd.DataFrame(rows)) if rows else empty_layer("gtfs_rides")
    changes = empty_layer("gtfs_transfers")
    if transfers:
        table = pd.DataFrame(transfers, columns=["from_stop", "to_stop", "minutes", "is_possible"])
        changes = conform("gtfs_transfers", table)
    return build_transit(
        CITIES, make_stops(stops), make_routes(routes), timed_stops, rides, changes, PARAMS
    )


def test_a_timetable_replaces_only_the_modes_it_has():
    """A feed of the metro alone took all trains and buses away."""
    bus = [(31, 0.0, 5_000.0, "A", "bus", False), (32, 9_000.0, 5_000.0, "B", "bus", False)]
    made = with_timetable(["subway"], [*STOPS, *bus], [*ROUTES, (30, "bus", "7", np.nan, [31, 32])])
    links = made["transit_links"]
    evidence = links.groupby("mode")["evidence"].agg(lambda each: "/".join(sorted(set(each))))
    assert evidence.to_dict() == {
        "subway": "gtfs",
        "highspeed": "scheduled_proxy",
        "bus": "scheduled_proxy",
    }
    timed = links[links["mode"] == "subway"]
    assert set(timed["line"]) == {"T"}
    assert set(timed["minutes"]) == {25.0}
    assert set(timed["headway_min"]) == {10.0}
    assert set(links.loc[links["mode"] == "highspeed", "headway_min"]) == {60.0}
    assert links.loc[links["mode"] == "bus", "route_id"].tolist() == [30, 30]
    kinds = made["stations"].set_index("station_id")["kind"]
    # Metro stations are the timetable's, the others OSM's.
    assert kinds.to_dict() == {
        "n-7": "subway",
        "n-8": "subway",
        "n4": "train",
        "n5": "train",
        "n31": "bus",
        "n32": "bus",
    }


def test_a_timetable_of_every_mode_leaves_nothing_to_osm():
    links = with_timetable(["subway", "highspeed"])["transit_links"]
    assert set(links["evidence"]) == {"gtfs"}
    assert set(links["mode"]) == {"subway", "highspeed"}


def test_without_a_timetable_all_is_the_proxy():
    made, plain = with_timetable([]), network_of()[0]
    assert set(made["transit_links"]["evidence"]) == {"scheduled_proxy"}
    for name, layer in plain.items():
        pd.testing.assert_frame_equal(pd.DataFrame(made[name]), pd.DataFrame(layer))


def test_one_can_change_between_a_timetabled_line_and_one_of_osm():
    """The timetable's West and OSM's train station West are one interchange."""
    trains = [
        (41, -20_000.0, 100.0, "West", "train", True),
        (42, 90_000.0, 0.0, "Far", "train", True),
    ]
    made = with_timetable(
        ["subway"], [*STOPS, *trains], [*ROUTES, (40, "train", "K", 30.0, [41, 42])]
    )
    stations = made["stations"].set_index("station_id")
    assert stations.loc["n-7", "interchange_id"] == stations.loc["n41", "interchange_id"]
    transit = search(made)
    found = transit.times_between(([0.5], [30.0]), ([90_000.0], [0.0]))
    assert np.isfinite(found).all()


def test_a_plain_rail_feed_leaves_no_high_speed_line_twice():
    """Type 2 does not tell trains from high-speed trains: OSM's stood beside the timetable's."""
    both = with_timetable(["train"], covers="train;highspeed")["transit_links"]
    assert set(both["mode"]) == {"train", "subway"}
    told_apart = with_timetable(["train"])["transit_links"]
    assert set(told_apart["mode"]) == {"train", "subway", "highspeed"}


# --------------------------------------------------------------------------- changes


def near_lines(metres):
    """Two subway lines whose stations End and Start, of other names, lie so far apart."""
    stops = [
        (1, 0.0, 0.0, "A", "subway", True),
        (2, 10_000.0, 0.0, "End", "subway", True),
        (3, 10_000.0 + metres, 0.0, "Start", "subway", True),
        (4, 20_000.0, 0.0, "B", "subway", True),
    ]
    routes = [(10, "subway", "1", 6.0, [1, 2]), (20, "subway", "2", 6.0, [3, 4])]
    return stops, routes


@pytest.mark.parametrize(("metres", "minutes"), [(100, 3.0), (350, 350 / 75), (399, 399 / 75)])
def test_stations_near_one_another_are_changes_on_foot(metres, minutes):
    made, _ = network_of(*near_lines(metres))
    changes = made["station_changes"].set_index(["from_station", "to_station"])
    assert changes.loc[("n2", "n3"), "minutes"] == pytest.approx(minutes)
    assert changes.loc[("n3", "n2"), "evidence"] == "near"
    found = search(made).times_between(([0.0], [0.0]), ([20_000.0], [0.0]))[0, 0]
    rides = (10_000 + 10_000 - metres) / 1000 / 35 * 60
    assert found == pytest.approx(3 + 3 + rides + minutes)


def test_stations_farther_apart_are_none():
    made, transit = network_of(*near_lines(401))
    assert made["station_changes"].empty
    assert np.isinf(transit.times_between(([0.0], [0.0]), ([20_000.0], [0.0]))[0, 0])
    wider = PARAMS.model_copy(update={"change_m": 500.0})
    stations = made["stations"]
    nothing = pd.DataFrame(columns=["from_station", "to_station", "minutes", "is_possible"])
    assert len(find_changes(stations, nothing, wider)) == 2


def test_a_timetable_times_changes_and_forbids_them():
    far = [(-7, -8, 9.0, True)]
    made = with_timetable(["subway"], transfers=far)
    changes = made["station_changes"].set_index(["from_station", "to_station"])
    assert changes.loc[("n-7", "n-8")].tolist() == [9.0, "gtfs"]
    assert ("n-8", "n-7") not in changes.index
    # Stations of OSM beside the timetable's are changes as everywhere.
    beside = [(41, -20_000.0, 130.0, "Other", "train", True), *STOPS]
    routes = [*ROUTES, (40, "train", "K", 30.0, [41, 5])]
    made = with_timetable(["subway"], stops=beside, routes=routes)
    assert "near" in set(made["station_changes"]["evidence"])
    within = with_timetable(["subway"], transfers=[(-7, -7, 4.0, True)])["station_changes"]
    assert within.loc[within["from_station"] == "n-7", "minutes"].tolist() == [4.0]
    never = with_timetable(["subway"], transfers=[(-7, -8, np.nan, False)])["station_changes"]
    assert never.empty
