"""Ways of more nodes than the 2,000 that OpenStreetMap takes: read like the same course in pieces."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
import shapely
from small_world import World
from two_cities import METRO, read

from pipeline.crs import local_metric_crs
from pipeline.errors import SourceError
from pipeline.measures.network import network
from pipeline.measures.network.params import NetworkParams
from pipeline.sources.osm import parse_opl
from pipeline.sources.params import ExtractParams

MOST = 2_000
"""Nodes of a way in OpenStreetMap."""
METRIC = local_metric_crs(114.0, 34.5)


def course(nodes, pieces):
    """A road that winds over the border and back, as one way or in pieces; three side streets."""
    world = World()
    world.two_cities()
    turn = np.linspace(0.0, 1.0, nodes)
    lon, lat = 113.85 + 0.3 * turn, 34.5 + 0.01 * np.sin(40.0 * turn)
    refs = [world.node(x, y) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    bounds = np.linspace(0, nodes - 1, pieces + 1).astype(int)
    for start, stop in pairwise(bounds.tolist()):
        world.way(refs[start : stop + 1], highway="primary", name="Long")
    for at in (nodes // 4, nodes // 2, 3 * nodes // 4):
        tip = world.node(float(lon[at]), float(lat[at]) + 0.02)
        world.way([refs[at], tip], highway="tertiary")
    return world


def roads_of(extract):
    named = ("cities", "highways", "tagged_nodes", "land_areas", "extract_area")
    layers = {name: extract.layers[name].to_crs(METRIC) for name in named}
    made = network.build_network(**layers, params=NetworkParams(), extract_params=ExtractParams())
    return made["roads"]


@pytest.mark.parametrize("nodes", [MOST + 1, 12_001])
def test_a_road_of_very_many_nodes_is_the_road_in_pieces(tmp_path, nodes):
    whole = roads_of(read(course(nodes, 1), tmp_path))
    pieces = roads_of(read(course(nodes, 12), tmp_path))
    assert whole["length_m"].sum() == pytest.approx(pieces["length_m"].sum(), rel=1e-9)
    assert whole["length_m"].sum() > 27_000
    # Cut where streets meet it, and nowhere else.
    assert (whole["highway"] == "primary").sum() == 4
    assert set(whole["name"].dropna()) == {"Long"}


def test_an_area_of_very_many_nodes_is_whole(tmp_path):
    world = World()
    world.two_cities()
    turn = np.linspace(0.0, 2.0 * np.pi, 30_001)[:-1]
    refs = [
        world.node(x, y)
        for x, y in zip(114.0 + 0.05 * np.cos(turn), 34.5 + 0.05 * np.sin(turn), strict=True)
    ]
    world.way([*refs, refs[0]], natural="water", name="湖")
    areas = read(world, tmp_path).layers["land_areas"]
    (lake,) = areas.geometry
    assert shapely.get_num_coordinates(lake) == 30_001
    assert shapely.area(lake) == pytest.approx(np.pi * 0.05**2, rel=1e-4)


def test_a_way_beyond_what_is_read_is_named_by_that(tmp_path, monkeypatch):
    """The error spoke of a damaged file."""
    monkeypatch.setattr(parse_opl, "_BLOCK_BYTES", 1 << 14)
    with pytest.raises(SourceError, match="a way or relation of very many members"):
        read(course(MOST, 1), tmp_path)


@pytest.mark.slow
def test_time_goes_with_the_nodes_not_with_their_square(tmp_path):
    spent = {}
    for nodes in (4_000, 64_000):
        world = course(nodes, 1)
        read(world, tmp_path, metro=METRO)
        began = time.process_time()
        roads_of(read(world, tmp_path, metro=METRO))
        spent[nodes] = time.process_time() - began
    # Sixteen times the nodes: the square would be 256 times the time.
    assert spent[64_000] < 40.0 * spent[4_000], spent
