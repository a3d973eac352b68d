"""A run on an extract from Geofabrik, played by a server that breaks off."""

from __future__ import annotations

import hashlib

import pytest
from faulty_server import Server, cut
from small_world import World

from pipeline.cli import main
from pipeline.sources import geofabrik

BOX = (113.7, 34.3, 114.3, 34.7)


@pytest.fixture
def server(tmp_path, monkeypatch):
    world = World()
    world.two_cities()
    world.line([(113.9, 34.5), (114.1, 34.5)], highway="primary")
    content = world.write(tmp_path / "world.osm.pbf", bbox=BOX).read_bytes()
    made = Server()
    made.files = {
        "/a/b-latest.osm.pbf": content,
        "/a/b-latest.osm.pbf.md5": hashlib.md5(content).hexdigest().encode(),
        "/a/b.poly": b"b\n1\n 113.7 34.3\n 114.3 34.3\n 114.3 34.7\n 113.7 34.7\nEND\nEND\n",
    }
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, made.address)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.toml").write_text('[osm]\ngeofabrik = ["a/b"]\n', encoding="utf-8")
    yield made
    made.close()


def run(*more):
    return main(["run", "m.toml", "--until", "borders", "--workers", "0", *more])


def test_a_download_that_breaks_ends_in_a_run_and_the_next_run_has_nothing_to_do(
    server, tmp_path, capsys
):
    server.faults["/a/b-latest.osm.pbf"] = [cut(200)]
    assert run() == 0
    out = capsys.readouterr().out
    assert "downloading a/b from Geofabrik" in out
    assert "source: Geofabrik, a/b" in out
    assert "OSM data of 2024-05-01" in out
    asked = len(server.seen)
    assert run() == 0
    assert "nothing to do" in capsys.readouterr().out
    assert len(server.seen) == asked
    names = {each.name for each in (tmp_path / "data/raw/a").iterdir()}
    assert names == {"b-latest.osm.pbf", "b.poly", ".b-latest.osm.pbf.lock"}


def test_a_wrong_name_is_an_error_and_no_sample(server, tmp_path, capsys):
    (tmp_path / "m.toml").write_text('[osm]\ngeofabrik = ["a/atlantis"]\n', encoding="utf-8")
    assert run() == 1
    said = capsys.readouterr()
    assert "a/atlantis.poly does not exist on the server" in said.err
    assert said.err.count("\n") == 1
    assert "SYNTHETIC" not in said.out
