"""Builds two facing ends: their roads, what lies in the gap, and the rows that state it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.roads import MOST_DEG, tagged_name
from pipeline.sample.hydro import blob
from pipeline.sample.land import Area
from pipeline.sample.plants import Plants
from pipeline.sample.sites import Stub, turned

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Need:
    """What a facing pair must look like to be of its kind."""

    obstacle: str
    status: str
    gap_m: tuple[float, float]
    cls: str = "tertiary"
    leans: tuple[float, ...] = (0.0, 15.0, -15.0)
    """Angles at which the roads may meet the border, degrees off its normal."""
    most_deg: float = MOST_DEG
    """Both ends head for the border within this."""
    bend_deg: float = 0.0
    """The last `_BEND_M` of both roads turn aside by this."""
    expected: str = "finding"
    """Else the rule that takes both ends."""


_DRIVEN = ("track", "unclassified", "mesh")
"""What joins two ends and may be driven: the ends are class ends then."""

LONGEST_GAP_M = {"secondary": 3_000.0, "tertiary": 2_500.0}
"""A gap that is a missing link is no longer, by class (docs/dead-ends.md)."""

_BEND_M = 38.0
"""Short beside the 100 m over which a road's heading is taken."""

_MESH_M = 85.0
"""Streets of a mesh lie so far apart."""

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
    them (track, unclassified, cycleway, pedestrian, proposed, construction) or ``mesh``, streets
    that cross one another; none by default.
    """
    pair = plants.pair_id()
    tags = tagged_name(plants)
    if need.bend_deg:
        stubs = (_bent(stubs[0], need.bend_deg), _bent(stubs[1], -need.bend_deg))
        a, b = stubs[0].xy[-1], stubs[1].xy[-1]
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
    elif through == "mesh":
        _weave_mesh(plants, a, b)
    elif through:
        plants.add_road(np.array([a, middle, b]), through, {"name": "", "ref": ""})
    _put_obstacle(plants, need, a, b, way)
    end_type = "class_end" if through in _DRIVEN else "degree_one"
    if need.expected == "finding":
        link = None if need.status == "mapping_gap" else gap
        plants.facing_pair(
            (a, b), roads, border_id, link, pair, end_type, need.status, obstacle=need.obstacle
        )
    else:
        for end, road in zip((a, b), roads, strict=True):
            plants.row("dead_end", end, border_id, need.expected, road=road, end_type=end_type)
    plants.survey.reserved.append(gap.buffer(60 + 0.28 * gap.length))
    plants.claim(a, b, is_finding=True)


def _bent(stub: Stub, degrees: float) -> Stub:
    """The road with its last metres turned aside."""
    back = stub.xy[-1] - stub.xy[-2]
    way = back / np.hypot(*back)
    knee = stub.xy[-1] - _BEND_M * way
    end = knee + _BEND_M * turned(way, degrees)
    before = stub.xy[np.hypot(*(stub.xy - stub.xy[-1]).T) > 1.3 * _BEND_M]
    return replace(stub, xy=np.round(np.concatenate([before, [knee, end]]), 2))


def _weave_mesh(plants: Plants, a: Floats, b: Floats) -> None:
    """Residential streets between two ends: two rows that leave both and streets across."""
    ahead = b - a
    side = np.array([-ahead[1], ahead[0]]) / np.hypot(*ahead) * _MESH_M
    shares = np.linspace(0.0, 1.0, max(3, round(float(np.hypot(*ahead)) / _MESH_M) + 1))
    spots = np.round(a + shares[:, None] * ahead, 2)
    plain = {"name": "", "ref": ""}
    plants.add_road(spots, "residential", dict(plain))
    for aside in (side, -side):
        plants.add_road(np.round(spots[1:-1] + aside, 2), "residential", dict(plain))
    for spot in spots[1:-1]:
        across = np.round(np.array([spot - side, spot, spot + side]), 2)
        plants.add_road(across, "residential", dict(plain))


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
