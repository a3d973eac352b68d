"""A metro at longitude 180 is read as it is anywhere else: its longitudes run on."""

from __future__ import annotations

import bz2
import gzip
import json
import re

import geopandas as gpd
import numpy as np
import pytest
import shapely
from small_world import World
from two_cities import METRO, read

from pipeline.crs import in_degrees, local_metric_crs, run_on, shapes_run_on
from pipeline.errors import ConfigError
from pipeline.flow import store
from pipeline.sources.boundaries.antimeridian import covered_from
from pipeline.sources.osm.extract.covered import extract_area_of
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.osm.header_box import state_box
from pipeline.sources.osm.pbf import open_osm
from pipeline.sources.params import ExtractParams
from pipeline.sources.source import Source

BORDER = 114.0


def mapped() -> World:
    """Two cities that share a meridian, with a little of everything around it."""
    world = World()
    world.two_cities()
    world.node(113.9, 34.5, place="city", name="West", population="300000")
    world.node(114.1, 34.5, place="city", name="East", population="200000")
    world.node(114.001, 34.45, place="village", name="Near")
    world.line([(x, 34.5) for x in np.linspace(113.85, 114.15, 31)], highway="primary")
    world.line([(113.99, 34.45), (114.0, 34.45), (114.01, 34.45)], highway="tertiary")
    world.ring(113.95, 34.52, 114.05, 34.55, natural="water")
    world.ring(114.02, 34.41, 114.04, 34.43, landuse="residential")
    world.line([(113.9, 34.42), (114.1, 34.43)], waterway="river", name="Long")
    world.line([(113.9, 34.41), (114.1, 34.41)], railway="rail")
    world.line([(114.3, 34.5), (114.31, 34.5)], highway="tertiary")  # within the margin
    world.line([(-10.0, 34.5), (-10.1, 34.5)], highway="tertiary")  # a world away
    return world


def moved(world: World, by: float) -> World:
    """The same world turned around the globe, in longitudes of -180 to 180 as files have them."""
    turned = World()
    turned.ways, turned.relations = world.ways, world.relations
    for key, ((lon, lat), tags) in world.nodes.items():
        turned.nodes[key] = (((lon + by + 180.0) % 360.0 - 180.0, lat), tags)
    return turned


def placed(frame, middle, by):
    """Shapes as seen from a middle and turned back, to 0.1 m, whichever vertex they begin with."""
    shapes = shapes_run_on(frame.geometry.to_numpy(), middle)
    moved = shapely.transform(shapes, lambda xy: np.round(xy + np.array([by, 0]), 6))
    return shapely.normalize(moved)


CASES = [
    179.999,  # the border just before 180
    180.0,
    -179.97,
    179.79,  # one city reaches over 180
    179.75,  # none does, but the margin
    -179.75,
    -179.79,
]


@pytest.mark.slow
@pytest.mark.parametrize("middle", CASES)
def test_what_is_read_does_not_depend_on_the_meridian(tmp_path, middle):
    west, east = (city.model_copy(update={"centre": None}) for city in METRO.cities)
    metro = METRO.model_copy(update={"cities": (west, east)})
    there = read(mapped(), tmp_path, metro=metro, bbox=None)
    here = read(moved(mapped(), middle - BORDER), tmp_path, metro=metro, bbox=None)
    for name, frame in there.layers.items():
        other = here.layers[name]
        assert len(frame) == len(other), name
        if not isinstance(frame, gpd.GeoDataFrame) or not len(frame) or name == "extract_area":
            continue
        own = placed(frame, BORDER, 0.0)
        turned = placed(other, middle, BORDER - middle)
        assert shapely.equals_exact(turned, own, tolerance=2e-6).all(), name
        # In one piece: nothing lies a turn away from its own metro.
        assert np.ptp(other.total_bounds[[0, 2]]) < 1.0, name
    assert -180.0 <= here.facts["centre"][0] <= 180.0
    assert here.facts["margin_reached_m"] == pytest.approx(there.facts["margin_reached_m"], abs=2)
    json.dumps(here.facts)


def test_cities_found_by_the_file_itself_lie_there_too(tmp_path):
    metro = METRO.model_copy(
        update={
            "cities": (),
            "core": None,
            "boundaries": METRO.boundaries.model_copy(update={"source": "osm", "admin_level": 5}),
        }
    )
    extract = read(moved(mapped(), 180.0 - BORDER), tmp_path, metro=metro, bbox=None)
    cities = extract.layers["cities"]
    assert sorted(cities["name"]) == ["East", "West"]
    assert np.ptp(cities.total_bounds[[0, 2]]) == pytest.approx(0.4, abs=1e-6)
    assert sorted(cities["population"]) == [200_000, 300_000]


def test_a_metro_elsewhere_in_an_extract_of_both_sides_stays_where_it_is(tmp_path):
    world = mapped()
    world.node(179.5, 0.0, place="town", name="Far")
    world.node(-179.5, 0.0, place="town", name="Farther")
    cities = read(world, tmp_path, bbox=(-180, -90, 180, 90)).layers["cities"]
    assert cities.total_bounds[[0, 2]].tolist() == pytest.approx([113.8, 114.2])


def test_cities_that_are_not_there_are_named_there_too(tmp_path):
    strange = METRO.cities[0].model_copy(update={"name": "Nowhere", "centre": None})
    metro = METRO.model_copy(update={"cities": (strange, *METRO.cities[1:])})
    with pytest.raises(ConfigError, match="Nowhere"):
        read(moved(mapped(), 180.0 - BORDER), tmp_path, metro=metro, bbox=None)


def test_layers_go_to_degrees_that_run_on():
    metric = local_metric_crs(179.99, -17.0)
    frame = gpd.GeoDataFrame(geometry=[shapely.box(-5e4, -1e3, 5e4, 1e3)], crs=metric)
    for made in (store.in_wgs84(frame), in_degrees(frame)):
        west, _, east, _ = made.total_bounds
        assert west < 180.0 < east < west + 1.1
    assert local_metric_crs(180.01, 0.0) == local_metric_crs(-179.99, 0.0)


def test_longitudes_within_half_a_turn_keep_every_bit():
    lon = np.random.default_rng(0).uniform(-66.0, 180.0, 1_000)
    assert (run_on(lon, 114.0) == lon).all()


def test_a_box_around_the_world_is_one_from_everywhere():
    whole = shapely.box(-180, -90, 180, 90)
    seen = covered_from(179.9, whole)
    assert seen.bounds == pytest.approx((-0.1, -90, 359.9, 90))
    assert shapely.area(seen) == pytest.approx(shapely.area(whole))
    assert covered_from(179.9, None) is None


def test_data_over_the_antimeridian_cover_both_sides_and_nothing_between(tmp_path):
    file = moved(mapped(), 180.0 - BORDER).write(tmp_path / "a.osm.pbf", bbox=None)
    with open_osm([file]) as opened:
        area = extract_area_of(opened, ())
    west, _, east, _ = area.total_bounds
    assert (west, east) == (-180.0, 180.0) and len(area) == 2
    assert not area.union_all().intersects(shapely.Point(0.0, -17.5))


def written(world, path, box):
    """A file whose header has a box over 180, which libosmium cannot write."""
    if path.name.endswith(".pbf"):
        world.write(path, bbox=None)
        state_box(path, box)
        return path
    west, south, east, north = box
    plain = world.write(path.with_name("plain.osm"), bbox=None, options="osm").read_text()
    stated = f'<bounds minlon="{west}" minlat="{south}" maxlon="{east}" maxlat="{north}"/>'
    text = re.sub(r"(<osm [^>]*>)", rf"\1{stated}", plain, count=1).encode()
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(text))
    return path


@pytest.mark.parametrize("name", ["a.osm.pbf", "a.osm", "a.osm.gz", "a.osm.bz2"])
def test_a_header_box_over_the_antimeridian_is_no_box_around_the_world(tmp_path, name):
    """Its left is greater than its right."""
    box = (179.7, 34.2, -179.7, 34.8)
    file = written(moved(mapped(), 180.0 - BORDER), tmp_path / name, box)
    with open_osm([file]) as opened:
        assert opened.headers[0].bbox == pytest.approx(box)
        area = extract_area_of(opened, ())
    assert set(area["evidence"]) == {"header_bbox"}
    assert len(area) == 2
    assert shapely.area(area.union_all()) == pytest.approx(0.6 * 0.6)


def test_roads_that_leave_a_header_box_over_the_antimeridian_are_cut(tmp_path):
    """The margin that is reached goes by the box, on either side of 180."""
    file = written(
        moved(mapped(), 180.0 - BORDER), tmp_path / "a.osm.pbf", (179.75, 34.2, -179.75, 34.8)
    )
    here = read_extract(METRO, Source("pbf", (file,)), ExtractParams())
    there = read(mapped(), tmp_path, bbox=(113.75, 34.2, 114.25, 34.8))
    assert here.facts["margin_reached_m"] == pytest.approx(there.facts["margin_reached_m"], abs=2)
    assert 0 < here.facts["margin_reached_m"] < 5_000
