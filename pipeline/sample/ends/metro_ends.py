"""Metro lines that stop short of a border: one with nothing ahead, one where riders change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from pipeline.sample.ends.roads import Floats, sites
from pipeline.sample.plants import Plants
from pipeline.sample.railways import Track
from pipeline.sample.sites import turned

_CHANGE_M = (150.0, 330.0)
"""Between two stations where riders change, in the street between them."""
_THROUGH_M = 4_600.0
"""The line to change to runs this far back from there, and twice as far on ..."""
_ASKEW_DEG = 50.0
"""... this much askew to the branch, ..."""
_BORDERS_AWAY_M = 3_200.0
"""... and both its terminals lie farther than this from every border."""


@dataclass(frozen=True)
class Branch:
    """The course of a metro line that stops short of a border, heading for the next city."""

    xy: Floats
    border_id: str
    across: Floats


def rail_end(plants: Plants) -> bool:
    """A metro line that stops short of the border, heading for the next city."""
    for branch in _branches(plants):
        _lay_branch(plants, branch)
        _truth_of(plants, branch, "finding")
        return True
    return False


def rail_interchange(plants: Plants) -> bool:
    """One that stops there too, beside a station of another name on a line across the border.

    Riders change and go on: no end.
    """
    for branch in _branches(plants):
        through = _line_across(plants, branch)
        if through is None:
            continue
        number = _lay_branch(plants, branch)
        name, name_en = f"示例地铁{number}号跨界线", f"Sample cross-border line {number}"
        names = ("西", "东", "换乘", "北", "南")
        stops = tuple(
            (v, f"示例{names[k]}站{number}", f"Sample cross stop {number}.{k + 1}")
            for k, v in enumerate((0, 5, 10, 20, 30))
        )
        plants.tracks.append(
            Track("subway", through, stops, name, name_en, f"X{number}", interval_min=6)
        )
        _truth_of(plants, branch, "interchange")
        return True
    return False


def _branches(plants: Plants) -> Iterator[Branch]:
    """Courses with room for them, on the one or the other side of a border."""
    survey = plants.survey
    centres = {s.city_id: np.array(s.xy) for s in plants.world.settlements if s.kind == "city"}
    for point, across, border_id in sites(plants, is_finding=False, tries=4_000):
        a, b = border_id.split("-")
        is_a = shapely.contains_xy(plants.world.territory.city_shapes[a], *(point - 500 * across))
        towards = centres[b if is_a else a] - point
        if float(across @ towards) < 0.6 * np.hypot(*towards):
            continue
        end = point - plants.rng.uniform(600, 1_900) * across
        start = end - plants.rng.uniform(6_000, 9_000) * turned(across, plants.rng.uniform(-18, 18))
        knee = end - 900 * across
        t = np.linspace(0, 1, 40)[:, None]
        xy = np.round((1 - t) ** 2 * start + 2 * t * (1 - t) * knee + t**2 * end, 2)
        line = shapely.LineString(xy)
        if not line.intersects(survey.border_lines) and not survey.meets(line, 250.0, None):
            yield Branch(xy, border_id, across)


def _line_across(plants: Plants, branch: Branch) -> Floats | None:
    """A straight line askew over the border, beside the end of a branch; None: no room.

    It leaves the branch's own course: the branch itself goes on nowhere.
    """
    end, across = branch.xy[-1], branch.across
    sign = plants.rng.choice([-1.0, 1.0])
    way = turned(across, sign * _ASKEW_DEG)
    beside = end + plants.rng.uniform(*_CHANGE_M) * sign * np.array([-across[1], across[0]])
    back = np.linspace(-_THROUGH_M, 0.0, 11)[:-1, None] * way
    ahead = np.linspace(0.0, 2.0 * _THROUGH_M, 21)[:, None] * way
    # Its station beside the end stands at vertex 10.
    xy = np.round(beside + np.concatenate([back, ahead]), 2)
    borders = plants.survey.border_lines
    crossed = shapely.intersection(shapely.LineString(xy), borders)
    away = shapely.distance(shapely.points(xy[[0, -1]]), borders)
    is_once = crossed.geom_type == "Point" and bool((away > _BORDERS_AWAY_M).all())
    return xy if is_once else None


def _lay_branch(plants: Plants, branch: Branch) -> int:
    """Lay the track of a branch and claim its place; its number."""
    number = sum(k.rail_end_border != "" for k in plants.tracks) + 1
    stops = tuple(
        (v, f"示例地铁{number}号支线站{k}", f"Sample branch {number} stop {k}")
        for k, v in enumerate((0, 10, 20, 30, 39), 1)
    )
    name, name_en = f"示例地铁{number}号支线", f"Sample branch {number}"
    plants.tracks.append(
        Track(
            "subway",
            branch.xy,
            stops,
            name,
            name_en,
            f"B{number}",
            interval_min=7,
            rail_end_border=branch.border_id,
        )
    )
    plants.claim(branch.xy[-1], is_finding=False)
    return number


def _truth_of(plants: Plants, branch: Branch, expected: str) -> None:
    number = sum(k.rail_end_border != "" for k in plants.tracks)
    plants.row(
        "dead_end",
        branch.xy[-1],
        branch.border_id,
        expected,
        track=f"示例地铁{number}号支线",
        end_type="rail_end",
        kind="open_end",
        status="unbuilt",
        obstacle="none",
    )
