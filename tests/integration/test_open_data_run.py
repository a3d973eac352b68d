"""A run whose rasters are fetched by themselves: the same as with the same files by path."""

from __future__ import annotations

import io
import json
import zipfile

import geopandas as gpd
import pandas as pd
import play_rasters as play
import pytest
from pandas.testing import assert_frame_equal
from small_world import World

from pipeline.cli import main
from pipeline.flow import store
from pipeline.flow.finished import Finished

BOX = (113.7, 34.3, 114.3, 34.7)
EAST, WEST = "N33E114", "N33E111"
LAYERS = ("land_cover", "land", "raster_population", "zones", "eco_zones")


@pytest.fixture(scope="module")
def files():
    """The published files that hold the small world, which lies on both sides of longitude 114."""
    return {
        play.WORLDCOVER.format(WEST): play.worldcover(33, 111),
        play.WORLDCOVER.format(EAST): play.worldcover(33, 114, seed=3),
        play.WORLDPOP.format("AND", "and"): play.people(113.0, 35.0, 2400, 1200, 1 / 1200),
        play.GHS_POP.format("4326_3ss", 6, 30): play.zipped(
            play.people(109.99208379, 39.09958318, 2400, 2400, 10 / 2400, nodata=-200.0)
        ),
    }


@pytest.fixture
def server(tmp_path, monkeypatch, files):
    world = World()
    world.two_cities()
    world.line([(113.9, 34.5), (114.1, 34.5)], highway="primary")
    world.node(113.9, 34.5, place="town", name="A")
    world.write(tmp_path / "world.osm.pbf", bbox=BOX)
    monkeypatch.chdir(tmp_path)
    made = play.served(monkeypatch)
    made.files = dict(files)
    yield made
    made.close()


def metro_file(tmp_path, population, land_cover, name="m", **totals):
    cities = "".join(
        f'[[city]]\nid = "{city}"\nname = "{city}"\n'
        + (f"population = {totals[city]}\n" if city in totals else "")
        for city in ("West", "East")
    )
    text = f'core = "West"\n[population]\n{population}\n[land_cover]\n{land_cover}\n{cities}'
    (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")


def run(name="m", *more):
    until = ("--until", "ecology", "--until", "accessibility")
    return main(["run", f"{name}.toml", "--osm", "world.osm.pbf", "--workers", "0", *until, *more])


def layer(tmp_path, layer, name="m"):
    path = tmp_path / f"data/processed/{name}/{layer}.parquet"
    return pd.read_parquet(path) if layer == "raster_population" else gpd.read_parquet(path)


def by_path(tmp_path, files, source):
    """The same files in a folder, named in a metro file."""
    for path, content in files.items():
        (tmp_path / path.rsplit("/", 1)[-1]).write_bytes(content)
    land = [play.WORLDCOVER.format(each).rsplit("/", 1)[-1] for each in (WEST, EAST)]
    people = play.WORLDPOP.format("AND", "and").rsplit("/", 1)[-1]
    if source == "ghs-pop":
        people = "ghs.tif"
        path = play.GHS_POP.format("4326_3ss", 6, 30)
        with zipfile.ZipFile(io.BytesIO(files[path])) as archive:
            (tmp_path / people).write_bytes(archive.read("tile.tif"))
    return f'raster = "{people}"', f"raster = {json.dumps(land)}"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["worldpop", "ghs-pop"])
def test_results_are_those_of_the_same_files_by_path(server, tmp_path, files, source, capsys):
    people = 'source = "worldpop"\ncountries = ["AND"]'
    if source == "ghs-pop":
        people = 'source = "ghs-pop"'
    metro_file(tmp_path, people, 'source = "worldcover"', West=500_000)
    assert run() == 0
    out = capsys.readouterr().out
    assert "land_cover: ESA WorldCover 2021 v200 (2021, CC BY 4.0)" in out
    metro_file(tmp_path, *by_path(tmp_path, files, source), name="p", West=500_000)
    assert run("p") == 0
    for name in LAYERS:
        made, expected = layer(tmp_path, name), layer(tmp_path, name, "p")
        assert len(made), name
        assert_frame_equal(pd.DataFrame(made), pd.DataFrame(expected))
    zones = layer(tmp_path, "zones")
    by_city = zones.groupby("city_id")["population"].sum()
    # The declared total is kept, and spread as the raster says; the other is the raster's own.
    assert by_city["West"] == pytest.approx(500_000)
    assert set(zones["population_evidence"]) == {"raster"}


@pytest.mark.slow
def test_what_is_kept_needs_no_server(server, tmp_path, capsys):
    metro_file(tmp_path, 'source = "worldpop"\ncountries = ["AND"]', 'source = "worldcover"')
    assert run() == 0
    manifest = json.loads((tmp_path / "data/processed/m/manifest.json").read_text("utf-8"))
    noted = manifest["rasters"]["land_cover"]
    assert (noted["product"], noted["version"]) == ("ESA WorldCover", "2021 v200")
    assert noted["licence"] == "CC BY 4.0" and "Copernicus" in noted["credit"]
    assert len(noted["files"]) == 2 and all(
        each.startswith("worldcover/2021-v200/") for each in noted["files"]
    )
    assert str(tmp_path) not in json.dumps(manifest["rasters"])
    assert any("Copernicus" in each for each in Finished.at("data/processed/m").attributions)
    described = store.read_metadata("data/processed/m/land_cover.parquet")
    assert "CC BY 4.0" in described["land_cover_raster"]
    server.close()
    capsys.readouterr()
    assert main(["status", "m.toml", "--osm", "world.osm.pbf"]) == 0
    standing = {line.split()[1]: line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert standing["population"] == standing["land_cover"] == standing["zones"] == "fresh"
    assert run() == 0
    assert "nothing to do" in capsys.readouterr().out
    before = {name: layer(tmp_path, name) for name in LAYERS}
    assert run("m", "--force", "land_cover", "--force", "population") == 0
    for name, frame in before.items():
        assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(layer(tmp_path, name)))


@pytest.mark.slow
def test_without_a_network_auto_says_so_and_goes_on_and_later_takes_them(
    server, tmp_path, monkeypatch, capsys
):
    metro_file(tmp_path, 'source = "auto"\ncountries = ["AND"]', 'source = "auto"', West=500_000)
    for each in play.VARIABLES:
        monkeypatch.setenv(each, "http://127.0.0.1:9")
    assert run() == 0
    out = capsys.readouterr().out
    assert out.count("no connection to the server") == 2 and out.count("going on without") == 2
    assert not len(layer(tmp_path, "land_cover"))
    assert set(layer(tmp_path, "zones")["population_evidence"]) == {"estimated", "unknown"}
    for each in play.VARIABLES:
        monkeypatch.setenv(each, server.address)
    assert run() == 0
    assert len(layer(tmp_path, "land_cover"))
    assert set(layer(tmp_path, "zones")["population_evidence"]) == {"raster"}


def test_a_product_that_is_named_and_cannot_be_had_is_an_error(
    server, tmp_path, monkeypatch, capsys
):
    metro_file(tmp_path, 'source = "none"', 'source = "worldcover"')
    monkeypatch.setenv("METRO_INTEGRATION_WORLDCOVER", "http://127.0.0.1:9")
    assert run() == 1
    said = capsys.readouterr().err
    assert "no connection to the server" in said and "Traceback" not in said
