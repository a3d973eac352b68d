"""Areas of relations: nesting, faults, the same as libosmium's."""

from __future__ import annotations

import numpy as np
import osmium
import pytest
import shapely

from pipeline.sources.osm.pbf import read_osm
from pipeline.sources.osm.shapes import areas_of, assemble_areas


def _assemble(world, tmp_path):
    osm = read_osm([world.write(tmp_path / "areas.osm.pbf")])
    return assemble_areas(osm.relations, osm.ways)


def _area(world, ways, **tags):
    return world.relation([("w", way, role) for way, role in ways], type="multipolygon", **tags)


def test_holes_islands_and_exclaves_nest_whatever_the_roles_say(world, tmp_path):
    outer, hole = world.ring(-1, -1, 10, 10), world.ring(2, 2, 8, 8)
    island, exclave = world.ring(4, 4, 6, 6), world.ring(20, 0, 21, 1)
    _area(world, [(outer, "outer"), (hole, "inner"), (island, "outer"), (exclave, "outer")])
    _area(world, [(outer, ""), (hole, "outer"), (island, "inner"), (exclave, "exclave")])
    geometry, fault = _assemble(world, tmp_path)
    assert fault.tolist() == [None, None]
    assert shapely.area(geometry).tolist() == pytest.approx([121 - 36 + 4 + 1] * 2)
    assert shapely.get_num_geometries(geometry).tolist() == [3, 3]


def test_touching_holes_and_rings_of_many_ways(world, tmp_path):
    outer = world.ring(-1, -1, 10, 10)
    a, b, c, d = (world.node(*p) for p in ((2, 2), (4, 2), (4, 4), (2, 4)))
    e, f = world.node(6, 2), world.node(6, 4)
    left, middle, right = world.way([c, d, a, b]), world.way([b, c]), world.way([b, e, f, c])
    _area(world, [(outer, "outer"), (left, "inner"), (middle, "inner"), (right, "inner")])
    _area(world, [(outer, "outer"), (left, "inner"), (right, "inner")])
    geometry, fault = _assemble(world, tmp_path)
    # With the middle line the two holes' shared nodes end three ways each.
    assert fault.tolist() == ["open_ring", None]
    assert geometry[1].area == pytest.approx(121 - 8)


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
