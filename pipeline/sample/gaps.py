"""Which gaps between two future road ends hold what is wanted, and nothing else.

What belongs here: the tests of many gaps at once, as arrays: one pass over the
land instead of one per try. Choosing among those that fit, and building the
roads, is for `ends`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.sites import Survey

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NEAR_M = 40.0
_WIDE_WATER_M = 165.0
FEATURES = ("river", "railway", "motorway")


@dataclass(frozen=True)
class Gaps:
    """Possible gaps: both ends (n, 2), the unit way from a to b, and the border's number."""

    a: Floats
    b: Floats
    way: Floats
    site: NDArray[np.int64]

    def take(self, rows: NDArray[np.generic]) -> Gaps:
        """Some of them."""
        return Gaps(self.a[rows], self.b[rows], self.way[rows], self.site[rows])


def turned_all(vectors: Floats, degrees: Floats) -> Floats:
    """Vectors turned anticlockwise, each by its own angle."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = vectors.T
    return np.column_stack([x * cos - y * sin, x * sin + y * cos])


def fitting(survey: Survey, gaps: Gaps, obstacle: str) -> Gaps:
    """The gaps that are clear of roads and hold just the natural obstacle wanted."""
    if not len(gaps.a):
        return gaps
    wanted = obstacle if obstacle in FEATURES else ""
    gaps = gaps.take(_holds_only(survey, gaps, wanted))
    if wanted and len(gaps.a):
        gaps = gaps.take(_is_inside(survey, gaps, wanted))
    return gaps.take(_clear_of_roads(survey, gaps, wanted)) if len(gaps.a) else gaps


def _lines(gaps: Gaps, beyond_m: float) -> NDArray[np.object_]:
    ends = [gaps.a - beyond_m * gaps.way, gaps.b + beyond_m * gaps.way]
    return np.asarray(shapely.linestrings(np.stack(ends, axis=1)))


def _holds_only(survey: Survey, gaps: Gaps, wanted: str) -> Bools:
    lines = _lines(gaps, 30.0)
    tree = shapely.STRtree(lines)
    ok = np.ones(len(lines), dtype=bool)
    for name, shapes in {
        "river": survey.rivers,
        "water": survey.still,
        "railway": survey.rails,
        "motorway": survey.axes,
        "protected": survey.reserves,
        "metro": survey.metros,
    }.items():
        hit = np.zeros(len(lines), dtype=bool)
        if len(shapes):
            hit[tree.query(shapes, predicate="dwithin", distance=_NEAR_M)[1]] = True
        ok &= hit == (name == wanted)
    return ok


def _is_inside(survey: Survey, gaps: Gaps, wanted: str) -> Bools:
    """The feature is crossed, lies 30 m clear of both ends, and is no wide water."""
    shapes = {
        "river": survey.rivers,
        "railway": survey.ground_rails,
        "motorway": survey.axes,
    }[wanted]
    lines = _lines(gaps, 0.0)
    shape, line = shapely.STRtree(lines).query(shapes, predicate="intersects")
    crossed = np.zeros(len(lines), dtype=bool)
    crossed[line] = True
    if wanted == "river":
        wet = shapely.length(shapely.intersection(shapes[shape], lines[line]))
        crossed &= np.bincount(line, wet, minlength=len(lines)) <= _WIDE_WATER_M
    for end in (gaps.a, gaps.b):
        tree = shapely.STRtree(shapely.points(end))
        crossed[tree.query(shapes, predicate="dwithin", distance=30.0)[1]] = False
    return crossed


def _clear_of_roads(survey: Survey, gaps: Gaps, wanted: str) -> Bools:
    # Gaps over a feature are hard to find room for: a narrower strip must do.
    length = np.hypot(*(gaps.b - gaps.a).T)
    strips = shapely.buffer(
        _lines(gaps, 30.0), 90 + (0.16 if wanted else 0.28) * length, quad_segs=4
    )
    strip, road = survey.tree.query(strips, predicate="intersects")
    if wanted == "motorway":
        strip = strip[survey.rank[road] > 0]
    clear = np.ones(len(strips), dtype=bool)
    clear[strip] = False
    if survey.laid:
        laid = np.array(survey.laid)
        clear[shapely.STRtree(strips).query(laid, predicate="intersects")[1]] = False
    return clear
