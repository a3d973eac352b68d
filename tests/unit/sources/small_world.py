"""A tiny world in memory, and its writing as an OSM file."""

from __future__ import annotations

from pathlib import Path

import osmium
from osmium.osm import mutable


class World:
    """Nodes, ways and relations in memory; ids count up from ``first_id``."""

    def __init__(self, first_id: int = 1) -> None:
        self.nodes: dict[int, tuple[tuple[float, float], dict[str, str]]] = {}
        self.ways: dict[int, tuple[list[int], dict[str, str]]] = {}
        self.relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = {}
        self.next_id = first_id

    def node(self, lon: float, lat: float, **tags: str) -> int:
        self.nodes[self._id()] = ((lon, lat), tags)
        return self.next_id - 1

    def way(self, nodes: list[int], tags: dict[str, str] | None = None, **more: str) -> int:
        self.ways[self._id()] = (nodes, {**(tags or {}), **more})
        return self.next_id - 1

    def line(
        self, points: list[tuple[float, float]], tags: dict[str, str] | None = None, **more: str
    ) -> int:
        return self.way([self.node(*point) for point in points], tags, **more)

    def ring(self, west: float, south: float, east: float, north: float, **tags: str) -> int:
        corners = [
            self.node(*p) for p in ((west, south), (east, south), (east, north), (west, north))
        ]
        return self.way([*corners, corners[0]], **tags)

    def relation(
        self, members: list[tuple[str, int, str]], tags: dict[str, str] | None = None, **more: str
    ) -> int:
        self.relations[self._id()] = (members, {**(tags or {}), **more})
        return self.next_id - 1

    def city(self, ways: list[int], name: str, level: str = "5", **tags: str) -> int:
        members = [("w", way, "outer") for way in ways]
        return self.relation(
            members,
            type="boundary",
            boundary="administrative",
            admin_level=level,
            name=name,
            **tags,
        )

    def two_cities(
        self, names: tuple[str, str] = ("West", "East"), level: str = "5"
    ) -> tuple[int, int]:
        """Two square cities that share the meridian 114.0, 0.2 degrees wide each."""
        corner = {
            key: self.node(*point)
            for key, point in {
                "sw": (113.8, 34.4),
                "s": (114.0, 34.4),
                "se": (114.2, 34.4),
                "nw": (113.8, 34.6),
                "n": (114.0, 34.6),
                "ne": (114.2, 34.6),
            }.items()
        }
        shared = self.way([corner["s"], corner["n"]], boundary="administrative")
        west = self.way(
            [corner["n"], corner["nw"], corner["sw"], corner["s"]], boundary="administrative"
        )
        east = self.way([corner["s"], corner["se"], corner["ne"], corner["n"]])
        return self.city([shared, west], names[0], level), self.city(
            [shared, east], names[1], level
        )

    def write(
        self,
        path: Path,
        *,
        without_nodes: tuple[int, ...] = (),
        generator: str = "test world",
        snapshot: str | None = "2024-05-01T20:21:22Z",
        bbox: tuple[float, float, float, float] | None = (113.0, 34.0, 115.0, 35.0),
        options: str = "pbf",
    ) -> Path:
        header = osmium.io.Header()
        header.set("generator", generator)
        if snapshot:
            header.set("osmosis_replication_timestamp", snapshot)
        if bbox:
            header.add_box(osmium.osm.Box(*bbox))
        with osmium.SimpleWriter(
            osmium.io.File(str(path), options), header=header, overwrite=True
        ) as out:
            for key, (location, tags) in sorted(self.nodes.items()):
                if key not in without_nodes:
                    out.add_node(mutable.Node(id=key, location=location, tags=tags, version=1))
            for key, (nodes, tags) in sorted(self.ways.items()):
                out.add_way(mutable.Way(id=key, nodes=nodes, tags=tags, version=1))
            for key, (members, tags) in sorted(self.relations.items()):
                out.add_relation(mutable.Relation(id=key, members=members, tags=tags, version=1))
        return path

    def _id(self) -> int:
        self.next_id += 1
        return self.next_id - 1
