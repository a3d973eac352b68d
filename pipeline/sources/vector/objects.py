"""Features as OSM objects: lines as ways, points as nodes, areas as relations of rings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.sources.osm.ragged import Ints
from pipeline.sources.osm.write import Member, Objects
from pipeline.sources.vector.features import Features
from pipeline.sources.vector.topology import Topology, join_vertices


def middle_of(geometry: NDArray[np.object_]) -> tuple[float, float]:
    west, south, east, north = shapely.total_bounds(geometry)
    return float(west + east) / 2, float(south + north) / 2


def as_objects(
    roads: Features, others: Sequence[Features], metric: pyproj.CRS, tolerance_m: float
) -> tuple[Objects, int]:
    """Features as OSM objects on common nodes, and how many ends were joined between vertices.

    Roads come first, so that their ids do not depend on the other files.
    """
    runs = _Runs()
    for tags, line, own in zip(roads.tags, roads.geometry, roads.own_id.tolist(), strict=True):
        runs.add_line(line, tags, own)
    is_road_until = len(runs.lines)
    for features in others:
        for tags, shape in zip(features.tags, features.geometry, strict=True):
            runs.add(shape, tags)
    topology = join_vertices(runs.lines, runs.points, metric, tolerance_m, is_road_until)
    back = pyproj.Transformer.from_crs(metric, WGS84, always_xy=True)
    lonlat = np.column_stack(back.transform(topology.xy[:, 0], topology.xy[:, 1]))
    ids = np.arange(1, len(lonlat) + 1, dtype=np.int64)
    node_tags: dict[int, dict[str, str]] = {}
    at = topology.node[topology.offsets[len(runs.lines)] :] + 1
    for number, tags in zip(at.tolist(), runs.point_tags, strict=True):
        node_tags.setdefault(number, {}).update(tags)
    numbers = _way_numbers(np.array(runs.own, dtype=np.int64))
    objects = Objects(
        ids,
        np.round(lonlat, 7),
        node_tags,
        _ways(topology, runs, numbers),
        runs.relations(numbers),
    )
    return objects, topology.touched


class _Runs:
    """Lines and rings to be written as ways, points as nodes, polygons as relations of rings."""

    def __init__(self) -> None:
        self.lines: list[shapely.Geometry] = []
        self.tags: list[dict[str, str]] = []
        self.own: list[int] = []
        self.points: list[shapely.Geometry] = []
        self.point_tags: list[dict[str, str]] = []
        self._areas: list[tuple[list[int], list[str], dict[str, str]]] = []

    def add(self, shape: shapely.Geometry, tags: dict[str, str]) -> None:
        dimension = shapely.get_dimensions(shape)
        if dimension == 0:
            self.points.append(shape)
            self.point_tags.append(tags)
        elif dimension == 1:
            self.add_line(shape, tags)
        else:
            self._add_area(shape, tags)

    def add_line(self, line: Any, tags: dict[str, str], own: int = -1) -> None:
        self.lines.append(line)
        self.tags.append(tags)
        self.own.append(own)

    def _add_area(self, shape: shapely.Geometry, tags: dict[str, str]) -> None:
        polygons = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == 2]
        if len(polygons) == 1 and not polygons[0].interiors:
            self.add_line(polygons[0].exterior, tags)
            return
        ways, roles = [], []
        for polygon in polygons:
            for role, ring in [
                ("outer", polygon.exterior),
                *(("inner", hole) for hole in polygon.interiors),
            ]:
                ways.append(len(self.lines))
                roles.append(role)
                self.add_line(ring, {})
        self._areas.append((ways, roles, {**tags, "type": "multipolygon"}))

    def relations(self, numbers: Ints) -> Iterator[tuple[int, list[Member], dict[str, str]]]:
        for row, (ways, roles, tags) in enumerate(self._areas, 1):
            members = [
                ("w", int(numbers[way]), role) for way, role in zip(ways, roles, strict=True)
            ]
            yield row, members, tags


def _ways(
    topology: Topology, runs: _Runs, numbers: Ints
) -> Iterator[tuple[int, list[int], dict[str, str]]]:
    nodes = (topology.node + 1).tolist()
    offsets = topology.offsets.tolist()
    for row, tags in enumerate(runs.tags):
        yield int(numbers[row]), nodes[offsets[row] : offsets[row + 1]], tags


def _way_numbers(own: Ints) -> Ints:
    """Own ids where there are any; the others count on from the highest."""
    numbers = own.copy()
    free = numbers < 0
    numbers[free] = max(0, int(own.max(initial=0))) + 1 + np.arange(int(free.sum()))
    return numbers
