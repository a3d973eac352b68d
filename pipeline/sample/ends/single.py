"""One end alone: an open end, or one that heads for a through road beyond the border."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.facing import LONGEST_GAP_M
from pipeline.sample.ends.roads import sites, tagged_name, usual_reach_m
from pipeline.sample.plants import Plants
from pipeline.sample.sites import sector, turned

Floats = NDArray[np.float64]


def open_end(*, noexit: bool) -> Callable[[Plants], bool]:
    """An end that heads across with no road before it for 6 km; or the same, tagged noexit."""

    def recipe(plants: Plants) -> bool:
        for radius, half in ((6_200.0, 52.0), (5_600.0, 48.0)):
            for point, across, border_id in sites(plants, is_finding=True, tries=4_000):
                away = plants.rng.uniform(150, 900)
                end = point - away * across
                view = sector(end, across, half, radius)
                if len(plants.survey.roads_in(view, 5)) or plants.survey.laid_in(view):
                    continue
                # Nor does wide water explain it.
                ahead = shapely.LineString([end, end + 2_400 * across])
                if plants.survey.meets(ahead, 60.0, list(plants.survey.reserves)):
                    continue
                stub = plants.survey.stub(end, across, 4, reach_m=2 * usual_reach_m(plants))
                if stub is None:
                    continue
                road = plants.add_stub(stub, "tertiary", tagged_name(plants))
                if noexit:
                    plants.tag(end, noexit="yes")
                plants.row(
                    "dead_end",
                    end,
                    border_id,
                    "noexit" if noexit else "finding",
                    road=road,
                    end_type="degree_one",
                    kind="open_end",
                    status="unbuilt",
                    obstacle="none",
                )
                plants.survey.reserved.append(view)
                plants.claim(end, is_finding=True)
                plants.claim(end + 3_000 * across, is_finding=True)
                return True
        return False

    return recipe


def facing_road(end_type: str) -> Callable[[Plants], bool]:
    """An end that heads for a through road beyond the border."""

    def recipe(plants: Plants) -> bool:
        survey = plants.survey
        roads = plants.world.roads
        for point, across, border_id in sites(plants, is_finding=True, tries=4_000):
            end = point - plants.rng.uniform(120, 500) * across
            ray = shapely.LineString([end, end + 4_300 * across])
            rows = survey.roads_in(ray)
            if not len(rows):
                continue
            hits = [
                (shapely.Point(end).distance(shapely.intersection(ray, survey.geometry[r])), int(r))
                for r in rows
            ]
            gap, row = min(hits)
            if (
                not 350 < gap < LONGEST_GAP_M["tertiary"]
                or not 3 <= survey.rank[row] <= 5
                or roads.level[row]
            ):
                continue
            target = end + gap * across
            if (
                shapely.Point(target).distance(shapely.Point(point)) < 120
                or (target - point) @ across < 100
            ):
                continue
            line = shapely.LineString([end, target])
            if survey.meets(
                shapely.LineString([end, target - 20 * across]), 40.0, list(survey.reserves)
            ):
                continue
            if len(survey.roads_in(shapely.LineString([end, target - 250 * across]).buffer(120))):
                continue
            # Nothing else to face, to either side: the road straight ahead is the one.
            view = sector(end, across, 50.0, 1.05 * gap)
            if np.any(survey.roads_in(view, 5) != row) or survey.laid_in(view):
                continue
            if survey.laid_in(line.buffer(300)) or not _crosses_squarely(
                survey.geometry[row], target, across
            ):
                continue
            stub = survey.stub(end, across, 4, reach_m=usual_reach_m(plants))
            if stub is None:
                continue
            rest = max(1.8 * gap, 1_500.0) - stub.length_m
            foot = survey.foot_on(row, target)
            if rest > 0 and np.isfinite(survey.distance_m(stub.foot, foot, 5, rest)):
                continue
            road = plants.add_stub(stub, "tertiary", tagged_name(plants))
            if end_type == "class_end":
                plants.add_road(
                    np.round(np.array([end, end + 90 * turned(across, 30)]), 2), "track"
                )
            pair = plants.pair_id()
            for what, shape in (("dead_end", None), ("missing_link", line)):
                plants.row(
                    what,
                    end,
                    border_id,
                    "finding",
                    road=road,
                    end_type=end_type,
                    shape=shape,
                    kind="facing_road",
                    status="unbuilt",
                    obstacle="none",
                    pair_id=pair,
                )
            survey.reserved.append(line.buffer(120 + 0.25 * gap))
            plants.claim(end, target, is_finding=True)
            return True
        return False

    return recipe


def _crosses_squarely(road: shapely.LineString, target: Floats, way: Floats) -> bool:
    s = road.project(shapely.Point(target))
    if not 120 < s < road.length - 120:
        return False
    a, b = (shapely.get_coordinates(road.interpolate(s + d))[0] for d in (-60, 60))
    along = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
    return abs(float(along @ way)) < 0.72
