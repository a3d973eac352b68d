"""How far to trust a finding: the named factors whose product is ``confidence``.

What belongs here: one function per factor, each 0 to 1. The factors of an end are known before
pairing and kept in ``road_ends``; that of a pair joins them in `links` and `dead_ends`. The
figure orders findings by how much to trust them; it is no probability. All weights are
parameters and proposals of ours (check); ``docs/dead-ends.md`` explains them to readers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.measures.border_roads.params import ConfidenceParams
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, angle_deg
from pipeline.terms import CLASS_RANK

OWN_FACTORS = ("tags", "heading", "class", "density")
"""Known of an end by itself: the columns ``confidence_<factor>`` of ``road_ends``."""


def rate_ends(
    ends: pd.DataFrame, near: Surroundings, tolerance_deg: float, params: ConfidenceParams
) -> pd.DataFrame:
    """Add the factors of each end: ``confidence_<factor>`` for every one of `OWN_FACTORS`.

    Parameters
    ----------
    ends
        As `ends.describe_ends` left them.
    tolerance_deg
        Of the heading at the border (``dead_ends.heading_tolerance_deg``).
    """
    road = near.roads.iloc[ends["edge"]].reset_index(drop=True)
    is_class_end = (ends["end_type"] == "class_end").to_numpy(dtype=bool)
    return ends.assign(
        confidence_tags=tag_factor(road, params),
        confidence_heading=heading_factor(ends["cos"].to_numpy(float), tolerance_deg, params),
        confidence_class=class_factor(
            road["class_rank"].to_numpy(),
            is_class_end,
            params,
        ),
        confidence_density=density_factor(ends[["x", "y"]].to_numpy(float), near.lines, params),
    )


def own_confidence(ends: pd.DataFrame) -> Floats:
    """Product of an end's own factors: what is known before pairing."""
    return np.asarray(
        np.prod([ends[f"confidence_{name}"].to_numpy(float) for name in OWN_FACTORS], axis=0)
    )


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
    """1 straight at the border, falling to 0.6 at the tolerance (and on to 0 behind it).

    Parameters
    ----------
    cos
        Cosine of the angle at which each heading leads to the border.
    """
    fall = 1.0 - params.heading_at_tolerance
    angle = angle_deg(cos)
    return np.asarray(np.clip(1.0 - fall * angle / tolerance_deg, 0.0, 1.0))


def class_factor(
    class_rank: NDArray[np.integer], is_class_end: Flags, params: ConfidenceParams
) -> Floats:
    """1 from primary up, 0.05 less per class below; class ends less."""
    below = np.maximum(class_rank.astype(float) - CLASS_RANK[params.full_class], 0.0)
    kept = np.where(is_class_end, params.class_end, 1.0)
    return np.asarray((1.0 - params.per_class * below) * kept)


def density_factor(xy: Floats, lines: Geometries, params: ConfidenceParams) -> Floats:
    """0.6 where no other road is mapped within a kilometre, 1 from a kilometre of road per km2.

    A road counts in whole where its middle lies within ``params.density_radius_m``.

    Parameters
    ----------
    xy
        Ends, metres, shape (n, 2).
    lines
        Open roads around, metric.
    """
    if not len(xy):
        return np.empty(0)
    radius_m = params.density_radius_m
    lines = lines[_near_any(lines, xy, radius_m)]
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    found = cKDTree(middle).query_ball_point(xy, radius_m)
    size = np.array([len(each) for each in found])
    flat = np.concatenate([np.sort(np.asarray(each, dtype=np.int64)) for each in found])
    length = np.bincount(
        np.repeat(np.arange(len(xy)), size), weights=shapely.length(lines)[flat], minlength=len(xy)
    )
    density = length / 1e3 / (np.pi * (radius_m / 1e3) ** 2)
    least = params.lonely_road
    full = np.minimum(density / params.full_density_km_per_km2, 1.0)
    return np.asarray(least + (1.0 - least) * full)


def _near_any(lines: Geometries, xy: Floats, radius_m: float) -> NDArray[np.intp]:
    """Rows of all lines that have a point within the radius of a place, and some others."""
    west, south, east, north = shapely.bounds(lines).T
    reach = radius_m + np.hypot(east - west, north - south) / 2.0
    centre = np.column_stack([(west + east) / 2.0, (south + north) / 2.0])
    distance, _ = cKDTree(xy).query(centre, distance_upper_bound=float(reach.max(initial=0.0)))
    return np.flatnonzero(distance <= reach)


def pairing_factor(quality: Floats, is_facing_road: Flags, params: ConfidenceParams) -> Floats:
    """0.6 for the faintest pair to 1 for near, straight, equal ends; a facing road a tenth less.

    Parameters
    ----------
    quality
        Of the pair (see `pairs`); over 1, as for two ends of one name, counts as 1.
    """
    least = params.faintest_pair
    kept = np.where(is_facing_road, params.facing_road, 1.0)
    return np.asarray((least + (1.0 - least) * np.minimum(quality, 1.0)) * kept)
