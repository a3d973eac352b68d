"""Rivers and lakes of the sample: courses from a table, water drawn from them.

What belongs here: where water is and which way it flows. Real: which border the
main river follows. Approximate: the courses of the tributaries, drawn by hand in
``tables/<metro>.toml``. Made up: widths, lakes, the flood plain's edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from shapely.geometry.base import BaseGeometry

from pipeline.sample.boundaries import Territory
from pipeline.sample.terrain import RiverTable, Terrain

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class River:
    """A river's centre line in flow direction, its water, and its flood plain if any."""

    name: str
    name_en: str
    line: shapely.LineString
    water: BaseGeometry
    width_m: float
    plain: BaseGeometry | None
    is_barrier: bool


@dataclass(frozen=True)
class Lake:
    """A still water."""

    name: str
    shape: shapely.Polygon


@dataclass(frozen=True)
class Hydro:
    """All the water of the sample."""

    rivers: tuple[River, ...]
    lakes: tuple[Lake, ...]
    extent: BaseGeometry

    @property
    def barriers(self) -> list[River]:
        """Rivers too wide to cross but on a great bridge."""
        return [river for river in self.rivers if river.is_barrier]


def draw_water(
    territory: Territory, terrain: Terrain, extent: BaseGeometry, rng: np.random.Generator
) -> Hydro:
    """Draw the table's rivers and a few lakes inside the extent."""
    rivers = [_draw_river(row, territory, extent, rng) for row in terrain.rivers]
    drawn = [river for river in rivers if river is not None]
    occupied = shapely.union_all([r.plain or r.water for r in drawn])
    return Hydro(tuple(drawn), tuple(_draw_lakes(territory, occupied, rng)), extent)


def _draw_river(
    row: RiverTable, territory: Territory, extent: BaseGeometry, rng: np.random.Generator
) -> River | None:
    course = _course(row, territory)
    if len(course) < 2:
        return None
    dense = shapely.get_coordinates(shapely.segmentize(shapely.LineString(course), 250.0))
    # A border along a river zigzags over old arms; the water between them is smoother.
    smooth_m = 1600.0 if row.follows else 500.0
    inner = gaussian_filter1d(dense, smooth_m / 250.0, axis=0, mode="nearest")
    inner[0], inner[-1] = dense[0], dense[-1]
    wave = np.linspace(0, len(inner) * 250.0, len(inner))
    amplitude = 220.0 if not row.follows else 60.0
    phase = rng.uniform(0, 2 * np.pi, 3)
    meander = sum(
        amplitude / k * np.sin(2 * np.pi * wave / (3800.0 / k) + phase[k - 1]) for k in (1, 2, 3)
    )
    line = shapely.LineString(inner + _normals(inner) * np.asarray(meander)[:, None])
    line = _longest(shapely.intersection(line, extent))
    if line is None or line.length < 2000:
        return None
    line = shapely.LineString(shapely.get_coordinates(shapely.simplify(line, 8.0)))
    water = shapely.intersection(_ribbon(line, row.width_m, rng), extent)
    plain = None
    if row.plain_m:
        plain = shapely.intersection(
            _ribbon(line, row.plain_m, rng).union(water.buffer(150)), extent
        )
    return River(row.name, row.name_en, line, water, row.width_m, plain, row.width_m >= 400)


def _course(row: RiverTable, territory: Territory) -> Floats:
    """Way points in metres, with the followed borders put in their place."""
    points = [
        np.column_stack(territory.to_metric.transform(*np.array(row.head or []).reshape(-1, 2).T))
    ]
    for border_id in row.follows:
        border = territory.borders.get(border_id)
        if border is None:
            continue
        line = shapely.get_coordinates(_longest(border))
        tail = points[-1][-1] if len(points[-1]) else None
        if tail is not None and np.hypot(*(line[-1] - tail)) < np.hypot(*(line[0] - tail)):
            line = line[::-1]
        points.append(line)
    points.append(
        np.column_stack(territory.to_metric.transform(*np.array(row.tail or []).reshape(-1, 2).T))
    )
    course = np.concatenate([p for p in points if len(p)])
    if row.follows or len(course) < 3:
        return course
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(course, axis=0).T))])
    return np.asarray(CubicSpline(along, course)(np.arange(0, along[-1], 400.0)))


def _longest(shape: BaseGeometry) -> shapely.LineString | None:
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "LineString"]
    return max(parts, key=lambda p: p.length) if parts else None


def _normals(xy: Floats) -> Floats:
    tangent = np.gradient(xy, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])


def _ribbon(line: shapely.LineString, width_m: float, rng: np.random.Generator) -> BaseGeometry:
    """A band about the line whose width wavers between 0.6 and 1.4 of the given one."""
    step = max(60.0, min(400.0, width_m / 2))
    xy = shapely.get_coordinates(shapely.segmentize(line, step))
    sides = []
    for side in (1.0, -1.0):
        noise = gaussian_filter1d(rng.normal(size=len(xy)), 6, mode="nearest")
        noise /= max(np.abs(noise).max(), 1e-9)
        sides.append(xy + side * _normals(xy) * (width_m / 2 * (1 + 0.4 * noise))[:, None])
    band = shapely.make_valid(shapely.Polygon(np.concatenate([sides[0], sides[1][::-1]])))
    band = shapely.union_all([band, line.buffer(width_m * 0.28)])
    parts = [p for p in shapely.get_parts(band) if p.geom_type == "Polygon"]
    whole = shapely.union_all(parts)
    return shapely.simplify(_without_small_holes(whole, width_m**2), 4.0)


def _without_small_holes(shape: BaseGeometry, area_m2: float) -> BaseGeometry:
    parts = [
        shapely.Polygon(p.exterior, [r for r in p.interiors if shapely.Polygon(r).area > area_m2])
        for p in shapely.get_parts(shape)
    ]
    return shapely.union_all(parts)


def _draw_lakes(
    territory: Territory, occupied: BaseGeometry, rng: np.random.Generator
) -> list[Lake]:
    lakes: list[Lake] = []
    shapely.prepare(occupied)
    for district in territory.districts:
        if rng.random() > 0.45:
            continue
        point = _random_point(district.shape, rng)
        lake = blob(point, float(rng.uniform(250, 900)), rng)
        if not occupied.intersects(lake.buffer(300)):
            lakes.append(Lake(f"{district.name.rstrip('县市区')}湖（示例）", lake))
    return lakes


def _random_point(shape: BaseGeometry, rng: np.random.Generator) -> Floats:
    west, south, east, north = shape.bounds
    for _ in range(50):
        xy = rng.uniform([west, south], [east, north])
        if shape.contains(shapely.Point(xy)):
            return np.asarray(xy)
    return shapely.get_coordinates(shape.representative_point())[0]


def blob(
    centre: Floats, radius_m: float, rng: np.random.Generator, count: int = 40
) -> shapely.Polygon:
    """A rounded irregular polygon."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = np.ones(count)
    for k in (1, 2, 3, 4):
        radius += 0.22 / k * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * (radius * radius_m)[:, None]
    return shapely.Polygon(np.asarray(centre) + ring)
