"""Columns read from PBF files: identity with what was written, faults, areas."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import osmium
import pyarrow as pa
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.sources.osm.pbf import (
    Tags,
    areas_of,
    assemble_areas,
    find_sorted,
    lines_of,
    open_osm,
    ragged_take,
    read_header,
    read_osm,
)
from pipeline.sources.osm.tags import KEYS

HOSTILE = [
    "<script>alert(1)</script>",
    "a,b=c@d%20%e",
    "郑州市\u3000人民路",
    "quote\"'`",
    "%4eba%",
    "🚧",
    "é\u0301",
    "x" * 255,
    "tab\tnew\nline",
    "n1x2y3",
    "Tkey=value Nn1",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_tag_text_comes_back_as_written(world, tmp_path, name):
    way = world.line([(114.0, 34.5), (114.1, 34.5)], highway="primary", name=name)
    osm = read_osm([world.write(tmp_path / "a.osm.pbf")])
    assert osm.ways.id.tolist() == [way]
    assert osm.ways.tags.get("name").tolist() == [name]


def test_ways_keep_node_order_and_exact_coordinates(world, tmp_path):
    points = [(113.1234567, 34.7654321), (-0.0000001, 0.0), (179.9999999, -89.9999999)]
    nodes = [world.node(*point) for point in points]
    world.way([nodes[2], nodes[0], nodes[1], nodes[0]], highway="primary")
    ways = read_osm([world.write(tmp_path / "a.osm.pbf")]).ways
    assert ways.node_id.tolist() == [nodes[2], nodes[0], nodes[1], nodes[0]]
    assert ways.offsets.tolist() == [0, 4]
    assert list(zip(ways.lon, ways.lat, strict=True)) == [
        points[2],
        points[0],
        points[1],
        points[0],
    ]


def test_a_missing_node_keeps_its_id_and_has_no_location(world, tmp_path):
    nodes = [world.node(114 + i / 100, 34.5) for i in range(3)]
    world.way(nodes, highway="primary")
    ways = read_osm([world.write(tmp_path / "a.osm.pbf", without_nodes=(nodes[1],))]).ways
    assert ways.node_id.tolist() == nodes
    assert np.isnan(ways.lon).tolist() == [False, True, False]
    assert ways.missing.tolist() == [1]


def test_only_wanted_ways_and_tagged_nodes_are_kept(world, tmp_path):
    world.node(114, 34, place="town")
    world.node(114, 34, shop="bakery")
    power = world.line([(114, 34), (114, 35)], power="line")
    plain_member = world.ring(114, 34, 115, 35)
    world.ring(114, 34, 115, 35)
    world.relation([("w", plain_member, "outer")], type="multipolygon", natural="water")
    osm = read_osm([world.write(tmp_path / "a.osm.pbf")])
    assert osm.ways.id.tolist() == [plain_member]
    assert power not in osm.ways.id
    assert osm.nodes.tags.get("place").tolist() == ["town"]


def test_relations_keep_member_order_type_and_role(world, tmp_path):
    members = [("w", 5, "forward"), ("n", 7, "stop entry, only=x"), ("r", 9, ""), ("w", 5, "")]
    world.relation(members, type="route", route="bus")
    world.relation([], type="route", route="tram")
    relations = read_osm([world.write(tmp_path / "a.osm.pbf")]).relations
    found = list(zip(relations.member_type, relations.member_id, relations.role, strict=True))
    assert [(str(t), int(m), r) for t, m, r in found] == members
    assert relations.offsets.tolist() == [0, 4, 4]


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


def test_an_object_in_two_files_counts_once_and_the_fuller_copy_wins(world, make_world, tmp_path):
    nodes = [world.node(114 + i / 100, 34.5) for i in range(4)]
    shared = world.way(nodes, highway="primary", name="shared")
    cut = world.write(tmp_path / "a.osm.pbf", without_nodes=tuple(nodes[2:]))
    whole = world.write(tmp_path / "b.osm.pbf")
    for files in ([cut, whole], [whole, cut]):
        ways = read_osm(files).ways
        assert ways.id.tolist() == [shared]
        assert ways.missing.tolist() == [0]
    other = make_world(first_id=1000)
    extra = other.line([(113, 34), (113.1, 34)], highway="track")
    joined = read_osm([cut, other.write(tmp_path / "c.osm.pbf"), whole]).ways
    assert joined.id.tolist() == [shared, extra]
    assert joined.tags.get("highway").tolist() == ["primary", "track"]


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


def test_ways_outside_a_box_are_thinned_but_counted(world, tmp_path):
    def line(lon, **tags):
        return world.line([(lon + i / 100, 34.5) for i in range(5)], **tags)

    near, far = line(114, highway="primary"), line(120, highway="primary", name="far")
    across = world.line([(120, 34), (121, 34), (114, 34), (122, 34)], highway="track")
    platform = line(120, public_transport="platform")
    member, plain = world.ring(120, 34, 121, 35), line(120, power="line")
    world.relation([("w", member, "outer")], type="multipolygon", natural="water")
    cut = line(120, highway="residential")
    lost = world.ways[cut][0][2]
    file = world.write(tmp_path / "a.osm.pbf", without_nodes=(lost,))
    with open_osm([file]) as opened:
        ways = opened.read_all(box=(113, 34, 115, 35)).ways
        whole = opened.read_all().ways
    counts = dict(zip(ways.id.tolist(), np.diff(ways.offsets).tolist(), strict=True))
    assert counts == {near: 5, far: 2, across: 4, platform: 5, member: 5, cut: 5}
    assert plain not in counts
    assert ways.id.tolist() == whole.id.tolist()
    assert ways.tags.get("name").equals(whole.tags.get("name"))
    assert np.diff(whole.offsets).tolist() == [5, 5, 4, 5, 5, 5]


def test_only_boundary_members_are_read_first(world, tmp_path):
    world.two_cities()
    world.line([(114, 34), (115, 34)], highway="primary")
    lake = world.ring(114, 34, 115, 35)
    world.relation([("w", lake, "outer")], type="multipolygon", natural="water")
    with open_osm([world.write(tmp_path / "a.osm.pbf")]) as opened:
        first = opened.read_boundaries()
    members = {way for ways, _ in list(world.relations.values())[:2] for _, way, _ in ways}
    assert set(first.ways.id.tolist()) == members


# --- areas


def _assemble(world, tmp_path):
    osm = read_osm([world.write(tmp_path / "areas.osm.pbf")])
    return assemble_areas(osm.relations, osm.ways)


def _area(world, ways, **tags):
    return world.relation([("w", way, role) for way, role in ways], type="multipolygon", **tags)


def test_holes_islands_and_exclaves_nest_whatever_the_roles_say(world, tmp_path):
    outer, hole = world.ring(0, 0, 10, 10), world.ring(2, 2, 8, 8)
    island, exclave = world.ring(4, 4, 6, 6), world.ring(20, 0, 21, 1)
    _area(world, [(outer, "outer"), (hole, "inner"), (island, "outer"), (exclave, "outer")])
    _area(world, [(outer, ""), (hole, "outer"), (island, "inner"), (exclave, "exclave")])
    geometry, fault = _assemble(world, tmp_path)
    assert fault.tolist() == [None, None]
    assert shapely.area(geometry).tolist() == pytest.approx([100 - 36 + 4 + 1] * 2)
    assert shapely.get_num_geometries(geometry).tolist() == [3, 3]


def test_touching_holes_and_rings_of_many_ways(world, tmp_path):
    outer = world.ring(0, 0, 10, 10)
    a, b, c, d = (world.node(*p) for p in ((2, 2), (4, 2), (4, 4), (2, 4)))
    e, f = world.node(6, 2), world.node(6, 4)
    left, middle, right = world.way([c, d, a, b]), world.way([b, c]), world.way([b, e, f, c])
    _area(world, [(outer, "outer"), (left, "inner"), (middle, "inner"), (right, "inner")])
    _area(world, [(outer, "outer"), (left, "inner"), (right, "inner")])
    geometry, fault = _assemble(world, tmp_path)
    # With the middle line the two holes' shared nodes end three ways each.
    assert fault.tolist() == ["open_ring", None]
    assert geometry[1].area == pytest.approx(100 - 8)


def test_open_rings_missing_members_and_lines_are_told_apart(world, tmp_path):
    half = world.line([(0, 0), (10, 0), (10, 10)])
    ring = world.ring(20, 0, 30, 10)
    _area(world, [(half, "outer")])
    _area(world, [(half, "outer"), (999_999, "outer")])
    _area(world, [])
    _area(world, [(ring, "outer"), (888_888, "inner")])
    geometry, fault = _assemble(world, tmp_path)
    assert fault.tolist() == ["open_ring", "missing_members", "missing_members", None]
    assert [shape is None for shape in geometry] == [True, True, True, False]


def test_label_members_are_no_edges(world, tmp_path):
    ring, subarea = world.ring(0, 0, 1, 1), world.line([(5, 5), (6, 6)])
    _area(world, [(ring, "outer"), (subarea, "subarea")])
    geometry, fault = _assemble(world, tmp_path)
    assert fault.tolist() == [None]
    assert geometry[0].area == pytest.approx(1.0)


def test_assembly_equals_libosmium_on_andorra(andorra):
    osm = read_osm([andorra])
    is_area = osm.relations.tags.get("type").isin(("multipolygon", "boundary")).to_numpy()
    relations = osm.relations.take(np.flatnonzero(is_area))
    geometry, _ = assemble_areas(relations, osm.ways)
    ours = {int(key): shape for key, shape in zip(relations.id, geometry, strict=True) if shape}
    factory, theirs = osmium.geom.WKBFactory(), {}
    for area in osmium.FileProcessor(str(andorra)).with_areas():
        if area.is_area() and not area.from_way():
            theirs[area.orig_id()] = shapely.from_wkb(factory.create_multipolygon(area))
    assert ours.keys() == theirs.keys()
    assert len(ours) == 83
    differ = [
        key for key in ours if shapely.symmetric_difference(ours[key], theirs[key]).area > 1e-12
    ]
    assert differ == []


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


# --- faults


def test_no_file_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(SourceError, match="no OSM extract"):
        read_osm([])
    with pytest.raises(SourceError, match=r"nowhere\.osm\.pbf does not exist"):
        read_osm([tmp_path / "nowhere.osm.pbf"])
    with pytest.raises(SourceError, match="does not exist"):
        read_osm([tmp_path])


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"<html>404</html>" * 20, "no OSM PBF"), (os.urandom(500), "no OSM PBF")],
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


def test_rings_that_cross_do_not_spoil_the_other_areas():
    crossing = shapely.MultiLineString(
        [[(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)], [(2, 2), (6, 2), (6, 6), (2, 6), (2, 2)]]
    )
    holed = shapely.MultiLineString(
        [
            [(10, 0), (14, 0), (14, 4), (10, 4), (10, 0)],
            [(11, 1), (12, 1), (12, 2), (11, 2), (11, 1)],
        ]
    )
    found = areas_of(np.array([crossing, holed], dtype=object))
    assert shapely.is_valid(found).all()
    # What one ring encloses, less what both do; and a square with a hole.
    assert shapely.area(found).tolist() == [28.0, 15.0]


# --- ragged arrays


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 99), max_size=5), max_size=8), st.data())
def test_ragged_take_equals_picking_lists(lists, data):
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in lists])]).astype(np.int64)
    flat = np.array([x for each in lists for x in each], dtype=np.int64)
    rows = data.draw(st.lists(st.integers(0, max(len(lists) - 1, 0)), max_size=8)) if lists else []
    inside, new = ragged_take(offsets, np.array(rows, dtype=np.int64))
    assert flat[inside].tolist() == [x for row in rows for x in lists[row]]
    assert np.diff(new).tolist() == [len(lists[row]) for row in rows]


def test_find_sorted_tells_absent_ids():
    assert find_sorted(np.array([2, 4]), np.array([1, 2, 3, 4, 5])).tolist() == [-1, 0, -1, 1, -1]
    assert find_sorted(np.array([], dtype=np.int64), np.array([1])).tolist() == [-1]


def test_of_a_key_that_a_row_has_twice_the_last_value_counts():
    """No sound file holds one; `get` and `values_of` agree on it all the same."""
    keys = list(KEYS)
    key = np.array(
        [keys.index(each) for each in ("name", "highway", "name", "name", "ref")], np.int16
    )
    row = np.array([0, 0, 2, 2, 3])
    tags = Tags(5, row, key, pa.array(["a", "b", "c", "d", "e"], pa.large_string()))
    for each, wanted in {"name": {0: "a", 2: "d"}, "ref": {3: "e"}, "barrier": {}}.items():
        rows, values = tags.values_of(each)
        assert dict(zip(rows.tolist(), values, strict=True)) == wanted
        assert tags.get(each).dropna().to_dict() == wanted
