"""Two ends that face each other over a gap: plain, over water, a building, a feature or a reserve.

What belongs here: looking for the gap. Building roads, obstacle and rows is for `facing`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.facing import LONGEST_GAP_M, Need, build_pair
from pipeline.sample.ends.roads import MOST_DEG, stubs_for, usual_reach_m
from pipeline.sample.gaps import Gaps, fitting, turned_all
from pipeline.sample.plants import Plants

_MOST_TRIES = 1_500
"""Gaps that are tried for one pair: many lie side by side and fail alike."""


_GAPS = np.array([(320.0, 0.5), (700, 0.2), (700, 0.8), (1_300, 0.5), (2_000, 0.2), (2_000, 0.8)])
"""Length of a gap over a feature, and where along it the feature lies."""


def facing_pair(need: Need, through: str = "") -> Callable[[Plants], bool]:
    """A recipe: two ends that face each other over a gap holding what is needed."""

    def recipe(plants: Plants) -> bool:
        rng, survey = plants.rng, plants.survey
        site = rng.permutation(np.flatnonzero(survey.lonely))
        site = site[plants.rooms(survey.points[site], is_finding=True)]
        flip = rng.choice([-1.0, 1.0], (len(site), 1))
        lean = rng.choice(need.leans, len(site)) + rng.uniform(-4, 4, len(site))
        way = turned_all(flip * survey.normals[site], lean)
        shortest, longest = np.log(need.gap_m)
        gap = np.exp(rng.uniform(shortest, longest, (len(site), 1)))
        share = rng.uniform(0.35, 0.65, (len(site), 1))
        middle = survey.points[site]
        gaps = Gaps(middle - share * gap * way, middle + (1 - share) * gap * way, way, site)
        gaps = gaps.take(gap[:, 0] <= LONGEST_GAP_M[need.cls])
        gaps = gaps.take(_head_across(plants, gaps, need.most_deg))
        return _first_pair(plants, fitting(survey, gaps, need.obstacle), need, through)

    return recipe


def _first_pair(
    plants: Plants, gaps: Gaps, need: Need, through: str = "", reach_m: float | None = None
) -> bool:
    """Build the first of the gaps to which roads can be led from both sides."""
    gaps = gaps.take(np.arange(min(len(gaps.a), _MOST_TRIES)))
    for a, b, way, site in zip(gaps.a, gaps.b, gaps.way, gaps.site, strict=True):
        border_id = str(plants.survey.border_ids[site])
        stubs = stubs_for(plants, a, b, way, need.cls, reach_m=reach_m)
        if stubs is not None:
            build_pair(plants, need, through, stubs, a, b, way, border_id)
            return True
    return False


def across_feature(name: str) -> Callable[[Plants], bool]:
    """A recipe: two ends with a narrow river, a railway or a motorway between them.

    Sites are sought along the feature, where it runs close to a border.
    """

    def recipe(plants: Plants) -> bool:
        rng, survey = plants.rng, plants.survey
        lines = {
            "river": [r.line for r in plants.world.hydro.rivers if not r.is_barrier],
            "railway": list(survey.ground_rails),
            "motorway": list(survey.axes),
        }[name]
        if not lines or not len(survey.points):
            return False
        every = shapely.get_coordinates(shapely.segmentize(shapely.multilinestrings(lines), 90.0))
        distance, site = survey.site_tree.query(every, distance_upper_bound=1_800.0)
        close = np.flatnonzero(np.isfinite(distance))
        close = close[survey.lonely[site[close]]]
        close = close[plants.rooms(every[close], is_finding=True)]
        if not len(close):
            return False
        pick = rng.choice(close, 12_000)
        way = turned_all(
            survey.normals[site[pick]], rng.choice((0.0, 24.0, -24.0, 42.0, -42.0), len(pick))
        )
        gap, share = _GAPS[rng.integers(0, len(_GAPS), len(pick))].T[:, :, None]
        middle = every[pick]
        gaps = Gaps(middle - share * gap * way, middle + (1 - share) * gap * way, way, site[pick])
        gaps = gaps.take(_in_both_cities(plants, gaps))
        gaps = gaps.take(_head_across(plants, gaps, MOST_DEG))
        # Few sites have the feature: roads to them may be longer.
        fit = fitting(survey, gaps, name)
        reach = (4 if name == "motorway" else 2) * usual_reach_m(plants)
        return _first_pair(plants, fit, Need(name, "unbuilt", (0, 0)), reach_m=reach)

    return recipe


def _head_across(plants: Plants, gaps: Gaps, most_deg: float) -> NDArray[np.bool_]:
    """Whether the roads to both ends would head for the border."""
    one = plants.survey.heads_across(gaps.a, gaps.way, most_deg)
    return one & plants.survey.heads_across(gaps.b, -gaps.way, most_deg)


def _in_both_cities(plants: Plants, gaps: Gaps) -> NDArray[np.bool_]:
    """Whether the two ends lie in the two cities of the border."""
    borders = plants.survey.border_ids[gaps.site]
    ok = np.zeros(len(gaps.a), dtype=bool)
    for border_id in np.unique(borders):
        rows = np.flatnonzero(borders == border_id)
        inside = []
        for city_id in str(border_id).split("-"):
            shape = plants.world.territory.city_shapes[city_id]
            shapely.prepare(shape)
            inside.append([shapely.contains_xy(shape, *end[rows].T) for end in (gaps.a, gaps.b)])
        (a_first, b_first), (a_second, b_second) = inside
        ok[rows] = (a_first & b_second) | (a_second & b_first)
    return ok
