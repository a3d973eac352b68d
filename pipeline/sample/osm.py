"""The sample as OpenStreetMap objects, and their writing to a PBF file.

What belongs here: numbering, tagging containers, and the file itself. What the
objects mean is decided by the modules that make them.

Numbers: nodes count from 1,000,000,001, ways from 500,000,001, relations from
9,000,001, in the order of creation, so the same sample has the same numbers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import osmium
import pyproj
from numpy.typing import NDArray

GENERATOR = "metro-integration-sample"
SNAPSHOT = "2026-01-01T00:00:00Z"
FIRST_NODE, FIRST_WAY, FIRST_RELATION = 1_000_000_001, 500_000_001, 9_000_001

Floats = NDArray[np.float64]
Tags = dict[str, str]
Member = tuple[str, int, str]


@dataclass
class Osm:
    """Objects collected for one file; coordinates in metres until written."""

    chunks: list[Floats] = field(default_factory=list)
    node_tags: dict[int, Tags] = field(default_factory=dict)
    ways: list[tuple[list[int], Tags]] = field(default_factory=list)
    relations: list[tuple[list[Member], Tags]] = field(default_factory=list)
    count: int = 0

    def add_nodes(self, xy: Floats) -> NDArray[np.int64]:
        """Add nodes; return their ids."""
        xy = np.asarray(xy, dtype=float).reshape(-1, 2)
        ids = FIRST_NODE + self.count + np.arange(len(xy))
        self.chunks.append(xy)
        self.count += len(xy)
        return ids

    def add_node(self, xy: Floats | tuple[float, float], tags: Tags | None = None) -> int:
        """Add one node with tags; return its id."""
        node = int(self.add_nodes(np.asarray(xy))[0])
        if tags:
            self.node_tags[node] = tags
        return node

    def add_way(self, refs: list[int], tags: Tags) -> int:
        """Add a way; return its id."""
        self.ways.append((refs, tags))
        return FIRST_WAY + len(self.ways) - 1

    def add_relation(self, members: list[Member], tags: Tags) -> int:
        """Add a relation; return its id."""
        self.relations.append((members, tags))
        return FIRST_RELATION + len(self.relations) - 1

    def tag_node(self, node: int, **tags: str) -> None:
        """Add tags to a node."""
        self.node_tags.setdefault(node, {}).update(tags)

    def add_area(self, shape: object, tags: Tags) -> list[Member]:
        """Add a polygon (a closed way, or a multipolygon relation with holes or parts)."""
        import shapely

        rings: list[Member] = []
        polygons = [
            p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and not p.is_empty
        ]
        for polygon in polygons:
            simple = len(polygons) == 1 and not len(polygon.interiors)
            for ring, role in [
                (polygon.exterior, "outer"),
                *((r, "inner") for r in polygon.interiors),
            ]:
                ids = self.add_nodes(shapely.get_coordinates(ring)[:-1]).tolist()
                # A way holds at most 2,000 nodes; a long ring becomes several ways.
                closed = [*ids, ids[0]]
                for start in range(0, len(closed) - 1, 1900):
                    part = closed[start : start + 1901]
                    single = simple and len(closed) <= 1901
                    rings.append(("w", self.add_way(part, dict(tags) if single else {}), role))
                if simple and len(closed) <= 1901:
                    return rings
        if rings:
            self.add_relation(rings, {"type": "multipolygon", **tags})
        return rings


def write_pbf(
    osm: Osm, path: Path, to_wgs84: pyproj.Transformer, version: str
) -> NDArray[np.float64]:
    """Write sorted nodes, ways and relations; return the nodes' degrees (n, 2).

    ``path`` is written as is: the caller renames it when all is well.
    """
    xy = np.concatenate(osm.chunks)
    lonlat = np.round(np.column_stack(to_wgs84.transform(xy[:, 0], xy[:, 1])), 7)
    header = osmium.io.Header()
    header.set("generator", f"{GENERATOR} {version}")
    header.set("osmosis_replication_timestamp", SNAPSHOT)
    west, south = lonlat.min(axis=0)
    east, north = lonlat.max(axis=0)
    header.add_box(osmium.osm.Box(west, south, east, north))
    with osmium.SimpleWriter(osmium.io.File(os.fspath(path), "pbf"), header=header) as writer:
        _write_nodes(osm, writer, lonlat)
        way = osmium.osm.mutable.Way(version=1)
        for number, (refs, tags) in enumerate(osm.ways):
            way.id, way.nodes, way.tags = FIRST_WAY + number, refs, tags
            writer.add_way(way)
        relation = osmium.osm.mutable.Relation(version=1)
        for number, (members, tags) in enumerate(osm.relations):
            relation.id, relation.members, relation.tags = FIRST_RELATION + number, members, tags
            writer.add_relation(relation)
    return lonlat


def _write_nodes(osm: Osm, writer: osmium.SimpleWriter, lonlat: Floats) -> None:
    node = osmium.osm.mutable.Node(version=1)
    tags_of = osm.node_tags
    for number, location in enumerate(zip(*lonlat.T.tolist(), strict=True), FIRST_NODE):
        node.id, node.location, node.tags = number, location, tags_of.get(number)
        writer.add_node(node)
