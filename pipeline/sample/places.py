"""Where people live in the sample: cities, county seats, towns and villages.

What belongs here: the settlements, their kind and their size. Real: cities (the
metro file), towns and seats with GeoNames' positions and names, district names.
Made up: villages, which say so in their name, and populations below the city.
Streets belong to `fabric`, roads between settlements to `country`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.sample.boundaries import Territory
from pipeline.sample.hydro import Hydro
from pipeline.sample.terrain import Terrain

Floats = NDArray[np.float64]

PLACES_CSV = Path(__file__).parent / "tables" / "places.csv"
_SUFFIXES = "县市区"


@dataclass(frozen=True)
class Settlement:
    """A place: kind is city, seat, town, village or post (a road node in the margin)."""

    name: str
    name_en: str
    kind: str
    xy: tuple[float, float]
    population: int
    city_id: str
    is_real: bool


def settle(
    territory: Territory,
    terrain: Terrain,
    hydro: Hydro,
    rng: np.random.Generator,
    *,
    count: int,
) -> list[Settlement]:
    """About ``count`` settlements, the most important first.

    Cities come always, then county seats, then GeoNames towns, then villages.
    """
    real = _cities(territory) + _seats(territory) + _towns(territory)
    real = _spaced(real, 2500.0, hydro)
    cities = [s for s in real if s.kind == "city"]
    others = [s for s in real if s.kind != "city"][: max(0, count - len(cities))]
    villages = _villages(
        cities + others, territory, terrain, hydro, rng, count - len(cities) - len(others)
    )
    return cities + others + villages


def _cities(territory: Territory) -> list[Settlement]:
    rows = []
    for city in territory.cities:
        shape = territory.city_shapes[city.id]
        lonlat = city.centre
        if lonlat is None:
            xy = tuple(shapely.get_coordinates(shape.representative_point())[0])
        else:
            xy = territory.to_metric.transform(*lonlat)
        rows.append(
            Settlement(
                city.name.removesuffix("市"),
                city.name_en,
                "city",
                (float(xy[0]), float(xy[1])),
                city.population or 1_000_000,
                city.id,
                True,
            )
        )
    return rows


def _geonames(territory: Territory) -> list[tuple[str, str, float, float]]:
    with PLACES_CSV.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(line for line in file if not line.startswith("#"))]
    lon = np.array([float(r["lon"]) for r in rows])
    lat = np.array([float(r["lat"]) for r in rows])
    x, y = territory.to_metric.transform(lon, lat)
    return [
        (r["name"], r["name_en"], float(a), float(b)) for r, a, b in zip(rows, x, y, strict=True)
    ]


def _seats(territory: Territory) -> list[Settlement]:
    named: dict[str, list[tuple[str, float, float]]] = {}
    for name, name_en, x, y in _geonames(territory):
        named.setdefault(name, []).append((name_en, x, y))
    rows = []
    for district in territory.districts:
        stem = district.name.rstrip(_SUFFIXES) if len(district.name) > 2 else district.name
        inside = [
            (name_en, x, y)
            for key in (district.name, stem)
            for name_en, x, y in named.get(key, [])
            if district.shape.contains(shapely.Point(x, y))
        ]
        name_en, x, y = (
            inside[0]
            if inside
            else ("", *shapely.get_coordinates(district.shape.representative_point())[0])
        )
        rows.append(
            Settlement(stem, name_en, "seat", (float(x), float(y)), 180_000, district.city_id, True)
        )
    return rows


def _towns(territory: Territory) -> list[Settlement]:
    rows = []
    shapes = list(territory.city_shapes.items())
    for name, name_en, x, y in _geonames(territory):
        point = shapely.Point(x, y)
        for city_id, shape in shapes:
            if shape.contains(point):
                rows.append(
                    Settlement(name or name_en, name_en, "town", (x, y), 25_000, city_id, True)
                )
    return rows


def _spaced(rows: list[Settlement], apart_m: float, hydro: Hydro) -> list[Settlement]:
    """Earlier rows win; later ones too close to them, or in water, are left out."""
    wet = shapely.union_all(
        [r.water.buffer(400) for r in hydro.rivers] + [k.shape for k in hydro.lakes]
    )
    shapely.prepare(wet)
    kept: list[Settlement] = []
    for row in rows:
        limit = [9000.0 if k.kind == "city" else apart_m for k in kept]
        near = any(
            np.hypot(row.xy[0] - k.xy[0], row.xy[1] - k.xy[1]) < d
            for k, d in zip(kept, limit, strict=True)
        )
        if row.kind == "city" or not (near or wet.contains(shapely.Point(row.xy))):
            kept.append(row)
    return kept


def _villages(
    real: list[Settlement],
    territory: Territory,
    terrain: Terrain,
    hydro: Hydro,
    rng: np.random.Generator,
    count: int,
) -> list[Settlement]:
    """Spread villages over plain land, thinner in the hills, none in water or on a border."""
    if count <= 0:
        return []
    outline = shapely.intersection(territory.outline.buffer(12_000), hydro.extent)
    spread = np.sqrt(outline.area / (count + len(real)))
    west, south, east, north = outline.bounds
    tries = rng.uniform([west, south], [east, north], (count * 14 + 200, 2))
    hilly = terrain.hilliness(tries, territory.to_metric)
    wet = shapely.union_all(
        [(r.plain or r.water).buffer(300) for r in hydro.rivers]
        + [k.shape.buffer(300) for k in hydro.lakes]
    )
    lines = shapely.union_all(list(territory.borders.values())) if territory.borders else None
    points = shapely.points(tries)
    shapely.prepare(outline)
    shapely.prepare(wet)
    ok = shapely.contains(outline, points) & ~shapely.contains(wet, points)
    ok &= rng.random(len(tries)) > 0.85 * hilly
    if lines is not None:
        shapely.prepare(lines)
        ok &= ~shapely.dwithin(lines, points, 900.0)
    tries, hilly = tries[ok], hilly[ok]
    chosen = _blue_noise(tries, np.array([s.xy for s in real]).reshape(-1, 2), 0.62 * spread, count)
    rows = []
    for number, xy in enumerate(chosen, 1):
        rows.append(
            Settlement(
                f"示例村{number}",
                f"Sample village {number}",
                "village",
                (float(xy[0]), float(xy[1])),
                int(rng.integers(600, 4000)),
                "",
                False,
            )
        )
    return rows


def _blue_noise(tries: Floats, fixed: Floats, apart_m: float, count: int) -> Floats:
    """The first ``count`` points, in order, that keep their distance from all before."""
    if not len(tries):
        return tries
    if len(fixed):
        tries = tries[cKDTree(fixed).query(tries)[0] > apart_m * 0.8]
    taken = np.zeros(len(tries), dtype=bool)
    blocked = np.zeros(len(tries), dtype=bool)
    neighbours = cKDTree(tries).query_ball_point(tries, apart_m)
    for i, close in enumerate(neighbours):
        if not blocked[i]:
            taken[i] = True
            blocked[close] = True
    return tries[np.flatnonzero(taken)[:count]]
