"""PBF files opened: headers, several files, and what is wrong with those that cannot be read."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import osmium
import pytest

from pipeline.errors import SourceError
from pipeline.sources.osm.pbf import open_osm, read_header, read_osm
from pipeline.sources.osm.shapes import assemble_areas, lines_of


def test_an_empty_file_gives_empty_tables(world, tmp_path):
    osm = read_osm([world.write(tmp_path / "a.osm.pbf")])
    assert len(osm.nodes.id) == len(osm.ways.id) == len(osm.relations.id) == 0
    assert lines_of(osm.ways).shape == (0,)
    assert assemble_areas(osm.relations, osm.ways)[0].shape == (0,)


def test_header_gives_date_generator_and_box(world, tmp_path):
    header = read_header(
        world.write(tmp_path / "a.osm.pbf", generator="metro-integration-sample 1")
    )
    assert header.snapshot == "2024-05-01"
    assert header.generator == "metro-integration-sample 1"
    assert header.bbox == (113.0, 34.0, 115.0, 35.0)
    bare = read_header(world.write(tmp_path / "b.osm.pbf", snapshot=None, bbox=None))
    assert (bare.snapshot, bare.bbox) == (None, None)


def test_member_ways_may_lie_in_the_other_file(world, make_world, tmp_path):
    left = world.line([(114, 34), (115, 34), (115, 35)], boundary="administrative")
    first, last = world.ways[left][0][0], world.ways[left][0][-1]
    right = make_world(first_id=900)
    right.nodes |= {key: world.nodes[key] for key in (first, last)}
    far = right.way([last, right.node(114, 35), first])
    members = [("w", left, "outer"), ("w", far, "outer")]
    for each in (world, right):
        each.relations[5000] = (members, {"type": "boundary", "boundary": "administrative"})
    files = [world.write(tmp_path / "a.osm.pbf"), right.write(tmp_path / "b.osm.pbf")]
    osm = read_osm(files)
    geometry, fault = assemble_areas(osm.relations, osm.ways)
    assert fault.tolist() == [None]
    assert geometry[0].area == pytest.approx(1.0)
    one = read_osm(files[:1])
    assert assemble_areas(one.relations, one.ways)[1].tolist() == ["missing_members"]


def test_only_boundary_members_are_read_first(world, tmp_path):
    world.two_cities()
    world.line([(114, 34), (115, 34)], highway="primary")
    lake = world.ring(114, 34, 115, 35)
    world.relation([("w", lake, "outer")], type="multipolygon", natural="water")
    with open_osm([world.write(tmp_path / "a.osm.pbf")]) as opened:
        first = opened.read_boundaries()
    members = {way for ways, _ in list(world.relations.values())[:2] for _, way, _ in ways}
    assert set(first.ways.id.tolist()) == members


def test_columns_equal_libosmium_on_andorra(andorra):
    ways = read_osm([andorra]).ways
    roads = ways.take(np.flatnonzero(ways.tags.has("highway")))
    assert len(roads.id) == 4981
    theirs = {
        way.id: ([node.ref for node in way.nodes], dict(way.tags).get("name"))
        for way in osmium.FileProcessor(str(andorra), osmium.osm.WAY)
        if "highway" in way.tags
    }
    names = roads.tags.get("name")
    names = names.astype(object).where(names.notna(), None).tolist()
    parts = np.split(roads.node_id, roads.offsets[1:-1])
    ours = {
        int(key): (part.tolist(), name)
        for key, part, name in zip(roads.id, parts, names, strict=True)
    }
    assert ours == theirs


def test_no_file_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(SourceError, match="no OSM extract"):
        read_osm([])
    with pytest.raises(SourceError, match=r"nowhere\.osm\.pbf does not exist"):
        read_osm([tmp_path / "nowhere.osm.pbf"])
    with pytest.raises(SourceError, match="does not exist"):
        read_osm([tmp_path])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<html>404</html>" * 20, "web page"),
        (b"\x07" + os.urandom(500), "no OSM PBF"),
    ],
    ids=["empty", "a page", "random"],
)
def test_a_file_that_is_no_pbf(tmp_path, content, said):
    path = tmp_path / "a.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        read_osm([path])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("order", ["wn", "wnw", "nrw", "rn", "rw", "wrw", "rwr", "nwnr"])
def test_a_file_out_of_order_is_refused(tmp_path, order):
    path = tmp_path / "a.osm.pbf"
    with osmium.SimpleWriter(str(path)) as out:
        for number, kind in enumerate(order, 1):
            if kind == "n":
                tags = {"place": "town"}
                out.add_node(osmium.osm.mutable.Node(id=number, location=(1, 1), tags=tags))
            elif kind == "w":
                tags = {"highway": "primary"}
                out.add_way(osmium.osm.mutable.Way(id=number, nodes=[1, 2], tags=tags))
            else:
                tags = {"type": "route"}
                out.add_relation(osmium.osm.mutable.Relation(id=number, members=[], tags=tags))
    with pytest.raises(SourceError, match="osmium sort"):
        read_osm([path])


@pytest.mark.parametrize("order", ["n", "w", "r", "nw", "nr", "wr", "nwr", "nnwwrr"])
def test_any_type_may_be_lacking(world, tmp_path, order):
    for kind in order:
        if kind == "n":
            world.node(114, 34, place="town")
        elif kind == "w":
            world.line([(114, 34), (115, 34)], highway="primary")
        else:
            world.relation([], type="route")
    osm = read_osm([world.write(tmp_path / "a.osm.pbf")])
    assert [len(part.id) for part in (osm.nodes, osm.ways, osm.relations)] == [
        order.count(kind) for kind in "nwr"
    ]


def _damaged(raw: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    if seed % 3 == 0:
        return raw[: rng.randrange(1, len(raw))]
    broken = bytearray(raw)
    for _ in range(rng.choice([1, 2, 10])):
        broken[rng.randrange(len(broken))] = rng.randrange(256)
    return bytes(broken)


def test_damaged_files_end_in_one_clear_line(world, tmp_path):
    for i in range(300):
        nodes = [world.node(114 + i / 1000, 34.5, place="town", name=f"市{i}"), world.node(114, 34)]
        world.way(nodes, highway="primary", name=f"路{i}")
    raw = world.write(tmp_path / "raw.osm.pbf", options="pbf,pbf_compression=none").read_bytes()
    path = tmp_path / "broken.osm.pbf"
    refused = 0
    # More of the kind, and deeper, is in tests/fuzz.
    for seed in range(15):
        path.write_bytes(_damaged(raw, seed))
        try:
            read_osm([path])  # a changed byte of text may well be readable
        except SourceError as error:
            refused += 1
            assert str(path) in str(error)
            assert "\n" not in str(error)
    assert refused >= 5


def test_text_that_is_not_utf8_neither_passes_nor_kills_the_process(world, tmp_path):
    world.line([(114, 34), (115, 34)], highway="primary", name="AAAAAAAA")
    path = world.write(tmp_path / "a.osm.pbf", options="pbf,pbf_compression=none")
    path.write_bytes(path.read_bytes().replace(b"AAAAAAAA", b"AAAAAAA\xe9"))
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.errors import SourceError\n"
        "from pipeline.sources.osm.pbf import read_osm\n"
        "try:\n    read_osm([Path(sys.argv[1])])\nexcept SourceError:\n    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, "refused")
