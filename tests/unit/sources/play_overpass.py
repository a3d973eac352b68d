"""An Overpass server's answers, worked out from objects in memory.

Understands what osmnx asks for features: statements of one kind and one tag
within a polygon, each with all that it consists of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import osmium
import shapely

_STATEMENT = re.compile(
    r"\((?P<kind>node|way|relation)\['(?P<key>[^']+)'(?:='(?P<value>[^']*)')?\]\(poly:'(?P<poly>[^']+)'\)"
)


@dataclass
class Planet:
    """Nodes (lon, lat, tags), ways (refs, tags) and relations (members, tags) by id."""

    nodes: dict[int, tuple[float, float, dict[str, str]]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(
        default_factory=dict
    )
    snapshot: str = "2024-05-01T20:21:22Z"

    def __post_init__(self):
        self.places = {}
        self.index = None

    def answer(self, body: str) -> bytes:
        """The answer to a posted form."""
        query = parse_qs(body)["data"][0]
        found = {"node": set(), "way": set(), "relation": set()}
        for statement in _STATEMENT.finditer(query):
            self._select(statement, found)
        for relation in found["relation"]:
            for kind, ref, _ in self.relations[relation][0]:
                if kind == "w" and ref in self.ways:
                    found["way"].add(ref)
                if kind == "n" and ref in self.nodes:
                    found["node"].add(ref)
        for way in found["way"]:
            found["node"].update(ref for ref in self.ways[way][0] if ref in self.nodes)
        return json.dumps(self._as_json(found), ensure_ascii=False).encode()

    def _select(self, statement: re.Match[str], found: Mapping[str, set[int]]) -> None:
        kind, key, value = statement["kind"], statement["key"], statement["value"]
        table = getattr(self, f"{kind}s")
        inside = self._inside(statement["poly"])
        for number, content in table.items():
            own = content[-1].get(key)
            if number in inside[kind] and own is not None and value in (None, own):
                found[kind].add(number)

    def _inside(self, poly: str) -> dict[str, set[int]]:
        """Ids of what touches a polygon: nodes inside it, ways that meet it, relations of those."""
        if poly not in self.places:
            if self.index is None:
                self.index = self._make_index()
            node_ids, xy, way_ids, lines = self.index
            lat, lon = np.array(poly.split(), dtype=float).reshape(-1, 2).T
            area = shapely.polygons(np.column_stack([lon, lat]))
            shapely.prepare(area)
            nodes = set(node_ids[shapely.intersects_xy(area, xy)].tolist())
            ways = set(way_ids[shapely.intersects(area, lines)].tolist())
            relations = {
                number
                for number, (members, _) in self.relations.items()
                if any(
                    (kind == "n" and ref in nodes) or (kind == "w" and ref in ways)
                    for kind, ref, _ in members
                )
            }
            self.places[poly] = {"node": nodes, "way": ways, "relation": relations}
        return self.places[poly]

    def _make_index(self):
        whole = {
            number: [self.nodes[ref][:2] for ref in refs if ref in self.nodes]
            for number, (refs, _) in self.ways.items()
        }
        whole = {number: points for number, points in whole.items() if len(points) > 1}
        return (
            np.array(list(self.nodes)),
            np.array([place[:2] for place in self.nodes.values()]).reshape(-1, 2),
            np.array(list(whole)),
            np.array([shapely.LineString(points) for points in whole.values()], dtype=object),
        )

    def _as_json(self, found: Mapping[str, set[int]]) -> dict:
        long = {"n": "node", "w": "way", "r": "relation"}
        elements: list[dict] = []
        for number in sorted(found["node"]):
            lon, lat, tags = self.nodes[number]
            elements.append({"type": "node", "id": number, "lat": lat, "lon": lon} | _tagged(tags))
        for number in sorted(found["way"]):
            refs, tags = self.ways[number]
            elements.append({"type": "way", "id": number, "nodes": refs} | _tagged(tags))
        for number in sorted(found["relation"]):
            members, tags = self.relations[number]
            listed = [{"type": long[k], "ref": ref, "role": role} for k, ref, role in members]
            elements.append({"type": "relation", "id": number, "members": listed} | _tagged(tags))
        return {
            "version": 0.6,
            "generator": "Overpass API of a test",
            "osm3s": {"timestamp_osm_base": self.snapshot, "copyright": "ODbL"},
            "elements": elements,
        }


def _tagged(tags: dict[str, str]) -> dict:
    return {"tags": tags} if tags else {}


def planet_of(path: Path) -> Planet:
    """Everything in an OSM file."""
    planet = Planet()
    for each in osmium.FileProcessor(str(path)):
        tags = dict(each.tags)
        if each.is_node():
            planet.nodes[each.id] = (each.lon, each.lat, tags)
        elif each.is_way():
            planet.ways[each.id] = ([node.ref for node in each.nodes], tags)
        elif each.is_relation():
            planet.relations[each.id] = ([(m.type, m.ref, m.role) for m in each.members], tags)
    return planet
