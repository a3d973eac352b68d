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
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.errors import StageError
from pipeline.layers import empty_layer
from pipeline.measures.access.effect_estimate import count_crossing, estimate
from pipeline.measures.access.effect_interval import interval
from pipeline.measures.access.effect_pairs import (
    BeltZones,
    ZonePairs,
    cities_beside,
    describe_zones,
    modes_of,
    pairs_of,
    river_lines,
    times_among,
    zones_near,
)
from pipeline.measures.access.effect_placebo import placebo_betas
from pipeline.measures.access.params import BorderEffectParams
from pipeline.measures.routing.pair_times import PairTimes

Geometries = NDArray[np.object_]


class _Border(NamedTuple):
    """One border: its line, the two cities beside it, and whether it mostly follows nature."""

    border_id: str
    line: shapely.Geometry
    cities: tuple[str, str]
    is_natural: bool


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
        Layer ``border_effect``. An effect whose interval holds zero is ``not_detected``.
        ``penalty_pct`` and its interval are null with
        the reason: ``no_travel_times``, ``no_zones_with_access`` on one side,
        ``too_few_pairs`` (crossing or matching ones under ``params.min_pairs``),
        or ``cutoff_too_short`` (enough crossing pairs, but at no distance are
        nearly all of them listed).
    """
    require_metric(borders, "borders")
    require_metric(zone_grid, "zone_grid")
    if not len(borders):
        return empty_layer("border_effect")
    border = _border_of(borders, border_id, cities, params)
    reach_m = params.belt_m * 2.0
    grid = zones_near(zone_grid, border.line, border.cities, reach_m)
    zones = describe_zones(grid, border.line, border.cities[0], params)
    rivers = river_lines(waterways, border.line, reach_m + params.max_distance_m)
    listed = times_among(travel_times, grid["cell"])
    rows = []
    for mode in modes_of(travel_times):
        pairs = pairs_of(listed[listed["mode"] == mode], zones, params)
        row = _effect_row(border, zones, pairs, rivers, cities, params)
        rows.append({"border_id": border_id, "mode": mode} | row)
    return pd.DataFrame(rows)


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


def _effect_row(
    border: _Border,
    zones: BeltZones,
    pairs: ZonePairs,
    rivers: Geometries,
    cities: gpd.GeoDataFrame,
    params: BorderEffectParams,
) -> dict[str, object]:
    """The layer's figures of one border and mode."""
    side = np.where(zones.to_border_m <= params.belt_m, zones.side, -1)
    fit, includes_river, reason = estimate(zones, side, pairs, rivers, border.is_natural, params)
    row: dict[str, object] = {
        "penalty_pct": np.nan,
        "ci_low_pct": np.nan,
        "ci_high_pct": np.nan,
        "detection": None,
        "n_pairs": 0,
        "placebo_low_pct": np.nan,
        "placebo_high_pct": np.nan,
        "includes_river": includes_river,
        "reason": reason,
    }
    if fit is None:
        return row | {"n_pairs": count_crossing(side, pairs)}
    low, high = interval(fit, zones, params)
    row |= {
        "n_pairs": int(fit.crosses.sum()),
        "penalty_pct": _percent(fit.beta),
        "ci_low_pct": _percent(low),
        "ci_high_pct": _percent(high),
        "detection": _detection(low, high),
    }
    placebos = placebo_betas(zones, pairs, rivers, border.line, cities, border.cities, params)
    if len(placebos):
        low, high = np.quantile(placebos, (0.025, 0.975))
        row |= {"placebo_low_pct": _percent(low), "placebo_high_pct": _percent(high)}
    return row


def _detection(low: float, high: float) -> str | None:
    """What an interval of beta says: null where there is none."""
    if np.isnan(low) or np.isnan(high):
        return None
    return "longer" if low > 0.0 else "shorter" if high < 0.0 else "not_detected"


def _percent(beta: float) -> float:
    return float(100.0 * np.expm1(beta))
