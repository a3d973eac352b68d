"""Builds two facing ends: their roads, what lies in the gap, and the rows that state it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.roads import tagged_name
from pipeline.sample.hydro import blob
from pipeline.sample.land import Area
from pipeline.sample.plants import Plants
from pipeline.sample.sites import Stub

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Need:
    """What a facing pair must look like to be of its kind."""

    obstacle: str
    status: str
    gap_m: tuple[float, float]
    cls: str = "tertiary"
    leans: tuple[float, ...] = (0.0, 15.0, -15.0)


LONGEST_GAP_M = {"secondary": 3_000.0, "tertiary": 2_500.0}
"""A gap that is a missing link is no longer, by class (docs/dead-ends.md)."""

_POND_M = 72.0
"""Mean radius of a pond in a gap: a road goes round it, as its blob stays below 200 m."""


def build_pair(
    plants: Plants,
    need: Need,
    through: str,
    stubs: tuple[Stub, Stub],
    a: Floats,
    b: Floats,
    way: Floats,
    border_id: str,
) -> None:
    """Build the roads to two facing ends at ``a`` and ``b``, metric CRS, and state them.

    ``way`` is the unit vector from ``a`` to ``b``; ``through`` the class of road that joins
    them (track, proposed, construction), none by default.
    """
    pair = plants.pair_id()
    tags = tagged_name(plants)
    roads = [plants.add_stub(stub, need.cls, dict(tags)) for stub in stubs]
    gap = shapely.LineString([a, b])
    middle = (a + b) / 2
    if through == "track":
        plants.add_road(_wiggle(a, b, plants.rng), "track", {"tracktype": "grade3"})
    elif through == "proposed":
        plants.add_road(np.array([a, middle, b]), "proposed", {"proposed": need.cls, **tags})
    elif through == "construction":
        plants.add_road(
            np.array([a, middle, b]), "construction", {"construction": need.cls, **tags}
        )
    _put_obstacle(plants, need, a, b, way)
    end_type = "class_end" if through == "track" else "degree_one"
    link = None if need.status == "mapping_gap" else gap
    plants.facing_pair(
        (a, b), roads, border_id, link, pair, end_type, need.status, obstacle=need.obstacle
    )
    plants.survey.reserved.append(gap.buffer(60 + 0.28 * gap.length))
    plants.claim(a, b, is_finding=True)


def _wiggle(a: Floats, b: Floats, rng: np.random.Generator) -> Floats:
    normal = np.array([-(b - a)[1], (b - a)[0]])
    return np.array(
        [
            a,
            a + 0.3 * (b - a) + 0.03 * normal * rng.normal(),
            a + 0.7 * (b - a) + 0.03 * normal * rng.normal(),
            b,
        ]
    )


def _put_obstacle(plants: Plants, need: Need, a: Floats, b: Floats, way: Floats) -> None:
    obstacle = need.obstacle
    middle, gap = (a + b) / 2, float(np.hypot(*(b - a)))
    side = np.array([-way[1], way[0]])
    if obstacle == "water":
        is_lake = need.status == "natural_barrier"
        radius = 0.2 * gap if is_lake else min(0.24 * gap, _POND_M)
        kind = (
            {"water": "lake", "name": "示例湖"} if is_lake else {"water": "pond", "name": "示例塘"}
        )
        plants.areas.append(
            Area(blob(middle, radius, plants.rng, 24), {"natural": "water", **kind})
        )
    elif obstacle == "building":
        ring = [
            middle + x * way * 35 + y * side * 60 for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        plants.areas.append(Area(shapely.Polygon(ring), {"building": "industrial"}))
    elif obstacle == "protected":
        ring = [
            middle + x * way * 0.27 * gap + y * side * 0.6 * gap
            for x, y in ((-1, -1), (0, -1.15), (1, -1), (1.05, 0), (1, 1), (-1, 1))
        ]
        plants.areas.append(
            Area(
                shapely.Polygon(ring),
                {
                    "boundary": "protected_area",
                    "leisure": "nature_reserve",
                    "name": "示例自然保护区",
                },
            )
        )
