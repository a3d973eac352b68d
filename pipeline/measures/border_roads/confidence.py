"""How far to trust a finding: the named factors whose product is ``confidence``.

What belongs here: one function per factor, each 0 to 1, and the constants that
set it. `dead_ends` and `rail_ends` keep the factors of an end in ``road_ends``;
`missing_links` multiplies them with what is known after pairing. The figure
orders findings by how much to trust them; it is no probability. All weights are
proposals of ours (check); ``docs/dead-ends.md`` explains them to readers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.terms import CLASS_RANK

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

OWN_FACTORS = ("tags", "heading", "class", "density")
"""Known of an end by itself: the columns ``confidence_<factor>`` of ``road_ends``."""

DENSITY_RADIUS_M = 1_000.0
FULL_DENSITY_KM_PER_KM2 = 1.0
"""Countryside that is mapped has about a kilometre of road per km2 (methods.md 9)."""

CLASS_END_FACTOR = 0.9
GOES_ON_FACTOR = 0.7
"""A class end whose road goes on under its name or number may be a slip of the tagging."""

FACING_ROAD_FACTOR = 0.9
OPEN_END_FACTOR = 0.8
MAPPING_GAP_FACTOR = 0.5


def tag_factor(road: pd.DataFrame) -> Floats:
    """0.7 for an untagged road to 1 for one with a name or number, lanes and a speed.

    Parameters
    ----------
    road
        Rows of ``roads``, one per end.
    """
    known = (
        (road["name"].notna() | road["ref"].notna()).to_numpy(float)
        + (road["lanes_evidence"] == "tagged").to_numpy(float)
        + (road["speed_evidence"] == "tagged").to_numpy(float)
    )
    return np.asarray(0.7 + 0.1 * known)


def heading_factor(cos: Floats, tolerance_deg: float) -> Floats:
    """1 straight at the border, falling to 0.6 at the tolerance (and on to 0 behind it)."""
    angle = np.degrees(np.arccos(np.clip(cos, -1.0, 1.0)))
    return np.asarray(np.clip(1.0 - 0.4 * angle / tolerance_deg, 0.0, 1.0))


def class_factor(class_rank: NDArray[np.integer], is_class_end: Flags, goes_on: Flags) -> Floats:
    """1 from primary up, 0.05 less per class below; class ends less, more so where it goes on."""
    below = np.maximum(class_rank.astype(float) - CLASS_RANK["primary"], 0.0)
    kept = np.where(goes_on, GOES_ON_FACTOR, np.where(is_class_end, CLASS_END_FACTOR, 1.0))
    return np.asarray((1.0 - 0.05 * below) * kept)


def density_factor(xy: Floats, lines: NDArray[np.object_]) -> Floats:
    """0.6 where no other road is mapped within a kilometre, 1 from a kilometre of road per km2.

    Parameters
    ----------
    xy
        Ends, metres, shape (n, 2).
    lines
        Open roads around, metric.
    """
    if not len(xy):
        return np.empty(0)
    lines = lines[_near_any(lines, xy, DENSITY_RADIUS_M)]
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    found = cKDTree(middle).query_ball_point(xy, DENSITY_RADIUS_M)
    size = np.array([len(each) for each in found])
    flat = np.concatenate([np.sort(np.asarray(each, dtype=np.int64)) for each in found])
    length = np.bincount(
        np.repeat(np.arange(len(xy)), size), weights=shapely.length(lines)[flat], minlength=len(xy)
    )
    density = length / 1e3 / (np.pi * (DENSITY_RADIUS_M / 1e3) ** 2)
    return np.asarray(0.6 + 0.4 * np.minimum(density / FULL_DENSITY_KM_PER_KM2, 1.0))


def _near_any(lines: NDArray[np.object_], xy: Floats, radius_m: float) -> NDArray[np.intp]:
    """Rows of all lines that have a point within the radius of a place, and some others."""
    west, south, east, north = shapely.bounds(lines).T
    reach = radius_m + np.hypot(east - west, north - south) / 2.0
    centre = np.column_stack([(west + east) / 2.0, (south + north) / 2.0])
    distance, _ = cKDTree(xy).query(centre, distance_upper_bound=float(reach.max(initial=0.0)))
    return np.flatnonzero(distance <= reach)


def pairing_factor(quality: Floats, is_facing_road: Flags) -> Floats:
    """0.6 for the faintest pair to 1 for near, straight, equal ends; a facing road a tenth less."""
    kept = np.where(is_facing_road, FACING_ROAD_FACTOR, 1.0)
    return np.asarray((0.6 + 0.4 * np.minimum(quality, 1.0)) * kept)


def own_confidence(ends: pd.DataFrame) -> Floats:
    """Product of an end's own factors: what is known before pairing."""
    return np.asarray(
        np.prod([ends[f"confidence_{name}"].to_numpy(float) for name in OWN_FACTORS], axis=0)
    )
