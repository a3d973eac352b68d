"""Gains as figures of a link: both cities' shares, errors, units for a meeting, ranks.

What belongs here: the sum of a link's gains over its points, laid several times; how sure
it is; what it comes to in people, hours and money; the order of the links. Where the points
lie belongs to `people_points`, what a link saves between them to `gains`.

The gain is the mean of the lays. Its error is that of the mean at 95 %: the lays differ by
where the squares' edges fall, and by nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.special import stdtrit

from pipeline.layers import LAYERS, conform
from pipeline.measures.border_roads.gains import partial_gains
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.people_points import gather_points
from pipeline.measures.geometry.areas import percent_of
from pipeline.measures.geometry.planar import Flags, Floats
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams

SIDES = ("a", "b")


class _Lays(NamedTuple):
    """Sums per link, lay and side, float64[links, lays, 2]."""

    gain: Floats
    people: Floats


def gains_by_lay(
    links: gpd.GeoDataFrame,
    people_points: pd.DataFrame,
    network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> pd.DataFrame:
    """What each link saves, once for each lay of its points: layer ``link_gains``.

    Parameters
    ----------
    links
        Rows of layer ``link_candidates``.
    people_points
        Layer of that name, in the same metric CRS.
    """
    rows = []
    for number in range(len(links)):
        link = links.iloc[[number]]
        line = shapely.get_coordinates(link.geometry.iloc[0])
        for lay in range(params.lays):
            points = gather_points(
                people_points, line[[0, -1]], params.grain_m, params.grain_share, lay
            )
            found = partial_gains((0, len(points)), link, points, network, params, routing_params)
            rows.append((link["link_id"].iloc[0], 0, lay, *found.person_min[0], *found.winners[0]))
    return conform("link_gains", pd.DataFrame(rows, columns=list(LAYERS["link_gains"].names)))


def sum_gains(
    link_candidates: gpd.GeoDataFrame,
    link_gains: pd.DataFrame,
    zone_grid: pd.DataFrame,
    params: MissingLinksParams,
) -> gpd.GeoDataFrame:
    """The links as layer ``missing_links``: gains, shares, errors and units, no rank yet.

    The gain of a city whose population is not known is null, and so are the figures that
    need both.
    """
    known = zone_grid.loc[zone_grid["population"].notna().to_numpy(), "city_id"].unique()
    lays = _lays_of(link_candidates, link_gains)
    for side, city in enumerate(("from_city", "to_city")):
        unknown = ~link_candidates[city].isin(known).to_numpy(bool)
        lays.gain[unknown, :, side] = np.nan
        lays.people[unknown, :, side] = np.nan
    table = link_candidates.assign(
        **_gains(lays),
        **_shares(lays),
        **_units(lays, link_candidates, params),
        rank=pd.array([pd.NA] * len(link_candidates), dtype="Int64"),
    )
    table = conform("missing_links", table[[*LAYERS["missing_links"].names, "geometry"]])
    return gpd.GeoDataFrame(table, geometry="geometry", crs=link_candidates.crs)


# --- figures ------------------------------------------------------------------------------


def _lays_of(link_candidates: gpd.GeoDataFrame, link_gains: pd.DataFrame) -> _Lays:
    """Parts of a lay added up."""
    lays = sorted(link_gains["lay"].unique()) or [0]
    keys = pd.MultiIndex.from_product([link_candidates["link_id"], lays])
    parts = link_gains.sort_values(["link_id", "lay", "first_zone"])
    total = parts.groupby(["link_id", "lay"]).sum().reindex(keys)
    shape = (len(link_candidates), len(lays))
    gain, people = (
        np.stack([total[f"{name}_{side}"].to_numpy(float).reshape(shape) for side in SIDES], axis=2)
        for name in ("gain_person_min", "people_gaining")
    )
    return _Lays(gain, people)


def _gains(lays: _Lays) -> dict[str, Floats | Flags]:
    total = lays.gain.sum(axis=2)
    error = error_of(total)
    mean = total.mean(axis=1)
    found: dict[str, Floats | Flags] = {}
    for number, side in enumerate(SIDES):
        found[f"gain_person_min_{side}"] = lays.gain[:, :, number].mean(axis=1)
        found[f"gain_error_person_min_{side}"] = error_of(lays.gain[:, :, number])
    return found | {
        "gain_error_pct": percent_of(error, mean),
        "is_gain_significant": (mean > 0.0) & ~(mean <= error),
    }


def error_of(lays: Floats) -> Floats:
    """Half width of the 95 % interval of the mean over the last axis; NaN for a single lay."""
    count = lays.shape[-1]
    if count < 2:
        return np.full(lays.shape[:-1], np.nan)
    spread = lays.std(axis=-1, ddof=1) / np.sqrt(count)
    return np.asarray(stdtrit(count - 1, 0.975) * spread)


def _shares(lays: _Lays) -> dict[str, Floats]:
    """The benefit key, and its interval from the keys of the lays; null where nobody gains."""
    both = lays.gain.mean(axis=1)
    share = percent_of(both[:, 0], both.sum(axis=1))
    each = percent_of(lays.gain[:, :, 0], lays.gain.sum(axis=2))
    error = error_of(each)
    return {
        "benefit_share_a_pct": share,
        "benefit_share_a_low_pct": np.clip(share - error, 0.0, 100.0),
        "benefit_share_a_high_pct": np.clip(share + error, 0.0, 100.0),
    }


def _units(lays: _Lays, links: gpd.GeoDataFrame, params: MissingLinksParams) -> dict[str, Floats]:
    """People who gain, hours a day, and gain by cost."""
    gain = lays.gain.mean(axis=1).sum(axis=1)
    people = lays.people.mean(axis=1)
    cost = links["indicative_cost_m_cny"].to_numpy(float)
    per_cost = gain / cost
    return {
        "people_gaining_a": people[:, 0],
        "people_gaining_b": people[:, 1],
        "gain_person_hours_day": gain / 60.0 * params.trips_per_day,
        "gain_per_m_cny_low": per_cost / params.cost_range_factor,
        "gain_per_m_cny_high": per_cost * params.cost_range_factor,
    }
