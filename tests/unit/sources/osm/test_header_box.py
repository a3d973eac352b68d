"""Boxes over the antimeridian in headers, and headers that are damaged or of other kinds."""

from __future__ import annotations

import random

import osmium
import pytest
from small_world import World

from pipeline.sources.osm.header_box import state_box, stated_box
from pipeline.sources.osm.pbf import open_osm, read_header

OVER = (179.7, -17.5, -179.8, -16.25)
AROUND = (-179.8, -17.5, 179.7, -16.25)


@pytest.fixture
def file(tmp_path):
    world = World()
    world.line([(179.9, -17.0), (179.95, -17.0)], highway="primary")
    return world.write(tmp_path / "a.osm.pbf", bbox=None)


def test_a_box_over_180_comes_back_and_the_rest_of_the_file_stays(file):
    before = read_header(file)
    state_box(file, OVER)
    header = read_header(file)
    assert header.bbox == pytest.approx(OVER, abs=1e-7)
    assert (header.snapshot, header.generator) == (before.snapshot, before.generator)
    with open_osm([file]) as opened:
        assert len(opened.read_all().ways.id) == 1


def test_libosmium_turns_it_around(file):
    """The reason for this module: where it no longer does, the module can go."""
    state_box(file, OVER)
    with osmium.io.Reader(str(file)) as reader:
        box = reader.header().box()
    assert (box.bottom_left.lon, box.top_right.lon) == pytest.approx((-179.8, 179.7))


@pytest.mark.parametrize("box", [(10.0, 1.0, 11.0, 2.0), (-180.0, -90.0, 180.0, 90.0)])
def test_other_boxes_stay(tmp_path, box):
    world = World()
    world.line([(10.5, 1.5), (10.6, 1.5)], highway="primary")
    for name, options in (("a.osm.pbf", "pbf"), ("a.osm", "osm")):
        path = world.write(tmp_path / name, bbox=box, options=options)
        assert read_header(path).bbox == box


def test_the_oldest_form_of_a_box_in_xml_is_read(tmp_path):
    path = tmp_path / "a.osm"
    path.write_text('<osm version="0.6"><bound box="-17.5,179.7,-16.25,-179.8"/></osm>')
    assert stated_box(path, AROUND) == pytest.approx(OVER)


def test_damaged_headers_keep_the_box_that_was_read(file):
    state_box(file, OVER)
    whole = file.read_bytes()
    rng = random.Random(0)
    found = set()
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            content[rng.randrange(200)] = rng.randrange(256)
        file.write_bytes(content[: rng.choice((len(content), rng.randrange(200)))])
        found.add(stated_box(file, AROUND) == AROUND)
    assert True in found
