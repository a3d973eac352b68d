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

Source: matched comparison and placebo as in docs/methods.md, Accessibility; bootstrap from
jackknife influences after Efron 1992; imputation form after Borusyak, Jaravel
and Spiess 2024.
It is an association, not a cause.

Two stages
----------
`match_zone_pairs` chooses the pairs and finds the placebo borders (layers ``effect_pairs``,
``effect_samples``), `border_effects` estimates. A scenario keeps the base's pairs with the
base's times of the within pairs, and takes the crossing pairs' times anew: what a trip takes
with no border in the way stays what it was, so that no built link raises an effect.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import require_metric
from pipeline.errors import StageError
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.effect_estimate import (
    Sample,
    choose_pairs,
    count_crossing,
    fit_pairs,
)
from pipeline.measures.access.effect_interval import influences, interval
from pipeline.measures.access.effect_pairs import (
    BeltZones,
    Floats,
    Geometries,
    Ints,
    cities_beside,
    describe_zones,
    modes_of,
    pairs_between,
    pairs_of,
    river_lines,
    times_among,
    zones_near,
)
from pipeline.measures.access.effect_placebo import placebo_betas
from pipeline.measures.access.params import BorderEffectParams
from pipeline.measures.routing.pair_times import PairTimes


class _Border(NamedTuple):
    """One border: its line, the two cities beside it, and whether it mostly follows nature."""

    border_id: str
    line: shapely.Geometry
    cities: tuple[str, str]
    is_natural: bool


def match_zone_pairs(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    waterways: gpd.GeoDataFrame,
    params: BorderEffectParams,
) -> dict[str, pd.DataFrame]:
    """The pairs that the effect of one border is estimated from, and its placebo borders.

    Parameters
    ----------
    borders, cities, zone_grid, waterways
        Layers in the metro's metric CRS.
    travel_times
        Zone-to-zone minutes; a pair that is not listed is beyond the cutoff.

    Returns
    -------
    dict
        ``effect_pairs``: matched pairs with their minutes. ``effect_samples``: a row per mode
        that the travel times hold; where there are no pairs with the reason:
        ``no_travel_times``, ``no_zones_with_access`` on one side,
        ``too_few_pairs`` (crossing or matching ones under ``params.min_pairs``),
        or ``cutoff_too_short`` (enough crossing pairs, but at no distance are
        nearly all of them listed).
    """
    require_metric(borders, "borders")
    require_metric(zone_grid, "zone_grid")
    if not len(borders):
        return {name: empty_layer(name) for name in ("effect_pairs", "effect_samples")}
    border = _border_of(borders, border_id, cities, params)
    reach_m = params.belt_m * 2.0
    grid = zones_near(zone_grid, border.line, border.cities, reach_m)
    zones = describe_zones(grid, border.line, border.cities[0], params)
    rivers = river_lines(waterways, border.line, reach_m + params.max_distance_m)
    listed = times_among(travel_times, grid["cell"])
    samples, chosen = [], [empty_layer("effect_pairs")]
    for mode in modes_of(travel_times):
        of_mode = listed[listed["mode"] == mode]
        row, sample = _sample_of(border, zones, of_mode, rivers, cities, params)
        key = {"border_id": border_id, "mode": mode}
        samples.append(key | row)
        if sample is not None:
            chosen.append(_as_pairs(sample, grid["cell"], of_mode).assign(**key))
    return {
        "effect_pairs": conform("effect_pairs", pd.concat(chosen[1:] or chosen)),
        "effect_samples": conform("effect_samples", pd.DataFrame(samples)),
    }


def border_effects(
    border_id: str,
    zone_grid: gpd.GeoDataFrame,
    travel_times: pd.DataFrame | PairTimes,
    effect_pairs: pd.DataFrame,
    effect_samples: pd.DataFrame,
    params: BorderEffectParams,
) -> dict[str, pd.DataFrame]:
    """The border effect of one border, a row per mode.

    Parameters
    ----------
    zone_grid
        Layer in the metro's metric CRS.
    travel_times
        Zone-to-zone minutes of now. Crossing pairs that they list sooner than
        ``effect_pairs`` does count with these times.

    Returns
    -------
    dict
        ``border_effect``: an effect whose interval holds zero is ``not_detected``;
        ``penalty_pct`` and its interval are null with the reason of ``effect_samples``.
        ``effect_influences``: what each block of zones adds to it.
    """
    samples = effect_samples[(effect_samples["border_id"] == border_id).to_numpy(bool)]
    pairs = effect_pairs[(effect_pairs["border_id"] == border_id).to_numpy(bool)]
    if not len(samples):
        return {name: empty_layer(name) for name in ("border_effect", "effect_influences")}
    used = np.union1d(pairs["from_cell"].to_numpy(object), pairs["to_cell"].to_numpy(object))
    zones = pd.DataFrame(zone_grid[zone_grid["cell"].isin(used)]).sort_values("cell")
    zones = zones.reset_index(drop=True)
    now = times_among(travel_times, zones["cell"])
    rows, blocks = [], [empty_layer("effect_influences")]
    for sample in samples.itertuples(index=False):
        row, influence = _effect_row(
            sample._asdict(),
            zones,
            pairs[(pairs["mode"] == sample.mode).to_numpy(bool)],
            now[(now["mode"] == sample.mode).to_numpy(bool)],
            params,
        )
        rows.append(row)
        key = {"border_id": border_id, "mode": sample.mode, "block": np.arange(len(influence))}
        blocks.append(pd.DataFrame(key | {"influence_pct": influence}))
    found = pd.concat([each for each in blocks if len(each)] or blocks, ignore_index=True)
    return {
        "border_effect": pd.DataFrame(rows),
        "effect_influences": conform("effect_influences", found),
    }


def _border_of(
    borders: gpd.GeoDataFrame, border_id: str, cities: gpd.GeoDataFrame, params: BorderEffectParams
) -> _Border:
    found = borders.loc[borders["border_id"] == border_id]
    if len(found) != 1:
        raise StageError(
            f"border_effect: border {border_id!r} is found {len(found)} times; expected once"
        )
    row = found.iloc[0]
    line = found.geometry.iloc[0]
    beside = cities_beside(line, (row["city_a"], row["city_b"]), cities, params.outline_snap_m)
    is_natural = bool(row["natural_share_pct"] > 100.0 * params.river_share)
    return _Border(border_id, line, beside, is_natural)


def _sample_of(
    border: _Border,
    zones: BeltZones,
    listed: pd.DataFrame,
    rivers: Geometries,
    cities: gpd.GeoDataFrame,
    params: BorderEffectParams,
) -> tuple[dict[str, object], Sample | None]:
    """The row of one mode in ``effect_samples``, and its pairs."""
    pairs = pairs_of(listed, zones, params)
    side = np.where(zones.to_border_m <= params.belt_m, zones.side, -1)
    sample, includes_river, reason = choose_pairs(
        zones, side, pairs, rivers, border.is_natural, params
    )
    row: dict[str, object] = {
        "n_crossing": count_crossing(side, pairs),
        "includes_river": includes_river,
        "reason": reason,
        "placebo_low_pct": np.nan,
        "placebo_high_pct": np.nan,
    }
    if sample is None:
        return row, None
    placebos = placebo_betas(zones, pairs, rivers, border.line, cities, border.cities, params)
    if len(placebos):
        low, high = np.quantile(placebos, (0.025, 0.975))
        row |= {"placebo_low_pct": _percent(low), "placebo_high_pct": _percent(high)}
    return row, sample


def _as_pairs(sample: Sample, cells: pd.Series, listed: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``effect_pairs`` without border and mode."""
    cell, pairs = cells.to_numpy(object), sample.pairs
    minutes = _minutes_of(pairs.origin, pairs.destination, listed, len(cell))
    is_over = np.zeros(len(minutes), bool) if sample.over_river is None else sample.over_river
    return pd.DataFrame(
        {
            "from_cell": cell[pairs.origin],
            "to_cell": cell[pairs.destination],
            "is_crossing": sample.crosses,
            "is_over_river": is_over,
            "minutes": minutes,
        }
    )


def _minutes_of(origin: Ints, destination: Ints, listed: pd.DataFrame, count: int) -> Floats:
    """Listed minutes of pairs among ``count`` zones; inf where a pair is not listed."""
    key = listed["origin"].to_numpy() * count + listed["destination"].to_numpy()
    minutes = pd.Series(listed["minutes"].to_numpy(float), index=key)
    found = minutes[~minutes.index.duplicated()].reindex(origin * count + destination)
    return found.fillna(np.inf).to_numpy(float)


def _effect_row(
    sample: dict[str, object],
    zones: pd.DataFrame,
    pairs: pd.DataFrame,
    now: pd.DataFrame,
    params: BorderEffectParams,
) -> tuple[dict[str, object], Floats]:
    """The layer's figures of one border and mode, and what each block adds to the penalty."""
    row: dict[str, object] = {
        "border_id": sample["border_id"],
        "mode": sample["mode"],
        "penalty_pct": np.nan,
        "ci_low_pct": np.nan,
        "ci_high_pct": np.nan,
        "detection": None,
        "n_pairs": sample["n_crossing"],
        **{
            name: sample[name]
            for name in ("placebo_low_pct", "placebo_high_pct", "includes_river", "reason")
        },
    }
    if not len(pairs):
        return row, np.zeros(0)
    cells, xy = pd.Index(zones["cell"]), zones[["point_x", "point_y"]].to_numpy(float)
    at = (cells.get_indexer(pairs[f"{end}_cell"]).astype(np.int64) for end in ("from", "to"))
    origin, destination = at
    crosses, over_river = (pairs[name].to_numpy(bool) for name in ("is_crossing", "is_over_river"))
    minutes = pairs["minutes"].to_numpy(float)
    # What is within teaches as it did; across, a time only falls.
    faster = np.minimum(minutes, _minutes_of(origin, destination, now, len(cells)))
    minutes = np.where(crosses, faster, minutes)
    chosen = pairs_between(xy, origin, destination, minutes)
    fit = fit_pairs(Sample(chosen, crosses, over_river if over_river.any() else None), params)
    influence = influences(fit, xy, params)
    low, high = interval(fit, influence, params)
    return row | {
        "n_pairs": int(crosses.sum()),
        "penalty_pct": _percent(fit.beta),
        "ci_low_pct": _percent(low),
        "ci_high_pct": _percent(high),
        "detection": _detection(low, high),
    }, (100.0 + _percent(fit.beta)) * influence


def _detection(low: float, high: float) -> str | None:
    """What an interval of beta says: null where there is none."""
    if np.isnan(low) or np.isnan(high):
        return None
    return "longer" if low > 0.0 else "shorter" if high < 0.0 else "not_detected"


def _percent(beta: float) -> float:
    return float(100.0 * np.expm1(beta))
