"""A second year of a sample: the same file a year on, with what happened known.

Links are built, roads closed, more roads mapped, ways split, and ways redrawn a
few metres off under new ids, with the ids of all nodes that are theirs alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pyproj
import shapely

FIRST_NEW = 7_000_000_000
DEGREES_PER_M = 1 / 111_320.0


@dataclass
class Year:
    """What was done: nodes of the ends that are new, and the pairs that were built."""

    new_ends: list[int] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    added_ways: int = 0
    split: int = 0
    redrawn: int = 0
    renumbered: dict[int, int] = field(default_factory=dict)


class _File(osmium.SimpleHandler):
    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[int, tuple[float, float]] = {}
        self.node_tags: dict[int, dict[str, str]] = {}
        self.ways: dict[int, tuple[list[int], dict[str, str]]] = {}
        self.relations: list[tuple[int, list[Any], dict[str, str]]] = []

    def node(self, n: Any) -> None:
        self.nodes[n.id] = (n.location.lon, n.location.lat)
        if len(n.tags):
            self.node_tags[n.id] = dict(n.tags)

    def way(self, w: Any) -> None:
        self.ways[w.id] = ([each.ref for each in w.nodes], dict(w.tags))

    def relation(self, r: Any) -> None:
        members = [(m.type, m.ref, m.role) for m in r.members]
        self.relations.append((r.id, members, dict(r.tags)))


def second_year(
    path: Path,
    out: Path,
    made: dict[str, Any],
    closed: list[int],
    *,
    links: int = 5,
    mapped: float = 0.10,
    split: float = 0.20,
    redrawn: float = 0.10,
    seed: int = 1,
) -> Year:
    """Write the year after `first_year` from the sample itself; shares are of its road ways."""
    rng = np.random.default_rng(seed)
    file = _File()
    file.apply_file(str(path))
    roads = [w for w, (_, tags) in file.ways.items() if "highway" in tags]
    year = Year()
    _redraw(file, rng, roads, int(redrawn * len(roads)), year)
    year.new_ends = [year.renumbered.get(node, node) for node in closed]
    _split(file, rng, int(split * len(roads)), year)
    plain = made["link_candidates"]
    _build(file, plain[~plain["from_node"].isin(closed).to_numpy(bool)], links, rng, year)
    _map_more(file, rng, int(mapped * len(roads)), year, made)
    _write(file, out, path)
    return year


def _redraw(file: _File, rng: Any, roads: list[int], count: int, year: Year) -> None:
    used = Counter(n for refs, _ in file.ways.values() for n in set(refs))
    for way in rng.choice(roads, count, replace=False).tolist():
        refs, tags = file.ways.pop(way)
        off = rng.uniform(-4, 4, 2)
        fresh = []
        for node in refs:
            if used[node] > 1 or node not in file.nodes or refs.count(node) > 1:
                fresh.append(node)
                continue
            number = FIRST_NEW + len(year.renumbered)
            year.renumbered[node] = number
            lon, lat = file.nodes.pop(node)
            dx, dy = off + rng.uniform(-1, 1, 2)
            file.nodes[number] = (
                lon + dx * DEGREES_PER_M / np.cos(np.radians(lat)),
                lat + dy * DEGREES_PER_M,
            )
            if node in file.node_tags:
                file.node_tags[number] = file.node_tags.pop(node)
            fresh.append(number)
        file.ways[FIRST_NEW + way] = (fresh, tags)
        year.redrawn += 1


def _split(file: _File, rng: Any, count: int, year: Year) -> None:
    long = [w for w, (refs, tags) in file.ways.items() if "highway" in tags and len(refs) >= 3]
    for way in rng.choice(long, min(count, len(long)), replace=False).tolist():
        refs, tags = file.ways[way]
        at = int(rng.integers(1, len(refs) - 1))
        file.ways[way] = (refs[: at + 1], tags)
        file.ways[2 * FIRST_NEW + way] = (refs[at:], dict(tags))
        year.split += 1


def first_year(
    path: Path, out: Path, layers: dict[str, Any], made: dict[str, Any], seed: int = 1
) -> list[int]:
    """Write a sample in which three of its ends are roads that go on; returns their nodes.

    Two of them face each other and are joined; the third is led on to a junction
    across the border. A year later these roads are closed, as in the sample.
    """
    rng = np.random.default_rng(seed)
    file = _File()
    file.apply_file(str(path))
    plain = made["link_candidates"]
    plain = plain[((plain["obstacle"] == "none") & (plain["kind"] == "facing_pair")).to_numpy(bool)]
    pair = plain.iloc[int(rng.integers(len(plain)))]
    pieces = [(int(pair["from_node"]), int(pair["to_node"]))]
    ends = made["dead_ends"]
    single = ends[
        ((ends["kind"] == "open_end") & (ends["end_type"] == "degree_one")).to_numpy(bool)
    ]
    assert len(single), "the sample has no open end"
    end = single.iloc[int(rng.integers(len(single)))]
    nodes = layers["road_nodes"]
    across = nodes[
        ((nodes["street_count"] >= 3) & (nodes["city_id"] != end["city_id"])).to_numpy(bool)
    ]
    nearest = int(shapely.distance(across.geometry.to_numpy(), end.geometry).argmin())
    pieces.append((int(end["node_id"]), int(across["node_id"].iloc[nearest])))
    for number, refs in enumerate(pieces):
        file.ways[6 * FIRST_NEW + number] = (list(refs), {"highway": "tertiary"})
    _write(file, out, path)
    return [*pieces[0], pieces[1][0]]


def _build(file: _File, links: Any, count: int, rng: Any, year: Year) -> None:
    plain = links[(links["obstacle"] != "barrier") & (links["kind"] == "facing_pair")]
    for row in plain.iloc[rng.choice(len(plain), count, replace=False)].itertuples():
        nodes = [year.renumbered.get(int(n), int(n)) for n in (row.from_node, row.to_node)]
        (x1, y1), (x2, y2) = (file.nodes[n] for n in nodes)
        # A real road is no straight line between two points.
        middle = 4 * FIRST_NEW + len(year.built)
        file.nodes[middle] = ((x1 + x2) / 2 + 0.04 * (y2 - y1), (y1 + y2) / 2 - 0.04 * (x2 - x1))
        file.ways[4 * FIRST_NEW + len(year.built)] = (
            [nodes[0], middle, nodes[1]],
            {"highway": row.highway},
        )
        year.built.append(row.link_id)


def _map_more(file: _File, rng: Any, count: int, year: Year, made: dict[str, Any]) -> None:
    degree = Counter(
        n for refs, tags in file.ways.values() if "highway" in tags for n in refs[1:-1]
    )
    ends = made["road_ends"]
    taken = set(ends["node_id"].tolist()) | set(year.new_ends) | set(year.renumbered.values())
    crs = pyproj.Transformer.from_crs(ends.crs, 4326, always_xy=True)
    near_ends = [crs.transform(x, y) for x, y in shapely.get_coordinates(ends.geometry.to_numpy())]
    inner = [n for n in degree if n not in taken and n in file.nodes]
    classes = ["residential", "unclassified", "tertiary", "service"]
    beside = [
        min(inner, key=lambda n: abs(file.nodes[n][0] - x) + abs(file.nodes[n][1] - y))
        for x, y in near_ends[:20]
    ]
    starts = [*dict.fromkeys(beside), *rng.choice(inner, count, replace=False).tolist()][:count]
    for number, start in enumerate(starts):
        lon, lat = file.nodes[start]
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(150, 900)
        refs = [start]
        for step in (0.5, 1.0):
            node = 5 * FIRST_NEW + 2 * number + int(2 * step) - 1
            bend = angle + 0.1 * step
            file.nodes[node] = (
                lon + step * length * np.cos(bend) * DEGREES_PER_M / np.cos(np.radians(lat)),
                lat + step * length * np.sin(bend) * DEGREES_PER_M,
            )
            refs.append(node)
        file.ways[5 * FIRST_NEW + number] = (refs, {"highway": str(rng.choice(classes))})
        year.added_ways += 1


def _write(file: _File, out: Path, like: Path) -> None:
    header = osmium.io.Reader(str(like)).header()
    with osmium.SimpleWriter(str(out), header=header, overwrite=True) as writer:
        for node in sorted(file.nodes):
            writer.add_node(
                osmium.osm.mutable.Node(
                    id=node, location=file.nodes[node], tags=file.node_tags.get(node), version=1
                )
            )
        for way in sorted(file.ways):
            refs, tags = file.ways[way]
            writer.add_way(osmium.osm.mutable.Way(id=way, nodes=refs, tags=tags, version=1))
        for number, members, tags in file.relations:
            writer.add_relation(
                osmium.osm.mutable.Relation(id=number, members=members, tags=tags, version=1)
            )
