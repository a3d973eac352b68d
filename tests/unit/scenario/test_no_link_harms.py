"""No link that is built lengthens a time: random links on street grids, alone and together."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from small_roads import CRS, World

from pipeline.crs import WGS84
from pipeline.measures.network import network
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.scenario.build import build_links
from pipeline.sources.params import ExtractParams

STEP_M, SIDE = 1_500.0, 5


def street_grid(rng):
    """Streets of all classes on a grid, a third of them missing, a fifth one-way; a town on it."""
    ways = []
    for column in range(SIDE):
        for row in range(SIDE):
            here = ((column - SIDE // 2) * STEP_M + 100.0, (row - SIDE // 2) * STEP_M)
            for dx, dy in ((STEP_M, 0.0), (0.0, STEP_M)):
                kind = str(rng.choice(["primary", "tertiary", "residential"]))
                # A ring holds the town together: which roads are its main ones is no matter of chance.
                is_edge = 0 in (column, row) or SIDE - 1 in (column, row)
                if rng.random() > 0.3 or is_edge:
                    tags = {"oneway": "yes"} if rng.random() < 0.2 and not is_edge else {}
                    ways.append((kind, [here, (here[0] + dx, here[1] + dy)], tags))
    town = {
        "area_id": "w1",
        "key": "landuse",
        "value": "residential",
        "geometry": shapely.Point(*rng.uniform(-2_000, 2_000, 2)).buffer(1_800.0),
    }
    return World(ways, land_areas=[town])


def random_links(world, rng, count):
    """Rows of ``link_candidates``: between nodes, or from a node to a point on a road."""
    roads, xy = world["roads"], world["road_nodes"].set_index("node_id").geometry
    rows, lines = [], []
    for number in range(count):
        a, b = rng.choice(xy.index.to_numpy(), 2, replace=False)
        spot = None
        if rng.random() < 0.6:
            road = roads.iloc[int(rng.integers(len(roads)))]
            spot = shapely.line_interpolate_point(
                road.geometry, float(rng.uniform(0.1, 0.9)), normalized=True
            )
            b = road["from_node"]
        line = shapely.LineString([xy[a], xy[b] if spot is None else spot])
        if line.length < 100.0:
            continue
        lines.append(line)
        rows.append(
            {
                "link_id": f"x/{number}",
                "highway": "tertiary",
                "obstacle": "none",
                "gap_m": line.length,
                "link_minutes": line.length / 1e3 / float(rng.uniform(20, 80)) * 60.0,
                "join_from": int(a),
                "join_to": int(b),
                "twin_from": pd.NA,
                "twin_to": pd.NA,
                "is_facing_from": False,
                "facing_x": np.nan if spot is None else spot.x,
                "facing_y": np.nan if spot is None else spot.y,
            }
        )
    return gpd.GeoDataFrame(rows, geometry=lines, crs=CRS)


def routing_with(world, links):
    """The network with links built."""
    nothing = pd.DataFrame({"link_id": [], "end_type": []})
    edited = build_links(
        links,
        world["highways"].to_crs(WGS84),
        world["tagged_nodes"].to_crs(WGS84),
        world["roads"],
        world["road_nodes"],
        nothing,
        nothing,
    )
    after = network.build_network(
        world["cities"],
        edited.highways.to_crs(CRS),
        edited.tagged_nodes.to_crs(CRS),
        world["land_areas"],
        world["extract_area"],
        NetworkParams(),
        ExtractParams(),
    )
    return prepare(after["roads"], after["road_nodes"], world["turn_restrictions"], RoutingParams())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(12), deadline=None)
def test_no_link_lengthens_a_time(seed):
    rng = np.random.default_rng(seed)
    world = street_grid(rng)
    points = rng.uniform(-4_000, 4_000, (30, 2))
    links = random_links(world, rng, 4)
    if not len(links):
        return
    times = {}
    for name, net in (
        ("before", world["routing_network"]),
        ("one", routing_with(world, links.iloc[:1])),
        ("all", routing_with(world, links)),
    ):
        access, snap_m = net.access_of_points(*points.T, 3_000.0)
        for mode in ("drive", "drive_peak"):
            times[name, mode] = net.times_between(access, access, mode=mode), snap_m
    for first, second in (("before", "one"), ("one", "all")):
        for mode in ("drive", "drive_peak"):
            (old, old_m), (new, new_m) = times[first, mode], times[second, mode]
            # A vertex put into a road is kept to a millimetre: four millionths of a minute on foot.
            assert new_m == pytest.approx(old_m, nan_ok=True, abs=0.01)
            worse = np.nan_to_num(new - old, nan=0.0, posinf=1e9)
            assert worse[np.isfinite(old)].max(initial=0.0) < 5e-5
