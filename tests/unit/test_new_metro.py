"""The verb new-metro: which cities are written down, and a file that loads and runs."""

from __future__ import annotations

import tomllib

import pytest
from faulty_server import Server
from small_world import World

from pipeline import new_metro
from pipeline.cli import main
from pipeline.metros.catalogue import load_metro
from pipeline.sources import geofabrik


@pytest.fixture
def world():
    world = World()
    world.two_cities(("西市", 'East "End"\\'))
    world.node(113.9, 34.5, place="city", name="西城", population="5000")
    world.ring(113.82, 34.42, 113.9, 34.5)
    world.city([world.ring(113.82, 34.42, 113.9, 34.5)], "甲县", "6", population="100")
    world.city([world.ring(114.02, 34.42, 114.1, 34.5)], "乙县", "6")
    world.city([world.ring(114.12, 34.42, 114.18, 34.5)], "甲县", "8")
    return world


@pytest.fixture
def extract(world, tmp_path):
    return world.write(tmp_path / "world.osm.pbf")


@pytest.fixture
def call(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def new(*arguments):
        code = main(["new-metro", *map(str, arguments)])
        out = capsys.readouterr()
        return code, out.out, out.err

    return new


def test_all_areas_of_a_level(call, extract, tmp_path):
    code, out, err = call("two.toml", "--osm", extract, "--admin-level", 5)
    assert (code, err) == (0, "")
    assert "no population is tagged for 西市" in out
    metro = load_metro(str(tmp_path / "two.toml"))
    assert [city.name for city in metro.cities] == ["西市", 'East "End"\\']
    west = metro.cities[0]
    assert west.centre == (113.9, 34.5)
    assert west.population is None, "that of its town is not the city's"
    assert metro.core == west.id == f"r{west.osm_relation}"
    assert metro.boundaries.county_admin_level == 6
    assert metro.osm.files == ("world.osm.pbf",)
    west, south, east, north = metro.overpass.bbox
    assert west < 113.8 < 114.2 < east
    assert south < 34.4 < 34.6 < north


def test_the_file_runs_unchanged(call, extract, tmp_path):
    assert call("two.toml", "--osm", extract, "--admin-level", 5)[0] == 0
    assert main(["run", "two.toml", "--until", "borders", "--workers", "0", "--quiet"]) == 0
    assert (tmp_path / "data/processed/two/borders.parquet").is_file()


def test_cities_by_name_and_by_relation(call, extract, tmp_path):
    assert call("all.toml", "--osm", extract, "--admin-level", 5)[0] == 0
    east = load_metro("all.toml").cities[1].osm_relation
    code, _, err = call(
        "m.toml", "--osm", extract, "--cities", "西市", east, "--core", east, "--title", "二市"
    )
    assert code == 0, err
    metro = load_metro("m.toml")
    assert metro.name == "二市"
    assert metro.core == f"r{east}"
    assert len(metro.cities) == 2


def test_every_fault_is_named_at_once(call, extract):
    code, _, err = call("m.toml", "--osm", extract, "--cities", "甲县", "Atlantis", "12345")
    assert code == 2
    assert "3 faults" in err
    assert "甲县: found 2 times" in err
    assert "(level 6)" in err
    assert "(level 8)" in err
    assert "Atlantis: no administrative boundary" in err
    assert call("m.toml", "--osm", extract, "--cities", "甲县", "乙县", "--admin-level", 6)[0] == 0


def test_a_level_that_is_not_there_lists_those_that_are(call, extract, tmp_path):
    for more in ((), ("--admin-level", 9)):
        code, _, err = call("m.toml", "--osm", extract, *more)
        assert code == 2
        assert "5: 2 (西市, East" in err
        assert "6: 2 (甲县, 乙县)" in err
    assert not (tmp_path / "m.toml").exists()


def test_a_boundary_cut_off_is_told(call, world, tmp_path):
    whole = [n for n, (_, tags) in world.relations.items() if tags["name"] == "乙县"]
    ring = world.relations[whole[0]][0][0][1]
    world.write(tmp_path / "cut.osm.pbf", without_nodes=(world.ways[ring][0][1],))
    code, _, err = call("m.toml", "--osm", "cut.osm.pbf", "--cities", "西市", "乙县")
    assert code == 2
    assert "乙县: 1 of its 1 member ways are missing" in err


def test_wrong_usage(call, extract, tmp_path):
    (tmp_path / "there.toml").write_text("")
    for arguments, words in [
        (("m.json", "--osm", extract), "ending in .toml"),
        (("there.toml", "--osm", extract), "--overwrite"),
        (("m.toml",), "give extracts"),
        (("m.toml", "--osm", extract, "--geofabrik", "x"), "one of the two"),
        (("m.toml", "--osm", extract, "--admin-level", 1), "2 to 11"),
        (
            ("m.toml", "--osm", extract, "--admin-level", 5, "--core", "Nowhere"),
            "not one of the cities",
        ),
        (("m.toml", "--cities", "a"), "at least two"),
        (("m.toml", "--cities", "a", "77"), "relation id"),
        (("m.toml", "--cities", "a", "b", "--core", "c"), "not among the cities"),
    ]:
        code, _, err = call(*arguments)
        assert code == 2, arguments
        assert words in err, arguments
    assert not (tmp_path / "m.toml").exists()
    assert call("there.toml", "--osm", extract, "--admin-level", 5, "--overwrite")[0] == 0
    assert call("m.toml", "--osm", "none.osm.pbf", "--admin-level", 5)[0] == 1


def test_names_alone_are_written_and_said_to_be_unchecked(call, monkeypatch):
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, "http://127.0.0.1:9")
    code, out, _ = call(
        "zz.toml", "--cities", "郑州市", "开封市", "--geofabrik", "asia/china/henan"
    )
    assert code == 0
    assert "no connection" in out
    assert "NOT looked up" in out
    metro = load_metro("zz.toml")
    assert metro.core == "郑州市"
    assert metro.osm.geofabrik == ("asia/china/henan",)
    assert metro.boundaries.admin_level == 5


def test_a_download_is_read(call, extract, monkeypatch):
    server = Server()
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, server.address)
    from test_resolve import serve_extract

    serve_extract(server, "a/b", extract.read_bytes())
    server.files["/a/b.poly"] = b"x\n1\n 113 34\n 115 34\n 115 35\n 113 35\nEND\nEND\n"
    assert call("m.toml", "--geofabrik", "a/b", "--admin-level", 5)[0] == 0
    assert load_metro("m.toml").osm.geofabrik == ("a/b",)
    assert main(["run", "m.toml", "--until", "borders", "--workers", "0", "--quiet"]) == 0
    server.close()


def test_text_is_quoted_for_toml():
    hostile = 'a"b\\c\n\x00\x7f</script>😀'
    assert tomllib.loads(f"x = {new_metro._text(hostile)}")["x"] == hostile
    assert new_metro._metro_id(new_metro.Path("深圳 都市圈.toml")) == "metro"
    assert new_metro._id_of("a b/c") == "a_b_c"


def test_cut_areas_are_listed_where_no_complete_one_is_there(call, tmp_path):
    world = World()
    for name in ("Left", "Right"):
        world.city([world.line([(114.2, 34.4), (114.4, 34.4)])], name, "8")
    code, _, err = call("m.toml", "--osm", world.write(tmp_path / "cut.osm.pbf"))
    assert code == 2
    assert "complete areas in the extract by level: none" in err
    assert "cut off at its edge or damaged: 8: 2 (Left, Right)" in err


def test_closed_ways_are_cities_that_the_file_finds_again(call, tmp_path):
    world = World()
    tags = {"boundary": "administrative", "admin_level": "8"}
    west = world.ring(113.8, 34.4, 114.0, 34.6, **tags, name="West")
    world.ring(114.0, 34.4, 114.2, 34.6, **tags, name="East")
    extract = world.write(tmp_path / "ways.osm.pbf")
    code, _, err = call("m.toml", "--osm", extract, "--cities", "West", "East", "--core", "West")
    assert (code, err) == (0, "")
    metro = load_metro(str(tmp_path / "m.toml"))
    first = metro.cities[0]
    assert (first.id, first.osm_relation) == (f"w{west}", None)
    assert main(["run", "m.toml", "--until", "borders", "--workers", "0"]) == 0
