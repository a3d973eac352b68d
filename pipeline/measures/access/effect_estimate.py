"""The estimate of a border effect: pairs matched, within pairs learnt from, crossing ones imputed.

What belongs here: the sample and the fit; the method stands in `border_effect`. How sure
the estimate is belongs to `effect_interval`, borders that are none to `effect_placebo`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import cKDTree

from pipeline.measures.access.effect_pairs import BeltZones, ZonePairs, cross_lines
from pipeline.measures.access.params import BorderEffectParams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]


class Sample(NamedTuple):
    """Matched pairs, which of them cross, and which meet a river (None: no term of its own)."""

    pairs: ZonePairs
    crosses: Flags
    over_river: Flags | None


class Fit(NamedTuple):
    """The estimate, and what it was made from: ``normal`` and ``moment`` of the within pairs."""

    beta: float
    sample: ZonePairs
    crosses: Flags
    design: sp.csr_matrix
    normal: Floats
    moment: Floats


def count_crossing(side: Ints, pairs: ZonePairs) -> int:
    a, b = side[pairs.origin], side[pairs.destination]
    return int(((a >= 0) & (b >= 0) & (a != b)).sum())


def estimate(
    zones: BeltZones,
    side: Ints,
    pairs: ZonePairs,
    rivers: Geometries,
    is_natural: bool,
    params: BorderEffectParams,
) -> tuple[Fit | None, bool, str | None]:
    """Fit, whether border and river are one, and why there is no fit."""
    sample, includes_river, reason = choose_pairs(zones, side, pairs, rivers, is_natural, params)
    return None if sample is None else fit_pairs(sample, params), includes_river, reason


def choose_pairs(
    zones: BeltZones,
    side: Ints,
    pairs: ZonePairs,
    rivers: Geometries,
    is_natural: bool,
    params: BorderEffectParams,
) -> tuple[Sample | None, bool, str | None]:
    """Matched pairs, whether border and river are one, and why there are none."""
    if not len(pairs.origin):
        some = len(zones.x) and (side == 0).any() and (side == 1).any()
        return None, is_natural, "no_travel_times" if some else "no_zones_with_access"
    if not ((side == 0).any() and (side == 1).any()):
        return None, is_natural, "no_zones_with_access"
    farthest_m, kept = _uncensored(zones, side, pairs, params)
    if farthest_m == 0.0 and count_crossing(side, pairs) >= params.min_pairs:
        return None, is_natural, "cutoff_too_short"
    sample = _match(zones, kept, pairs, farthest_m, params)
    if sample is None:
        return None, is_natural, "too_few_pairs"
    crosses = side[sample.origin] != side[sample.destination]
    over_river = cross_lines(zones, sample, rivers)
    includes_river, river = _river_term(crosses, over_river, is_natural, params)
    return Sample(sample, crosses, river), includes_river, None


def _match(
    zones: BeltZones, side: Ints, pairs: ZonePairs, farthest_m: float, params: BorderEffectParams
) -> ZonePairs | None:
    """Pairs in strata that hold crossing and within pairs, thinned to the most allowed."""
    a, b = side[pairs.origin], side[pairs.destination]
    used = np.flatnonzero((a >= 0) & (b >= 0) & (pairs.distance_m <= farthest_m))
    crosses = (a != b)[used]
    low = np.minimum(zones.stratum[pairs.origin[used]], zones.stratum[pairs.destination[used]])
    high = np.maximum(zones.stratum[pairs.origin[used]], zones.stratum[pairs.destination[used]])
    classes = 2 * params.density_classes
    bins = (pairs.distance_m[used] // params.distance_bin_m).astype(np.int64)
    stratum = (bins * classes + low) * classes + high
    size = int(stratum.max(initial=0)) + 1
    has_both = (np.bincount(stratum[crosses], minlength=size) > 0) & (
        np.bincount(stratum[~crosses], minlength=size) > 0
    )
    matched = has_both[stratum]
    used, crosses = used[matched], crosses[matched]
    if crosses.sum() < params.min_pairs or (~crosses).sum() < params.min_pairs:
        return None
    rng = np.random.default_rng(params.seed)
    half = params.max_pairs // 2
    parts = [_thin(used[crosses], half, rng), _thin(used[~crosses], half, rng)]
    chosen = np.sort(np.concatenate(parts))
    return ZonePairs(
        pairs.origin[chosen],
        pairs.destination[chosen],
        pairs.distance_m[chosen],
        pairs.bearing[chosen],
        pairs.log_pace[chosen],
    )


def _thin(rows: Ints, most: int, rng: np.random.Generator) -> Ints:
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)


def _uncensored(
    zones: BeltZones, side: Ints, pairs: ZonePairs, params: BorderEffectParams
) -> tuple[float, Ints]:
    """Greatest distance up to which (almost) all pairs are listed, and the sides there.

    The cutoff takes the slow pairs first and would make crossing ones look like
    the others. Zones that are slow towards their own side already are set aside
    (side -1): what remains must be listed bin by bin, crossing and within apart.
    """
    a, b = side[pairs.origin], side[pairs.destination]
    is_within, crosses = (a >= 0) & (a == b), (a >= 0) & (b >= 0) & (a != b)
    bins = np.arange(params.distance_bin_m, params.max_distance_m + 1.0, params.distance_bin_m)
    points = np.column_stack([zones.x, zones.y])
    least = 1.0 - params.censored_share
    for farthest_m in bins[::-1]:
        near = is_within & (pairs.distance_m <= farthest_m)
        listed = np.bincount(pairs.origin[near], minlength=len(side))
        kept = np.where(
            listed >= least * _neighbours(points, side, params.nearest_pair_m, farthest_m), side, -1
        )
        edges = np.r_[params.nearest_pair_m, bins[bins <= farthest_m]]
        trees = [cKDTree(points[kept == each]) for each in (0, 1)]
        across = np.diff(trees[0].count_neighbors(trees[1], edges)) * 2.0
        inside = np.diff(sum(tree.count_neighbors(tree, edges) for tree in trees))
        both = (kept[pairs.origin] >= 0) & (kept[pairs.destination] >= 0)
        listed_across, listed_inside = (
            np.diff(np.searchsorted(np.sort(pairs.distance_m[each & both]), edges, side="right"))
            for each in (crosses, is_within)
        )
        is_whole = (listed_across >= least * across) & (listed_inside >= least * inside)
        if is_whole.all() and listed_across.sum() >= params.min_pairs:
            return float(farthest_m), kept
    return 0.0, side


def _neighbours(points: Floats, side: Ints, doorstep_m: float, radius_m: float) -> Ints:
    """Zones of the same side within a radius, but not at the same doorstep."""
    count = np.zeros(len(side), dtype=np.int64)
    for each in (0, 1):
        own = np.flatnonzero(side == each)
        tree = cKDTree(points[own])
        count[own] = tree.query_ball_point(points[own], radius_m, return_length=True)
        count[own] -= tree.query_ball_point(points[own], doorstep_m, return_length=True)
    return count


def _river_term(
    crosses: Flags,
    over_river: Flags,
    is_natural: bool,
    params: BorderEffectParams,
) -> tuple[bool, Flags | None]:
    """Whether border and river are one effect, and the river's column where they are not.

    A river's cost is learnt from within pairs, so it takes some that cross one.
    """
    across, inside = float(over_river[crosses].mean()), float(over_river[~crosses].mean())
    if is_natural or across - inside > params.river_share:
        return True, None
    if inside < params.river_within_least:
        return bool(across > params.river_across_least), None
    return False, over_river


def fit_pairs(chosen: Sample, params: BorderEffectParams) -> Fit:
    """Learn from within pairs, impute the crossing ones.

    Only zones of the sample get a column: factoring costs their number cubed.
    """
    sample, crosses, river = chosen
    design, n_zones = _design(sample, river, params.distance_bin_m)
    within = design[~crosses]
    ridge = np.full(design.shape[1], 1e-6)
    ridge[:n_zones] = params.zone_ridge
    normal = (within.T @ within).toarray() + np.diag(ridge)
    moment = within.T @ sample.log_pace[~crosses]
    beta = excess(normal, moment, design[crosses], sample.log_pace[crosses])
    return Fit(beta, sample, crosses, design, normal, moment)


def excess(normal: Floats, moment: Floats, across: sp.csr_matrix, log_pace: Floats) -> float:
    """Mean of what crossing pairs take beyond what the within pairs teach."""
    theta = cho_solve(cho_factor(normal, check_finite=False), moment, check_finite=False)
    return float(np.mean(log_pace - across @ theta))


def _design(sample: ZonePairs, river: Flags | None, bin_m: float) -> tuple[sp.csr_matrix, int]:
    """Sparse columns: zones, distance bins, log distance, two harmonics of the bearing, river.

    The zones of the sample come first; their number is the second value.
    """
    n = len(sample.origin)
    rows = np.arange(n)
    used, column = np.unique(np.r_[sample.origin, sample.destination], return_inverse=True)
    zone = sp.csr_matrix((np.ones(2 * n), (np.r_[rows, rows], column)), (n, len(used)))
    bins = (sample.distance_m // bin_m).astype(np.int64)
    bin_dummies = sp.csr_matrix((np.ones(n), (rows, bins)), (n, int(bins.max()) + 1))
    columns = [np.log(sample.distance_m / bin_m)]
    columns += [wave(order * sample.bearing) for order in (2, 4) for wave in (np.cos, np.sin)]
    if river is not None:
        columns.append(river.astype(float))
    parts = [zone, bin_dummies, sp.csr_matrix(np.column_stack(columns))]
    return sp.hstack(parts, format="csr"), len(used)
