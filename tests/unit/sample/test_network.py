"""The road network: shape, ratios of methods.md section 9, and connection."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pyproj
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .conftest import NOT_OPEN, Extract

_LEFT_OUT = {"service", "track", *NOT_OPEN}


def measure(extract: Extract) -> dict[str, float]:
    """Ratios of the network, from the file alone."""
    rows = [(refs, tags) for _, refs, tags in extract.roads() if tags["highway"] not in _LEFT_OUT]
    pairs = [
        (a, b, tags["highway"])
        for refs, tags in rows
        for a, b in pairwise(refs)
        if b in extract.nodes
    ]
    a = np.array([p[0] for p in pairs])
    b = np.array([p[1] for p in pairs])
    kind = np.array([p[2] for p in pairs])
    lon_a, lat_a = np.array([extract.nodes[n] for n in a]).T
    lon_b, lat_b = np.array([extract.nodes[n] for n in b]).T
    length = pyproj.Geod(ellps="WGS84").inv(lon_a, lat_a, lon_b, lat_b)[2]
    nodes, index = np.unique(np.concatenate([a, b]), return_inverse=True)
    degree = np.bincount(index)
    junctions, dead = (degree >= 3).sum(), (degree == 1).sum()
    count = len(a)
    label = connected_components(
        coo_array((np.ones(count), (index[:count], index[count:])), shape=(len(nodes),) * 2),
        directed=False,
    )[1]
    result = {
        "dead_end": dead / (dead + junctions),
        "four_way": (degree >= 4).sum() / junctions,
        "street_m": length.sum() / (degree[degree != 2].sum() / 2),
        "spacing_m": length.sum() / len(nodes),
        "main": np.bincount(label).max() / len(nodes),
    }
    for name in np.unique(kind):
        result[str(name)] = float(length[kind == name].sum() / length.sum())
    for tag in ("lanes", "maxspeed", "oneway", "name"):
        result[f"tag_{tag}"] = sum(tag in tags for _, tags in rows) / len(rows)
    return {k: float(v) for k, v in result.items()}


BANDS = {
    # name: (lowest, highest), about the targets of methods.md section 9
    "dead_end": (0.115, 0.155),
    "four_way": (0.24, 0.32),
    "street_m": (200, 320),
    "spacing_m": (60, 82),
    "main": (0.999, 1.0),
    "residential": (0.20, 0.26),
    "tertiary": (0.16, 0.21),
    "secondary": (0.15, 0.20),
    "primary": (0.12, 0.16),
    "trunk": (0.08, 0.11),
    "unclassified": (0.04, 0.13),
    "motorway": (0.04, 0.06),
    "motorway_link": (0.008, 0.025),
    "trunk_link": (0.003, 0.045),
    "tag_lanes": (0.11, 0.19),
    "tag_maxspeed": (0.11, 0.16),
    "tag_oneway": (0.17, 0.25),
    "tag_name": (0.20, 0.29),
}


@pytest.mark.parametrize("name", BANDS)
@pytest.mark.parametrize("size", ["small", pytest.param("default", marks=pytest.mark.slow)])
def test_ratios(name: str, size: str, request: pytest.FixtureRequest) -> None:
    extract: Extract = request.getfixturevalue(size)
    low, high = BANDS[name]
    measured = _measured(extract)[name]
    assert low <= measured <= high, f"{name} at {size}: {measured:.3f} outside {low}..{high}"


_MEMORY: dict[int, dict[str, float]] = {}


def _measured(extract: Extract) -> dict[str, float]:
    if id(extract) not in _MEMORY:
        _MEMORY[id(extract)] = measure(extract)
    return _MEMORY[id(extract)]


@pytest.mark.slow
def test_every_border_is_crossed_somewhere(default: Extract) -> None:
    """Commuting needs crossings: each border's bus route crosses it."""
    routes = [tags for tags, _ in default.relations if tags.get("route") == "bus"]
    borders = {b for b in default.truth.border_id.dropna()}
    assert len(routes) >= len(borders) - 1


@pytest.mark.slow
def test_roads_over_wide_water_are_bridges(default: Extract) -> None:
    bridges = [tags for _, _, tags in default.roads() if tags.get("bridge") == "yes"]
    assert len(bridges) > 50
    assert all(tags.get("layer") == "1" for tags in bridges)


@pytest.mark.slow
def test_roads_in_the_hills_have_tunnels(default: Extract) -> None:
    """Through roads: both portals go on, unlike those of the planted half tunnels."""
    used = Counter(n for _, refs, _ in default.roads() for n in {refs[0], refs[-1]})
    through = [
        tags
        for _, refs, tags in default.roads()
        if tags.get("tunnel") == "yes" and min(used[refs[0]], used[refs[-1]]) > 1
    ]
    assert len(through) >= 5
    assert all(tags["layer"] == "-1" for tags in through)


@pytest.mark.slow
def test_main_road_signs_agree_along_a_name(default: Extract) -> None:
    """Lanes per direction change along no road but a planted one."""
    seen: dict[tuple[int, str], set[str]] = defaultdict(set)
    for _, refs, tags in default.roads():
        if "lanes" in tags and tags.get("name", "").startswith("示例跨界路") is False:
            for node in (refs[0], refs[-1]):
                if tags.get("name") and tags["highway"] in ("trunk", "primary", "secondary"):
                    seen[node, tags["name"]].add(tags["lanes"])
    assert seen
    assert all(len(lanes) == 1 for lanes in seen.values())
