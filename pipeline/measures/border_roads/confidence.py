"""How far to trust a finding: the named factors whose product is ``confidence``.

What belongs here: one function per factor, each 0 to 1. `rules` and `rail_ends` keep the factors
of an end in ``road_ends``; `links` and `dead_ends` multiply them with what is known after
pairing. The figure orders findings by how much to trust them; it is no probability. All weights
are proposals of ours (check); ``docs/dead-ends.md`` explains them to readers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.measures.border_roads.params import ConfidenceParams
from pipeline.terms import CLASS_RANK

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

OWN_FACTORS = ("tags", "heading", "class", "density")
"""Known of an end by itself: the columns ``confidence_<factor>`` of ``road_ends``."""


def tag_factor(road: pd.DataFrame, params: ConfidenceParams) -> Floats:
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
    return np.asarray(params.untagged_road + params.per_tag * known)


def heading_factor(cos: Floats, tolerance_deg: float, params: ConfidenceParams) -> Floats:
    """1 straight at the border, falling to 0.6 at the tolerance (and on to 0 behind it)."""
    angle = np.degrees(np.arccos(np.clip(cos, -1.0, 1.0)))
    return np.asarray(
        np.clip(1.0 - (1.0 - params.heading_at_tolerance) * angle / tolerance_deg, 0.0, 1.0)
    )


def class_factor(
    class_rank: NDArray[np.integer], is_class_end: Flags, goes_on: Flags, params: ConfidenceParams
) -> Floats:
    """1 from primary up, 0.05 less per class below; class ends less, more so where it goes on."""
    below = np.maximum(class_rank.astype(float) - CLASS_RANK["primary"], 0.0)
    kept = np.where(goes_on, params.goes_on_lower, np.where(is_class_end, params.class_end, 1.0))
    return np.asarray((1.0 - params.per_class * below) * kept)


def density_factor(xy: Floats, lines: NDArray[np.object_], params: ConfidenceParams) -> Floats:
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
    lines = lines[_near_any(lines, xy, params.density_radius_m)]
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    found = cKDTree(middle).query_ball_point(xy, params.density_radius_m)
    size = np.array([len(each) for each in found])
    flat = np.concatenate([np.sort(np.asarray(each, dtype=np.int64)) for each in found])
    length = np.bincount(
        np.repeat(np.arange(len(xy)), size), weights=shapely.length(lines)[flat], minlength=len(xy)
    )
    density = length / 1e3 / (np.pi * (params.density_radius_m / 1e3) ** 2)
    return np.asarray(
        params.lonely_road
        + (1.0 - params.lonely_road) * np.minimum(density / params.full_density_km_per_km2, 1.0)
    )


def _near_any(lines: NDArray[np.object_], xy: Floats, radius_m: float) -> NDArray[np.intp]:
    """Rows of all lines that have a point within the radius of a place, and some others."""
    west, south, east, north = shapely.bounds(lines).T
    reach = radius_m + np.hypot(east - west, north - south) / 2.0
    centre = np.column_stack([(west + east) / 2.0, (south + north) / 2.0])
    distance, _ = cKDTree(xy).query(centre, distance_upper_bound=float(reach.max(initial=0.0)))
    return np.flatnonzero(distance <= reach)


def pairing_factor(quality: Floats, is_facing_road: Flags, params: ConfidenceParams) -> Floats:
    """0.6 for the faintest pair to 1 for near, straight, equal ends; a facing road a tenth less."""
    kept = np.where(is_facing_road, params.facing_road, 1.0)
    return np.asarray(
        (params.faintest_pair + (1.0 - params.faintest_pair) * np.minimum(quality, 1.0)) * kept
    )


def own_confidence(ends: pd.DataFrame) -> Floats:
    """Product of an end's own factors: what is known before pairing."""
    return np.asarray(
        np.prod([ends[f"confidence_{name}"].to_numpy(float) for name in OWN_FACTORS], axis=0)
    )
