"""Recipes for ecology: conflicts and corridors across borders, and the rivers' rows.

What belongs here: land planted to be found by the ecology measures, and what
the generator knows of the rivers it drew: which border they cross or follow and
which city lies upstream.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.hydro import River, blob
from pipeline.sample.land import Area
from pipeline.sample.plants import Plants

Floats = NDArray[np.float64]

_FOLLOWS_WITHIN_M = 500.0
_FOLLOWS_LENGTH_M = 8_000.0


def plant_land(plants: Plants) -> None:
    """Plant conflicts of every kind, corridors of both kinds, and describe the rivers."""
    copies = 1 if plants.world.budget.nodes < 60_000 else 2
    for _ in range(copies):
        for kind in (
            "industrial_facing_protected",
            "industrial_facing_water",
            "urban_facing_farmland",
        ):
            _conflict(plants, kind)
        _corridor(plants, "forest")
        _corridor(plants, "protected")
    for river in plants.world.hydro.rivers:
        for border_id, border in plants.world.territory.borders.items():
            _river_row(plants, river, border_id, border)


def _places(plants: Plants, clear_m: float) -> list[tuple[Floats, Floats, str]]:
    """Sites whose surroundings hold no planted thing, water, track or reserve."""
    survey = plants.survey
    found = []
    for k in plants.rng.permutation(len(survey.points))[:1_500]:
        point = survey.points[k]
        if not survey.lonely[k] or not plants.room(point, is_finding=False):
            continue
        around = shapely.Point(point).buffer(clear_m)
        if survey.meets(around, 0.0, [a.shape for a in plants.areas] + list(survey.reserves)):
            continue
        if any(around.intersects(f.outline) for f in plants.world.fabrics):
            continue
        found.append((point, survey.normals[k], str(survey.border_ids[k])))
        break
    return found


def _conflict(plants: Plants, kind: str) -> None:
    for point, across, border_id in _places(plants, 1_300.0):
        a, b = border_id.split("-")
        source, exposed = a, b
        if plants.rng.random() < 0.5:
            across, source, exposed = -across, b, a
        # The normal points from the first city to the second.
        near, far = point - 480 * across, point + 480 * across
        yard = blob(near, 230, plants.rng, 20)
        other = blob(far, 250, plants.rng, 24)
        what, tags = {
            "industrial_facing_protected": (
                "industrial",
                {"boundary": "protected_area", "leisure": "nature_reserve", "name": "示例保护区"},
            ),
            "industrial_facing_water": (
                "industrial",
                {"natural": "water", "water": "reservoir", "name": "示例水库"},
            ),
            "urban_facing_farmland": ("residential", {"landuse": "farmland"}),
        }[kind]
        plants.areas.append(Area(yard, {"landuse": what, "name": "示例冲突用地"}))
        plants.areas.append(Area(other, dict(tags)))
        plants.row(
            "conflict",
            point,
            border_id,
            "finding",
            shape=shapely.shortest_line(yard, other),
            kind=kind,
            city_from=source,
            city_to=exposed,
            no_node="yes",
        )
        plants.claim(point, is_finding=False)


def _corridor(plants: Plants, kind: str) -> None:
    for point, _, border_id in _places(plants, 1_500.0):
        shape = blob(point, 950, plants.rng)
        tags = (
            {"natural": "wood"}
            if kind == "forest"
            else {
                "boundary": "protected_area",
                "leisure": "nature_reserve",
                "name": "示例跨界保护地",
            }
        )
        plants.areas.append(Area(shape, tags))
        plants.row("corridor", point, border_id, "finding", shape=shape, kind=kind, no_node="yes")
        plants.claim(point, is_finding=False)


def _river_row(plants: Plants, river: River, border_id: str, border: shapely.Geometry) -> None:
    beside = shapely.intersection(river.line, border.buffer(_FOLLOWS_WITHIN_M))
    cut = shapely.intersection(river.line, border)
    if cut.is_empty:
        return
    if beside.length >= _FOLLOWS_LENGTH_M:
        plants.row("river", None, border_id, "finding", shape=beside, kind="follows", no_node="yes")
        return
    where = [river.line.project(p) for p in shapely.get_parts(cut) if p.geom_type == "Point"]
    if not where:
        return
    shapes, borders = plants.world.territory.city_shapes, plants.world.territory.borders
    sides = []
    for s in (min(where) - 250.0, max(where) + 250.0):
        point = river.line.interpolate(max(s, 0.0))
        if min(borders, key=lambda each: borders[each].distance(point)) != border_id:
            return  # where three cities meet, the land beside the river is another border's
        sides.append(next((k for k in border_id.split("-") if shapes[k].contains(point)), ""))
    if "" in sides or sides[0] == sides[1]:
        return  # it touches the border and turns back: neither upstream nor downstream
    plants.row(
        "river",
        None,
        border_id,
        "finding",
        shape=river.line.interpolate(where[0]),
        kind="crosses",
        city_from=sides[0],
        city_to=sides[1],
        no_node="yes",
    )
