"""The road network: shape, ratios of methods.md section 9, and connection."""

from __future__ import annotations

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
    "dead_end": (0.10, 0.19), "four_way": (0.10, 0.30), "street_m": (110, 400),
    "spacing_m": (33, 85), "main": (0.999, 1.0),
    "residential": (0.16, 0.28), "tertiary": (0.13, 0.33), "secondary": (0.12, 0.22),
    "primary": (0.08, 0.19), "trunk": (0.05, 0.13), "unclassified": (0.03, 0.13),
    "motorway": (0.025, 0.075), "tag_lanes": (0.03, 0.2), "tag_maxspeed": (0.04, 0.2),
    "tag_oneway": (0.07, 0.26), "tag_name": (0.14, 0.30),
}  # fmt: skip


@pytest.mark.parametrize("name", BANDS)
@pytest.mark.parametrize("size", ["small", "default"])
def test_ratios(name: str, size: str, request: pytest.FixtureRequest) -> None:
    extract: Extract = request.getfixturevalue(size)
    low, high = BANDS[name]
    measured = _measured(extract)[name]
    assert low <= measured <= high, f"{name} at {size}: {measured:.3f} outside {low}..{high}"


_MEMORY: dict[int, dict[str, float]] = {}


def _measured(extract: Extract) -> dict[str, float]:
    return _MEMORY.setdefault(id(extract), measure(extract))


def test_every_border_is_crossed_somewhere(default: Extract) -> None:
    """Commuting needs crossings: each border's bus route crosses it."""
    routes = [tags for tags, _ in default.relations if tags.get("route") == "bus"]
    borders = {b for b in default.truth.border_id.dropna()}
    assert len(routes) >= len(borders) - 1


def test_roads_over_wide_water_are_bridges(default: Extract) -> None:
    bridges = [tags for _, _, tags in default.roads() if tags.get("bridge") == "yes"]
    assert len(bridges) > 50
    assert all(tags.get("layer") == "1" for tags in bridges)
