"""Land use, protected areas and services of the sample; all made up.

What belongs here: polygons about settlements, fields, woods, wetlands, and the
points of schools, hospitals and the like. Water is in `hydro`; polygons planted
to be found are in `plant_land`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.sample.boundaries import Territory
from pipeline.sample.fabric import Fabric
from pipeline.sample.hydro import Hydro, blob
from pipeline.sample.places import Settlement
from pipeline.sample.terrain import Terrain

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Area:
    """A polygon with OSM tags."""

    shape: BaseGeometry
    tags: dict[str, str]


@dataclass(frozen=True)
class Spot:
    """A tagged point."""

    xy: tuple[float, float]
    tags: dict[str, str]


def draw_land(
    territory: Territory,
    terrain: Terrain,
    hydro: Hydro,
    settlements: list[Settlement],
    fabrics: list[Fabric],
    planted: list[BaseGeometry],
    rng: np.random.Generator,
) -> list[Area]:
    """Built-up land, industry, river wetland, then fields and woods in a loose mosaic."""
    built = _built(settlements, fabrics, rng)
    wet = [
        Area(shapely.difference(r.plain, r.water), {"natural": "wetland", "wetland": "marsh"})
        for r in hydro.rivers
        if r.plain is not None
    ]
    # The wetland proper is a band near the water; the rest of the plain is farmed.
    wet = [
        Area(shapely.intersection(a.shape, r.water.buffer(450)), a.tags)
        for a, r in zip(wet, (r for r in hydro.rivers if r.plain is not None), strict=True)
    ]
    return built + wet + _mosaic(territory, terrain, hydro, built, planted, rng)


def _built(
    settlements: list[Settlement], fabrics: list[Fabric], rng: np.random.Generator
) -> list[Area]:
    areas = []
    for s, f in zip(settlements, fabrics, strict=True):
        areas.append(
            Area(
                shapely.simplify(f.outline.buffer(20), 15.0),
                {"landuse": "residential", "name": s.name}
                if s.is_real
                else {"landuse": "residential"},
            )
        )
        works = {"city": 6, "seat": 2, "town": 1}.get(s.kind, 0)
        for k in range(works):
            angle = rng.uniform(0, 2 * np.pi)
            away = f.radius_m * 1.35 + 250
            centre = f.centre + away * np.array([np.cos(angle), np.sin(angle)])
            use = ("industrial", "industrial", "commercial", "retail", "construction")[
                int(rng.integers(0, 5)) if k else 0
            ]
            shape = _yard(centre, float(rng.uniform(0.10, 0.28) * f.radius_m + 120), rng)
            tags = {"landuse": use}
            if use == "industrial":
                tags["name"] = f"{s.name}示例产业园{k + 1}"
            areas.append(Area(shape, tags))
        if s.kind == "city":
            park = blob(f.centre + rng.normal(0, 0.5, 2) * f.radius_m, 0.07 * f.radius_m + 80, rng)
            areas.append(Area(park, {"leisure": "park", "name": f"{s.name}示例公园"}))
    return areas


def _yard(centre: Floats, half_m: float, rng: np.random.Generator) -> shapely.Polygon:
    """A turned rectangle with one cut corner."""
    w, h = half_m * rng.uniform(0.8, 1.5), half_m
    ring = np.array([[-w, -h], [w, -h], [w, h * 0.5], [w * 0.6, h], [-w, h]])
    turn = rng.uniform(0, np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return shapely.Polygon(centre + ring @ rotation.T)


def draw_protected(hydro: Hydro, rng: np.random.Generator) -> list[Area]:
    """Nature reserves on stretches of the flood plain."""
    areas = []
    for river in hydro.rivers:
        if river.plain is None:
            continue
        for k, share in enumerate(np.arange(0.15, 0.95, 0.22), 1):
            here = river.line.interpolate(share + rng.uniform(-0.05, 0.05), normalized=True)
            shape = shapely.intersection(river.plain, here.buffer(7_000))
            parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
            if parts:
                areas.append(
                    Area(
                        max(parts, key=lambda p: p.area),
                        {
                            "boundary": "protected_area",
                            "leisure": "nature_reserve",
                            "protect_class": "4",
                            "name": f"{river.name}湿地自然保护区（示例{k}）",
                        },
                    )
                )
    return areas


def _mosaic(
    territory: Territory,
    terrain: Terrain,
    hydro: Hydro,
    built: list[Area],
    planted: list[BaseGeometry],
    rng: np.random.Generator,
    cell_m: float = 2400.0,
) -> list[Area]:
    """Jittered cells: woods in the hills, fields in the plain, a fifth left unmapped."""
    west, south, east, north = hydro.extent.bounds
    nx, ny = int((east - west) / cell_m) + 2, int((north - south) / cell_m) + 2
    gx, gy = np.meshgrid(
        west + np.arange(nx) * cell_m, south + np.arange(ny) * cell_m, indexing="ij"
    )
    xy = np.stack([gx, gy], -1) + rng.uniform(-0.38, 0.38, (nx, ny, 2)) * cell_m
    mid_x = _wavy((xy[:-1] + xy[1:]) / 2, rng, cell_m)
    mid_y = _wavy((xy[:, :-1] + xy[:, 1:]) / 2, rng, cell_m)
    a, b, c, d = xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]
    ring = np.stack([a, mid_x[:, :-1], b, mid_y[1:], c, mid_x[:, 1:], d, mid_y[:-1], a], axis=2)
    cells = shapely.make_valid(shapely.polygons(ring.reshape(-1, 9, 2)))
    centre = shapely.get_coordinates(shapely.centroid(cells))
    hilly = terrain.hilliness(centre, territory.to_metric) + rng.normal(0, 0.1, len(centre))
    shapely.prepare(hydro.extent)
    keep = shapely.contains_xy(hydro.extent, centre[:, 0], centre[:, 1]) & (
        rng.random(len(cells)) > 0.16
    )
    block = np.array(
        [a.shape for a in built]
        + [r.water for r in hydro.rivers]
        + [k.shape for k in hydro.lakes]
        + planted,
        dtype=object,
    )
    _carve(cells, keep, block)
    draw = rng.random(len(cells))
    woods = hilly > 0.42
    kinds = np.select(
        [
            woods & (draw < 0.78),
            woods & (draw < 0.9),
            woods,
            (hilly > 0.2) & (draw < 0.35),
            draw < 0.90,
            draw < 0.94,
            draw < 0.97,
        ],
        [0, 1, 2, 1, 3, 4, 5],
        6,
    )
    tags = (
        {"natural": "wood"},
        {"natural": "scrub"},
        {"natural": "grassland"},
        {"landuse": "farmland"},
        {"landuse": "orchard"},
        {"landuse": "forest"},
        {"landuse": "meadow"},
    )
    areas = []
    for i in np.flatnonzero(keep):
        areas += [
            Area(part, dict(tags[kinds[i]]))
            for part in shapely.get_parts(cells[i])
            if part.geom_type == "Polygon" and part.area > 20_000
        ]
    return areas


def _carve(cells: NDArray[np.object_], keep: NDArray[np.bool_], block: NDArray[np.object_]) -> None:
    """Take the blocking shapes out of the cells they meet, cell by cell: unions stay small."""
    rows = np.flatnonzero(keep)
    cell, shape = shapely.STRtree(block).query(cells[rows], predicate="intersects")
    order = np.argsort(cell, kind="stable")
    cell, shape = cell[order], shape[order]
    touched, start = np.unique(cell, return_index=True)
    for k, near in zip(touched, np.split(shape, start[1:]), strict=True):
        cut = shapely.intersection(block[near], shapely.box(*cells[rows[k]].bounds).buffer(5))
        cells[rows[k]] = shapely.difference(cells[rows[k]], shapely.union_all(cut))


def _wavy(xy: Floats, rng: np.random.Generator, cell_m: float) -> Floats:
    return xy + rng.normal(0, 0.07 * cell_m, xy.shape)


def place_services(
    settlements: list[Settlement], fabrics: list[Fabric], rng: np.random.Generator
) -> list[Spot]:
    """Schools, hospitals, universities and so on, in numbers by kind of place."""
    amount = {
        "city": {
            "hospital": 5,
            "school": 14,
            "university": 3,
            "kindergarten": 8,
            "research_institute": 2,
        },
        "seat": {"hospital": 2, "school": 5, "kindergarten": 3},
        "town": {"hospital": 1, "school": 2, "kindergarten": 1},
        "village": {"school": 1},
    }
    chinese = {
        "hospital": "医院",
        "school": "学校",
        "university": "大学",
        "kindergarten": "幼儿园",
        "research_institute": "研究院",
    }
    spots = []
    for s, f in zip(settlements, fabrics, strict=True):
        for kind, count in amount.get(s.kind, {}).items():
            if s.kind == "village" and rng.random() > 0.25:
                continue
            for k in range(1, count + 1):
                at = f.centre + rng.normal(0, 0.42, 2) * f.radius_m
                spots.append(
                    Spot(
                        (float(at[0]), float(at[1])),
                        {"amenity": kind, "name": f"{s.name}示例{chinese[kind]}{k}"},
                    )
                )
    return spots
