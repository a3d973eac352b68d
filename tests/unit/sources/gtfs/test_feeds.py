"""GTFS feeds with known timetables, read into stops, rides, stations and links."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import fsspec
import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from faulty_server import Server, cut, status

from pipeline.crs import local_metric_crs
from pipeline.errors import SourceError
from pipeline.layers import conform, empty_layer
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.routing.transit import TransitNetwork
from pipeline.measures.transit.transit import build_transit
from pipeline.metros.catalogue import Metro
from pipeline.sources.gtfs import coded, days, feeds
from pipeline.sources.gtfs.feeds import read_feeds
from pipeline.sources.gtfs.tables import read_tables
from pipeline.sources.params import ExtractParams
from pipeline.storage.paths import Paths

CRS = local_metric_crs(113.6, 34.7)
PARAMS = TransitParams()
CITIES = gpd.GeoDataFrame(
    {"city_id": ["a", "b"]},
    geometry=[shapely.box(-5e4, -5e4, 0, 5e4), shapely.box(0, -5e4, 5e4, 5e4)],
    crs=CRS,
)
TO_DEGREES = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)

STOPS = {  # id: (x, y, name, parent)
    "W": (-20_000, 0, "西站", None),
    "M1": (-10_000, 0, "中站1", "M"),
    "M2": (-10_000, 40, "中站2", "M"),
    "M": (-10_000, 20, "中站", None),
    "E": (5_000, 0, "东站", None),
    "X": (900_000, 0, "远站", None),
}
ROUTES = {"r1": ("1", 1), "r2": ("G", 101), "r3": ("77", 3), "r4": ("ferry", 4)}


def clock(seconds):
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def trips_every(route, stops, minutes, first_h, last_h, gap_min, service="wk", name="t"):
    """Trips over (stop, ...) with the minutes between, from first to last hour."""
    found = {}
    for number, start in enumerate(range(first_h * 60, last_h * 60, gap_min)):
        at = np.cumsum([start, *minutes]) * 60
        calls = [(stop, clock(s), clock(s)) for stop, s in zip(stops, at.tolist(), strict=True)]
        found[f"{route}-{name}{number}"] = (route, service, calls)
    return found


def write_feed(path, timetable, stops=STOPS, drop=(), **tables):
    """A feed as a zip; ``tables`` replace or add the text of files, ``drop`` leaves some out."""

    def place(x, y):
        lon, lat = TO_DEGREES.transform(x, y)
        return f"{lat:.7f},{lon:.7f}"

    texts = {
        "agency": "agency_id,agency_name,agency_url,agency_timezone\nA,A,http://a.b,Asia/Shanghai\n",
        "stops": "stop_id,stop_name,stop_lat,stop_lon,parent_station\n"
        + "".join(
            f"{key},{name},{place(x, y)},{parent or ''}\n"
            for key, (x, y, name, parent) in stops.items()
        ),
        "routes": "route_id,agency_id,route_short_name,route_type\n"
        + "".join(f"{key},A,{name},{kind}\n" for key, (name, kind) in ROUTES.items()),
        "trips": "route_id,service_id,trip_id\n"
        + "".join(f"{route},{service},{key}\n" for key, (route, service, _) in timetable.items()),
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        + "".join(
            f"{key},{arrive},{depart},{stop},{10 * (n + 1)}\n"
            for key, (_, _, calls) in timetable.items()
            for n, (stop, arrive, depart) in enumerate(calls)
        ),
        "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "wk,1,1,1,1,1,0,0,20240101,20991231\nsu,0,0,0,0,0,0,1,20240101,20991231\n",
        **tables,
    }
    with zipfile.ZipFile(path, "w") as target:
        for name, text in texts.items():
            if name not in drop:
                target.writestr(f"{name}.txt", "\ufeff" + text)
    return str(path)


def read(*paths, params=PARAMS, data="nowhere"):
    metro = Metro(id="m", gtfs={"feeds": paths})
    made = read_feeds(CITIES, metro, params, ExtractParams(), Paths(str(data)))
    return {name: conform(name, frame) for name, frame in made.items()}


def build(*paths, params=PARAMS):
    made = read(*paths, params=params)
    built = build_transit(
        CITIES,
        empty_layer("osm_stops", CRS),
        empty_layer("transit_routes"),
        made["gtfs_stops"],
        made["gtfs_rides"],
        made["gtfs_transfers"],
        params,
    )
    return {name: conform(name, frame) for name, frame in built.items()}


def named_links(built):
    """Links by (line, from name, to name)."""
    name = built["stations"].set_index("station_id")["name"]
    links = built["transit_links"]
    return links.assign(
        start=name.loc[links["from_station"]].to_numpy(),
        stop=name.loc[links["to_station"]].to_numpy(),
    ).set_index(["line", "start", "stop"])


METRO_TRIPS = {
    **trips_every("r1", ["W", "M1", "E"], [12, 20], 5, 23, 10),
    **trips_every("r1", ["E", "M2", "W"], [21, 12], 5, 23, 15, name="back"),
    **trips_every("r1", ["W", "M1"], [2], 5, 23, 1, service="su", name="su"),
    **trips_every("r2", ["W", "E"], [9], 7, 19, 120),
}


def test_minutes_and_headways_are_the_timetables(tmp_path):
    links = named_links(build(write_feed(tmp_path / "g.zip", METRO_TRIPS)))
    assert set(links["evidence"]) == {"gtfs"}
    # Sunday's trips, a minute apart, are not the working day's.
    assert links.loc[("1", "西站", "中站"), ["minutes", "headway_min"]].tolist() == [12.0, 10.0]
    assert links.loc[("1", "东站", "中站"), ["minutes", "headway_min"]].tolist() == [21.0, 15.0]
    assert links.loc[("G", "西站", "东站"), ["minutes", "headway_min"]].tolist() == [9.0, 120.0]
    assert links.loc[("G", "西站", "东站"), "mode"] == "highspeed"
    assert ("G", "东站", "西站") not in links.index
    assert links["route_id"].isna().all()


def test_platforms_are_their_station_and_kinds_at_one_place_one_interchange(tmp_path):
    bus = trips_every("r3", ["M1", "E"], [30], 6, 20, 20)
    built = build(write_feed(tmp_path / "g.zip", METRO_TRIPS | bus))
    stations = built["stations"]
    assert (stations["name"] == "中站").sum() == 2  # subway, and bus
    assert set(stations.loc[stations["name"] == "中站", "kind"]) == {"subway", "bus"}
    assert stations.loc[stations["name"] == "中站", "interchange_id"].nunique() == 1
    assert set(stations.loc[stations["name"] == "西站", "kind"]) == {"subway", "train"}
    assert stations["city_id"].tolist().count("b") == 3
    assert stations["station_id"].str.removeprefix("n").astype("int64").is_unique
    middle = stations[stations["name"] == "中站"].geometry.iloc[0]
    assert middle.distance(shapely.Point(-10_000, 20)) < 0.1
    network = TransitNetwork.build(
        stations, built["transit_links"], built["station_changes"], PARAMS
    )
    found = network.times_between(([-20_000.0], [0.0]), ([5_000.0], [0.0]))[0, 0]
    # The subway: half of ten minutes' headway and 32 minutes; the fast train waits an hour.
    assert found == pytest.approx(5 + 32, abs=0.1)


def test_frequencies_count_as_departures(tmp_path):
    trips = trips_every("r1", ["W", "M1"], [12], 7, 8, 60)
    path = write_feed(
        tmp_path / "g.zip",
        trips,
        frequencies="trip_id,start_time,end_time,headway_secs\n"
        "r1-t0,06:00:00,09:00:00,300\nr1-t0,09:00:00,22:00:00,600\n",
    )
    rides = read(path)["gtfs_rides"]
    assert rides["departures"].tolist() == [2 * 12 + 10 * 6]


def test_times_left_out_run_with_the_distance_and_past_midnight(tmp_path):
    trips = {
        "a": (
            "r1",
            "wk",
            [("W", "08:00:00", "08:00:00"), ("M1", "", ""), ("E", "08:50:00", "08:50:00")],
        ),
        "b": ("r1", "wk", [("W", "23:50:00", "23:50:00"), ("M1", "24:10:00", "24:10:00")]),
        "c": ("r1", "wk", [("E", "08:00:00", "08:00:00"), ("W", "07:00:00", "07:00:00")]),
        "d": ("r1", "wk", [("E", "", ""), ("W", "", "")]),
    }
    late = TransitParams(gtfs_from_h=7, gtfs_to_h=25)
    links = named_links(build(write_feed(tmp_path / "g.zip", trips), params=late))
    assert set(links.index) == {("1", "西站", "中站"), ("1", "中站", "东站")}
    # 10 of 25 km in 50 minutes, and 20 minutes in the night: their mean, twice in 18 hours.
    assert links.loc[("1", "西站", "中站"), "minutes"] == pytest.approx((20 + 20) / 2, abs=0.05)
    assert links.loc[("1", "西站", "中站"), "headway_min"] == pytest.approx(18 * 60 / 2)
    assert links.loc[("1", "中站", "东站"), "minutes"] == pytest.approx(30, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_random_timetables_against_a_count_trip_by_trip(tmp_path, seed):
    rng = np.random.default_rng(seed)
    keys = ["W", "M1", "M2", "E"]
    trips, expected = {}, {}
    for number in range(200):
        stops = list(rng.permutation(keys)[: rng.integers(2, 5)])
        at = np.cumsum(rng.integers(60, 3000, len(stops))) + int(rng.integers(0, 90_000))
        trips[f"t{number}"] = (
            "r1",
            "wk",
            [(k, clock(int(s)), clock(int(s))) for k, s in zip(stops, at, strict=True)],
        )
        own = ["中站" if k in ("M1", "M2") else STOPS[k][2] for k in stops]
        for (a, s), (b, t) in zip(
            zip(own, at, strict=True), list(zip(own, at, strict=True))[1:], strict=False
        ):
            if 7 * 3600 <= s < 19 * 3600 and a != b:
                expected.setdefault((a, b), []).append((t - s) / 60)
    links = named_links(build(write_feed(tmp_path / "g.zip", trips))).loc["1"]
    assert set(links.index) == set(expected)
    for key, minutes in expected.items():
        assert links.loc[key, "minutes"] == pytest.approx(np.mean(minutes))
        assert links.loc[key, "headway_min"] == pytest.approx(720 / len(minutes))


def test_two_feeds_with_the_same_ids_stay_apart(tmp_path):
    first = write_feed(tmp_path / "a.zip", trips_every("r1", ["W", "M1"], [12], 7, 19, 10))
    moved = {
        key: (x, y + 9_000, f"{name}二", parent) for key, (x, y, name, parent) in STOPS.items()
    }
    second = write_feed(
        tmp_path / "b.zip", trips_every("r1", ["W", "M1"], [15], 7, 19, 20), stops=moved
    )
    links = named_links(build(first, second))
    assert links.loc[("1", "西站", "中站"), "minutes"] == 12
    assert links.loc[("1 [2]", "西站二", "中站二"), "minutes"] == 15
    # The first feed's ids do not change because there is a second.
    alone = build(first)["stations"]["station_id"]
    assert set(alone) < set(build(first, second)["stations"]["station_id"])


def test_stops_far_away_and_other_modes_are_left_out(tmp_path, caplog):
    trips = METRO_TRIPS | trips_every("r2", ["E", "X"], [200], 8, 18, 60, name="x")
    trips |= trips_every("r4", ["W", "E"], [40], 8, 18, 60)
    links = named_links(build(write_feed(tmp_path / "g.zip", trips)))
    assert not {"远站"} & set(links.index.get_level_values("stop"))
    assert "ferry" not in links.index.get_level_values("line")
    assert "mode_not_covered drops 10 trips" in caplog.text


def test_a_feed_by_url_is_fetched_with_patience_and_kept(tmp_path):
    write_feed(tmp_path / "g.zip", METRO_TRIPS)
    content = (tmp_path / "g.zip").read_bytes()
    server = Server()
    server.files["/g.zip?key=1"] = content
    server.faults["/g.zip?key=1"] = [status(503, Retry_After="0"), cut(500)]
    url = f"{server.address}/g.zip?key=1"
    try:
        assert len(read(url, data=tmp_path / "data")["gtfs_rides"]) == 5
        assert len(server.seen) == 3
        kept = [each for each in (tmp_path / "data/raw/gtfs").iterdir() if each.suffix == ".zip"]
        assert [each.read_bytes() for each in kept] == [content]
        with pytest.raises(SourceError, match=r"no\.zip does not exist on the server"):
            read(f"{server.address}/no.zip", data=tmp_path / "data")
    finally:
        server.close()


def test_a_feed_on_an_object_store(tmp_path):
    write_feed(tmp_path / "g.zip", METRO_TRIPS)
    fsspec.filesystem("memory").pipe("/gtfs/g.zip", (tmp_path / "g.zip").read_bytes())
    assert len(read("memory://gtfs/g.zip", data=tmp_path / "data")["gtfs_rides"]) == 5


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"drop": ("stop_times",)}, "stop_times.txt is missing or empty"),
        ({"drop": ("calendar",)}, "neither calendar.txt nor calendar_dates.txt"),
        (
            {"stops": {"X": STOPS["X"], "W": (800_000, 0, "w", None)}},
            "no stop in or near the metro",
        ),
        (
            {"routes": "route_id,route_type\nr1,one\n"},
            r"routes.txt route_type has 1 of 1.*'one' in row 2",
        ),
        ({"trips": "trip_id,route_id\nt,r1\n"}, "trips.txt lacks service_id"),
        (
            {
                "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,"
                "end_date\nwk,0,0,0,0,0,0,0,20240101,20240201\n"
            },
            "no trip on any day",
        ),
    ],
)
def test_faults_are_one_clear_line(tmp_path, changes, told):
    trips = trips_every("r1", ["W", "M1", "X"], [12, 200], 7, 19, 60)
    stops = changes.pop("stops", STOPS)
    path = write_feed(tmp_path / "g.zip", trips, stops=stops, **changes)
    with pytest.raises(SourceError, match=told) as caught:
        read(path)
    assert path in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_zip_or_is_cut(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>")
    with pytest.raises(SourceError, match="no zip file"):
        read(str(tmp_path / "a.zip"))
    whole = (tmp_path / "g.zip", METRO_TRIPS)
    content = bytearray(open(write_feed(*whole), "rb").read())  # noqa: PTH123, SIM115
    at = content.find(b"stop_times.txt") + 200
    content[at : at + 60] = bytes(60)
    (tmp_path / "g.zip").write_bytes(content)
    with pytest.raises(SourceError, match=r"g\.zip"):
        read(str(tmp_path / "g.zip"))


def test_no_feed_no_rows():
    made = read()
    assert all(layer.empty for layer in made.values())


# --------------------------------------------------------------------------- times and dwell


def call(stop, arrive, depart=None):
    return (stop, arrive, arrive if depart is None else depart)


def test_dwell_is_part_of_the_ride(tmp_path):
    """Trensurb's case: 8.33 minutes in motion and three stops of 25 s are 9.58 minutes."""
    stops = {f"S{n}": (-20_000 + 2_000 * n, 0, f"站{n}", None) for n in range(5)}
    trips = {}
    for number in range(720):
        at, calls = 7 * 3600 + 60 * number, []
        for n in range(5):
            stands = 25 if 0 < n < 4 else 0
            calls.append((f"S{n}", clock(at), clock(at + stands)))
            at += stands + 125
        trips[f"t{number}"] = ("r1", "wk", calls)
    built = build(write_feed(tmp_path / "g.zip", trips, stops=stops))
    links = named_links(built)
    assert links["minutes"].tolist() == pytest.approx([125 / 60] * 4)
    assert (
        links.loc[("1", "站0", "站1"), "dwell_min"] != links.loc[("1", "站0", "站1"), "dwell_min"]
    )
    assert links.loc[("1", "站1", "站2"), "dwell_min"] == pytest.approx(25 / 60)
    network = TransitNetwork.build(*built.values(), PARAMS)
    found = network.times_between(([-20_000.0], [0.0]), ([-12_000.0], [0.0]))[0, 0]
    assert found == pytest.approx(0.5 + 500 / 60 + 75 / 60, abs=0.01)
    # Who gets on or off at a stop does not stand there.
    one = network.times_between(([-18_000.0], [0.0]), ([-16_000.0], [0.0]))[0, 0]
    assert one == pytest.approx(0.5 + 125 / 60, abs=0.01)


def test_two_platforms_of_one_station_in_a_row_are_one_stay(tmp_path):
    trips = {
        "t": (
            "r1",
            "wk",
            [
                call("W", "08:00:00"),
                call("M1", "08:12:00", "08:13:00"),
                call("M2", "08:15:00", "08:16:00"),
                call("E", "08:36:00"),
            ],
        )
    }
    links = named_links(build(write_feed(tmp_path / "g.zip", trips)))
    assert links["minutes"].to_dict() == {("1", "西站", "中站"): 12, ("1", "中站", "东站"): 20}
    assert links.loc[("1", "中站", "东站"), "dwell_min"] == 4.0


@pytest.mark.parametrize(
    ("blank", "kept"),
    [
        ((2,), {("西站", "中站")}),
        ((0,), {("中站", "东站")}),
        ((1, 2), set()),
        ((0, 1), set()),
    ],
)
@pytest.mark.parametrize("position", ["last", "first", "alone"])
def test_a_first_last_or_only_time_that_is_blank_is_dropped_and_told(
    tmp_path, caplog, blank, kept, position
):
    """The ride of 0 minutes came from the end of the table, whose last time was carried on."""
    times = ["08:00:00", "08:10:00", "08:30:00"]
    times = ["" if n in blank else each for n, each in enumerate(times)]
    torn = [call(stop, each) for stop, each in zip(["W", "M1", "E"], times, strict=True)]
    whole = ("r2", "wk", [call("W", "07:00:00"), call("E", "07:30:00")])
    trips = {"t": ("r1", "wk", torn)}
    if position == "last":
        trips = {"a": whole, **trips}
    elif position == "first":
        trips |= {"z": whole}
    path = write_feed(tmp_path / "g.zip", trips)
    if position == "alone" and not kept:
        with pytest.raises(SourceError, match=r"gives no ride.*stop_times.txt"):
            build(path)
        return
    links = named_links(build(path))
    assert set(links.loc[links["mode"] == "subway"].droplevel(0).index) == kept
    assert (links["minutes"] > 0).all()
    assert "time_unknown drops" in caplog.text
    if not kept:
        assert "trips by subway give no ride" in caplog.text


@pytest.mark.parametrize(
    "text", ["08", "8h00", "080000", "28800", "08:61:00", "-1:00:00", "8:00 AM"]
)
def test_times_that_are_none_are_named(tmp_path, text):
    trips = {"t": ("r1", "wk", [call("W", text), call("M1", "08:10:00"), call("E", "08:30:00")])}
    with pytest.raises(
        SourceError, match=r"stop_times.txt arrival_time has 1 of 3.*HH:MM:SS"
    ) as error:
        read(write_feed(tmp_path / "g.zip", trips))
    assert repr(text) in str(error.value) and "row 2" in str(error.value)


def test_one_odd_time_of_very_many_is_left_out_and_told(tmp_path, caplog):
    trips = METRO_TRIPS | {"x": ("r1", "wk", [call("W", "99:99:99"), call("E", "08:10:00")])}
    assert len(read(write_feed(tmp_path / "g.zip", trips))["gtfs_rides"]) == 5
    assert "'99:99:99'" in caplog.text and "time_unknown drops 1" in caplog.text


def test_hours_past_midnight_are_legal_and_minutes_alone_are_read(tmp_path, caplog):
    trips = {
        "a": ("r1", "wk", [call("W", "8:05"), call("M1", "8:17")]),
        "b": ("r1", "wk", [call("W", "23:50:00"), call("M1", "24:02:00")]),
        "c": ("r1", "wk", [call("W", "47:50:00"), call("M1", "48:02:00")]),
    }
    late = TransitParams(gtfs_from_h=0, gtfs_to_h=48)
    rides = read(write_feed(tmp_path / "g.zip", trips), params=late)["gtfs_rides"]
    assert rides[["minutes", "departures"]].to_numpy().tolist() == [[12.0, 3.0]]
    assert "times without seconds (HH:MM)" in caplog.text


def test_a_feed_whose_day_lies_outside_the_hours_is_an_error(tmp_path):
    path = write_feed(tmp_path / "g.zip", trips_every("r1", ["W", "M1"], [12], 20, 23, 10))
    with pytest.raises(
        SourceError, match=r"gives no ride: all 18 .* 7 to 19 h; set params.transit"
    ):
        read(path)


def test_a_feed_of_other_places_near_one_stop_is_an_error(tmp_path):
    path = write_feed(tmp_path / "g.zip", trips_every("r1", ["W", "X"], [12], 8, 9, 10))
    with pytest.raises(
        SourceError, match=r"gives no ride between its 1 stops in or near the metro"
    ):
        read(path)


# --------------------------------------------------------------------------- modes


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *((each, "subway") for each in (1, 400, 401, 402, 500, 600, "1.0", " 1 ")),
        *((each, "train") for each in (2, 100, 102, 103, 106, 109, 300)),
        *((each, "bus") for each in (3, 11, 110, 200, 204, 700, 702, 714, 715, 800)),
        *((each, "tram") for each in (0, 5, 900, 906, 1701)),
        *((each, "light_rail") for each in (12, 405)),
        (101, "highspeed"),
    ],
)
def test_route_types_of_the_standard_and_extended_ones(tmp_path, kind, mode):
    routes = f"route_id,route_short_name,route_type\nr1,1,{kind}\n"
    path = write_feed(
        tmp_path / "g.zip", trips_every("r1", ["W", "M1"], [12], 7, 8, 10), routes=routes
    )
    assert set(read(path)["gtfs_rides"]["mode"]) == {mode}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (4, r"ferry \(4\)"),
        (7, r"funicular \(7\)"),
        (8, r"unknown type \(8\)"),
        (1100, r"air \(1100\)"),
        (1501, r"taxi \(1501\)"),
        (42, r"unknown type \(42\)"),
        (9999, r"unknown type \(9999\)"),
        ("", "no route type"),
    ],
)
def test_modes_that_are_not_covered_are_named(tmp_path, caplog, kind, words):
    routes = f"route_id,route_short_name,route_type\nr1,1,1\nr4,4,{kind}\n"
    of_r4 = trips_every("r4", ["W", "E"], [40], 8, 18, 60)
    path = write_feed(tmp_path / "g.zip", METRO_TRIPS | of_r4, routes=routes)
    read(path)
    assert re.search(rf"mode_not_covered drops 10 trips \(10 of {words}\)", caplog.text)
    alone = write_feed(tmp_path / "h.zip", of_r4, routes=routes)
    with pytest.raises(
        SourceError, match=rf"routes.txt route_type is of no mode.*{words}.*expected"
    ):
        read(alone)


def test_trains_of_the_basic_type_cover_high_speed_and_extended_types_do_not(tmp_path):
    trips = trips_every("r1", ["W", "M1"], [12], 7, 8, 10)

    def covers(kind):
        routes = f"route_id,route_short_name,route_type\nr1,1,{kind}\n"
        return set(
            read(write_feed(tmp_path / "g.zip", trips, routes=routes))["gtfs_rides"]["covers"]
        )

    assert covers(2) == {"train;highspeed"}
    assert covers(106) == {"train"}
    assert covers(0) == {"tram;light_rail"}
    assert covers(1) == {"subway"}


# --------------------------------------------------------------------------- how tables are written


def rewritten(path, change):
    """A feed whose tables are changed: ``change(name, text) -> bytes``."""
    with zipfile.ZipFile(path) as source:
        texts = {name: source.read(name).decode("utf-8-sig") for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, text in texts.items():
            target.writestr(*change(name, text))
    return path


FEW_TRIPS = {
    **trips_every("r1", ["W", "M1", "E"], [12, 20], 8, 10, 30),
    **trips_every("r1", ["E", "M2", "W"], [21, 12], 8, 10, 30, name="back"),
    **trips_every("r2", ["W", "E"], [9], 8, 10, 60),
}


REWRITES = {
    "blanks around ids": lambda name, text: (
        name,
        text.replace("r1,A", "r1 ,A").replace(",wk,", ", wk ,").encode(),
    ),
    "lines of Windows, an empty one last": lambda name, text: (
        name,
        (text.replace("\n", "\r\n") + "\r\n").encode(),
    ),
    "GBK": lambda name, text: (name, text.encode("gbk")),
    "GB18030": lambda name, text: (name, text.encode("gb18030")),
    "semicolons": lambda name, text: (name, text.replace(",", ";").encode()),
    "tabs": lambda name, text: (name, text.replace(",", "\t").encode()),
    "a folder": lambda name, text: (f"feed/{name}", text.encode()),
    "capitals": lambda name, text: (name.upper(), text.encode()),
    "names of columns in capitals": lambda name, text: (
        name,
        "".join([text.split("\n")[0].upper() + "\n", text.partition("\n")[2]]).encode(),
    ),
    "decimal commas": lambda name, text: (
        name,
        re.sub(r"(\d+)\.(\d{7})", r'"\1,\2"', text).encode(),
    ),
    "quotes": lambda name, text: (
        name,
        "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
        ).encode(),
    ),
}


@pytest.mark.parametrize("name", REWRITES)
def test_what_can_be_read_without_doubt_is_read(tmp_path, name):
    plain = read(write_feed(tmp_path / "g.zip", FEW_TRIPS))
    made = read(rewritten(write_feed(tmp_path / "h.zip", FEW_TRIPS), REWRITES[name]))
    for layer, frame in plain.items():
        assert frame.drop(columns="geometry", errors="ignore").equals(
            made[layer].drop(columns="geometry", errors="ignore")
        ), layer
    assert plain["gtfs_stops"].geometry.geom_equals_exact(made["gtfs_stops"].geometry, 0.01).all()


def test_western_names_are_not_taken_for_chinese(tmp_path, caplog):
    stops = {k: (x, y, n.replace("站", "ção Jundiaí"), p) for k, (x, y, n, p) in STOPS.items()}
    stops = {
        k: (x, y, n.translate({ord(c): "é" for c in "西中东远"}), p)
        for k, (x, y, n, p) in stops.items()
    }
    path = write_feed(tmp_path / "g.zip", FEW_TRIPS, stops=stops)
    made = read(rewritten(path, lambda name, text: (name, text.encode("cp1252"))))
    assert "éção Jundiaí" in set(made["gtfs_stops"]["name"])
    assert "stops.txt is not in UTF-8 as GTFS asks for; read as CP1252" in caplog.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda n, t: (n, t.encode("utf-16")), r"\.txt is in UTF-16; save it as UTF-8"),
        (
            lambda n, t: (n, t.replace(".", ",").encode() if n == "stops.txt" else t.encode()),
            r"stops.txt has 6 rows of another length than its header.*write decimals with a point",
        ),
        (
            lambda n, t: (
                n,
                t.replace("r1,wk", "R1,wk")
                .replace("r2,wk", "R2,wk")
                .replace("r1,su", "R1,su")
                .encode(),
            ),
            r"trips.txt route_id: \d+ of \d+ rows refer to none of routes.txt .*'R1'",
        ),
        (
            lambda n, t: (
                n,
                t.replace("W,", "w,")
                .replace("M1,", "m1,")
                .replace("M2,", "m2,")
                .replace("E,", "e,")
                .encode()
                if n == "stop_times.txt"
                else t.encode(),
            ),
            r"stop_times.txt stop_id: .* none of stops.txt",
        ),
        (
            lambda n, t: (n, t.replace("20240101", "2024/01/01").encode()),
            r"calendar.txt start_date holds '2024/01/01'; expected a date YYYYMMDD",
        ),
        (
            lambda n, t: (n, re.sub(r"(\d+\.\d{7}),(\d+\.\d{7})", r"\2,\1", t).encode()),
            r"stop_lat and stop_lon in stops.txt are exchanged",
        ),
    ],
)
def test_what_cannot_be_read_names_table_column_and_remedy(tmp_path, change, told):
    path = rewritten(write_feed(tmp_path / "g.zip", FEW_TRIPS), change)
    with pytest.raises(SourceError, match=told):
        read(path)


# --------------------------------------------------------------------------- changes


def test_transfers_of_the_timetable(tmp_path, caplog):
    text = "from_stop_id,to_stop_id,transfer_type,min_transfer_time,from_trip_id\n"
    text += "W,M1,2,240,\nW,M2,2,300,\nM,W,3,,\nE,E,2,120,\nE,W,0,,\nE,M1,1,,\nW,E,2,60,r1-t0\nW,gone,2,60,\n"
    found = read(write_feed(tmp_path / "g.zip", FEW_TRIPS, transfers=text))
    name = found["gtfs_stops"].set_index("stop_number")["name"]
    rows = found["gtfs_transfers"]
    told = {
        (name[a], name[b]): (minutes if minutes == minutes else None, bool(possible))
        for a, b, minutes, possible in rows.itertuples(index=False)
    }
    assert told == {
        ("西站", "中站"): (5.0, True),
        ("中站", "西站"): (None, False),
        ("东站", "东站"): (2.0, True),
        ("东站", "西站"): (None, True),
        ("东站", "中站"): (None, True),
    }
    assert "transfer_of_one_route drops 1" in caplog.text


def bomb(path, megabytes, name="stop_times"):
    """A feed whose tables are as they should be, but for one that unpacks to so much more."""
    write_feed(path, METRO_TRIPS)
    with zipfile.ZipFile(path) as archive:
        tables = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in tables.items():
            with archive.open(each, "w", force_zip64=True) as member:
                member.write(content)
                for _ in range(megabytes if each == f"{name}.txt" else 0):
                    member.write(b"\n" * (1 << 20))
    return str(path)


def test_a_table_that_unpacks_to_a_thousand_times_its_bytes_is_refused(tmp_path):
    """It was unpacked, up to 8 GB of it."""
    with pytest.raises(SourceError, match=r"stop_times\.txt unpacks to .* as no timetable does"):
        read(bomb(tmp_path / "g.zip", 40))


def test_a_table_that_nobody_reads_may_be_of_any_size(tmp_path):
    path = bomb(tmp_path / "g.zip", 0)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shapes.txt", bytes(64 << 20))
    assert len(read(path)["gtfs_rides"])


def test_tables_larger_than_the_memory_are_refused_by_the_parameter(tmp_path):
    path = Path(bomb(tmp_path / "g.zip", 3))
    with pytest.raises(SourceError, match=r"3 MB, more than the 1 of extract\.gtfs_tables_mb"):
        read_tables(str(path), path, 1 << 20)
    assert len(read_tables(str(path), path, 8 << 20)["stop_times"])


@pytest.mark.parametrize(
    "factor", [1e6, 1e5], ids=["microdegrees", "a factor of a hundred thousand"]
)
def test_stops_in_no_degrees_are_named_by_it(tmp_path, factor):
    """The error spoke of times."""

    def scaled(match):
        return f"{float(match[1]) * factor:.0f},{float(match[2]) * factor:.0f}"

    path = write_feed(tmp_path / "plain.zip", METRO_TRIPS)
    scaled_path = tmp_path / "a.zip"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(scaled_path, "w") as target:
        for name in archive.namelist():
            text = archive.read(name).decode("utf-8-sig")
            if name == "stops.txt":
                text = re.sub(r"(\d+\.\d+),(\d+\.\d+)", scaled, text)
            target.writestr(name, text)
    with pytest.raises(SourceError, match=r"stop_lat and stop_lon in stops\.txt are no places"):
        read(str(scaled_path))


def test_headways_that_look_like_minutes_are_reported(tmp_path, caplog):
    text = "trip_id,start_time,end_time,headway_secs\nr1-0,06:00:00,22:00:00,{}\n"
    trips = {"r1-0": METRO_TRIPS[next(iter(METRO_TRIPS))]}
    read(write_feed(tmp_path / "a.zip", trips, frequencies=text.format(600)))
    assert "are these minutes" not in caplog.text
    read(write_feed(tmp_path / "b.zip", trips, frequencies=text.format(10)))
    assert "headway_secs is below 60 in 1 of 1 rows" in caplog.text


def test_a_mode_whose_every_ride_has_a_stop_far_away_is_reported(tmp_path, caplog):
    """It was left to OpenStreetMap in silence."""
    trips = {
        **{key: trip for key, trip in METRO_TRIPS.items() if trip[0] == "r1"},
        **trips_every("r2", ["W", "X"], [90], 7, 19, 60),
    }
    made = read(write_feed(tmp_path / "a.zip", trips))
    assert set(made["gtfs_rides"]["mode"]) == {"subway"}
    assert re.search(r"its rides by \w+ have a stop far from the metro", caplog.text)
    caplog.clear()
    read(write_feed(tmp_path / "b.zip", METRO_TRIPS))
    assert "far from the metro" not in caplog.text


# --- memory ---------------------------------------------------------------------------

LONG_FEED = {f"{trip}x{n}": METRO_TRIPS[trip] for n in range(40) for trip in METRO_TRIPS}


def test_tables_of_many_blocks_are_read_as_those_of_one(tmp_path, monkeypatch):
    """Names in GBK, one with a line of its own in quotes, and more rows than a block has."""
    stops = {**STOPS, "W": (-20_000, 0, '"西,\n站"', None)}
    path = write_feed(tmp_path / "a.zip", LONG_FEED, stops=stops)
    in_gbk = tmp_path / "b.zip"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(in_gbk, "w") as target:
        for name in archive.namelist():
            target.writestr(name, archive.read(name).decode("utf-8-sig").encode("gb18030"))
    whole = read(path)
    monkeypatch.setattr(coded, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(feeds, "PAIRS_AT_ONCE", 7)
    monkeypatch.setattr(days, "SERVICES_AT_ONCE", 1)
    assert "西,\n站" in set(whole["gtfs_stops"]["name"])
    for again in (read(path), read(str(in_gbk))):
        for name, layer in whole.items():
            assert again[name].equals(layer), name


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_parts_hold_all_rows_of_a_key_in_their_order(most):
    key = np.random.default_rng(0).integers(0, 9, 40)
    parts = list(feeds._in_parts(key, most))
    assert sorted(np.concatenate(parts)) == list(range(40))
    assert all((np.diff(each) > 0).all() for each in parts)
    assert sum(len(np.unique(key[each])) for each in parts) == len(np.unique(key))
    most_of_one = np.bincount(key).max()
    assert max(map(len, parts)) <= max(most, most_of_one)
    assert list(feeds._in_parts(key[:0], most)) == []


def test_a_quote_that_is_not_closed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(coded, "BLOCK_BYTES", 1_000)
    text = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" + 'r1-0,"' + "x" * 5_000
    with pytest.raises(SourceError, match=r"stop_times\.txt has a row of more than .* quote"):
        read(write_feed(tmp_path / "a.zip", METRO_TRIPS, stop_times=text))


def test_a_table_without_any_of_its_columns_is_named(tmp_path):
    """It was a mismatch of lengths."""
    text = "wk,20240501,2\nwk,20240502,2\n"
    with pytest.raises(
        SourceError, match=r"calendar_dates\.txt has none of the columns service_id"
    ):
        read(write_feed(tmp_path / "a.zip", METRO_TRIPS, calendar_dates=text))


def test_rows_of_few_bytes_count_as_more(tmp_path):
    """They took eighty times the memory of their bytes."""
    path = Path(bomb(tmp_path / "g.zip", 0))
    rows = "service_id,date,exception_type\n" + "s,,\n" * 50_000
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("calendar_dates.txt", rows)
    with pytest.raises(SourceError, match=r"calendar_dates\.txt its tables have more than .* rows"):
        read_tables(str(path), path, 1 << 20)


def test_frequencies_without_end_are_refused(tmp_path, monkeypatch):
    """Rows times calls were a table in memory."""
    trips = {"r1-0": METRO_TRIPS[next(iter(METRO_TRIPS))]}
    rows = "".join(f"r1-0,{h:02d}:00:00,{h + 1:02d}:00:00,600\n" for h in range(6, 22))
    path = write_feed(
        tmp_path / "a.zip",
        trips,
        frequencies=f"trip_id,start_time,end_time,headway_secs\n{rows}",
    )
    # Six an hour, in the hours that count.
    hours = PARAMS.gtfs_to_h - PARAMS.gtfs_from_h
    assert read(path)["gtfs_rides"]["departures"].tolist() == [6 * hours, 6 * hours]
    monkeypatch.setattr(feeds, "MOST_REPEATS", 31)
    with pytest.raises(
        SourceError, match=r"frequencies\.txt has up to 16 rows for a trip, 32 with"
    ):
        read(path)


MEASURED = """
import resource, sys
from pathlib import Path
from pipeline.measures.routing.params import TransitParams
from pipeline.sources.gtfs import feeds
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
feeds._read_feed("feed", Path(sys.argv[1]), "", TransitParams(), 1 << 30)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kilobytes on Linux")
def test_reading_takes_few_times_the_memory_of_the_tables(tmp_path):
    """It was seventeen times, and eighty for rows of frequencies.txt."""
    names = [f"st{n:04d}" for n in range(2_000)]
    stops = {name: (40 * n - 40_000, 0, name, None) for n, name in enumerate(names)}
    trips = {}
    for number in range(25_000):
        first, start = number * 7 % 1_970, 18_000 + number % 6_000 * 10
        at = [clock(start + 120 * n) for n in range(30)]
        calls = [(names[first + n], at[n], at[n]) for n in range(30)]
        trips[f"trip_{number:06d}"] = ("r1", "wk", calls)
    rows = "".join(f"{trip},08:00:00,09:00:00,600\n" * 20 for trip in trips)
    frequencies = f"trip_id,start_time,end_time,headway_secs\n{rows}"
    path = write_feed(tmp_path / "a.zip", trips, stops=stops, frequencies=frequencies)
    with zipfile.ZipFile(path) as archive:
        size = sum(each.file_size for each in archive.infolist())
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, path], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 9 * size
