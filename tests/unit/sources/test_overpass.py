"""Overpass: what is asked and kept, and a server that plays up."""

from __future__ import annotations

import errno
import json
import socket
import tempfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import osmnx
import pandas as pd
import pytest
import shapely
from faulty_server import Server, cut, instead, silent, status
from play_overpass import Planet, planet_of

from pipeline.errors import ConfigError, DiskFullError, SourceError
from pipeline.metros.catalogue import load_metro
from pipeline.sources import resolve
from pipeline.sources.http import Patience, UnreachableError
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.overpass import ask
from pipeline.sources.overpass.area import area_km2, area_of, check_size, header_box, tiles_of
from pipeline.sources.overpass.ask import SERVER_VARIABLE
from pipeline.sources.overpass.source import prepare
from pipeline.sources.params import ExtractParams
from pipeline.sources.source import Request, Source
from pipeline.storage.paths import Paths

ASK = "/api/interpreter"
QUICK = Patience(attempts=3, first_wait_s=0.01, longest_wait_s=0.5, read_timeout_s=1.0)
BOX = (113.75, 34.35, 114.25, 34.65)


@pytest.fixture
def two_cities_pbf(world, tmp_path):
    """Two cities, a dozen roads across and along their border, a lake, a barrier, a restriction."""
    world.two_cities()
    for step in range(6):
        lat = 34.42 + step * 0.03
        west = [world.node(113.82 + 0.03 * n, lat) for n in range(6)]
        east = [world.node(114.02 + 0.03 * n, lat) for n in range(6)]
        world.way(west, highway="primary", name=f"West {step}", lanes="2")
        world.way(east, highway="secondary", oneway="yes")
        if step % 2:
            world.way([west[-1], east[0]], highway="primary")
    world.ring(113.99, 34.5, 114.01, 34.52, natural="water", name="湖")
    gate = world.node(113.9, 34.41, barrier="gate")
    world.way([world.node(113.85, 34.41), gate, world.node(113.95, 34.41)], highway="tertiary")
    world.node(113.9, 34.5, place="town", name="镇")
    world.node(113.91, 34.51, natural="tree")
    return world.write(tmp_path / "world.osm.pbf", bbox=BOX)


@pytest.fixture
def metro(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(
        f"[boundaries]\nadmin_level = 5\n[overpass]\nbbox = {list(BOX)}\n", encoding="utf-8"
    )
    return load_metro(str(path))


@pytest.fixture
def server(two_cities_pbf, monkeypatch):
    made = Server()
    planet = planet_of(two_cities_pbf)
    made.post = planet.answer
    made.planet = planet
    monkeypatch.setenv(SERVER_VARIABLE, f"{made.address}/api")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "raw" / "overpass"


def fetch(metro, tmp_path, folder, say=lambda text: None):
    source = prepare(Request(metro, Paths(str(tmp_path)), say=say), QUICK)
    return source.files[0]


def read(metro, path):
    return read_extract(metro, Source("pbf", (path,)), ExtractParams())


def test_the_extract_of_the_tiles_is_that_of_the_file(
    metro, server, two_cities_pbf, tmp_path, folder
):
    told = []
    path = fetch(metro, tmp_path, folder, say=told.append)
    assert "  Overpass: 6 of 6 tiles" in told
    ours, real = read(metro, path), read(metro, two_cities_pbf)
    assert ours.facts["osm_snapshot"] == real.facts["osm_snapshot"] == "2024-05-01"
    for name, frame in real.layers.items():
        pd.testing.assert_frame_equal(
            pd.DataFrame(ours.layers[name]), pd.DataFrame(frame), obj=name
        )
    assert len(real.layers["highways"]) > 10
    assert len(real.layers["land_areas"]) == 1


def test_osmnx_is_left_as_it_was(metro, server, tmp_path, folder):
    before = {name: getattr(osmnx.settings, name) for name in dir(osmnx.settings)}
    look_up = socket.getaddrinfo
    fetch(metro, tmp_path, folder)
    assert {name: getattr(osmnx.settings, name) for name in dir(osmnx.settings)} == before
    assert socket.getaddrinfo is look_up
    assert not (tmp_path / "cache").exists()


def test_a_second_run_asks_nothing(metro, server, tmp_path, folder):
    first = fetch(metro, tmp_path, folder).read_bytes()
    asked = len(server.seen)
    assert asked == len(list(folder.iterdir())) == 6
    assert fetch(metro, tmp_path, folder).read_bytes() == first
    assert len(server.seen) == asked


@pytest.mark.parametrize(
    "faults",
    {
        "busy with a wait": [status(429, Retry_After="0")],
        "gateway": [status(504), status(504)],
        "cut": [lambda handler, _: cut(10)(handler, b"{" * 100)],
        "page": [instead(b"<html>busy", "text/html")],
        "silent": [silent(1.5)],
        "half an answer": [instead(b'{"elements": [{"type": "no')],
    }.items(),
    ids=lambda each: each[0],
)
def test_faults_that_pass(metro, server, tmp_path, folder, faults, two_cities_pbf):
    server.faults[ASK] = list(faults[1])
    path = fetch(metro, tmp_path, folder)
    assert server.faults[ASK] == []
    assert len(read(metro, path).layers["highways"]) == len(
        read(metro, two_cities_pbf).layers["highways"]
    )
    assert all(json.loads(each.read_bytes())["elements"] for each in folder.iterdir())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (status(504), r"busy \(504\)"),
        (status(429, Retry_After="9999"), r"busy \(429\)"),
        (status(400), r"refused the question \(400\)"),
        (instead(b"<!DOCTYPE html>", "text/html"), "a web page"),
        (instead(b"[1, 2]"), "no Overpass answer"),
        (instead(b'{"elements": [{"type": "way", "id": 1}]}'), "no Overpass answer"),
    ],
)
def test_faults_that_stay_end_in_one_error_and_keep_what_came(
    metro, server, tmp_path, folder, fault, words
):
    served = server.planet.answer
    count = 0

    def two_then_fault(body):
        nonlocal count
        count += 1
        if count == 2:
            server.faults[ASK] = [fault] * 50
        return served(body)

    server.post = two_then_fault
    with pytest.raises(UnreachableError, match=words) as caught:
        fetch(metro, tmp_path, folder)
    assert "2 of 6 tiles are kept, run again to go on" in str(caught.value)
    assert len(list(folder.iterdir())) == 2
    assert not (tmp_path / "raw" / "two.overpass.osm.pbf").exists()
    server.faults.clear()
    server.seen.clear()
    fetch(metro, tmp_path, folder)
    assert len(server.seen) == 4, "the two that came are not asked again"


def test_the_next_server_is_asked_where_one_is_busy(metro, server, tmp_path, folder, monkeypatch):
    other = Server()
    other.faults[ASK] = [status(429, Retry_After="9999")] * 50
    monkeypatch.setenv(SERVER_VARIABLE, f"{other.address}/api, {server.address}/api")
    fetch(metro, tmp_path, folder)
    assert len(server.seen) == len(other.seen) == 6
    other.close()


def test_a_tile_that_is_too_much_is_quartered(metro, server, tmp_path, folder, two_cities_pbf):
    late = json.dumps(
        {"elements": [], "remark": "runtime error: Query timed out after 181 seconds."}
    )
    server.faults[ASK] = [instead(late.encode(), "application/json")]
    path = fetch(metro, tmp_path, folder)
    asked = len(server.seen)
    assert asked == 6 + 4
    assert len(read(metro, path).layers["highways"]) == len(
        read(metro, two_cities_pbf).layers["highways"]
    )
    fetch(metro, tmp_path, folder)
    assert len(server.seen) == asked
    server.faults[ASK] = [instead(late.encode(), "application/json")] * 50
    for each in folder.iterdir():
        each.unlink()
    with pytest.raises(UnreachableError, match="even for"):
        fetch(metro, tmp_path, folder)


def test_a_damaged_tile_is_fetched_again(metro, server, tmp_path, folder):
    fetch(metro, tmp_path, folder)
    victim = sorted(folder.iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:50])
    server.seen.clear()
    fetch(metro, tmp_path, folder)
    assert len(server.seen) == 1


def test_a_full_disk(metro, server, tmp_path, folder, monkeypatch):
    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(DiskFullError, match="make room"):
        fetch(metro, tmp_path, folder)
    assert list(folder.iterdir()) == []


def test_large_areas_are_refused_with_advice(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text("[overpass]\nbbox = [112.0, 33.0, 115.0, 36.0]\n")
    with pytest.raises(ConfigError, match=r"91,\d\d\d km2.*take an extract instead"):
        check_size(load_metro(str(path)), (112.0, 33.0, 115.0, 36.0))
    path.write_text("")
    with pytest.raises(ConfigError, match="bbox = "):
        area_of(load_metro(str(path)), 10_000.0)
    path.write_text("[overpass]\nbbox = [115.0, 33.0, 112.0, 36.0]\n")
    with pytest.raises(ConfigError, match="west, south, east, north"):
        load_metro(str(path))
    path.write_text("[overpass]\nbbox = [10.0, 33.0, 10.0, 36.0]\n")
    with pytest.raises(ConfigError, match="west, south, east, north"):
        load_metro(str(path))


def test_an_area_without_roads(metro, server, tmp_path, folder):
    server.post = Planet({1: (113.8, 34.4, {"place": "town"})}).answer
    with pytest.raises(SourceError, match="no road in the area"):
        fetch(metro, tmp_path, folder)


def test_boundaries_from_elsewhere_give_the_area():
    metro = load_metro("guangfo").model_copy(
        update={
            "boundaries": load_metro("guangfo").boundaries.model_copy(update={"source": "cnmaps"})
        }
    )
    west, south, east, north = area_of(metro, 10_000.0)
    assert west < 112.4 < 113.9 < east
    assert south < 22.7 < 23.9 < north
    assert area_km2((0.0, 0.0, 1.0, 1.0)) == pytest.approx(12364, rel=1e-3)


def test_an_area_over_the_antimeridian_is_asked_for_on_both_sides():
    toml = "[overpass]\nbbox = [179.75, -17.0, -179.85, -16.9]\n"
    area = area_of(_metro(toml), 10_000.0)
    assert area == pytest.approx((179.75, -17.0, 180.15, -16.9))
    assert area_km2(area) == pytest.approx(area_km2((10.0, -17.0, 10.4, -16.9)))
    tiles = tiles_of(area)
    assert [(west, east) for west, _, east, _ in tiles] == [
        pytest.approx((179.75, 179.875)),
        pytest.approx((179.875, 180.0)),
        pytest.approx((-180.0, -179.85)),
    ]
    assert header_box(area) == pytest.approx((179.75, -17.0, -179.85, -16.9))
    assert header_box((10.0, 0.0, 11.0, 1.0)) == (10.0, 0.0, 11.0, 1.0)


@pytest.mark.parametrize(
    ("west", "east"), [(180.0, -179.9), (179.9, -180.0), (-180.0, -179.9), (179.9, 180.0)]
)
def test_an_area_that_ends_at_the_antimeridian_is_one_side_of_it(west, east):
    area = area_of(_metro(f"[overpass]\nbbox = [{west}, 1.0, {east}, 1.1]\n"), 0.0)
    (tile,) = tiles_of(area)
    assert tile[2] - tile[0] == pytest.approx(0.1)
    assert header_box(area) == pytest.approx(tile)


@pytest.mark.parametrize("how", ["cut", "drawn over", "on one side", "beyond"])
def test_boundaries_at_the_antimeridian_give_an_area_around_them(tmp_path, how):
    """It was the whole world, or one that ended at 180."""
    shapes = {
        "cut": [shapely.box(179.8, -17, 180, -16.8), shapely.box(-180, -17, -179.8, -16.8)],
        "drawn over": [
            shapely.box(-179.8, -17, 179.8, -16.9),
            shapely.box(-179.8, -16.9, 179.8, -16.8),
        ],
        "on one side": [shapely.box(179.8, -17, 179.9, -16.8), shapely.box(179.9, -17, 180, -16.8)],
        "beyond": [shapely.box(-180, -17, -179.9, -16.8), shapely.box(-179.9, -17, -179.8, -16.8)],
    }[how]
    frame = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=shapes, crs=4326)
    frame.to_file(tmp_path / "b.geojson")
    (tmp_path / "m.toml").write_text(
        '[boundaries]\nsource = "file"\npath = "b.geojson"\nname_field = "name"\ndatum = "wgs84"\n'
    )
    west, _, east, _ = area_of(load_metro(str(tmp_path / "m.toml")), 10_000.0)
    first, last = {"on one side": (179.8, 180), "beyond": (180, 180.2)}.get(how, (179.8, 180.2))
    assert west == pytest.approx(first - 0.094, abs=0.001)
    assert east == pytest.approx(last + 0.094, abs=0.001)


def test_the_extract_over_the_antimeridian_is_whole(server, tmp_path, folder):
    """Two cities and a road over 180, with what is a world away left out."""
    planet = server.planet
    for number, (lon, lat, tags) in list(planet.nodes.items()):
        planet.nodes[number] = ((lon - 114.0) % 360.0 - 180.0, lat, tags)
    planet.nodes[10**6] = (0.0, 34.5, {"place": "town", "name": "Far"})
    planet.places, planet.index = {}, None
    metro = _metro(
        "[boundaries]\nadmin_level = 5\n[overpass]\nbbox = [179.75, 34.35, -179.75, 34.65]\n"
    )
    path = fetch(metro, tmp_path, folder)
    extract = read(metro, path)
    assert sorted(extract.layers["cities"]["name"]) == ["East", "West"]
    assert len(extract.layers["highways"]) > 10
    area = extract.layers["extract_area"]
    assert set(area["evidence"]) == {"header_bbox"}
    assert area.total_bounds == pytest.approx((179.75, 34.35, 180.25, 34.65))
    assert "Far" not in set(extract.layers["osm_places"]["name"])


def _metro(toml):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.toml"
        path.write_text(toml, encoding="utf-8")
        return load_metro(str(path))


def test_overpass_as_a_source_of_a_run(metro, server, tmp_path):
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    waiting = resolve.resolve_source(
        metro, paths, "overpass", say=lambda text: None, is_fetching=False
    )
    assert server.seen == []
    said = []
    source = resolve.resolve_source(metro, paths, "overpass", say=said.append)
    assert source == waiting
    assert source.files[0].is_file()
    assert any("source: Overpass" in line for line in said)


def test_a_date_is_asked_for_and_kept_apart(metro, server, tmp_path, monkeypatch):
    from pipeline.sources.dates import parse_date
    from pipeline.sources.osm.pbf import read_header

    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    asked, settings_of = [], ask.settings_of

    def note(at):
        asked.append(settings_of(at))
        return asked[-1]

    monkeypatch.setattr(ask, "settings_of", note)
    now = resolve.resolve_source(metro, paths, "overpass", say=lambda text: None)
    assert set(asked) == {"[out:json][timeout:180]"}
    count = len(asked)
    moment = parse_date("2018")
    then = resolve.resolve_source(metro, paths, "overpass", say=lambda text: None, moment=moment)
    assert set(asked[count:]) == {'[out:json][timeout:180][date:"2018-01-01T00:00:00Z"]'}
    assert then.files != now.files, "the extract of today stays"
    assert read_header(then.files[0]).snapshot == "2018-01-01"
    count = len(asked)
    resolve.resolve_source(metro, paths, "overpass", say=lambda text: None, moment=moment)
    assert len(asked) == count, "what has come is asked for once"


def test_the_extract_is_made_anew_where_a_tile_changed_and_only_there(
    metro, server, tmp_path, folder
):
    path = fetch(metro, tmp_path, folder)
    before = path.stat().st_mtime_ns
    fetch(metro, tmp_path, folder)
    assert path.stat().st_mtime_ns == before, "nothing was written again"
    tile = max(folder.iterdir(), key=lambda each: each.stat().st_size)
    tile.write_bytes(tile.read_bytes().replace(b"West 1", b"Anew 1"))
    fetch(metro, tmp_path, folder)
    assert "Anew 1" in set(read(metro, path).layers["highways"]["name"])


def test_without_a_network_the_error_is_quick(metro, tmp_path, folder, monkeypatch):
    monkeypatch.setenv(SERVER_VARIABLE, "http://127.0.0.1:9/api,http://no.such.host.invalid/api")
    waited = []
    # The module's own clock alone: other threads of this process may sleep meanwhile.
    monkeypatch.setattr(ask, "time", SimpleNamespace(sleep=waited.append))
    with pytest.raises(UnreachableError, match=r"no connection.*0 of 6 tiles"):
        prepare(Request(metro, Paths(str(tmp_path)), say=lambda text: None))
    assert sum(waited) == 0


def test_an_answer_without_end_is_asked_for_in_quarters(
    metro, server, tmp_path, folder, monkeypatch
):
    """It was read whole, whatever came."""
    monkeypatch.setattr(ask, "LARGEST_ANSWER_BYTES", 1 << 20)
    server.faults[ASK] = [instead(b'{"elements": [' + b" " * (8 << 20))]
    fetch(metro, tmp_path, folder)
    assert len(list(folder.glob("*.quartered"))) == 1


@pytest.mark.parametrize(
    "content",
    [b'{"elements": [], "x": ' + b"[" * 200_000, b'{"elements": [], "osm3s": [1]}'],
    ids=["deep", "list for a table"],
)
def test_odd_json_is_asked_for_again_or_taken(metro, server, tmp_path, folder, content):
    server.faults[ASK] = [instead(content)]
    assert fetch(metro, tmp_path, folder).is_file()
