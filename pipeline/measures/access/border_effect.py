"""The border effect: how much longer trips take across a border than within.

What belongs here: matching pairs of zones across and within, the estimate, its
bootstrap interval and the placebo borders. Travel times come in as a layer;
what the effect means for the index belongs to `integration`.

The estimator
-------------
``y = log(minutes / straight distance)`` of ordered pairs of zones near the
border. Pairs on one side (*within*) teach what a trip takes with no border in
the way: a bin of the straight distance and a slope inside it, the bearing (road
grids are faster along their axes than across), an effect of each zone (its
density, its access to the road, the quality of its roads: all that makes trips
from and to it slow wherever they go), and crossing a river. The mean of what
*crossing* pairs take beyond that is ``beta``; ``penalty_pct = exp(beta) - 1``.
So beta is the mean log ratio over the crossing pairs themselves, not a
variance-weighted one. Matching comes first: only strata (distance bin, density
class and access class of both zones) that hold both kinds of pairs take part,
and only distances at which the travel-time cutoff has censored nothing.

The interval resamples zones, in square blocks of neighbours since neighbours
share their roads. A block's influence is what beta becomes when all pairs that
touch its zones are left out and everything is fitted anew; each replicate moves
beta by the influences of the blocks it drew more or less often. Influences from
one fit alone would be too small, since the fit bends towards each block's own
pairs. With few blocks the spread itself is uncertain: the interval is widened
as Student's t is against the normal.

Placebo borders are copies of the border shifted into either city: the spread of
their effects is what this estimator finds where there is no border.

Source: matched comparison and placebo as in methods.md 5; bootstrap from
jackknife influences after Efron 1992; imputation form after Borusyak, Jaravel
and Spiess 2024.
It is an association, not a cause.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import cKDTree
from scipy.special import ndtri, stdtrit

from pipeline.crs import require_metric
from pipeline.errors import StageError
from pipeline.layers import empty_layer
from pipeline.measures.access.params import BorderEffectParams
from pipeline.measures.routing.pair_times import PairTimes, pieces_of, positions
from pipeline.terms import MODES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class _Zones(NamedTuple):
    """Zones of both cities that have access: side 0 or 1, metres, strata class."""

    x: Floats
    y: Floats
    side: Ints
    stratum: Ints
    to_border_m: Floats
    is_in_a: NDArray[np.bool_]


class _Pairs(NamedTuple):
    """Ordered pairs of zones: rows of `_Zones`, straight metres, bearing, log(min/km)."""

    origin: Ints
    destination: Ints
    distance_m: Floats
    bearing: Floats
    log_pace: Floats


class _Fit(NamedTuple):
    """The estimate, and what it was made from: ``normal`` and ``moment`` of the within pairs."""

    beta: float
    sample: _Pairs
    crosses: NDArray[np.bool_]
    design: Any
    normal: Floats
    moment: Floats


def border_effects(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    waterways: gpd.GeoDataFrame,
    params: BorderEffectParams,
) -> pd.DataFrame:
    """The border effect of one border, a row per mode that the travel times hold.

    Parameters
    ----------
    borders, cities, zone_grid, waterways
        Layers in the metro's metric CRS.
    travel_times
        Zone-to-zone minutes; a pair that is not listed is beyond the cutoff.

    Returns
    -------
    DataFrame
        Layer ``border_effect``. ``penalty_pct`` and its interval are null with
        the reason: ``no_travel_times``, ``no_zones_with_access`` on one side,
        ``too_few_pairs`` (crossing or matching ones under ``params.min_pairs``),
        or ``cutoff_too_short`` (enough crossing pairs, but at no distance are
        nearly all of them listed).
    """
    require_metric(borders, "borders")
    require_metric(zone_grid, "zone_grid")
    if not len(borders):
        return empty_layer("border_effect")
    border = _pick(borders, border_id)
    city_a, city_b = _cities_beside(border, cities, params.outline_snap_m)
    reach_m = params.belt_m * 2.0
    grid = _zones_near(zone_grid, border.geometry, (city_a, city_b), reach_m)
    zones = _describe_zones(grid, border.geometry, city_a, params)
    rivers = _river_lines(waterways, border.geometry, reach_m + params.max_distance_m)
    listed = _times_among(travel_times, grid["cell"])
    rows = []
    for mode in _modes_of(travel_times):
        pairs = _pairs_of(listed[listed["mode"] == mode], zones, params)
        rows.append(_effect_row(border, mode, zones, pairs, rivers, cities, city_a, city_b, params))
    return pd.DataFrame(rows)


# --------------------------------------------------------------------------- inputs


def _pick(borders: gpd.GeoDataFrame, border_id: str) -> Any:
    found = borders.loc[borders["border_id"] == border_id]
    if len(found) != 1:
        raise StageError(
            f"border_effect: border {border_id!r} is found {len(found)} times; expected once"
        )
    return next(found.itertuples(index=False))


def _cities_beside(border: Any, cities: gpd.GeoDataFrame, snap_m: float) -> tuple[str, str]:
    """Ids of the two cities, also where the border parts counties of theirs."""
    ids = set(cities["city_id"])
    if border.city_a in ids and border.city_b in ids:
        return border.city_a, border.city_b
    # The counties' cities are those with the most of this line on their outline.
    outline = shapely.boundary(cities.geometry.to_numpy())
    near_m = shapely.length(shapely.intersection(outline, border.geometry.buffer(snap_m)))
    ids_in_order = cities["city_id"].to_numpy(dtype=object)
    first, second = sorted(ids_in_order[np.lexsort((ids_in_order.astype(str), -near_m))[:2]])
    return first, second


def _zones_near(
    zone_grid: gpd.GeoDataFrame, line: Any, city_ids: tuple[str, str], reach_m: float
) -> pd.DataFrame:
    """Zones of both cities with access within reach of the border, by cell."""
    grid = zone_grid.loc[
        zone_grid["city_id"].isin(city_ids)
        & zone_grid["reason"].isna()
        & zone_grid["snap_m"].notna(),
        ["cell", "city_id", "population", "point_x", "point_y", "snap_m"],
    ]
    points = shapely.points(grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float))
    shapely.prepare(line)
    near = shapely.dwithin(line, points, reach_m)
    return pd.DataFrame(grid[near]).sort_values("cell", ignore_index=True)


def _describe_zones(
    grid: pd.DataFrame, line: Any, city_a: str, params: BorderEffectParams
) -> _Zones:
    x, y = grid["point_x"].to_numpy(float), grid["point_y"].to_numpy(float)
    is_in_a = (grid["city_id"] == city_a).to_numpy(bool)
    to_border_m = shapely.distance(line, shapely.points(x, y))
    people = grid["population"].fillna(0.0).to_numpy(float)
    rank = np.argsort(np.argsort(people, kind="stable"), kind="stable")
    density = rank * params.density_classes // max(len(grid), 1)
    is_far = (grid["snap_m"].to_numpy(float) > params.good_access_m).astype(np.int64)
    return _Zones(x, y, np.where(is_in_a, 0, 1), density * 2 + is_far, to_border_m, is_in_a)


def _modes_of(travel_times: pd.DataFrame | PairTimes) -> list[str]:
    """Modes with rows, in the schema's order; both road modes where there is none."""
    present: set[str] = set()
    for piece in pieces_of(travel_times):
        modes = piece["mode"].astype("category")
        present |= set(modes.cat.categories[np.unique(modes.cat.codes[modes.cat.codes >= 0])])
    return [mode for mode in MODES if mode in present] or ["drive", "drive_peak"]


def _times_among(travel_times: pd.DataFrame | PairTimes, cells: pd.Series) -> pd.DataFrame:
    """Listed times between these cells: rows of ``cells`` as origin, destination; mode, minutes."""
    found = []
    for piece in pieces_of(travel_times):
        origin = positions(piece["from_cell"], cells)
        destination = positions(piece["to_cell"], cells)
        keep = np.flatnonzero((origin >= 0) & (destination >= 0))
        modes = piece["mode"].astype("category").cat.set_categories(MODES)
        found.append(
            pd.DataFrame(
                {
                    "origin": origin[keep].astype(np.int64),
                    "destination": destination[keep].astype(np.int64),
                    "mode": modes.array.take(keep),
                    "minutes": piece["minutes"].to_numpy()[keep].astype(float),
                }
            )
        )
    return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)


def _pairs_of(listed: pd.DataFrame, zones: _Zones, params: BorderEffectParams) -> _Pairs:
    origin, destination = listed["origin"].to_numpy(), listed["destination"].to_numpy()
    minutes = listed["minutes"].to_numpy()
    dx, dy = zones.x[destination] - zones.x[origin], zones.y[destination] - zones.y[origin]
    distance_m = np.hypot(dx, dy)
    used = (distance_m >= params.nearest_pair_m) & (distance_m <= params.max_distance_m)
    used &= minutes > 0
    # The same sample whatever the order of the rows that came in.
    order = np.flatnonzero(used)
    order = order[np.lexsort((destination[order], origin[order]))]
    origin, destination, distance_m = origin[order], destination[order], distance_m[order]
    return _Pairs(
        origin,
        destination,
        distance_m,
        np.arctan2(dy[order], dx[order]),
        np.log(minutes[order] / (distance_m / 1000.0)),
    )


def _river_lines(waterways: gpd.GeoDataFrame, line: Any, reach_m: float) -> NDArray[Any]:
    """Rivers around the border, as lines; canals, streams and culverts are no obstacle."""
    if not len(waterways):
        return np.array([], dtype=object)
    is_river = (waterways["waterway"] == "river") & ~waterways["is_tunnel"].astype(bool)
    lines = waterways.geometry.to_numpy()[is_river.to_numpy()]
    box = shapely.box(*shapely.bounds(line)).buffer(reach_m)
    near = shapely.intersects(lines, box)
    return np.asarray(shapely.simplify(lines[near], 50.0), dtype=object)


# --------------------------------------------------------------------------- estimate


def _effect_row(
    border: Any,
    mode: str,
    zones: _Zones,
    pairs: _Pairs,
    rivers: NDArray[Any],
    cities: gpd.GeoDataFrame,
    city_a: str,
    city_b: str,
    params: BorderEffectParams,
) -> dict[str, Any]:
    is_natural = bool(border.natural_share_pct > 100.0 * params.river_share)
    side = np.where(zones.to_border_m <= params.belt_m, zones.side, -1)
    fit, includes_river, reason = _estimate(zones, side, pairs, rivers, is_natural, params)
    row = {
        "border_id": border.border_id,
        "mode": mode,
        "penalty_pct": np.nan,
        "ci_low_pct": np.nan,
        "ci_high_pct": np.nan,
        "n_pairs": 0,
        "placebo_low_pct": np.nan,
        "placebo_high_pct": np.nan,
        "includes_river": includes_river,
        "reason": reason,
    }
    if fit is None:
        row["n_pairs"] = _count_crossing(side, pairs)
        return row
    row["n_pairs"] = int(fit.crosses.sum())
    row["penalty_pct"] = _percent(fit.beta)
    row["ci_low_pct"], row["ci_high_pct"] = map(_percent, _interval(fit, zones, params))
    placebos = _placebo_betas(zones, pairs, rivers, border.geometry, cities, city_a, city_b, params)
    if len(placebos):
        row["placebo_low_pct"], row["placebo_high_pct"] = (
            _percent(each) for each in np.quantile(placebos, (0.025, 0.975))
        )
    return row


def _percent(beta: float) -> float:
    return float(100.0 * np.expm1(beta))


def _count_crossing(side: Ints, pairs: _Pairs) -> int:
    a, b = side[pairs.origin], side[pairs.destination]
    return int(((a >= 0) & (b >= 0) & (a != b)).sum())


def _estimate(
    zones: _Zones,
    side: Ints,
    pairs: _Pairs,
    rivers: NDArray[Any],
    is_natural: bool,
    params: BorderEffectParams,
) -> tuple[_Fit | None, bool, str | None]:
    """Fit, whether border and river are one, and why there is no fit."""
    if not len(pairs.origin):
        some = len(zones.x) and (side == 0).any() and (side == 1).any()
        return None, is_natural, "no_travel_times" if some else "no_zones_with_access"
    if not ((side == 0).any() and (side == 1).any()):
        return None, is_natural, "no_zones_with_access"
    farthest_m, kept = _uncensored(zones, side, pairs, params)
    if farthest_m == 0.0 and _count_crossing(side, pairs) >= params.min_pairs:
        return None, is_natural, "cutoff_too_short"
    sample = _match(zones, kept, pairs, farthest_m, params)
    if sample is None:
        return None, is_natural, "too_few_pairs"
    crosses = side[sample.origin] != side[sample.destination]
    over_river = _cross_lines(zones, sample, rivers)
    includes_river, river = _river_term(crosses, over_river, is_natural, params)
    fit = _fit(sample, crosses, river, params)
    return fit, includes_river, None


def _match(
    zones: _Zones, side: Ints, pairs: _Pairs, farthest_m: float, params: BorderEffectParams
) -> _Pairs | None:
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
    return _Pairs(
        pairs.origin[chosen],
        pairs.destination[chosen],
        pairs.distance_m[chosen],
        pairs.bearing[chosen],
        pairs.log_pace[chosen],
    )


def _thin(rows: Ints, most: int, rng: np.random.Generator) -> Ints:
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)


def _uncensored(
    zones: _Zones, side: Ints, pairs: _Pairs, params: BorderEffectParams
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


def _cross_lines(zones: _Zones, pairs: _Pairs, lines: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the straight line of each pair meets any of the lines."""
    hit = np.zeros(len(pairs.origin), dtype=bool)
    if not len(lines):
        return hit
    ends = np.stack(
        [
            np.column_stack([zones.x[pairs.origin], zones.y[pairs.origin]]),
            np.column_stack([zones.x[pairs.destination], zones.y[pairs.destination]]),
        ],
        axis=1,
    )
    straight = shapely.linestrings(ends)
    which, _ = shapely.STRtree(straight).query(lines, predicate="intersects")[::-1]
    hit[which] = True
    return hit


def _river_term(
    crosses: NDArray[np.bool_],
    over_river: NDArray[np.bool_],
    is_natural: bool,
    params: BorderEffectParams,
) -> tuple[bool, NDArray[np.bool_] | None]:
    """Whether border and river are one effect, and the river's column where they are not.

    A river's cost is learnt from within pairs, so it takes some that cross one.
    """
    across, inside = float(over_river[crosses].mean()), float(over_river[~crosses].mean())
    if is_natural or across - inside > params.river_share:
        return True, None
    if inside < params.river_within_least:
        return bool(across > params.river_across_least), None
    return False, over_river


def _fit(
    sample: _Pairs,
    crosses: NDArray[np.bool_],
    river: NDArray[np.bool_] | None,
    params: BorderEffectParams,
) -> _Fit:
    """Learn from within pairs, impute the crossing ones.

    Only zones of the sample get a column: factoring costs their number cubed.
    """
    design, n_zones = _design(sample, river, params.distance_bin_m)
    within = design[~crosses]
    ridge = np.full(design.shape[1], 1e-6)
    ridge[:n_zones] = params.zone_ridge
    normal = (within.T @ within).toarray() + np.diag(ridge)
    moment = within.T @ sample.log_pace[~crosses]
    beta = _excess(normal, moment, design[crosses], sample.log_pace[crosses])
    return _Fit(beta, sample, crosses, design, normal, moment)


def _excess(normal: Floats, moment: Floats, across: Any, log_pace: Floats) -> float:
    """Mean of what crossing pairs take beyond what the within pairs teach."""
    theta = cho_solve(cho_factor(normal, check_finite=False), moment, check_finite=False)
    return float(np.mean(log_pace - across @ theta))


def _design(sample: _Pairs, river: NDArray[np.bool_] | None, bin_m: float) -> tuple[Any, int]:
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


# --------------------------------------------------------------------------- interval


def _interval(fit: _Fit, zones: _Zones, params: BorderEffectParams) -> tuple[float, float]:
    """Bounds of beta at 95 %, from betas under resampled blocks of zones."""
    influence = _influences(fit, zones, params)
    count = len(influence)
    if count < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(params.seed + 1)
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=params.bootstrap)
    moved = (drawn - 1.0) @ influence
    wider = count / (count - 1.0) * stdtrit(count - 1, 0.975) / ndtri(0.975)
    low, high = np.quantile(moved * wider, (0.025, 0.975))
    return fit.beta + min(low, 0.0), fit.beta + max(high, 0.0)


def _influences(fit: _Fit, zones: _Zones, params: BorderEffectParams) -> Floats:
    """What each block of zones adds to beta: its jackknife influence."""
    origin, destination = fit.sample.origin, fit.sample.destination
    block = _blocks(zones, np.union1d(origin, destination), params)
    count = int(block.max()) + 1
    left_out = []
    for number in range(count):
        touched = (block[origin] == number) | (block[destination] == number)
        gone, left = touched & ~fit.crosses, ~touched & fit.crosses
        if not left.any():
            continue
        without = fit.design[gone]
        left_out.append(
            _excess(
                fit.normal - (without.T @ without).toarray(),
                fit.moment - without.T @ fit.sample.log_pace[gone],
                fit.design[left],
                fit.sample.log_pace[left],
            )
        )
    share = (len(left_out) - 1.0) / max(len(left_out), 1)
    return np.asarray(share * (fit.beta - np.array(left_out)))


def _blocks(zones: _Zones, used: Ints, params: BorderEffectParams) -> Ints:
    """Square block of each zone, numbered from 0 over the used ones; -1 elsewhere."""
    x, y = zones.x[used], zones.y[used]
    side_m = params.block_m
    while True:
        key = np.column_stack([np.floor(x / side_m), np.floor(y / side_m)])
        found, number = np.unique(key, axis=0, return_inverse=True)
        if len(found) >= min(params.least_blocks, len(used)) or side_m < 100.0:
            break
        side_m *= 0.8
    block = np.full(len(zones.x), -1, dtype=np.int64)
    block[used] = number.ravel()
    return block


# --------------------------------------------------------------------------- placebo


def _placebo_betas(
    zones: _Zones,
    pairs: _Pairs,
    rivers: NDArray[Any],
    line: Any,
    cities: gpd.GeoDataFrame,
    city_a: str,
    city_b: str,
    params: BorderEffectParams,
) -> Floats:
    """Effects of the border shifted into either city, where enough pairs remain.

    A copy parts the zones of one city by which city they would lie in, were they
    shifted back; so it has the border's own shape, and none of its pairs crosses
    the true border.
    """
    area = {
        city: shapely.simplify(geometry, 100.0)
        for city, geometry in zip(cities["city_id"], cities.geometry, strict=True)
    }
    near = zones.to_border_m <= params.belt_m
    rng = np.random.default_rng(params.seed + 2)
    betas = []
    for replicate in range(params.placebos):
        into_a = replicate % 2 == 0
        shift = _shift(zones, near, into_a, params, rng)
        if shift is None:
            continue
        back = shapely.points(zones.x - shift[0], zones.y - shift[1])
        home = zones.is_in_a if into_a else ~zones.is_in_a
        side = np.full(len(zones.x), -1, dtype=np.int64)
        for number, city in enumerate((city_a, city_b)):
            shapely.prepare(area[city])
            side[home & shapely.contains(area[city], back)] = number
        side[shapely.distance(line, back) > params.belt_m] = -1
        fit, _, _ = _estimate(zones, side, pairs, rivers, False, params)
        if fit is not None:
            betas.append(fit.beta)
    return np.array(betas)


def _shift(
    zones: _Zones,
    near: NDArray[np.bool_],
    into_a: bool,
    params: BorderEffectParams,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """A shift into one city: a share of the belt, nearly along the border's normal."""
    length = rng.uniform(*params.placebo_shift) * params.belt_m
    turn = np.radians(rng.uniform(-params.placebo_turn_deg, params.placebo_turn_deg))
    if not (near & zones.is_in_a).any() or not (near & ~zones.is_in_a).any():
        return None
    dx = zones.x[near & zones.is_in_a].mean() - zones.x[near & ~zones.is_in_a].mean()
    dy = zones.y[near & zones.is_in_a].mean() - zones.y[near & ~zones.is_in_a].mean()
    angle = np.arctan2(dy, dx) + turn + (0.0 if into_a else np.pi)
    return float(length * np.cos(angle)), float(length * np.sin(angle))
