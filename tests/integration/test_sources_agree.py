"""One area read from an extract, from Overpass and from vector files: the same findings."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
from faulty_server import Server
from play_overpass import planet_of
from small_world import World
from vector_files import write_vector_files

from pipeline.cli import main
from pipeline.sources.overpass.ask import SERVER_VARIABLE

pytestmark = pytest.mark.slow

BOX = (113.7, 34.3, 114.3, 34.7)
SAME = ("borders", "cities", "dead_ends", "highways", "land_areas", "missing_links", "roads")


def write_world(path: Path) -> None:
    """Two cities; roads that cross, face one another over a gap with a pond, or end alone."""
    world = World()
    world.two_cities()
    spine = {}
    for side, lon in (("west", 113.9), ("east", 114.1)):
        nodes = [world.node(lon, 34.42 + 0.02 * n) for n in range(9)]
        spine[side] = nodes
        world.way(nodes, highway="primary", name=f"{side} road", lanes="4")
    for n in range(9):
        lat = 34.42 + 0.02 * n
        west = [spine["west"][n], *(world.node(113.9 + 0.018 * k, lat) for k in range(1, 6))]
        east = [*(world.node(114.01 + 0.018 * k, lat) for k in range(5)), spine["east"][n]]
        world.way(west, highway="secondary", name=f"Lane {n}", maxspeed="50")
        if n % 3 != 2:
            tags = {"oneway": "yes"} if n == 4 else {}
            world.way(east, {"highway": "secondary", "name": f"Lane {n}", **tags})
        if n in (0, 4, 8):
            world.way([west[-1], east[0]], highway="secondary", name=f"Lane {n}", bridge="yes")
    world.ring(113.993, 34.435, 114.007, 34.445, natural="water", name="塘")
    world.node(113.9, 34.5, place="town", name="西镇")
    world.write(path, bbox=BOX)


def metro_text(boundaries: str = "admin_level = 5\n") -> str:
    return f"[boundaries]\n{boundaries}[overpass]\nbbox = {list(BOX)}\nmax_area_km2 = 9000.0\n"


def compare(
    folder: Path, first: str, second: str, stable_ids: bool, may_be_empty: tuple[str, ...] = ()
) -> None:
    for name in SAME:
        ours, theirs = (
            gpd.read_parquet(folder / f"data/processed/{metro}/{name}.parquet")
            for metro in (first, second)
        )
        assert len(ours) == len(theirs), name
        assert len(ours) or name in may_be_empty, name
        frames = []
        for frame in (ours, theirs):
            key = frame.normalize().to_wkb(hex=True)
            frames.append(frame.assign(key=key).sort_values("key", ignore_index=True))
        assert frames[0]["key"].tolist() == frames[1]["key"].tolist(), name
        made_of_ids = (
            "node_ids",
            "key",
            "geometry",
            "area_id",
            "osm_id",
            "centre_lon",
            "centre_lat",
        )
        for column in ours.columns:
            is_id = column.endswith(("_id", "_node")) or column in made_of_ids
            if column == "name_en" or (is_id and not (stable_ids and column != "geometry")):
                continue
            one, two = (frame[column] for frame in frames)
            if column == "length_m":
                assert (one - two).abs().max() < 1e-3
            elif column == "node_ids":
                assert [list(a) for a in one] == [list(b) for b in two]
            else:
                same = one.eq(two) | (one.isna() & two.isna())
                assert same.all(), (name, column, one[~same].head(), two[~same].head())


def run(metro: str, source: str, *more: str) -> None:
    code = main(
        [
            "run",
            f"{metro}.toml",
            "--source",
            source,
            "--until",
            "missing_links",
            "--workers",
            "0",
            "--quiet",
            *more,
        ]
    )
    assert code == 0


@pytest.fixture
def overpass_of(monkeypatch):
    servers = []

    def start(path):
        servers.append(Server())
        servers[-1].post = planet_of(path).answer
        monkeypatch.setenv(SERVER_VARIABLE, f"{servers[-1].address}/api")

    yield start
    for each in servers:
        each.close()


def test_a_small_world_is_the_same_from_every_source(tmp_path, monkeypatch, overpass_of):
    monkeypatch.chdir(tmp_path)
    write_world(tmp_path / "world.osm.pbf")
    overpass_of(tmp_path / "world.osm.pbf")
    for name in ("one", "two"):
        Path(f"{name}.toml").write_text(metro_text(), encoding="utf-8")
    run("one", "pbf", "--osm", "world.osm.pbf")
    run("two", "overpass")
    compare(tmp_path, "one", "two", stable_ids=True)

    (tmp_path / "files").mkdir()
    text = write_vector_files(tmp_path / "data/processed/one", tmp_path / "files")
    (tmp_path / "files" / "three.toml").write_text(text, encoding="utf-8")
    run("files/three", "vector")
    compare(tmp_path, "one", "three", stable_ids=False)


def test_andorra_is_the_same_from_every_source(tmp_path, monkeypatch, overpass_of, andorra_extract):
    monkeypatch.chdir(tmp_path)
    overpass_of(andorra_extract)
    lowest = ("--set", "dead_ends.lowest_class=residential")
    box = overpass_box(andorra_extract)
    text = f"[boundaries]\nadmin_level = 7\n[overpass]\nbbox = {box}\n"
    for name in ("one", "two"):
        Path(f"{name}.toml").write_text(text, encoding="utf-8")
    run("one", "pbf", "--osm", str(andorra_extract), *lowest)
    run("two", "overpass", *lowest)
    none_there = ("missing_links",)
    compare(tmp_path, "one", "two", stable_ids=True, may_be_empty=none_there)

    (tmp_path / "files").mkdir()
    text = write_vector_files(tmp_path / "data/processed/one", tmp_path / "files")
    # Some of Andorra's nodes are nearer to one another than the default tolerance.
    text = text.replace("[vector]\n", "[vector]\ntolerance_m = 0.005\n")
    (tmp_path / "files" / "three.toml").write_text(text, encoding="utf-8")
    run("files/three", "vector", *lowest)
    compare(tmp_path, "one", "three", stable_ids=False, may_be_empty=none_there)


def overpass_box(path: Path) -> list[float]:
    from pipeline.sources.osm.pbf import read_header

    return list(read_header(path).bbox)
