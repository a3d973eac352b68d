"""What was written comes back from OPL text, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.sources.osm.pbf import open_osm, read_osm

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
