"""How far to trust a finding: named factors, and the table that makes ``confidence`` of them.

What belongs here: one function per factor, each 0 to 1, and their sum in log odds. The factors of
an end are known before pairing and kept in ``road_ends``; that of a pair is joined to them in
`links` and `dead_ends`. The weights are parameters, fitted to ends that were judged by hand and
to roads cut on purpose (``benchmarks/confidence_fit.py``); ``docs/dead-ends.md`` explains them
to readers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import expit

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


def own_log_odds(ends: pd.DataFrame, params: ConfidenceParams) -> Floats:
    """Log odds that an end is true, from its own factors: what is known before pairing.

    ``params.log_odds`` where all factors are 1, less by its weight for each that is 0.
    """
    weights = {
        "tags": params.weight_tags,
        "heading": params.weight_heading,
        "class": params.weight_class,
        "density": params.weight_density,
    }
    lost = [
        weights[each] * (1.0 - ends[f"confidence_{each}"].to_numpy(float)) for each in OWN_FACTORS
    ]
    return np.asarray(params.log_odds - np.sum(lost, axis=0))


def pairing_log_odds(pairing: Floats, is_facing_road: Flags, params: ConfidenceParams) -> Floats:
    """What a pair adds to the log odds: nothing at its best, less for a faint one or a road."""
    added = np.where(is_facing_road, params.facing_road, 0.0)
    return np.asarray(added - params.weight_pairing * (1.0 - pairing))


def probability(log_odds: Floats) -> Floats:
    """0 to 1 of log odds."""
    return np.asarray(expit(log_odds))


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


def pairing_factor(quality: Floats, params: ConfidenceParams) -> Floats:
    """0.6 for the faintest pair to 1 for near, straight, equal ends.

    Parameters
    ----------
    quality
        Of the pair (see `pairs`); over 1, as for two ends of one name, counts as 1.
    """
    least = params.faintest_pair
    return np.asarray(least + (1.0 - least) * np.minimum(quality, 1.0))
